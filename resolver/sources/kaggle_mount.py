"""Kaggle's inputs: every form in which a model, dataset or notebook output has been mounted, in any case.

Old and new forms mix within one session (facts of 2025-26), so each source kind is probed in each of its forms.
"""

from collections.abc import Iterator
from pathlib import Path

from resolver.catalog import hub_ids, other_places
from resolver.environment import Environment
from resolver.names import same_name, speaks_of
from resolver.reference import HubId, KaggleDataset, KaggleHandle, PackageRef, Reference
from resolver.sources.source import (
    Candidate,
    Ground,
    Located,
    Miss,
    asked_for,
    asked_place,
    catalogued,
    child,
    descend,
    locked,
    place_of,
    subdirectories,
    versions,
)
from resolver.sources.tree import Found, Walks, model_directories, models_and_locks

NEAR = 5


class KaggleMount:
    """Directories below /kaggle/input (or KAGGLE_CACHE_MOUNT_FOLDER)."""

    name = "kaggle mount"

    def __init__(self, walks: Walks | None = None) -> None:
        """`walks` is what the search has walked already; a source of its own walks for itself."""
        self._walks: Walks = {} if walks is None else walks

    def locate(self, reference: Reference, environment: Environment) -> Iterator[Located]:
        """The handle that was asked for; other places of the same model; what has a lock; folders of its name."""
        base = environment.kaggle_mount
        asked = asked_place(reference, environment)
        if asked is None and not isinstance(reference, HubId | PackageRef):
            return
        if not base.is_dir():
            if not isinstance(reference, PackageRef):  # which only a lock below the mount could name
                yield Miss(self.name, str(base), "absent: this machine has no Kaggle inputs")
            return
        yield from self.below(base, asked or reference)

    def below(self, base: Path, reference: Reference) -> Iterator[Located]:
        """The same below any folder that is laid out as a mount."""
        if isinstance(reference, KaggleHandle | KaggleDataset):
            directory = reference.directory if isinstance(reference, KaggleDataset) else ""
            yield from self._at(base, reference, directory, asked_for(reference))
        for known in other_places(reference):
            yield from self._at(base, _unversioned(known.handle), known.directory, catalogued(known))
        yield from self._walked(base, reference)

    def models(self, environment: Environment) -> Iterator[Candidate]:
        """Every model directory below the mount."""
        for found in model_directories(environment.kaggle_mount):
            if not found.is_cache:
                yield self._candidate(found.path, found.folders, Ground("asked", "it is mounted"))

    def _at(self, base: Path, place: KaggleHandle | KaggleDataset, directory: str, ground: Ground) -> Iterator[Located]:
        for parts in _forms(base, place):
            reached, missing = descend(base, parts)
            if missing is not None:
                yield Miss(self.name, str(base.joinpath(*parts)), "absent")
                continue
            for version, path in self._versions(reached, place):
                if isinstance(path, Miss):
                    yield path
                    continue
                below = descend(path, tuple(part for part in directory.split("/") if part))[0]
                yield self._candidate(below, below.relative_to(base).parts, ground, version)

    def _versions(self, reached: Path, place: KaggleHandle | KaggleDataset) -> Iterator[tuple[int | None, Path | Miss]]:
        """The versions of a place that was reached, or a miss where only others are attached."""
        numbered = versions(reached) if isinstance(place, KaggleHandle) else []
        if not isinstance(place, KaggleHandle) or not numbered:
            yield None, reached
            return
        wanted = [pair for pair in numbered if place.version in {None, pair[0]}]
        yield from wanted
        if not wanted:
            there = ", ".join(str(number) for number, _ in numbered)
            reason = f"absent; version {there} is attached"
            yield None, Miss(self.name, f"{reached}/{place.version}", reason, near=True)

    def _walked(self, base: Path, reference: Reference) -> Iterator[Located]:
        models, locks = models_and_locks(base, self._walks)
        for found in locks:
            yield self._candidate(found.path, found.folders, locked(found.folders))
        yield from self._by_name(models, reference)

    def _by_name(self, models: list[Found], reference: Reference) -> Iterator[Located]:
        ids = hub_ids(reference)
        near: list[Found] = []
        for found in models if ids else ():
            hub_id = next((each for each in ids if same_name(each, found.folders)), None)
            if found.is_cache:
                continue
            if hub_id:
                folder = "/".join(found.folders)
                ground = Ground("name", f"the folder {folder} is called so", hub_id)
                yield self._candidate(found.path, found.folders, ground)
            elif any(speaks_of(each, found.folders) for each in ids):
                near.append(found)
        for found in near[:NEAR]:
            yield Miss(self.name, str(found.path), "is attached, another model by its name", near=True)

    def _candidate(self, path: Path, folders: tuple[str, ...], ground: Ground, version: int | None = None) -> Candidate:
        place = place_of(folders)
        if version is None and isinstance(place, KaggleHandle):
            version = place.version
        return Candidate(self.name, path, ground.claim, folders, ground.why, ground.hub_id, place, version=version)


def _unversioned(place: KaggleHandle | KaggleDataset) -> KaggleHandle | KaggleDataset:
    if isinstance(place, KaggleDataset):
        return place
    return KaggleHandle(place.owner, place.model, place.framework, place.variation)


def _forms(base: Path, place: KaggleHandle | KaggleDataset) -> Iterator[tuple[str, ...]]:
    """The folders below the mount under which a place may appear, old form first."""
    if isinstance(place, KaggleHandle):
        tail = (place.model, place.framework, place.variation)
        yield tail
        for prefix in ("m", "models"):
            for owner in _owners(base, prefix, place.owner, place.model):
                yield (prefix, owner, *tail)
        return
    yield (place.slug,)
    for prefix in ("datasets", "notebooks"):
        for owner in _owners(base, prefix, place.owner, place.slug):
            yield (prefix, owner, place.slug)
    if place.owner is None:
        yield ("competitions", place.slug)


def _owners(base: Path, prefix: str, owner: str | None, slug: str) -> list[str]:
    """The owner, or, where it is not known, everyone who has that slug there."""
    if owner is not None:
        return [owner]
    folder = child(base, prefix)
    return [each.name for each in subdirectories(folder) if child(each, slug)] if folder else []
