"""What each reference of a notebook will meet where it runs: a mounted source, another version of it, nothing at all.

The forms in which Kaggle mounts a source, old and new, mix within one session, and the case of a name does not count
(facts of 2025-26); so a path stands for a source where it fits any of them.
"""

import posixpath
from collections.abc import Iterator
from typing import Final, Literal

from resolver.catalog import hub_ids, known_places, same_place
from resolver.errors import MalformedReference
from resolver.names import same_name
from resolver.notebook.facts import WORKING, AttachedSource, Code, Metadata, Use
from resolver.notebook.reading import MODEL_ROLES
from resolver.record import Record
from resolver.reference import HubId, KaggleDataset, KaggleHandle, mounted_name, parse_reference

MOUNT: Final = "/kaggle/input"
FETCHES: Final = ("dataset_download", "competition_download")  # kagglehub: offline they give what is attached
# attached: a source mounts it · version: a source mounts another version · layout: it fits no form of its source ·
# missing: no source mounts it · hub: a hub id that reaches a loader · made: the notebook writes it itself ·
# whole: the mount folder itself · dormant: a place that the code asks for before decides against it ·
# unknown: nothing says what is mounted, or whether the notebook writes it.
State = Literal["attached", "version", "layout", "missing", "hub", "made", "whole", "dormant", "unknown"]


class Standing(Record):
    """One reference and what it will meet.

    Attributes:
        use: the reference.
        state: see `State`.
        source: the attached source that it stands for, or that is meant.
        place: what it names on Kaggle, so far as its text says; None for a competition or no such name.
        competition: the competition that it names.
        will_be: where the source will lie instead, each known form.
    """

    use: Use
    state: State
    source: AttachedSource | None = None
    place: KaggleHandle | KaggleDataset | None = None
    competition: str | None = None
    will_be: tuple[str, ...] = ()


def standings(code: Code, metadata: Metadata | None) -> tuple[Standing, ...]:
    """What every reference of the code will meet, in the order of the code."""
    judge = _Judge(code, metadata)
    return tuple(judge.standing(use) for use in code.uses)


def mount_forms(source: AttachedSource) -> tuple[tuple[str, ...], ...]:
    """The folders below the mount under which a source may appear, the old form first; a version stands last."""
    if source.handle is not None:
        handle = source.handle
        tail = (handle.model, handle.framework, handle.variation)
        owned = () if handle.owner is None else (("models", handle.owner, *tail), ("m", handle.owner, *tail))
        return (tail, *owned)
    if source.dataset is not None:
        kind = "notebooks" if source.kind == "kernel" else "datasets"
        owner = source.dataset.owner
        return ((source.dataset.slug,), *(() if owner is None else ((kind, owner, source.dataset.slug),)))
    return ((source.slug or "",), ("competitions", source.slug or ""))


def below_mount(path: str) -> tuple[str, ...] | None:
    """The parts of an absolute path after the mount folder; None for a path elsewhere."""
    if path != MOUNT and not path.startswith(f"{MOUNT}/"):
        return None
    return tuple(part for part in path[len(MOUNT) :].split("/") if part)


