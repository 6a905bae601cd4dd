"""What the user vouches for and what he allows, ready to be asked: the settings with the locks that they name read in.

It is not known here what lies on the disk. A policy is a rule that its user keeps: who may change the settings, or
calls the libraries without us, is not held by it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from resolver.errors import ConfigurationError, MalformedReference
from resolver.finding import Confidence
from resolver.record import Record
from resolver.reference import LocalPath, Reference, parse_reference

if TYPE_CHECKING:
    from resolver.inspection.lock import Lock, LockedModel
    from resolver.settings import Settings

SHOWN_DIGITS: Final = 12


class Vouched(Record):
    """One model that the user vouches for, or approves of.

    Attributes:
        by: where he says so: a lock, or the key of the settings.
        tree_sha256: the digest over its files.
        names: what it may be called; () where only its bytes are said.
        model: its files, where a lock lists them.
    """

    by: str
    tree_sha256: str
    names: tuple[Reference, ...] = ()
    model: "LockedModel | None" = None


class Policy(Record):
    """What holds for every model that is resolved, checked or loaded.

    Attributes:
        file: the settings that say so; None where there are none.
        minimum_confidence: the least certain match that resolves.
        vouched: what is surely the model that it is said to be.
        licences: identifiers, lower case, that are allowed; None for any.
        approved: what alone may be loaded; None for anything.
        no_pickle: whether a model is refused whose loader would open a pickle.
    """

    file: Path | None = None
    minimum_confidence: Confidence = "matched"
    vouched: tuple[Vouched, ...] = ()
    licences: tuple[str, ...] | None = None
    approved: tuple[Vouched, ...] | None = None
    no_pickle: bool = False

    @property
    def restricts(self) -> bool:
        """Whether a directory may be refused for what is in it."""
        return self.no_pickle or self.licences is not None or self.approved is not None

    @property
    def where(self) -> str:
        """The file that says so, for a message."""
        return "the policy" if self.file is None else str(self.file)


ANYTHING: Final = Policy()


def policy_of(settings: "Settings") -> Policy:
    """The policy of the settings, with their locks read.

    Raises:
        ConfigurationError: a lock that is named cannot be used, or a digest is of something that is no reference.
    """
    own = settings.policy
    told = [each for path in settings.locks for each in _of_lock(path, "locks", settings.path)]
    told += [_of_digest(text, digest, settings.path) for text, digest in settings.digests.items()]
    approved = None
    if own.approved_locks is not None and own.approved_digests is not None:
        locked = [each for path in own.approved_locks for each in _of_lock(path, "policy.approved", settings.path)]
        by = f"policy.approved of {settings.path}"
        approved = (*locked, *(Vouched(by, digest) for digest in own.approved_digests))
    return Policy(
        file=settings.path,
        minimum_confidence=own.minimum_confidence,
        vouched=(*told, *(each for each in approved or () if each.names)),
        licences=own.licences,
        approved=approved,
        no_pickle=own.no_pickle,
    )


def _of_lock(path: Path, key: str, settings: Path | None) -> list[Vouched]:
    from resolver.inspection.lock import LockFault, read_lock  # noqa: PLC0415 - few settings name a lock

    lock: Lock | LockFault = read_lock(path)
    if isinstance(lock, LockFault):
        raise ConfigurationError(f"{settings}: {key}: {path} cannot be used as a lock: {lock.reason}")
    return [Vouched(str(path), each.tree_sha256, _names(each), each) for each in lock.models]


def _names(model: "LockedModel") -> tuple[Reference, ...]:
    """What a lock of the user's own calls a model: as he asked for it, and where it came from."""
    from resolver.named import reference_of  # noqa: PLC0415 - as above

    try:
        asked = parse_reference(model.reference)
    except MalformedReference:
        asked = None
    return tuple(each for each in (asked, reference_of(model.source)) if each is not None)


def _of_digest(text: str, digest: str, settings: Path | None) -> Vouched:
    try:
        name = parse_reference(text)
    except MalformedReference as error:
        raise ConfigurationError(f"{settings}: digests.{text}: {error}") from error
    if isinstance(name, LocalPath):
        raise ConfigurationError(f"{settings}: digests.{text} is a path; a digest vouches for what a model is called")
    return Vouched(f"digests of {settings}", digest, (name,))
