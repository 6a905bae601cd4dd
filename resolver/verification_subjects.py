"""Which directories are verified, and what is on record of each: a lock's models, or one model by its own record.

A lock's model lies where the user says, else where the lock says, else where its reference leads to on this machine.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from resolver.environment import Environment
from resolver.errors import ModelNotFound
from resolver.finding import Fix, Identity, NotFound, Report, TrailStep
from resolver.host import Host
from resolver.inspection.describe import complete
from resolver.inspection.description import ModelDescription
from resolver.inspection.digest import header_sha256
from resolver.inspection.evidence import RecordedFiles
from resolver.inspection.files import WHOLE, Listing, is_of_bundle, list_files
from resolver.inspection.lock import LOCK_FILE, Lock, LockedModel, LockFault, read_lock
from resolver.inspection.locked import recorded_by
from resolver.inspection.provenance import MAX_LEVELS, LockedHere, find_locked, has_lock
from resolver.inspection.tokenizer import VOCABULARY_FILES
from resolver.integrity.verdicts import Facts
from resolver.policy import ANYTHING, Policy
from resolver.record import Record, field
from resolver.resolve import choose
from resolver.rules.completeness import absent_files
from resolver.rules.rule import Evidence, Intent
from resolver.rules.words import quoted

CARD: Final = "README.md"


class NotALock(Exception):  # noqa: N818 - says what is so
    """What was given cannot be verified: no lock, no such name in it; the message says which, and why."""


class Search(Record):
    """Where models are looked for.

    Attributes:
        environment, host: this machine's.
        policy: what may be loaded; the least certain match that is taken.
        places: reference of a model in the lock -> the directory that is to be it.
    """

    environment: Environment
    host: Host
    policy: Policy = ANYTHING
    places: Mapping[str, str] = field(default_factory=dict)


class Subject(Record):
    """One directory that is to be compared.

    Attributes:
        identity: as a report tells it.
        root: the directory.
        facts: what is compared.
        lock: the lock that speaks of it, absolute; None where none does.
        description: as read; None where only a lock was compared, which needs none.
        trail: where was looked.
    """

    identity: Identity
    root: Path
    facts: Facts
    lock: str | None
    description: ModelDescription | None = None
    trail: tuple[TrailStep, ...] = ()


def subjects(text: str, search: Search) -> Iterator[Subject | Report]:
    """The directories of a lock or of a reference; a report where one is not found.

    Args:
        text: a lock, or a reference.
        search: where is looked.

    Raises:
        MalformedReference: the text is neither.
        NotALock: it is a file that is no lock, or a name in `search.places` is none of its models.
    """
    path = search.environment.expand(text)
    if not path.is_dir() and (path.is_file() or text.endswith(".lock")):
        yield from _of_lock(text, path, search)
        return
    if _is_bundle(path):
        yield from _of_lock(text, path / LOCK_FILE, search)
        return
    if search.places:
        raise NotALock(f"{text} is no lock: NAME=DIR says where the models of a lock lie")
    yield _of_model(text, search)


def _is_bundle(path: Path) -> bool:
    """Whether a directory holds the lock of several models in folders of it, and nothing that the lock leaves out."""
    lock = read_lock(path / LOCK_FILE) if has_lock(path) else None
    if not isinstance(lock, Lock) or len(lock.models) <= 1:
        return False
    folders = {os.path.normpath(each.path or "..").partition("/")[0] for each in lock.models}
    files = list_files(path, WHOLE)
    known = all(name.partition("/")[0] in {*folders, CARD} or is_of_bundle(name) for name in files.files)
    return known and files.complete and folders.isdisjoint({".", ".."})


def _of_lock(text: str, path: Path, search: Search) -> Iterator[Subject | Report]:
    if not path.is_file():
        raise NotALock(f"there is no lock {text}")
    path = path.resolve() if path.is_symlink() else path  # who names a link to a lock means the lock
    lock = read_lock(path)
    if isinstance(lock, LockFault):
        raise NotALock(f"{text} is no lock that can be used: {lock.reason}")
    if not lock.models:
        raise NotALock(f"{text} holds no model")
    places = _places(lock, text, search.places)
    for model in lock.models:
        yield _of_locked(model, path, places.get(model.reference), search)


def _places(lock: Lock, text: str, asked: Mapping[str, str]) -> dict[str, str]:
    """Reference -> directory, each name being a model's reference, or the last part of one's alone."""
    found: dict[str, str] = {}
    for name, place in asked.items():
        exact = [each.reference for each in lock.models if each.reference == name]
        short = [each.reference for each in lock.models if each.reference.rstrip("/").rpartition("/")[2] == name]
        meant = exact or short
        if len(meant) != 1:
            known = ", ".join(each.reference for each in lock.models)
            raise NotALock(f"{name} is {'none' if not meant else 'several'} of the models of {text}: {known}")
        found[meant[0]] = place
    return found


def _of_locked(model: LockedModel, lock: Path, place: str | None, search: Search) -> Subject | Report:
    """Where the user says, else where the lock says, else where the reference leads to on this machine."""
    if place is not None:
        root = search.environment.expand(place)
        ground = f"{place} was named for it"
        return _locked_at(model, lock, Identity(model.reference, root, "path", "exact", (ground,)), search.host)
    if model.path is not None:
        root = Path(os.path.normpath(lock.parent / model.path))
        if root.is_dir() or model.reference.startswith("."):
            ground = f"the lock says that it lies in {model.path}"
            return _locked_at(model, lock, Identity(model.reference, root, "lock", "declared", (ground,)), search.host)
    try:
        chosen = choose(model.reference, search.environment, search.host, search.policy)
    except ModelNotFound as error:
        return _lost(model.reference, error.diagnosis, search.host, error.trail)
    except ValueError:  # an alias of whoever wrote the lock
        return _absent(model, lock, model.reference, search.host)
    root = chosen.description.root
    return Subject(chosen.identity, root, _facts_of(model, lock, root), str(lock), trail=chosen.trail)


def _locked_at(model: LockedModel, lock: Path, identity: Identity, host: Host) -> Subject | Report:
    root = identity.path
    if root is None or not root.is_dir():
        return _absent(model, lock, str(root), host)
    return Subject(identity.replaced(revision=model.source.revision), root, _facts_of(model, lock, root), str(lock))


def _facts_of(model: LockedModel, lock: Path, root: Path) -> Facts:
    files = list_files(root, WHOLE)
    own = {name for name in files.files if name.endswith(lock.name) and os.path.realpath(files.path(name)) ==
           os.path.realpath(lock)}  # fmt: skip
    files = files.replaced(files={name: each for name, each in files.files.items() if name not in own})
    record = recorded_by(model, str(lock))
    return Facts(files, record, vouched=True, headers=_headers(record, files))


def _headers(record: RecordedFiles, files: Listing) -> dict[str, tuple[str, str]]:
    """Safetensors file -> the digest of its header as locked, and as it is now ("" where there is none)."""
    found: dict[str, tuple[str, str]] = {}
    for name, each in record.files.items():
        here = files.get(name)
        if each.header_sha256 is not None and here is not None and here.content != "unread":
            found[name] = (each.header_sha256, header_sha256(files.path(name)) or "")
    return found


def _of_model(text: str, search: Search) -> Subject | Report:
    try:
        chosen = choose(text, search.environment, search.host, search.policy)
    except ModelNotFound as error:
        return _lost(text, error.diagnosis, search.host, error.trail)
    part = chosen.description
    files = list_files(part.root, WHOLE)
    description = complete(part.replaced(files=files))
    record = _with_lock_above(description.on_record or RecordedFiles(), part.root)
    if record.lock is not None:  # what else was published and is not here is nobody's loss: the lock is the list
        here = {name: each for name, each in record.files.items() if each.kind == "lock" or name in files.files}
        record = record.replaced(files=here)
    facts = Facts(
        files,
        record,
        record.lock is not None,
        needed=_needed(description, search.host),
        opened=description.opened(),
        headers=_headers(record, files),
        sound=_sound(description),
    )
    return Subject(chosen.identity, part.root, facts, record.lock, description, chosen.trail)


def _with_lock_above(record: RecordedFiles, root: Path) -> RecordedFiles:
    """What is on record, with the words of a lock above the directory that names it: a bundle of several models."""
    here = None if record.lock is not None else find_locked(root, MAX_LEVELS)
    if not isinstance(here, LockedHere) or here.lock.parent == root:
        return record
    told = recorded_by(here.model, str(here.lock))
    return told.replaced(files={**record.files, **told.files}, commit=told.commit or record.commit)


def _needed(description: ModelDescription, host: Host) -> frozenset[str]:
    """The absent files without which a loader fails or does otherwise; what else is absent was left out on purpose."""
    evidence = Evidence(description, Intent(), host)
    needed = {name for name, severity in absent_files(description, evidence).items() if severity != "info"}
    recorded = description.on_record.files if description.on_record is not None else {}
    if description.tokenizer is not None and description.tokenizer.source is None:
        listed = [name for name in VOCABULARY_FILES if name in recorded and description.files.get(name) is None]
        needed.update(listed[:1])
    return frozenset(needed)


def _sound(description: ModelDescription) -> frozenset[str]:
    """The weights that are as long as their headers say, unless an index counts other bytes than they hold."""
    weights = description.weights
    sound = {name for name in weights.headers if weights.header(name) is not None}
    total = weights.index.total_size if weights.index is not None else None
    if total is not None and total != weights.total_bytes:
        sound -= set(weights.shards)
    return frozenset(sound)


def _absent(model: LockedModel, lock: Path, said: str, host: Host) -> Report:
    diagnosis = NotFound(
        f"{model.reference} is not at {said}",
        (f"the lock is {lock}",),
        "nothing of it was verified",
        Fix("say where it lies", f"resolver verify {quoted(lock)} {quoted(model.reference)}=DIR"),
    )
    return _lost(model.reference, diagnosis, host, ())


def _lost(reference: str, diagnosis: NotFound, host: Host, trail: tuple[TrailStep, ...]) -> Report:
    return Report(
        level="quick",
        purpose="load",
        accelerator=host.accelerator,
        judged_with={},
        model=Identity(reference),
        verdict="not-found",
        trail=trail,
        not_found=diagnosis,
    )
