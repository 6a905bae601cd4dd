"""Write a file so that it is either the old one or the whole new one, and refuse early where that cannot be."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import OutputError


def check_writable(target: Path) -> None:
    """Refuse a target that cannot be written, before the work that would be lost; nothing is left behind.

    Raises:
        OutputError: the target is no regular file, its directory is absent or cannot be written.
    """
    if target.is_dir() or (target.exists() and not target.is_file()):
        raise OutputError(f"{target}: it is not a regular file", fix="name a file that may be written")
    with _beside(target) as temporary:
        temporary.touch()


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary path beside the target; renamed over it when the block ends well, removed when it does not.

    Raises:
        OutputError: the directory cannot be written.
    """
    with _beside(target) as temporary:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(target)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with refused_as_output(target, fix="name a file in a directory that can be written"):
            yield temporary
    finally:
        _forget(temporary)


@contextmanager
def refused_as_output(target: Path, *, fix: str) -> Iterator[None]:
    """Tell an OSError of the body as one about the target, which is what the user named."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{target}: it cannot be written: {error.strerror or error}", fix=fix) from None


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # its directory is no directory: then nothing was written there either
