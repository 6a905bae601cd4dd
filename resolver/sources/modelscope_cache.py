"""ModelScope's caches, old layout and new; a "." of a name is written "___" in the old one."""

from collections.abc import Iterator
from pathlib import Path

from resolver.catalog import hub_ids
from resolver.environment import Environment
from resolver.names import same_name
from resolver.reference import HubId, Reference
from resolver.sources.source import Candidate, Located, Miss, child, descend, subdirectories

BRANCHES = ("master", "main")


class ModelscopeCache:
    """`models/<owner>/<name___>`, `<owner>/<name>` and `models/<owner>--<name>/snapshots/<revision>`."""

    name = "modelscope cache"

    def locate(self, reference: Reference, environment: Environment) -> Iterator[Located]:
        """The entry of that owner and name; another owner's entry of the same name is name evidence only."""
        ids = hub_ids(reference)
        caches = [cache for cache in environment.modelscope_caches if cache.is_dir()]
        if ids and not caches:
            yield Miss(self.name, str(environment.modelscope_caches[0]), "absent")
        for hub_id in ids if caches else ():
            yield from self._located(caches, hub_id, reference)

    def models(self, environment: Environment) -> Iterator[Candidate]:
        """Every cached model."""
        for cache in environment.modelscope_caches:
            for path, hub_id, revision in _entries(cache):
                yield Candidate(self.name, path, "entry", (path.name,), "it is cached", hub_id, revision=revision)

    def _located(self, caches: list[Path], hub_id: str, reference: Reference) -> Iterator[Located]:
        found = False
        for cache in caches:
            for path, name, revision in _entries(cache):
                asked = reference.revision if isinstance(reference, HubId) else None
                if asked not in (None, revision) and name.lower() == hub_id.lower():
                    yield Miss(self.name, str(path), f"revision {revision}, not {asked}", near=True)
                elif name.lower() == hub_id.lower():
                    found = True
                    why = f"a cache entry under that name, revision {revision or 'unknown'}"
                    yield Candidate(self.name, path, "entry", (name,), why, name, revision=revision)
                elif same_name(hub_id, (name.partition("/")[2],)):
                    found = True
                    why = f"ModelScope calls it {name}"
                    yield Candidate(self.name, path, "name", (name,), why, hub_id, revision=revision)
        if not found:
            yield Miss(self.name, str(caches[0]), f"no {hub_id}")


def _entries(cache: Path) -> Iterator[tuple[Path, str, str | None]]:
    """Directory, owner/name and revision of every entry of one cache."""
    for base in (cache / "models", cache):
        for owner in subdirectories(base):
            if "--" in owner.name:
                yield from _snapshots(owner)
            elif owner.name not in {"models", "hub", "datasets", "credentials", "ast_indexer"}:
                for model in subdirectories(owner):
                    if not model.name.startswith((".", "_")) and model.name != "snapshots":
                        yield model, f"{owner.name}/{model.name.replace('___', '.')}", None


def _snapshots(folder: Path) -> Iterator[tuple[Path, str, str | None]]:
    name = folder.name.removeprefix("models--").replace("--", "/", 1)
    snapshots, missing = descend(folder, ("snapshots",))
    if missing:
        return
    branch = next((found for each in BRANCHES if (found := child(snapshots, each))), None)
    for path in [branch] if branch else subdirectories(snapshots):
        yield path, name, path.name
