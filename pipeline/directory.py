"""Make a directory so that it is there whole or not at all, whatever ends the process.

It is written beside its place and renamed. What a killed run left beside it is removed by the next one, which tells a
dead run from a live one by the lock that the system lets go of.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipeline.errors import OutputError
from pipeline.output import refused_as_output

MADE: Final = ".making"
ASIDE: Final = ".replaced"
FIX: Final = "name a directory below one that can be written"


def refuse_taken(target: Path, *, marker: str, what: str, force: bool) -> None:
    """Refuse a place where a directory must not be made.

    Args:
        target: the place.
        marker: the file that tells the kind of directory which may be replaced.
        what: that kind, for the message.
        force: replace one.

    Raises:
        OutputError: it is a file, it holds something else, or it holds one and `force` was not said.
    """
    if os.path.lexists(target) and not target.is_dir():
        raise OutputError(f"{target}: it is not a directory", fix="name a directory that does not exist yet")
    if not target.is_dir() or not any(target.iterdir()):
        return
    if not (target / marker).is_file():
        raise OutputError(
            f"{target}: it holds other things than {what}", fix="name a directory that does not exist yet"
        )
    if not force:
        raise OutputError(
            f"{target}: it holds {what} already", fix="name another directory, or say --force to replace it"
        )


def require_writable(target: Path) -> None:
    """Refuse a place where a directory cannot be made, before the work that would be lost; nothing is left behind.

    Raises:
        OutputError: its parent cannot be made or written.
    """
    absent = tuple(parent for parent in target.parents if not os.path.lexists(parent))
    place = target.with_name(f".{target.name}.{os.getpid()}{MADE}")
    try:
        with refused_as_output(target, fix=FIX):
            place.mkdir(parents=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)
        _remove_empty(absent)


@contextmanager
def new_directory(target: Path, needs_bytes: int = 0) -> Iterator[Path]:
    """A directory to write into, which becomes `target` when the block ends well and is gone when it does not.

    Args:
        target: judged with `refuse_taken`; what is there is replaced.
        needs_bytes: what is going to be written.

    Raises:
        OutputError: nothing can be written there, or the disk has too little room.
    """
    absent = tuple(parent for parent in target.parents if not os.path.lexists(parent))
    place = target.with_name(f".{target.name}.{os.getpid()}{MADE}")
    try:
        with refused_as_output(target, fix=FIX):
            target.parent.mkdir(parents=True, exist_ok=True)
            _sweep(target)
            _require_room(target, needs_bytes)
            place.mkdir()
            with _held(place):
                yield place
                _written_down(place)
                _put_in_place(place, target)
            _sync(target.parent)
    finally:
        shutil.rmtree(place, ignore_errors=True)
        if not target.exists():
            _remove_empty(absent)


def _require_room(target: Path, needs_bytes: int) -> None:
    free = shutil.disk_usage(target.parent).free
    if free < needs_bytes:
        raise OutputError(
            f"{target}: {needs_bytes:,} bytes are needed there, {free:,} are free",
            fix="make room, or name another disk",
        )


def _put_in_place(place: Path, target: Path) -> None:
    """A directory cannot be renamed over one that holds something: the old one steps aside first."""
    if not target.exists():
        place.rename(target)
        return
    aside = place.with_suffix(ASIDE)
    target.rename(aside)
    try:
        place.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _sweep(target: Path) -> None:
    """Remove what killed runs have left; one that was killed between two renames gets its old directory back."""
    for left in sorted(target.parent.glob(f".{_literal(target.name)}.*")):
        if left.suffix not in (MADE, ASIDE) or not left.is_dir() or not left.name.split(".")[-2].isdigit():
            continue
        with contextlib.suppress(BlockingIOError), _held(left):
            if left.suffix == ASIDE and not target.exists():
                left.rename(target)
            else:
                shutil.rmtree(left, ignore_errors=True)


def _literal(name: str) -> str:
    """A name for `glob`, in which nothing stands for anything else."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


@contextmanager
def _held(place: Path) -> Iterator[None]:
    """Hold a directory's lock; the system forgets that of a process that is killed.

    Raises:
        BlockingIOError: a live process holds it.
    """
    try:
        import fcntl
    except ImportError:  # a system without such locks: nobody is told apart
        yield
        return
    handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _written_down(place: Path) -> None:
    """Have the system write down the files and their names, before anybody is told that they are there."""
    for each in (*place.iterdir(), place):
        if each.is_file() or each == place:
            _sync(each)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_empty(directories: tuple[Path, ...]) -> None:
    for directory in directories:
        try:
            directory.rmdir()
        except OSError:
            return
