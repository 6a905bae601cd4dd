"""Killed at any moment, `notebook --fix` leaves each file as it was or whole and new, and every backup whole."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from notebook_factory import HANDLE, inference, metadata_text, notebook_text, reference_cells

PROJECT = Path(__file__).resolve().parents[2]
KILLS = 12
# What a process that is killed may leave behind: its own files, which are named so that nobody takes them for others.
HALF = ".tmp"


def start(*arguments: object, cwd: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "KAGGLE_CACHE_MOUNT_FOLDER": str(cwd / "nowhere")}
    command = [sys.executable, "-m", "resolver", "notebook", *map(str, arguments)]
    return subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def large(folder: Path) -> Path:
    """A notebook that takes a while to write."""
    path = inference(folder)
    document = json.loads(notebook_text(reference_cells("inference")))
    document["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["x" * 1_000_000] * 30}]
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_at_any_moment_every_file_is_the_old_one_or_the_new_one(tmp_path: Path, how: signal.Signals) -> None:
    whole = large(tmp_path / "whole")
    done = start(whole, "--fix", "--in-place", cwd=whole.parent)
    assert done.wait(60) == 0
    new = {name: (whole.parent / name).read_bytes() for name in ("inference.ipynb", "kernel-metadata.json")}
    seen = set()
    for number in range(KILLS):
        path = large(tmp_path / f"{how.name}-{number}")
        old = {name: (path.parent / name).read_bytes() for name in new}
        process = start(path, "--fix", "--in-place", cwd=path.parent)
        deadline = time.monotonic() + 20
        while process.poll() is None and not list(path.parent.glob(f".*{HALF}")) and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(number * 0.008)
        process.send_signal(how)
        process.wait(30)
        for name, made in new.items():
            data = (path.parent / name).read_bytes()
            assert data in (old[name], made)
            seen.add((name, data == made))
            kept = path.parent / f"{name}.bak"
            assert not kept.exists() or kept.read_bytes() == old[name]
            assert data == old[name] or kept.exists()
        if how == signal.SIGINT:
            assert not list(path.parent.glob(f".*{HALF}"))
    assert ("inference.ipynb", False) in seen, "every kill came too late: nothing was proven"


@pytest.mark.parametrize("after", [0.0, 0.01, 0.05])
def test_killed_at_any_moment_there_is_no_half_directory(tmp_path: Path, after: float) -> None:
    path = large(tmp_path / "n")
    target = path.parent / "inference-fixed"
    process = start(path, "--fix", cwd=path.parent)
    while process.poll() is None and not list(path.parent.glob(f".*{HALF}")):
        time.sleep(0.001)
    time.sleep(after)
    process.kill()
    process.wait(30)
    if target.exists():
        assert HANDLE in (target / "kernel-metadata.json").read_text()
        assert json.loads((target / "inference.ipynb").read_text("utf-8"))["nbformat"] == 4


def test_a_folder_that_cannot_be_written_is_said_and_nothing_changes(tmp_path: Path) -> None:
    path = inference(tmp_path)
    (tmp_path / "kernel-metadata.json").write_text(metadata_text("inference.ipynb"))
    for number in range(100):
        (tmp_path / f"kernel-metadata.json.bak{number or ''}").touch()
    before = path.read_bytes()
    done = start(path, "--fix", "--in-place", cwd=tmp_path)
    assert done.wait(60) == 2
    assert path.read_bytes() == before
    assert not list(tmp_path.glob(f".*{HALF}"))
