"""A directory that is there whole or not at all: after an error, a kill, a full disk, a kill between two renames."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from pipeline.directory import new_directory, refuse_taken
from pipeline.errors import OutputError


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def fill(place: Path, text: str = "new") -> None:
    (place / "config.json").write_text(text)


def stopped(target: Path, error: BaseException) -> None:
    with new_directory(target) as place:
        fill(place)
        raise error


def test_it_becomes_the_target_with_its_parents(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "model"
    with new_directory(target) as place:
        fill(place)
        assert not target.exists()
    assert (target / "config.json").read_text() == "new"
    assert names(target.parent) == ["model"]


def test_an_error_leaves_nothing_not_even_the_parents(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no"):
        stopped(tmp_path / "a" / "model", RuntimeError("no"))
    assert names(tmp_path) == []


def test_an_error_leaves_the_old_one_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    fill(target, "old")
    with pytest.raises(KeyboardInterrupt):
        stopped(target, KeyboardInterrupt())
    assert (target / "config.json").read_text() == "old"
    with new_directory(target) as place:
        fill(place)
    assert (target / "config.json").read_text() == "new"
    assert names(tmp_path) == ["model"]


def test_what_a_full_disk_says_is_told_of_the_target(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"model: it cannot be written: No space left"),
        new_directory(tmp_path / "model"),
    ):
        raise OSError(28, "No space left on device")
    assert names(tmp_path) == []
    with pytest.raises(OutputError, match=r"bytes are needed there"), new_directory(tmp_path / "model", 10**18):
        pass


KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.directory import new_directory
with new_directory(Path(sys.argv[1])) as place:
    (place / "config.json").write_text("half")
    print(place.name, flush=True)
    {then}
"""


@contextmanager
def run(target: Path, then: str) -> Iterator["Popen[str]"]:
    command = [sys.executable, "-c", KILLED.format(then=then), str(target)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        yield process
        process.kill()


def test_a_killed_run_leaves_no_target_and_the_next_one_sweeps(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with run(target, "os.kill(os.getpid(), signal.SIGKILL)") as killed:
        assert killed.wait(60) == -signal.SIGKILL
    assert not target.exists()
    assert len(names(tmp_path)) == 1  # hidden, and taken for nothing
    with new_directory(target) as place:
        fill(place)
    assert names(tmp_path) == ["model"]


def test_the_work_of_a_live_run_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with run(target, "sys.stdin.read()") as live:
        assert live.stdout is not None
        name = live.stdout.readline().strip()
        with new_directory(target) as place:
            fill(place)
        assert (tmp_path / name / "config.json").read_text() == "half"


def test_a_kill_between_two_renames_loses_nothing(tmp_path: Path) -> None:
    """The old directory has stepped aside and the new one is not there yet: the next run puts the old one back first."""
    aside = tmp_path / ".model.99.replaced"
    aside.mkdir()
    fill(aside, "old")
    with pytest.raises(KeyboardInterrupt), new_directory(tmp_path / "model"):
        raise KeyboardInterrupt
    assert (tmp_path / "model" / "config.json").read_text() == "old"
    assert names(tmp_path) == ["model"]


def test_only_its_own_leftovers_are_swept(tmp_path: Path) -> None:
    others = [".model.notes.making", ".models.12.making", ".model.12.part", ".m[o]del.12.making"]
    for name in others:
        (tmp_path / name).mkdir()
    with new_directory(tmp_path / "model") as place:
        fill(place)
    assert sorted(names(tmp_path)) == sorted([*others, "model"])


@pytest.mark.parametrize(
    ("made", "force", "said"),
    [
        ("file", True, "it is not a directory"),
        ("others", True, "it holds other things than a model"),
        ("model", False, "it holds a model already"),
        ("model", True, None),
        ("empty", False, None),
        ("nothing", False, None),
    ],
)
def test_a_place_that_is_taken_is_refused(tmp_path: Path, made: str, force: bool, said: str | None) -> None:
    target = tmp_path / "model"
    if made == "file":
        target.write_text("x")
    elif made != "nothing":
        target.mkdir()
        if made != "empty":
            (target / ("config.json" if made == "model" else "thesis.tex")).write_text("x")
    if said is None:
        refuse_taken(target, marker="config.json", what="a model", force=force)
        return
    with pytest.raises(OutputError, match=said):
        refuse_taken(target, marker="config.json", what="a model", force=force)
