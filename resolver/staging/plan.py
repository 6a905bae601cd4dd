"""What will be staged, decided before a byte is written: models, their folders, their files, and every reason not to.

Does not copy and does not hash. Names are judged for the narrowest system that the bundle may be carried to: what a
case-insensitive disk would take for one file is refused everywhere.
"""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from resolver.errors import MalformedReference
from resolver.finding import Identity
from resolver.inspection.description import ModelDescription
from resolver.inspection.files import WHEELS
from resolver.inspection.lock import LOCK_FILE, Lock, LockedModel, LockedSource, read_lock
from resolver.inspection.safe_names import why_unsafe
from resolver.integrity.lock import source_of
from resolver.record import Record, field
from resolver.reference import HubId, KaggleDataset, KaggleHandle, PackageRef, Reference, parse_reference
from resolver.rules.words import some
from resolver.staging.selection import select
from resolver.writing import CannotMake

MAX_FOLDER: Final = 100
SURE: Final = frozenset({"exact", "declared"})


class SourceFault(CannotMake):
    """What is to be staged cannot be: its names, its bytes; the target was not made."""


class Stamp(Record):
    """By what a file that was changed is known, without reading it."""

    size_bytes: int
    mtime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, path: Path) -> "Stamp":
        """The stamp that a file has now; links are followed.

        Raises:
            OSError: it is gone.
        """
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev)


class Wanted(Record):
    """What a file's content has to be, and who says so; None where it says nothing of that kind."""

    sha256: str | None
    git_sha1: str | None
    where: str
    doubtful: bool = False


class PlannedFile(Record):
    """One file that is taken over as it is.

    Attributes:
        name: relative to the model's directory.
        source: where it lies; followed wherever it leads, which the listing has vouched for.
        stamp: as it was when it was planned.
        wanted: what is on record of it.
    """

    name: str
    source: Path
    stamp: Stamp
    wanted: tuple[Wanted, ...] = ()


class ToStage(Record):
    """A model that somebody has chosen, described in full.

    Attributes:
        identity: which one it is.
        description: the directory as read, tokenizer, licence and record too.
        source: where it was fetched from; None where its place says that itself.
        ours: whether the directory is this command's own download: then its files are moved, not copied.
    """

    identity: Identity
    description: ModelDescription
    source: LockedSource | None = None
    ours: bool = False


class PlannedModel(Record):
    """One model of the bundle.

    Attributes:
        reference: what the lock and the README call it.
        folder: its folder in the bundle with a slash; "" for the bundle itself.
        title: a short name for people.
        model: what was chosen.
        source: where its files come from.
        files: what is taken over.
        notes: what somebody should know who uses it.
    """

    reference: str
    folder: str
    title: str
    model: ToStage
    source: LockedSource
    files: tuple[PlannedFile, ...]
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def is_local(self) -> bool:
        """Whether only its place names it."""
        return self.reference.startswith(".")


def plan_models(models: Iterable[ToStage]) -> tuple[PlannedModel, ...]:
    """Decide what is staged.

    Raises:
        SourceFault: a name that must not be used, a file that cannot be read, one model twice; nothing was written.
    """
    chosen = tuple(models)
    _refuse_doubles(chosen)
    folders = [""] if len(chosen) == 1 else [f"{name}/" for name in _folders(chosen)]
    planned = tuple(_planned(each, folder) for each, folder in zip(chosen, folders, strict=True))
    names = [each.reference for each in planned]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:  # the lock could not tell them apart, and neither could who asks for that name
        raise SourceFault(f"two of the models would be called {twice}: stage them into directories of their own")
    return planned


def _refuse_doubles(models: tuple[ToStage, ...]) -> None:
    seen: dict[str, str] = {}
    for each in models:
        place = os.path.realpath(each.description.root)
        if place in seen:
            raise SourceFault(f"{seen[place]} and {each.identity.reference} are one model, at {place}: name it once")
        seen[place] = each.identity.reference


def _planned(model: ToStage, folder: str) -> PlannedModel:
    description = model.description
    if not description.files.complete:
        raise SourceFault(f"{description.root} holds more files than are looked at")
    selection = select(description)
    if selection.absent:
        raise SourceFault(f"{description.root} lacks {some(selection.absent)}, which a loader opens")
    if not selection.files:
        raise SourceFault(f"{description.root} holds nothing that a loader opens")
    _refuse_unsafe(description, selection.files)
    lock = _own_lock(description.root)
    source = model.source or source_of(model.identity, description)
    if lock is not None and source.kind == "local":
        source = lock.source
    title = _title(model.identity, source)
    reference = _reference(model, source) or (f"./{folder.rstrip('/')}")
    wanted = _wanted(description, lock)
    files = tuple(_file(description, name, wanted.get(name, ())) for name in selection.files)
    return PlannedModel(reference, folder, title, model, source, files, selection.notes)


