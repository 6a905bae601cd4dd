"""A lock as a record of a directory's files: what it says of them, and which of its models a directory is."""

import os
from pathlib import Path

from resolver.inspection.evidence import FileRecord, RecordedFiles
from resolver.inspection.links import Layout
from resolver.inspection.lock import LOCK_FILE, LockedModel, LockFault, read_lock


def recorded_by(model: LockedModel, lock: str) -> RecordedFiles:
    """What one model of a lock says of its files.

    Args:
        model: the model.
        lock: the lock, absolute.
    """
    files = {
        name: FileRecord(each.size_bytes, each.sha256, None, lock, kind="lock", header_sha256=each.header_sha256)
        for name, each in model.files.items()
    }
    commit = model.source.revision if model.source.kind == "hub" else None
    return RecordedFiles(files, lock, commit, lock=lock, source=model.source)


def under_lock(found: RecordedFiles | None, asked: Path, root: Path) -> RecordedFiles | None:
    """What else is on record, with the words of a lock that lies in the directory or in one above it, up to `asked`.

    A lock there whose paths do not lead to this directory says nothing of it. One that cannot be used takes nothing
    away: it is told as `unreadable`.
    """
    for base in (root, *root.parents):
        place = f"{base}/{LOCK_FILE}"
        if os.path.lexists(place):
            return _laid_over(found or RecordedFiles(), _followed(place, base), os.path.relpath(root, base))
        if base == asked or asked not in base.parents:
            break
    return found


def _followed(place: str, base: Path) -> str:
    """Where a lock really lies that the layout links to: in a snapshot every file is a link. Other links stay."""
    if Path(place).is_symlink() and Layout.of(os.fspath(base)).link(place).kind in {"inside", "store"}:
        return os.path.realpath(place)
    return place


def _laid_over(found: RecordedFiles, place: str, inside: str) -> RecordedFiles | None:
    lock = read_lock(Path(place))
    if isinstance(lock, LockFault):
        return found.replaced(unreadable=f"{place} is no lock that can be used: {lock.reason}")
    here = (each for each in lock.models if each.path is not None and os.path.normpath(each.path) == inside)
    model = next(here, None)
    if model is None:
        return found if found.files or found.unreadable else None
    told = recorded_by(model, place)
    return told.replaced(files={**found.files, **told.files}, commit=told.commit or found.commit)
