"""How a Hugging Face cache names the snapshot that a directory is: the files below `refs/`, as written."""

import os
from pathlib import Path
from typing import Final

from resolver.inspection.links import repository_of
from resolver.record import Record

MAX_REF_BYTES: Final = 256
MAX_REFS: Final = 200


class Ref(Record):
    """One file below `refs/`: its absolute path, the revision that it stands for, and its text as written."""

    path: Path
    revision: str
    text: str


class CacheFacts(Record):
    """The cache entry around a snapshot.

    Attributes:
        repository: the `models--o--n` folder.
        commit: the snapshot's own name.
        refs: what its `refs/` says, in sorted order.
        snapshots: how many snapshots lie in it.
    """

    repository: Path
    commit: str
    refs: tuple[Ref, ...] = ()
    snapshots: int = 0


def read_cache(root: Path) -> CacheFacts | None:
    """The cache entry that a directory is a snapshot of; None where it is none. Raises nothing."""
    real = os.path.realpath(root)
    found = repository_of(real)
    if found is None:
        return None
    repository = Path(found)
    commit = Path(real).relative_to(repository / "snapshots").parts[0]
    return CacheFacts(repository, commit, _refs(repository / "refs"), _count(repository / "snapshots"))


def _refs(place: Path) -> tuple[Ref, ...]:
    found: list[Ref] = []
    for folder, _, names in os.walk(place):
        for name in names:
            if len(found) == MAX_REFS:
                return tuple(sorted(found, key=lambda ref: ref.revision))
            path = Path(folder, name)
            try:
                with path.open("rb") as stream:
                    text = stream.read(MAX_REF_BYTES).decode("utf-8", "replace")
            except OSError:
                continue
            found.append(Ref(path, path.relative_to(place).as_posix(), text))
    return tuple(sorted(found, key=lambda ref: ref.revision))


def _count(place: Path) -> int:
    try:
        return len(os.listdir(place))  # noqa: PTH208 - only counted
    except OSError:
        return 0
