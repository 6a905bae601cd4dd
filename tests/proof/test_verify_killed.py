"""verify and lock, killed at any point: the next run goes on where they were and says what an undisturbed one says.

`KILLS` is how often (`make kill` does it 50 times). The child that is killed reads slowly and keeps how far it is at
every piece, so that a kill falls between all that it does; the run after it is an ordinary one.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import hub_factory as hub
import pytest
from command_runs import PROJECT
from model_factory import model_dir

from resolver.integrity.midstate import library_version

KILLS = int(os.environ.get("KILLS", "6"))
PIECE = 1 << 20
NOTED = 4_000  # bytes of a journal: eight notes or so
SLOWLY = """
import sys, time
from resolver.integrity import resumable
resumable.KEPT_EVERY_S = 0.0
take = resumable._Task.take
def slowly(self, buffer, count):
    take(self, buffer, count)
    time.sleep(0.004)
resumable._Task.take = slowly
from resolver.cli import main
sys.exit(main(sys.argv[1:]))
"""
LARGE = ("large-1.bin", "large-2.bin", "large-3.bin")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with some large files and its lock, all of which have lain there for long enough to be noted."""
    root = tmp_path_factory.mktemp("killed")
    model = model_dir(root / "m", shards=2)
    for number, name in enumerate(LARGE):
        (model / name).write_bytes(random.Random(number).randbytes(20 * PIECE + 13))  # noqa: S311 - data
    (root / "home").mkdir()
    assert resolver(root, "lock", "m", "--output", "x.lock").returncode == 0
    settle()
    return root


def settle() -> None:
    time.sleep(2.1)


def variables(place: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(place / "home"),
        "PYTHONPATH": str(PROJECT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def resolver(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "resolver", *words]
    return subprocess.run(command, cwd=place, env=variables(place), capture_output=True, text=True, check=False)


def killed(place: Path, after_s: float, *words: str) -> None:
    """Start it, and kill it after so long, wherever it is by then."""
    with _started(place, *words) as child:
        try:
            child.wait(after_s)
        except subprocess.TimeoutExpired:
            child.kill()


def stopped_reading(place: Path, *words: str, by: signal.Signals = signal.SIGKILL) -> tuple[int, str]:
    """Start it, and stop it once it has kept how far it is; its exit code, and what it said on stderr."""
    with _started(place, *words) as child:
        while child.poll() is None and not any(each.stat().st_size > NOTED for each in journals(place)):
            time.sleep(0.005)
        child.send_signal(by)
        said = child.stderr.read() if child.stderr else ""
    return child.returncode, said


def _started(place: Path, *words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", SLOWLY, *words]
    return subprocess.Popen(
        command, cwd=place, env=variables(place), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def journals(place: Path) -> list[Path]:
    return sorted((place / "home/.local/state/offline-resolver/runs").glob("*.journal"))


def told(place: Path) -> dict:
    done = resolver(place, "verify", "x.lock", "--format", "json")
    (verification,) = json.loads(done.stdout)["verifications"]
    return {**verification, "code": done.returncode}


@pytest.mark.parametrize("number", range(KILLS))
def test_after_a_kill_it_goes_on_and_says_the_same(place: Path, number: int) -> None:
    """One to three kills in a row, each at a random time; nothing that was read twice is counted once."""
    seed = random.Random(number)  # noqa: S311 - repeatable
    for _ in range(seed.randint(1, 3)):
        killed(place, seed.uniform(0.05, 0.45), "verify", "x.lock")
    found = told(place)
    whole = sum(each["size_bytes"] for each in found["files"])
    assert (found["code"], found["verdict"]) == (0, "verified")
    assert found["read_bytes"] + found["resumed_bytes"] == whole
    assert journals(place) == []


@pytest.mark.parametrize("number", range(max(2, KILLS // 3)))
def test_a_file_that_was_damaged_before_or_while_it_was_killed_is_found(place: Path, number: int) -> None:
    seed = random.Random(1_000 + number)  # noqa: S311 - repeatable
    name = LARGE[number % len(LARGE)]
    before = seed.random() < 0.5
    at = seed.randrange(20 * PIECE)
    if before:
        hub.flip(place / "m" / name, at)
        settle()
    killed(place, seed.uniform(0.15, 0.45), "verify", "x.lock")
    if not before:
        hub.flip(place / "m" / name, at)  # the time is put back; ctime cannot be
    found = told(place)
    hub.flip(place / "m" / name, at)
    settle()
    assert [each["name"] for each in found["files"] if each["verdict"] != "verified"] == [name]
    assert (found["code"], found["verdict"]) == (1, "corrupt")


def test_it_really_goes_on_in_the_middle_of_a_file(place: Path) -> None:
    stopped_reading(place, "verify", "x.lock")
    (journal,) = journals(place)
    found = told(place)
    assert found["resumed_bytes"] > PIECE
    if library_version():
        whole = {each["size_bytes"] for each in found["files"]}
        assert found["resumed_bytes"] not in whole
    assert not journal.exists()


def test_a_damaged_journal_costs_time_and_nothing_else(place: Path) -> None:
    seed = random.Random(7)  # noqa: S311 - repeatable
    stopped_reading(place, "verify", "x.lock")
    (journal,) = journals(place)
    data = bytearray(journal.read_bytes())
    for _ in range(40):
        data[seed.randrange(len(data))] ^= 1 << seed.randrange(8)
    journal.write_bytes(data)
    assert (told(place)["code"], journals(place)) == (0, [])


def test_the_journal_of_a_corrupt_model_does_not_serve_another_lock(place: Path) -> None:
    """The same files under another lock are another subject: nothing is taken over."""
    stopped_reading(place, "verify", "x.lock")
    other = json.loads((place / "x.lock").read_text())
    (place / "y.lock").write_text(json.dumps(other))
    (place / "m2").symlink_to("m")
    done = resolver(place, "verify", "y.lock", "./m=m2", "--format", "json")
    assert json.loads(done.stdout)["verifications"][0]["resumed_bytes"] == 0
    (place / "m2").unlink()
    assert told(place)["resumed_bytes"] > 0


def test_ctrl_c_says_how_to_go_on(place: Path) -> None:
    code, said = stopped_reading(place, "verify", "x.lock", by=signal.SIGINT)
    assert code == 130
    assert "the same command goes on from here" in said
    assert told(place)["resumed_bytes"] > 0


@pytest.mark.parametrize("number", range(max(3, KILLS // 5)))
def test_a_killed_lock_leaves_the_old_one_or_a_whole_new_one(place: Path, number: int) -> None:
    seed = random.Random(2_000 + number)  # noqa: S311 - repeatable
    before = (place / "x.lock").read_bytes()
    killed(place, seed.uniform(0.05, 0.5), "lock", "m", "--output", "x.lock")
    assert (place / "x.lock").read_bytes() == before
    (place / "new.lock").unlink(missing_ok=True)
    killed(place, seed.uniform(0.05, 0.7), "lock", "m", "--output", "new.lock")
    assert not (place / "new.lock").exists() or (place / "new.lock").read_bytes() == before
    assert resolver(place, "lock", "m", "--output", "new.lock").returncode == 0
    assert (place / "new.lock").read_bytes() == before
    assert journals(place) == []
