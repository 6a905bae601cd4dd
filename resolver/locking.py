"""Resolve, list, hash, describe: what stands behind `lock`. All models are locked, or none is.

What a lock says is of one moment: a file that is another one at the end than it was at the beginning is refused.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from resolver.environment import Environment
from resolver.host import Host
from resolver.inspection.describe import describe
from resolver.inspection.files import LOCK_NAME, WHOLE, Listing, list_files
from resolver.inspection.lock import Lock, LockedModel, LockedSource, LockFault, parse_lock
from resolver.inspection.safe_names import why_unsafe
from resolver.integrity.journal import FileKey, Journal, key_of
from resolver.integrity.lock import canonical, lock_model, source_of
from resolver.integrity.reading import Progress
from resolver.integrity.resumable import Hashed, Wanted, hash_resumably
from resolver.integrity.statement import statement
from resolver.integrity.verdicts import why_unread
from resolver.policy import ANYTHING, Policy
from resolver.record import Record
from resolver.reference import LocalPath, parse_reference
from resolver.resolve import Chosen, choose
from resolver.version import VERSION

FOLDER: Final = "runs"


class CannotLock(Exception):  # noqa: N818 - says what is so
    """Nothing was written; the message says which file of which model, and why."""


class MadeLock(Record):
    """A lock that is about to be written.

    Attributes:
        lock: its values.
        data: its bytes.
        statement: the in-toto statement of its only model; None where none was asked for.
        notes: what has to be said to the user although all is well.
    """

    lock: Lock
    data: bytes
    statement: bytes | None = None
    notes: tuple[str, ...] = ()


class Written(Record):
    """A lock that was written, and where; `statement` is None where none was."""

    lock: Lock
    path: Path
    statement: Path | None = None


class _Taken(Record):
    """One model on its way: what was asked and by an alias meant, what was chosen, its files and how each lay there."""

    text: str
    meant: str
    chosen: Chosen
    files: Listing
    names: tuple[str, ...]
    keys: tuple[FileKey | None, ...]

    @property
    def root(self) -> Path:
        return self.chosen.description.root

    def wanted(self) -> list[Wanted]:
        return [Wanted(str(self.files.path(n)), self.files.files[n].size_bytes, "sha256") for n in self.names]


def make_lock(
    texts: Sequence[str],
    targets: tuple[Path, Path | None],
    environment: Environment,
    host: Host,
    *,
    progress: Progress | None = None,
    policy: Policy = ANYTHING,
) -> MadeLock:
    """Read every byte of some models and say what they are.

    Args:
        texts: references.
        targets: where the lock, and the statement if one is wanted, will be written; neither becomes part of a model.
        environment: this machine's.
        host: as above.
        progress: told the bytes read so far and the bytes that there are.
        policy: what may be loaded; the least certain match that is taken.

    Raises:
        MalformedReference, ModelNotFound, AmbiguousModel: as `resolve`.
        CannotLock: a model cannot be locked as it lies there.
    """
    target, beside = targets
    own = [each for each in targets if each is not None]
    taken = [_take(text, environment, choose(text, environment, host, policy), own) for text in texts]
    wanted = [each for model in taken for each in model.wanted()]
    with Journal(environment.state_home / FOLDER, _subject(wanted)) as journal:
        hashed = iter(hash_resumably(wanted, journal, progress))
    models = tuple(_locked(each, [next(hashed) for _ in each.names], target) for each in taken)
    lock = Lock(models, VERSION)
    data = _proven(lock)
    stated = None
    if beside is not None:
        inside = [os.path.relpath(each, taken[0].root) for each in own]
        within = [name for name in inside if not name.startswith("..")]
        stated = statement(models[0], os.path.realpath(taken[0].root).rpartition("/")[2], within)
    return MadeLock(lock, data, stated, tuple(_notes(taken)))


def _take(text: str, environment: Environment, chosen: Chosen, own: list[Path]) -> _Taken:
    files = list_files(chosen.description.root, WHOLE)
    names = tuple(name for name in files.files if name != LOCK_NAME and not _is_one_of(files.path(name), own))
    reason = next(_obstacles(files, names), None)
    if reason is not None:
        raise CannotLock(f"{text}: {reason}")
    keys = tuple(key_of(str(files.path(name))) for name in names)
    return _Taken(text, environment.aliases.get(text, text), chosen, files, names, keys)


def _is_one_of(path: Path, own: list[Path]) -> bool:
    """Whether a file is where we are going to write: what stands there now goes away."""
    return any(path.name == each.name and os.path.realpath(path) == os.path.realpath(each) for each in own)


def _obstacles(files: Listing, names: tuple[str, ...]) -> Iterator[str]:
    if files.fault is not None:
        yield f"{files.root} cannot be listed: {files.fault}"
    if not files.complete:
        yield f"{files.root} holds more files than are listed: a lock would not be whole"
    if not names:
        yield f"{files.root} holds no file"
    for name in names:
        if (reason := why_unsafe(name)) is not None:
            yield f"the name {name!r} cannot be locked: {reason}"
        elif files.files[name].content == "unread":
            yield f"{name} cannot be read: {why_unread(files.files[name])}"


def _subject(wanted: list[Wanted]) -> str:
    told = ["lock", *([each.path, each.size_bytes] for each in wanted)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _locked(taken: _Taken, hashed: list[Hashed], target: Path) -> LockedModel:
    """The model, described after it was hashed, once it is sure that nothing of it changed meanwhile."""
    digests: dict[str, str] = {}
    for name, each in zip(taken.names, hashed, strict=True):
        if each.text is None:
            raise CannotLock(f"{taken.text}: {name}: {each.fault}")
        digests[name] = each.text
    description = describe(taken.chosen.description.asked).replaced(files=taken.files)
    source = source_of(taken.chosen.identity, description)
    reference, path = _place(taken, target, source)
    try:
        model = lock_model(reference, description, source, path, digests)
    except OSError as error:
        raise CannotLock(f"{taken.text}: {error.filename or taken.root}: {error.strerror or error}") from error
    changed = _changed(taken)
    if changed is not None:
        raise CannotLock(f"{taken.text}: {changed} changed while it was read")
    return model


def _changed(taken: _Taken) -> str | None:
    now = list_files(taken.root, WHOLE)
    differing = set(now.files) ^ set(taken.files.files)
    if differing:
        return min(differing)
    pairs = zip(taken.names, taken.keys, strict=True)
    return next((name for name, key in pairs if key is None or key_of(str(taken.files.path(name))) != key), None)


def _place(taken: _Taken, target: Path, source: LockedSource) -> tuple[str, str | None]:
    """Reference and path as the lock holds them.

    A model that was named by its place is named relative to the lock; any other by its reference in the one form that
    it has, which holds no credentials of a URL and no name that only this machine knows.
    """
    meant = parse_reference(taken.meant)
    if taken.chosen.identity.source != "path" and not isinstance(meant, LocalPath):
        return str(meant), None
    if taken.chosen.identity.source != "path" and source.kind == "kaggle":  # a mount path of another machine
        return "/".join(filter(None, (source.id, source.revision))), None
    inside = relative(taken.root, target.parent)
    if inside in {".", ".."}:
        return f"{inside}/", inside
    return (inside if inside.startswith("../") else f"./{inside}"), inside


def relative(place: Path, folder: Path) -> str:
    """A directory as seen from another one, with "/"; as it was named where it lies below, by its real place else.

    >>> relative(Path("/a/b/c"), Path("/a/b")), relative(Path("/nowhere/x"), Path("/nowhere/else"))
    ('c', '../x')
    """
    named = os.path.relpath(place, folder)
    if named.partition("/")[0] != "..":
        return named
    real = os.path.relpath(os.path.realpath(place), os.path.realpath(folder))
    if real.partition("/")[0] != "..":
        return real
    return os.path.relpath(f"{os.path.realpath(place.parent)}/{place.name}", os.path.realpath(folder))


def _proven(lock: Lock) -> bytes:
    """The bytes, once they were read back as the same lock: what our own reader refuses is not written."""
    try:
        data = canonical(lock)
    except UnicodeEncodeError as error:
        raise CannotLock(f"a name or a text of it is no valid UTF-8: {error.object[:80]!r}") from error
    read = parse_lock(data)
    if isinstance(read, LockFault):
        raise CannotLock(read.reason)
    return data


def _notes(taken: list[_Taken]) -> Iterator[str]:
    for each in taken:
        identity = each.chosen.identity
        if identity.confidence != "exact":
            yield f"{each.text}: {identity.confidence}: {'; '.join(identity.evidence)}"
        for error in each.chosen.errors:
            yield f"{each.text}: {error.code} {error.message}; it is locked as it is"
