"""How files and directories of ours come to be: whole or not at all, with the source's bytes or with its blocks.

What stands here is shared by `repair/` and `staging/`: a directory that is written beside its target and renamed, a
copy that takes the same places on disk where the file system can, a second name for the same file.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

BLOCK: Final = 8 * 1024 * 1024
CLONE: Final = 0x40049409  # FICLONE of linux/fs.h: the same blocks on disk until one of the two is changed
Progress = Callable[[int, int], None]


class CannotMake(Exception):  # noqa: N818 - says what is so
    """Nothing was written; the message says why."""


class TargetTaken(CannotMake):
    """The target cannot be made: it is there already, or nothing may be written beside it."""


@contextlib.contextmanager
def new_directory(target: Path, needs_bytes: int) -> Iterator[Path]:
    """A directory to write into; it becomes `target` when the block ends well, and is gone otherwise.

    Raises:
        TargetTaken: `target` exists, or its parent does not, or nothing may be written there.
        CannotMake: the disk is too small.
    """
    parent = target.parent
    _refuse_taken(target)
    if not parent.is_dir():
        raise TargetTaken(f"there is no directory {parent}")
    free = shutil.disk_usage(parent).free
    if free < needs_bytes:
        raise CannotMake(f"{needs_bytes:,} bytes are needed beside {target}, {free:,} are free")
    beside = parent / f".{target.name[:100]}.{os.getpid()}.tmp"
    try:
        beside.mkdir()
    except OSError as error:
        raise TargetTaken(f"nothing can be written beside {target}: {error.strerror}") from error
    try:
        yield beside
        _refuse_taken(target)
        beside.rename(target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _refuse_taken(target: Path) -> None:
    if os.path.lexists(target):
        raise TargetTaken(f"{target} exists; name a directory that does not")


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet."""
    with path.open("xb") as stream:
        stream.write(data)


def copy_file(source: Path, target: Path, told: Callable[[int], None]) -> None:
    """A copy of the bytes; of their places on disk alone where the file system can. `told` hears of every block."""
    with source.open("rb", buffering=0) as taken, target.open("xb", buffering=0) as given:
        if cloned(taken.fileno(), given.fileno()):
            told(os.fstat(taken.fileno()).st_size)
            return
        while block := taken.read(BLOCK):
            rest = memoryview(block)
            while rest:
                rest = rest[given.write(rest) :]
            told(len(block))


def cloned(taken: int, given: int) -> bool:
    """Let the open file `given` have the blocks of `taken`; False, with nothing done, where that cannot be."""
    try:
        import fcntl  # noqa: PLC0415 - not on every system

        fcntl.ioctl(given, CLONE, taken)
    except (ImportError, OSError):
        return False
    return True


def link_file(source: Path, target: Path) -> None:
    """A second name for the same file.

    Raises:
        CannotMake: the two lie on different disks, or it is not allowed.
    """
    try:
        os.link(os.path.realpath(source), target)
    except OSError as error:
        raise CannotMake(f"{source} cannot be linked to: {error.strerror}; without --link it is copied") from error
