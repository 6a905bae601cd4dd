"""What a directory says of its own origin: download metadata, or a lock, that names it. Anyone can write that."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resolver.record import Record

if TYPE_CHECKING:
    from resolver.inspection.lock import Lock, LockedModel, LockFault

METADATA_FILE: Final = "huggingface-metadata.txt"  # written by text-generation-webui's downloader
MAX_BYTES: Final = 64 * 1024
LOCK_FILE: Final = "resolver.lock"
MAX_LEVELS: Final = 8  # directories above a model in which its lock is looked for
_URL: Final = "url: https://huggingface.co/"


class Provenance(Record):
    """The repository that a directory names as its origin, the branch where it says one, and the file that says so."""

    hub_id: str
    revision: str | None
    file: str


def read_provenance(root: Path) -> Provenance | None:
    """The origin that download metadata inside the directory names; None where nothing does. Raises nothing."""
    path = root / METADATA_FILE
    try:
        if path.is_symlink():
            return None
        with path.open("rb") as stream:
            lines = stream.read(MAX_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    url = next((line[len(_URL) :].strip() for line in lines if line.startswith(_URL)), None)
    branch = next((line.partition(":")[2].strip() for line in lines if line.startswith("branch:")), None)
    return Provenance(url.strip("/"), branch, METADATA_FILE) if url and url.count("/") <= 1 else None


class LockedHere(Record):
    """A lock that lies with a model, and what it says of that model."""

    lock: Path
    model: "LockedModel"


def has_lock(directory: Path) -> bool:
    """Whether a lock lies in a directory, or something of its name."""
    return os.path.lexists(directory / LOCK_FILE)


def read_lock_in(directory: Path) -> "Lock | LockFault":
    """The lock of a directory that has one; raises nothing."""
    from resolver.inspection.lock import read_lock  # noqa: PLC0415 - few directories have a lock

    return read_lock(directory / LOCK_FILE)


def find_locked(root: Path, levels: int) -> "LockedHere | LockFault | None":
    """The nearest lock that knows a model's directory: beside the model, or in one of the directories above it.

    Args:
        root: the directory that holds the model.
        levels: how many directories above it are looked into.

    Returns:
        None where no lock knows it; the fault of a lock that cannot be used.
    """
    for place in (root, *root.parents[: min(levels, MAX_LEVELS)]):
        if has_lock(place) and (found := _locked_in(place, root)) is not None:
            return found
    return None


def _locked_in(place: Path, root: Path) -> "LockedHere | LockFault | None":
    from resolver.inspection.lock import LockFault  # noqa: PLC0415 - as above

    lock = read_lock_in(place)
    if isinstance(lock, LockFault):
        return lock
    model = next((each for each in lock.models if locked_directory(place, each) == root), None)
    return None if model is None else LockedHere(place / LOCK_FILE, model)


def locked_directory(directory: Path, model: "LockedModel") -> Path | None:
    """Where a model lies by a lock in `directory`: there or below, also once links are followed; None where not."""
    parts = [part for part in (model.path or "..").split("/") if part not in {"", "."}]
    if ".." in parts:
        return None
    below = directory.joinpath(*parts)
    try:
        real, base = os.path.realpath(below), os.path.realpath(directory)
    except (OSError, ValueError):
        return None
    return below if real == base or real.startswith(f"{base}/") else None