class _Judge:
    def __init__(self, code: Code, metadata: Metadata | None) -> None:
        self._sources = None if metadata is None else metadata.sources
        self._written = [each for each in code.written if each is not None]
        self._writes_unknown = None in code.written

    def standing(self, use: Use) -> Standing:
        """What one reference will meet."""
        if self._is_dormant(use):
            return Standing(use, "dormant")
        path, named = _absolute(use), _name(use)
        parts = below_mount(path)
        if parts is not None:
            if named is None or use.text.startswith("/"):
                return self._mounted(use, parts)
            return self._inside(use, named)
        if self._is_made(path, is_named=named is not None):
            return Standing(use, "made")
        return self._file(use, path) if named is None else self._named(use, named)

    def _inside(self, use: Use, named: HubId | KaggleHandle | KaggleDataset) -> Standing:
        """A name where the working directory is a source: it can be a directory there, unless the model is known."""
        return self._named(use, named) if known_places(named) else Standing(use, "unknown")

    def _file(self, use: Use, path: str) -> Standing:
        if use.call.rpartition(".")[2] in FETCHES and not use.text.startswith(("/", ".", "~")):
            return self._fetched(use)
        if use.role not in MODEL_ROLES and not use.text.startswith(("/", "~")):
            return Standing(use, "unknown")  # a file beside the notebook: whatever made it
        is_ours = path.startswith((f"{WORKING}/", "/tmp/", "/kaggle/temp/"))  # noqa: S108 - a name, nothing is opened
        return Standing(use, "unknown" if is_ours and self._writes_unknown else "missing")

    def _is_dormant(self, use: Use) -> bool:
        if self._sources is None:
            return False
        for place, wanted in use.conditions:
            parts = below_mount(place)
            if parts is None:
                continue
            there = any(_fit(source, parts) in ("fits", "above") for source in self._sources)
            if there is not wanted:
                return True
        return False

    def _is_made(self, path: str, *, is_named: bool) -> bool:
        """Whether the notebook writes a path; what is copied into the working directory itself is no model's name."""
        return any(
            path == each or path.startswith(f"{each}/") or each.startswith(f"{path}/")
            for each in self._written
            if not (is_named and each in ("/", WORKING))
        )

    def _mounted(self, use: Use, parts: tuple[str, ...]) -> Standing:
        if not parts:
            return Standing(use, "whole")
        named = mounted_name(parts)
        place = None if named is None else named[0]
        competition = parts[1] if parts[0].lower() == "competitions" and len(parts) > 1 else None
        if self._sources is None:
            return Standing(use, "unknown", place=place, competition=competition)
        for wanted, state in (("fits", "attached"), ("version", "version"), ("above", "layout"), ("near", "layout")):
            for source in self._sources:
                if _fit(source, parts) == wanted:
                    met: State = state  # type: ignore[assignment]
                    if wanted == "above" and use.role not in (*MODEL_ROLES, "weights"):
                        met = "attached"  # a walk over all that lies below
                    return Standing(use, met, source, place, competition, _places(source, parts))
        return Standing(use, "missing", place=place, competition=competition)

    def _named(self, use: Use, reference: HubId | KaggleHandle | KaggleDataset) -> Standing:
        place = reference if isinstance(reference, KaggleHandle | KaggleDataset) else None
        if use.call.endswith(".from_preset") and "/" not in use.text:
            return self._preset(use)
        cache = below_mount(dict(use.pinned).get("cache_dir", ""))
        if isinstance(reference, HubId) and cache is not None:
            return self._mounted(use, cache)
        if isinstance(reference, HubId) and not use.resolved:
            return Standing(use, "hub")
        if self._sources is None:
            return Standing(use, "unknown", place=place)
        source = next((each for each in self._sources if _holds(each, reference)), None)
        if source is None:
            return Standing(use, "missing", place=place)
        wanted = reference.version if isinstance(reference, KaggleHandle) else None
        differs = wanted is not None and source.version is not None and wanted != source.version
        return Standing(use, "version" if differs else "attached", source, place, will_be=_places(source, ()))

    def _fetched(self, use: Use) -> Standing:
        """A dataset or competition that kagglehub is asked for by its handle."""
        owner, _, rest = use.text.partition("/")
        slug = rest.partition("/")[0]
        place = KaggleDataset(owner, slug) if slug else None
        competition = None if slug else owner
        if self._sources is None:
            return Standing(use, "unknown", place=place, competition=competition)
        for source in self._sources:
            own = source.dataset if source.kind == "dataset" else None
            if (own and place and same_place(own, place)) or (competition and source.slug == competition):
                return Standing(use, "attached", source, place, competition)
        return Standing(use, "missing", place=place, competition=competition)

    def _preset(self, use: Use) -> Standing:
        """A preset of Keras by its bare name: kagglehub is asked for that variation, and takes an attached one."""
        if self._sources is None:
            return Standing(use, "unknown")
        models = [each for each in self._sources if each.handle is not None]
        named = (each for each in models if each.handle and each.handle.variation.lower() == use.text.lower())
        source = next(named, None)
        return Standing(use, "hub") if source is None else Standing(use, "attached", source, source.handle)