def _refuse_unsafe(model: ModelDescription, names: tuple[str, ...]) -> None:
    """Every name and every link of what would be staged, before anything is written."""
    for name in names:
        if (reason := why_unsafe(name)) is not None:
            raise SourceFault(f"{model.root} holds the name {name[:80]!r}: {reason}")
        facts = model.files.files[name]
        if facts.link is not None and facts.link.kind == "outside":
            raise SourceFault(f"{name} in {model.root} is a link that leads out of it, to {facts.link.target[:200]}")
        if facts.content == "unread":
            why = os.strerror(facts.errno) if facts.errno is not None else "it cannot be read"
            raise SourceFault(f"{name} in {model.root}: {why}")
    refuse_collisions(names)


def refuse_collisions(names: Iterable[str]) -> None:
    """Refuse names that a disk without case, or one that composes accents, takes for one.

    Raises:
        SourceFault: names both.

    >>> refuse_collisions(["a/b", "a/c"])
    >>> refuse_collisions(["Config.json", "config.json"])
    Traceback (most recent call last):
    resolver.staging.plan.SourceFault: Config.json and config.json are one file on a disk that does not tell case apart
    """
    seen: dict[str, str] = {}
    for name in names:
        for part in _leading(name):
            other = seen.setdefault(folded(part), part)
            if other != part:
                raise SourceFault(f"{other} and {part} are one file on a disk that does not tell case apart")


def _leading(name: str) -> Iterator[str]:
    """The name and every folder above it: "A/x" and "a/y" meet as well."""
    parts = name.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts) + 1))


def folded(name: str) -> str:
    """A name as a disk without case compares it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _file(model: ModelDescription, name: str, wanted: tuple[Wanted, ...]) -> PlannedFile:
    path = model.files.path(name)
    try:
        stamp = Stamp.of(path)
    except OSError as error:
        raise SourceFault(f"{path}: {error.strerror}") from error
    return PlannedFile(name, path, stamp, wanted)


def _own_lock(root: Path) -> LockedModel | None:
    """The lock that lies in a directory and is of that directory: it was staged before."""
    read = read_lock(root / LOCK_FILE)
    models = read.models if isinstance(read, Lock) else ()
    return next((each for each in models if each.path == "."), None)


def _wanted(model: ModelDescription, lock: LockedModel | None) -> Mapping[str, tuple[Wanted, ...]]:
    found: dict[str, list[Wanted]] = {}
    for name, locked in {} if lock is None else lock.files.items():
        found.setdefault(name, []).append(Wanted(locked.sha256, None, str(model.root / LOCK_FILE)))
    for name, each in {} if model.on_record is None else model.on_record.files.items():
        wanted = Wanted(each.sha256, each.git_sha1, each.where, each.written_since)
        found.setdefault(name, []).append(wanted)
    return {name: tuple(each) for name, each in found.items()}


def _asked(identity: Identity) -> Reference | None:
    try:
        return parse_reference(identity.reference)
    except MalformedReference:
        return None


def _reference(model: ToStage, source: LockedSource) -> str | None:
    """What it is called wherever it lies; None where only its place names it.

    What was asked for stands only where the match is sure: a lock that says it will be believed elsewhere. A directory
    that was named by its path is called so here alone, also where the path has the form of a hub id.
    """
    identity = model.identity
    asked, by_path = _asked(identity), identity.source == "path" and model.source is None
    if identity.confidence in SURE and not by_path:
        match asked:
            case HubId():
                return asked.repo_id
            case KaggleHandle() | PackageRef():
                return str(asked)
            case KaggleDataset() if asked.owner is not None:
                return str(asked)
            case _:
                pass
    if source.id is None:
        return None
    return f"package:{source.id}" if source.kind == "package" else source.id


def _title(identity: Identity, source: LockedSource) -> str:
    asked = _asked(identity)
    match asked:
        case HubId():
            return asked.name
        case KaggleHandle():
            return f"{asked.model}-{asked.variation}"
        case KaggleDataset():
            return asked.directory.rpartition("/")[2] or asked.slug
        case PackageRef():
            return asked.distribution
        case _:
            named = (source.id or "").rpartition("/")[2] if source.kind in {"hub", "modelscope"} else ""
            return named or (identity.path.name if identity.path is not None else "") or "model"


def _folders(models: tuple[ToStage, ...]) -> list[str]:
    """One name a model; where two would be one, the owner stands before them, then a number behind."""
    taken = {WHEELS}
    names: list[str] = []
    for each in models:
        source = each.source or source_of(each.identity, each.description)
        title, owner = _title(each.identity, source), (_reference(each, source) or "").split("/")[0]
        choices = [safe(title), safe(f"{owner}--{title}"), *(safe(f"{title}-{number}") for number in range(2, 1_000))]
        name = next(choice for choice in choices if folded(choice) not in taken)
        taken.add(folded(name))
        names.append(name)
    return names


def safe(text: str) -> str:
    """A folder's name that every system takes.

    >>> safe("my model (1)"), safe("con"), safe("...")
    ('my-model-1', 'model-con', 'model')
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:MAX_FOLDER].strip("-. ") or "model"
    return plain if why_unsafe(plain) is None else f"model-{plain}"
