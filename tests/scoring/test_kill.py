"""Runs that are killed at any moment: every id exactly once, and the submission of a run that nobody disturbed.

KILLS=100 does a hundred with `arena score` and a real model, on one and on two workers (`make kill`); otherwise a few
with the light engine. The moments are drawn from a seed.
"""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from light_engine import battles, run_into
from tiny_classifier import save_classifier, write_lmsys

KILLS = int(os.environ.get("KILLS", "0"))
LIGHT = "import sys; from pathlib import Path; from light_engine import battles, run_into\nrun_into(Path(sys.argv[1]), battles(int(sys.argv[2])), workers=int(sys.argv[3]), stages=int(sys.argv[4]), pause_s=0.002)"


def ids_of(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row["id"] for row in csv.DictReader(file)]


def start(*command: str, cwd: Path) -> "subprocess.Popen[bytes]":
    """In a session of its own, so that the workers are killed with it."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *command], cwd=cwd, env=environment, start_new_session=True, stderr=subprocess.PIPE
    )


def size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def killed_after(process: "subprocess.Popen[bytes]", journal: Path, moment: float, beyond: int = 0) -> bool:
    """Kill the run at a moment after its journal is longer than that; False where it was done before."""
    while process.poll() is None and size(journal) <= beyond:
        time.sleep(0.001)
    deadline = time.monotonic() + moment
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    is_killed = process.poll() is None
    if is_killed:
        os.killpg(process.pid, signal.SIGKILL)
    errors = process.stderr.read() if process.stderr else b""
    code = process.wait()
    if process.stderr:
        process.stderr.close()
    assert code == (-signal.SIGKILL if is_killed else 0), errors.decode()
    return is_killed


@pytest.mark.parametrize(("workers", "stages"), [(0, 1), (2, 1), (0, 2), (2, 2)])
def test_a_run_that_is_killed_goes_on_to_the_same_submission(tmp_path: Path, workers: int, stages: int) -> None:
    """Also with a second model, which packs rows in another way and looks where the first was uncertain."""
    count, draw = 600, random.Random(workers)  # noqa: S311 - moments, not secrets
    run_into(tmp_path / "whole.csv", battles(count), stages=stages)
    output, kills = tmp_path / "s.csv", 0
    while True:
        process = start("-c", LIGHT, str(output), str(count), str(workers), str(stages), cwd=tmp_path)
        # Any moment from the first record on, then moments when more packs are done than before.
        journal = output.with_name(".s.csv.journal")
        if not killed_after(process, journal, draw.uniform(0, 0.2) if kills < 4 else 60, size(journal) if kills else 0):
            break
        kills += 1
        if output.exists():
            assert sorted(ids_of(output), key=int) == [str(n) for n in range(count)]
    assert kills >= 2
    assert output.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert {each.name for each in tmp_path.iterdir()} == {"whole.csv", "s.csv"}


@pytest.mark.skipif(not KILLS, reason="KILLS=100, as `make kill` says, takes an hour")
@pytest.mark.parametrize("workers", [1, 2])
def test_many_kills_of_a_real_run(tmp_path: Path, workers: int) -> None:
    save_classifier(tmp_path / "model")
    draw, count = random.Random(workers), 3000  # noqa: S311 - as above
    write_lmsys(tmp_path / "test.csv", battles(count))
    command = (
        "-m",
        "pipeline",
        "score",
        "--model",
        "model",
        "--test",
        "test.csv",
        "--swap",
        "all",
        "--workers",
        str(workers),
        "--batch-tokens",
        "512",
    )
    whole = start(*command, "--output", "whole.csv", cwd=tmp_path)
    while not size(tmp_path / ".whole.csv.journal"):
        time.sleep(0.01)
    began = time.monotonic()
    assert not killed_after(whole, tmp_path / ".whole.csv.journal", 900)
    span = time.monotonic() - began
    output, kills, ends = tmp_path / "s.csv", 0, 0
    while kills < KILLS // 2 or output.exists():
        # Any moment of a run; half of them early, so that most submissions are the work of several runs.
        moment = draw.uniform(0, draw.choice((0.5, 1.0)) * span) if kills < KILLS // 2 else 900
        process = start(*command, "--output", "s.csv", cwd=tmp_path)
        if killed_after(process, tmp_path / ".s.csv.journal", moment):
            kills += 1
            if output.exists():
                assert sorted(ids_of(output), key=int) == [str(n) for n in range(count)]
            continue
        ends += 1
        assert output.read_bytes() == (tmp_path / "whole.csv").read_bytes()
        output.unlink()
    assert ends
    print(f"{workers} workers: {kills} kills, {ends} submissions, all equal")
