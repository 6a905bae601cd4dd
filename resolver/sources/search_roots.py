"""Further directories that the user named: laid out as org/name, as a mount, as a cache, or just full of models."""

from collections.abc import Iterator
from pathlib import Path

from resolver.catalog import hub_ids
from resolver.environment import Environment
from resolver.names import same_name
from resolver.reference import HubId, KaggleDataset, KaggleHandle, LocalPath, Reference
from resolver.sources.hf_cache import HfCache, find_snapshot, snapshot_candidate
from resolver.sources.kaggle_mount import KaggleMount
from resolver.sources.source import Candidate, Located, Miss, descend, locked, place_of
from resolver.sources.tree import Found, Walks, model_directories, models_and_locks


class SearchRoots:
    """`--root`, RESOLVER_ROOTS and the roots of resolver.toml; a Hugging Face cache copied below a mount as well."""

    name = "search root"

    def __init__(self, walks: Walks | None = None) -> None:
        """`walks` is what the search has walked already; a source of its own walks for itself."""
        self._walks: Walks = {} if walks is None else walks

    def locate(self, reference: Reference, environment: Environment) -> Iterator[Located]:
        """What has a lock, folders of the model's name, mount forms of its handles, cache entries, below each root."""
        for root in environment.roots:
            if not root.is_dir():
                yield Miss(self.name, str(root), "absent")
            elif isinstance(reference, LocalPath):
                yield from self._relative(root, reference)
            else:
                yield from self._below(root, reference)
        yield from self._copied_caches(environment.kaggle_mount, reference)

    def models(self, environment: Environment) -> Iterator[Candidate]:
        """Every model directory below the roots, and caches copied below a mount."""
        for root in (*environment.roots, environment.kaggle_mount):
            for found in model_directories(root):
                if found.is_cache:
                    for snapshot in sorted((found.path / "snapshots").glob("*")):
                        yield snapshot_candidate(self.name, found.path, snapshot, "entry", "a copied cache")
                elif root != environment.kaggle_mount:
                    yield Candidate(self.name, found.path, "asked", found.folders, "it lies there")

    def _relative(self, root: Path, reference: LocalPath) -> Iterator[Located]:
        path = Path(reference.text)
        if path.is_absolute() or reference.text.startswith(("~", "$")) or ".." in path.parts:
            return
        reached, missing = descend(root, path.parts)
        if missing is None:
            yield Candidate(self.name, reached, "asked", path.parts, f"the path below {root}")

    def _below(self, root: Path, reference: Reference) -> Iterator[Located]:
        is_found = False
        for candidate in self._offered(root, reference):
            is_found = is_found or candidate.claim != "lock"  # a lock has yet to name it
            yield candidate
        if not is_found:
            yield Miss(self.name, str(root), "no folder of that name")

    def _offered(self, root: Path, reference: Reference) -> Iterator[Candidate]:
        models, locks = models_and_locks(root, self._walks)
        for found in locks:
            why = f"{locked(found.folders).why} below {root}"
            yield Candidate(self.name, found.path, "lock", found.folders, why, place=place_of(found.folders))
        for found in models:
            yield from self._named(found, reference, str(root))
        if isinstance(reference, KaggleHandle | KaggleDataset):
            for located in KaggleMount(self._walks).below(root, reference):
                if isinstance(located, Candidate) and located.claim not in {"lock", "name"}:
                    yield located.replaced(source=self.name)
        for cache in (root, root / "hub"):
            for located in HfCache().below(cache, reference, self.name) if cache.is_dir() else ():
                if isinstance(located, Candidate):
                    yield located

    def _named(self, found: Found, reference: Reference, root: str) -> Iterator[Candidate]:
        hub_id = next((each for each in hub_ids(reference) if same_name(each, found.folders)), None)
        if hub_id and not found.is_cache:
            why = f"the folder {'/'.join(found.folders)} below {root} is called so"
            yield Candidate(self.name, found.path, "name", found.folders, why, hub_id, place_of(found.folders))

    def _copied_caches(self, mount: Path, reference: Reference) -> Iterator[Located]:
        wanted = {"models--" + hub_id.replace("/", "--").lower() for hub_id in hub_ids(reference)}
        for found in models_and_locks(mount, self._walks)[0] if wanted else ():
            if found.is_cache and found.path.name.lower() in wanted:
                revision = reference.revision if isinstance(reference, HubId) else None
                snapshot, how = find_snapshot(found.path, revision)
                if snapshot is None:
                    yield Miss(self.name, str(found.path), how, near=True)
                else:
                    yield snapshot_candidate(self.name, found.path, snapshot, "entry", f"a copied cache, {how}")
