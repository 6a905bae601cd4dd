"""A fixed notebook and its metadata on disk: in a directory of their own, or in place of the old ones.

In place there is no moment at which a file is half: each is written beside and renamed, the backups first, then the
metadata (more sources than the old notebook needs do no harm), then the notebook.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from resolver.repair.place import CannotRepair
from resolver.writing import TargetTaken, new_directory, write_new

MAX_BACKUPS: Final = 100


def read_text(path: Path) -> str:
    """A file's text.

    Raises:
        CannotRepair: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise CannotRepair(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise CannotRepair(f"{path} holds bytes that are not UTF-8") from error


def write_beside(target: Path, files: Iterable[tuple[str, str]]) -> None:
    """Write files (name, text) into a new directory, which is there whole or not at all.

    Raises:
        TargetTaken: the directory is there already, or nothing can be written there.
    """
    data = [(name, text.encode("utf-8")) for name, text in files]
    with new_directory(target, sum(len(each) for _, each in data)) as beside:
        for name, each in data:
            write_new(beside / name, each)


def write_in_place(files: Iterable[tuple[Path, str]]) -> tuple[Path, ...]:
    """Write files (path, text) in place of those that are there; returns where those are kept.

    Raises:
        TargetTaken: nothing can be written there, or too many backups are there.
    """
    wanted = [(path, text.encode("utf-8")) for path, text in files]
    staged: list[tuple[Path, Path]] = []
    backups: list[Path] = []
    try:
        for path, data in wanted:
            beside = path.with_name(f".{path.name[:100]}.{os.getpid()}.tmp")
            beside.unlink(missing_ok=True)  # of a process of that number that was killed
            staged.append((beside, path))  # before it is there: an interrupt may come at any moment
            with beside.open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            shutil.copymode(path, beside)
        for path, _ in wanted:
            backups.append(_backup(path))
        for beside, path in staged:
            beside.replace(path)
    except OSError as error:
        raise TargetTaken(f"{error.filename or ''}: {error.strerror or error}") from error
    finally:
        for beside, _ in staged:
            beside.unlink(missing_ok=True)
    return tuple(backups)


def _backup(path: Path) -> Path:
    """A copy of a file under the first name that is free."""
    for number in range(MAX_BACKUPS):
        kept = path.with_name(f"{path.name}.bak{number or ''}")
        if os.path.lexists(kept):
            continue
        half = path.with_name(f".{kept.name[:100]}.{os.getpid()}.tmp")
        try:
            shutil.copy2(path, half)
            half.rename(kept)
        finally:
            half.unlink(missing_ok=True)
        return kept
    raise TargetTaken(f"{path} has {MAX_BACKUPS} backups already; remove some")