def _absolute(use: Use) -> str:
    """The path of a reference where the notebook runs; of a pattern, the directory that it looks into."""
    parts = use.text.removeprefix("file://").split("/")
    pattern = next((number for number, part in enumerate(parts) if set(part) & set("*?[")), None)
    return posixpath.normpath(posixpath.join(use.directory, "/".join(parts[:pattern])))


def _name(use: Use) -> HubId | KaggleHandle | KaggleDataset | None:
    """The name that a loader of models is given; None for a path."""
    if use.role not in MODEL_ROLES:
        return None
    try:
        reference = parse_reference(use.text)
    except MalformedReference:
        return None
    return reference if isinstance(reference, HubId | KaggleHandle | KaggleDataset) else None


def _holds(source: AttachedSource, reference: HubId | KaggleHandle | KaggleDataset) -> bool:
    """Whether an attached source is the one that a name means, by the catalog or by its own name."""
    own = source.handle or source.dataset
    if own is None:
        return False
    if isinstance(reference, KaggleHandle | KaggleDataset):
        plain = reference.replaced(directory="") if isinstance(reference, KaggleDataset) else reference
        return same_place(own, plain)
    known = {each.lower() for each in hub_ids(own)}
    return reference.repo_id.lower() in known or any(same_name(reference.repo_id, form) for form in mount_forms(source))


def _fit(source: AttachedSource, parts: tuple[str, ...]) -> str:
    """How a path stands to a source: "fits" a form, another "version", "above" it, "near" it, or ""."""
    low = tuple(part.lower() for part in parts)
    best = ""
    for form in (tuple(part.lower() for part in each) for each in mount_forms(source)):
        if low[: len(form)] == form:
            return _version_fit(source, low[len(form) :])
        if form[: len(low)] == low:
            best = "above"
    return best or ("near" if _is_near(source, low) else "")


def _version_fit(source: AttachedSource, rest: tuple[str, ...]) -> str:
    if source.handle is None:
        return "fits"
    if not rest:
        return "above"
    if not rest[0].isdecimal():
        return "near"
    return "fits" if source.version in (None, int(rest[0][:9])) else "version"


def _is_near(source: AttachedSource, low: tuple[str, ...]) -> bool:
    """Whether a path that fits no form of a source speaks of it all the same."""
    if source.handle is not None:
        handle = source.handle
        return handle.variation.lower() in low[1:5] and handle.model.lower() in low[:4]
    name = (source.dataset.slug if source.dataset is not None else source.slug or "").lower()
    owner = (source.dataset.owner or "").lower() if source.dataset is not None else ""
    before = low[: low.index(name)] if name in low[:3] else None
    return before is not None and set(before) <= {owner, "datasets", "notebooks", "competitions", "models"}


def _places(source: AttachedSource, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Where a source will lie, each known form with its version, and what the path names below it."""
    version = () if source.handle is None else (str(source.version or 1),)
    below = tuple(_below(source, parts))
    return tuple("/".join((MOUNT, *form, *version, *below)) for form in mount_forms(source)[:2])


def _below(source: AttachedSource, parts: tuple[str, ...]) -> Iterator[str]:
    """What a path names below its source: what follows the last of the source's own names."""
    own = {part.lower() for form in mount_forms(source) for part in form}
    last = max((number for number, part in enumerate(parts[:6]) if part.lower() in own), default=len(parts) - 1)
    rest = parts[last + 1 :]
    if source.handle is not None and rest and rest[0].isdecimal():
        rest = rest[1:]
    yield from rest
