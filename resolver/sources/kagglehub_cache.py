"""kagglehub's download cache, read as plain directories: its own resolver waits for ever without a network."""

from collections.abc import Iterator
from pathlib import Path

from resolver.catalog import other_places
from resolver.environment import Environment
from resolver.reference import HubId, KaggleDataset, KaggleHandle, Reference
from resolver.sources.source import (
    Candidate,
    Ground,
    Located,
    Miss,
    asked_for,
    catalogued,
    descend,
    place_of,
    subdirectories,
    versions,
)


class KagglehubCache:
    """`models/<owner>/<model>/<framework>/<variation>/<version>` and `datasets/<owner>/<slug>/versions/<n>`."""

    name = "kagglehub cache"

    def locate(self, reference: Reference, environment: Environment) -> Iterator[Located]:
        """The handle that was asked for, then the catalog's other handles of the same model."""
        cache = environment.kagglehub_cache
        if not isinstance(reference, HubId | KaggleHandle | KaggleDataset):
            return
        if not cache.is_dir():
            yield Miss(self.name, str(cache), "absent")
            return
        if isinstance(reference, KaggleHandle | KaggleDataset):
            yield from self._at(cache, reference, asked_for(reference))
        for known in other_places(reference):
            yield from self._at(cache, known.handle, catalogued(known))

    def models(self, environment: Environment) -> Iterator[Candidate]:
        """Every cached model version."""
        models = environment.kagglehub_cache / "models"
        for owner in subdirectories(models):
            for model in subdirectories(owner):
                for framework in subdirectories(model):
                    for variation in subdirectories(framework):
                        for number, path in versions(variation):
                            yield self._candidate(models, path, number, Ground("asked", "it is cached"))

    def _at(self, cache: Path, place: KaggleHandle | KaggleDataset, ground: Ground) -> Iterator[Located]:
        for kind, parts in _forms(place):
            reached, missing = descend(cache / kind, parts)
            if missing is not None:
                yield Miss(self.name, str(cache.joinpath(kind, *parts)), f"no {missing}")
                continue
            wanted = place.version if isinstance(place, KaggleHandle) and ground.claim == "asked" else None
            held = [pair for pair in versions(reached) if wanted in (None, pair[0])]
            if not held:
                yield Miss(self.name, str(reached), f"no version {wanted or 'at all'}", near=True)
            for number, path in held:
                yield self._candidate(cache / kind, path, number, ground)

    def _candidate(self, base: Path, path: Path, version: int, ground: Ground) -> Candidate:
        folders = path.relative_to(base).parts
        place = place_of((base.name, *folders))
        return Candidate(self.name, path, ground.claim, folders, ground.why, ground.hub_id, place, version=version)


def _forms(place: KaggleHandle | KaggleDataset) -> Iterator[tuple[str, tuple[str, ...]]]:
    if place.owner is None:
        return
    if isinstance(place, KaggleHandle):
        yield "models", (place.owner, place.model, place.framework, place.variation)
    else:
        yield "datasets", (place.owner, place.slug, "versions")
        yield "notebooks", (place.owner, place.slug, "output", "versions")
