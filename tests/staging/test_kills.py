"""Staging that is killed: at any step there is nothing, or a directory that says it is incomplete; the next run ends right.

A step is a call that changes the disk. The child counts them and kills itself at one, a write half done; which ones is
drawn from a seed. `KILLS` says how many (`make kill`: 50).
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from model_factory import model_dir
from staging_bundles import PROJECT, contents, untouched, with_texts

KILLS = int(os.environ.get("KILLS", "6"))
SEED = 20261128
STEPS = """
import os, sys, threading
stop, count, lock = int(sys.argv.pop(1)), 0, threading.Lock()

def wrap(name):
    real = getattr(os, name)

    def step(*arguments, **named):
        global count
        with lock:
            count += 1
            if count == stop:
                if name == "write":
                    real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                os.kill(os.getpid(), 9)
        return real(*arguments, **named)

    setattr(os, name, step)

for each in ("write", "fsync", "mkdir", "rename", "replace", "link", "unlink", "rmdir", "fchmod", "chmod", "open"):
    wrap(each)
from resolver.cli import main

code = main(sys.argv[1:])
sys.stderr.write(f"steps: {count}")
sys.exit(code)
"""
WAYS = {
    "copy": (),
    "link": ("--link",),
    "reshard": ("--shard-size", "8KB"),
    "volumes": ("--volume-size", "10KB"),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_texts(model_dir(tmp_path_factory.mktemp("source") / "a model", shards=3))


def run(stop: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", STEPS, str(stop), "stage", *map(str, arguments)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120)


def expect_nothing_or_a_warning(place: Path, wanted: dict) -> None:
    """What a killed run may leave: nothing, the finished target, and directories that say that they are not."""
    for name in {each.name for each in place.iterdir()}:
        root = place / name
        if name.endswith(".incomplete"):
            assert (root / "INCOMPLETE.txt").is_file() or not any(root.iterdir())
        else:
            assert contents(root) == wanted[name]


@pytest.mark.parametrize("way", WAYS)
def test_killed_at_any_step_the_next_run_ends_right(model, tmp_path, way) -> None:
    flags = WAYS[way]
    (tmp_path / "whole").mkdir()
    done = run(0, model, "--to", tmp_path / "whole" / "new", *flags)
    assert done.returncode == 0, done.stderr
    wanted = {each.name: contents(each) for each in (tmp_path / "whole").iterdir()}
    steps = int(done.stderr.rpartition("steps: ")[2])
    before = untouched(model)
    chosen = random.Random(f"{SEED}-{way}")  # noqa: S311 - repeatable places, not secrets
    kills = -(-KILLS // len(WAYS))
    for number in range(kills):
        place = tmp_path / str(number)
        place.mkdir()
        for stop in (chosen.randint(1, steps), chosen.randint(1, steps)):  # killed, gone on with, killed again
            killed = run(stop, model, "--to", place / "new", *flags)
            assert killed.returncode in (-signal.SIGKILL, 0), (stop, killed.stderr)
            expect_nothing_or_a_warning(place, wanted)
        done = run(0, model, "--to", place / "new", *flags)
        assert done.returncode == 0, done.stderr
        assert {each.name: contents(each) for each in place.iterdir()} == wanted
        assert untouched(model) == before
        shutil.rmtree(place)


@pytest.mark.parametrize("number", range(max(1, KILLS // 10)))
def test_joining_that_is_killed_ends_right_the_next_time(model, tmp_path, number) -> None:
    assert run(0, model, "--to", tmp_path / "new", "--volume-size", "10KB").returncode == 0
    arguments = ("--join", tmp_path / "new.volumes" / "receipt.json", "--to", tmp_path / "there" / "new")
    (tmp_path / "there").mkdir()
    stop = random.Random(f"{SEED}-{number}").randint(20, 120)  # noqa: S311 - as above
    assert run(stop, *arguments).returncode in (-signal.SIGKILL, 0)
    wanted = {"new": contents(tmp_path / "new")}
    expect_nothing_or_a_warning(tmp_path / "there", wanted)
    assert run(0, *arguments).returncode == 0
    assert {each.name: contents(each) for each in (tmp_path / "there").iterdir()} == wanted


def large(tmp_path: Path) -> Path:
    """Some hundred megabytes of holes: long enough to be interrupted at some moment."""
    tensors = {f"t{n}": ("F32", (1 << 11, 1 << 13), None) for n in range(3)}
    return model_dir(tmp_path / "model", shards=3, sparse=True, tensors=tensors)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda each: each.name)
@pytest.mark.parametrize("after", [0.0, 0.25])
def test_stopped_at_some_moment_it_says_how_to_go_on_and_does(tmp_path, how, after) -> None:
    root = large(tmp_path)
    before = untouched(root)
    command = [sys.executable, "-m", "resolver", "stage", str(root), "--to", str(tmp_path / "new")]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while not (tmp_path / "new.incomplete").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(after)
        process.send_signal(how)
        said = process.stderr.read().decode()
    assert untouched(root) == before
    kept = tmp_path / "new.incomplete"
    if process.returncode in (130, 143):
        assert said.startswith("interrupted; " if how == signal.SIGINT else "terminated; ")
        assert ("run the same command again to go on" in said) == kept.exists()
    if kept.exists() and any(kept.iterdir()):  # an empty one says it by its name
        text = (kept / "INCOMPLETE.txt").read_text()
        assert "This directory is incomplete" in text
        assert str(tmp_path / "new") in text
        assert f"rm -r {kept}" in text
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(("made", "already there"))
    assert {each.name for each in tmp_path.iterdir()} == {"model", "new"}
    shard = "model-00003-of-00003.safetensors"
    assert (tmp_path / "new" / shard).stat().st_size == (root / shard).stat().st_size
