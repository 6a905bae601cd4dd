"""The seam of `sources/`: what a source is, what it hands up, and the small looks at a disk that all share.

Nothing here raises on a disk that is odd, and nothing opens a file of a model.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from resolver.environment import Environment
from resolver.record import Record
from resolver.reference import KaggleDataset, KaggleHandle, LocalPath, Reference, mounted_name

if TYPE_CHECKING:
    from resolver.catalog import Known

DEFAULT_MOUNT = Path("/kaggle/input")
Claim = Literal["asked", "entry", "official", "community", "lock", "name"]


class Candidate(Record):
    """A directory that may be the model, and on what ground.

    Attributes:
        source: who found it.
        path: the directory.
        claim: "asked": this path or handle was asked for; "entry": a cache entry under that name; "official" and
            "community": a row of the catalog; "lock": a resolver.lock lies in it, which has to name the model, or
            those below it; "name": its folders are called so.
        folders: names below the mount or root, outermost first: name evidence.
        why: the ground in words.
        hub_id, revision: what the place itself says.
        place: the Kaggle model or dataset that its folders spell; None where they spell none.
        version: Kaggle's version; the highest wins where none was asked for.
    """

    source: str
    path: Path
    claim: Claim
    folders: tuple[str, ...]
    why: str
    hub_id: str | None = None
    place: KaggleHandle | KaggleDataset | None = None
    revision: str | None = None
    version: int | None = None

    @property
    def kaggle_handle(self) -> str | None:
        """The handle of a Kaggle model, as text; without its owner where the folders do not show one."""
        return str(self.place) if isinstance(self.place, KaggleHandle) else None


class Ground(Record):
    """Why a place is looked at: the claim, in words, and the hub id that the catalog gives it."""

    claim: Claim
    why: str
    hub_id: str | None = None


def asked_for(reference: Reference) -> Ground:
    """The ground of a handle that was asked for."""
    return Ground("asked", f"the handle {reference} was asked for")


def catalogued(known: "Known") -> Ground:
    """The ground of a row of the catalog."""
    return Ground(
        "official" if known.official else "community",
        f"the catalog knows {known.hub_id} as {known.handle}",
        known.hub_id,
    )


def locked(folders: tuple[str, ...]) -> Ground:
    """The ground of a directory in which a lock lies, whatever its folders are called."""
    return Ground("lock", f"a resolver.lock lies in {'/'.join(folders) or 'it'}")


class Miss(Record):
    """A place that was looked at in vain; `near` where something similar is there."""

    source: str
    where: str
    reason: str
    near: bool = False


Located = Candidate | Miss


class Source(Protocol):
    """One kind of place."""

    name: str

    def locate(self, reference: Reference, environment: Environment) -> Iterator[Located]:
        """Where the reference may lie in this kind of place, and where it was looked for in vain."""
        ...

    def models(self, environment: Environment) -> Iterator[Candidate]:
        """Everything in this kind of place that may be a model."""
        ...


def place_at(path: Path, environment: Environment) -> KaggleHandle | KaggleDataset | None:
    """The Kaggle model or dataset that a mount path stands for, present or not; None for every other path."""
    for base in (environment.kaggle_mount, DEFAULT_MOUNT):
        if path.is_relative_to(base):
            return place_of(path.relative_to(base).parts)
    return None


def place_of(folders: tuple[str, ...]) -> KaggleHandle | KaggleDataset | None:
    """The Kaggle model or dataset that folders below a mount spell."""
    named = mounted_name(folders)
    return named[0] if named else None


def asked_place(reference: Reference, environment: Environment) -> KaggleHandle | KaggleDataset | None:
    """The Kaggle model or dataset that was asked for: by its handle, or by a path where it is or was mounted."""
    if isinstance(reference, KaggleHandle | KaggleDataset):
        return reference
    return place_at(environment.expand(reference.text), environment) if isinstance(reference, LocalPath) else None


def child(directory: Path, name: str) -> Path | None:
    """The sub-directory of that name, in any case of its letters; None where there is none."""
    exact = directory / name
    if exact.is_dir():
        return exact
    lower = name.lower()
    return next((each for each in subdirectories(directory) if each.name.lower() == lower), None)


def descend(base: Path, parts: tuple[str, ...]) -> tuple[Path, str | None]:
    """Follow names in any case.

    Returns:
        The deepest directory that exists, and the first part that does not (None: all do).
    """
    here = base
    for part in parts:
        below = child(here, part)
        if below is None:
            return here, part
        here = below
    return here, None


def subdirectories(directory: Path, limit: int = 2000) -> list[Path]:
    """Sub-directories in sorted order; an unreadable directory has none; at most `limit` entries are read."""
    found: list[str] = []
    try:
        with os.scandir(directory) as entries:
            for count, entry in enumerate(entries):
                if count == limit:
                    break
                if is_directory(entry):
                    found.append(entry.name)
    except OSError:
        return []
    return [directory / name for name in sorted(found)]


def is_directory(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a directory or a link to one; one that cannot be asked is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def versions(directory: Path) -> list[tuple[int, Path]]:
    """Kaggle's integer version directories, the highest first."""
    found = [
        (int(each.name), each) for each in subdirectories(directory) if each.name.isascii() and each.name.isdigit()
    ]
    return sorted(found, reverse=True)
