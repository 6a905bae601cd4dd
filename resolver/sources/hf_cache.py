"""The Hugging Face cache: refs, lone snapshots, short revisions. Follows the layout, opens no model file."""

from collections.abc import Iterator
from pathlib import Path

from resolver.catalog import hub_ids, is_official
from resolver.environment import Environment
from resolver.reference import HubId, KaggleDataset, KaggleHandle, Reference
from resolver.sources.source import Candidate, Claim, Located, Miss, child, subdirectories

MIN_SHORT_SHA = 7
MAX_REF_BYTES = 256


class HfCache:
    """`models--org--name/snapshots/<commit>` in every cache that a variable names."""

    name = "hf cache"

    def locate(self, reference: Reference, environment: Environment) -> Iterator[Located]:
        """The snapshot of the revision that was asked for, `main` where none was."""
        for cache in _caches(environment):
            yield from self.below(cache, reference)

    def below(self, cache: Path, reference: Reference, source: str | None = None) -> Iterator[Located]:
        """The same in one folder of `models--org--name` entries."""
        ids = hub_ids(reference)
        if ids and not cache.is_dir():
            yield Miss(source or self.name, str(cache), "absent")
            return
        for hub_id in ids:
            yield from self._entry(cache, hub_id, reference, source or self.name)

    def models(self, environment: Environment) -> Iterator[Candidate]:
        """Every snapshot of every repository."""
        for cache in _caches(environment):
            for folder in subdirectories(cache):
                if folder.name.startswith("models--"):
                    for snapshot in subdirectories(folder / "snapshots"):
                        yield snapshot_candidate(self.name, folder, snapshot, "entry", "it is cached")

    def _entry(self, cache: Path, hub_id: str, reference: Reference, source: str) -> Iterator[Located]:
        name = "models--" + hub_id.replace("/", "--")
        folder = child(cache, name)
        if folder is None:
            yield Miss(source, str(cache), f"no {name}")
            return
        revision = reference.revision if isinstance(reference, HubId) else None
        snapshot, how = find_snapshot(folder, revision)
        if snapshot is None:
            yield Miss(source, str(folder), how, near=True)
            return
        yield snapshot_candidate(source, folder, snapshot, _claim(reference), f"a cache entry under that name, {how}")


def find_snapshot(folder: Path, revision: str | None) -> tuple[Path | None, str]:
    """The snapshot of a revision in a `models--org--name` folder, and in words how it was found or why it was not.

    A ref is read with its white space stripped, a revision may be a branch, a tag, a commit or a short commit, and a
    lone snapshot answers for `main` where there is no ref: rule F009 tells what was accepted.
    """
    snapshots = {each.name: each for each in subdirectories(folder / "snapshots")}
    if not snapshots:
        return None, "no snapshots in it"
    wanted = revision or "main"
    commit = _read_ref(folder / "refs", wanted)
    if commit in snapshots:
        return snapshots[commit], f"revision {wanted}"
    short = [name for name in snapshots if len(wanted) >= MIN_SHORT_SHA and name.startswith(wanted.lower())]
    if len(short) == 1:
        return snapshots[short[0]], f"commit {wanted}"
    if commit:
        return None, f"refs/{wanted} names {commit[:12]}, whose snapshot is absent"
    if revision is None and len(snapshots) == 1:
        return next(iter(snapshots.values())), "its only snapshot, without a ref"
    there = ", ".join(sorted(name[:12] for name in snapshots))
    return None, f"no revision {wanted}; there are snapshots {there}"


def snapshot_candidate(source: str, folder: Path, snapshot: Path, claim: Claim, why: str) -> Candidate:
    """A candidate of a cache entry; the folder's name gives the hub id back."""
    hub_id = folder.name.removeprefix("models--").replace("--", "/", 1)
    return Candidate(source, snapshot, claim, (folder.name,), why, hub_id, revision=snapshot.name)


def _caches(environment: Environment) -> tuple[Path, ...]:
    other = environment.sentence_transformers_cache
    return (*environment.hub_caches, *((other,) if other else ()))


def _claim(reference: Reference) -> Claim:
    if isinstance(reference, HubId):
        return "entry"
    assert isinstance(reference, KaggleHandle | KaggleDataset)  # noqa: S101 - hub_ids() is empty for the others
    return "official" if is_official(reference) else "community"


def _read_ref(refs: Path, revision: str) -> str | None:
    """The commit of a revision; another case of the name is accepted where only one fits."""
    path = refs / revision
    if not path.is_file() and refs.is_dir():
        try:
            same = [each for each in refs.iterdir() if each.name.lower() == revision.lower()]
        except OSError:
            return None
        path = same[0] if len(same) == 1 else path
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_REF_BYTES).decode("ascii", "replace").strip() or None
    except OSError:
        return None
