"""What is said of a directory's origin: by itself, by the lock that lies with it, and by those of the user's own.

The first anyone can write; it declares a model where the files agree with it. The second is the user's word: what
agrees with it, as far as is cheap to read, is the model.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from resolver.finding import TrailStep
from resolver.inspection.files import Listing, find_model_root, list_files
from resolver.inspection.provenance import (
    LOCK_FILE,
    MAX_LEVELS,
    LockedHere,
    Provenance,
    find_locked,
    locked_directory,
    read_lock_in,
    read_provenance,
)
from resolver.named import means, reference_of
from resolver.policy import SHOWN_DIGITS, Policy, Vouched
from resolver.record import Record
from resolver.reference import Reference
from resolver.sources.source import Candidate, place_of

if TYPE_CHECKING:
    from resolver.inspection.lock import LockedModel, LockFault


class Standing(Record):
    """What locks say of one directory.

    Attributes:
        lock: the name of the lock that lies with it, relative to it or above; "" where none knows it.
        named: what that lock calls it; None where it names nothing, or the files contradict it.
        agrees: what was compared with that lock, in words; "" where nothing agrees.
        differs: what contradicts that lock, in words; "" where nothing does.
        vouched: why the user's own word makes sure which model it is, in words; "" where nothing does.
        metadata: what download metadata inside the directory says.
    """

    lock: str = ""
    named: Reference | None = None
    agrees: str = ""
    differs: str = ""
    vouched: str = ""
    metadata: Provenance | None = None


class Approval(Record):
    """Whether a directory is one of those that the policy approves, and why or why not, in words."""

    approved: bool
    words: str


def named_by_lock(found: Candidate, reference: Reference) -> Iterator[Candidate | TrailStep]:
    """The directories that a lock at a candidate's directory names as what was asked for.

    Returns:
        A candidate each; a step of the trail for a lock that cannot be used, and for one that names no directory here.
    """
    from resolver.inspection.lock import LockFault  # noqa: PLC0415 - few directories have a lock

    lock, path = read_lock_in(found.path), str(found.path / LOCK_FILE)
    if isinstance(lock, LockFault):
        yield TrailStep(found.source, path, "near", f"cannot be used as a lock: {lock.reason}")
        return
    for model in lock.models:
        named = reference_of(model.source)
        if named is None or not means(reference, named):
            continue
        directory = locked_directory(found.path, model)
        if directory is None or find_model_root(directory) != directory or not directory.is_dir():
            yield TrailStep(found.source, path, "near", f"names {named}, and no directory here that holds it")
        else:
            yield _candidate(found, model, directory, named)


def _candidate(found: Candidate, model: "LockedModel", directory: Path, named: Reference) -> Candidate:
    below = directory.relative_to(found.path).parts
    folders = (*found.folders, *below)
    revision = model.source.revision
    why = f"{LOCK_FILE} in {found.path} names {named}"
    return found.replaced(path=directory, folders=folders, why=why, place=place_of(folders), revision=revision)


def standing_of(root: Path, levels: int, reference: Reference, policy: Policy) -> Standing:
    """What locks, and it itself, say of a directory; reads no weights.

    Args:
        root: the directory that holds the model.
        levels: how many directories above it may hold its lock.
        reference: what was asked for.
        policy: what the user vouches for.
    """
    here = find_locked(root, levels)
    claims = [each for each in policy.vouched if any(means(reference, name) for name in each.names)]
    if here is None and not claims:
        return Standing(metadata=read_provenance(root))
    files = list_files(root)
    told = Standing() if here is None else _of_lock(here, files)
    vouched = (each.words for each in _compared(files, here, claims) if each.agrees)
    return told.replaced(vouched=next(vouched, ""), metadata=read_provenance(root))


def _of_lock(here: "LockedHere | LockFault", files: Listing) -> Standing:
    from resolver.inspection.agreement import compare_headers  # noqa: PLC0415 - as above

    if not isinstance(here, LockedHere):
        return Standing(LOCK_FILE, differs=f"it cannot be used: {here.reason}")
    agreement = compare_headers(files, here.model)
    if agreement.differs is not None:
        return Standing(str(here.lock), differs=agreement.differs)
    return Standing(str(here.lock), reference_of(here.model.source), agreement.words)


def approval_of(root: Path, policy: Policy) -> Approval | None:
    """Whether a directory is approved by the policy; None where the policy approves of anything."""
    if policy.approved is None:
        return None
    here = find_locked(root, MAX_LEVELS)
    told = list(_compared(list_files(root), here, policy.approved))
    found = next((each for each in told if each.agrees), None)
    if found is not None:
        return Approval(approved=True, words=found.words)
    nearest = max(told, key=lambda each: each.alike, default=None)
    if nearest is None or nearest.alike == 0:
        words = f"none of the {len(policy.approved)} that are approved has its files"
        if not isinstance(here, LockedHere) and any(each.model is None for each in policy.approved):
            words = "a digest is approved, and no lock lies with the model that says which files it is of"
        return Approval(approved=False, words=words)
    return Approval(approved=False, words=nearest.words)


class _Compared(Record):
    """One comparison: whether it agrees, how many files have the size that is on record, and all of it in words."""

    agrees: bool
    alike: int
    words: str


def _compared(files: Listing, here: "LockedHere | LockFault | None", claims: Iterable[Vouched]) -> Iterator[_Compared]:
    """Compare with each model that is vouched for whose files can be known.

    Of a mere digest the files are known where the lock that lies with the directory has it: the digest is over all
    names and hashes in that lock. Sizes and headers are not in it; there they are what that lock says.
    """
    from resolver.inspection.agreement import compare_contents  # noqa: PLC0415 - only where somebody vouches

    beside = here.model if isinstance(here, LockedHere) else None
    for each in claims:
        model = each.model or (beside if beside is not None and beside.tree_sha256 == each.tree_sha256 else None)
        if model is None:
            continue
        agreement = compare_contents(files, model)
        digest = f"sha256:{each.tree_sha256[:SHOWN_DIGITS]}…"
        own = "" if each.model is not None else " (sizes and headers as the lock beside the model says)"
        if agreement.differs is None:
            yield _Compared(True, len(model.files), f"{each.by} vouches for {digest}: {agreement.words}{own}")  # noqa: FBT003 - a record's field
        else:
            sizes = ((files.get(name), locked.size_bytes) for name, locked in model.files.items())
            alike = sum(facts is not None and facts.size_bytes == size for facts, size in sizes)
            yield _Compared(False, alike, f"{each.by} has {digest}: {agreement.differs}")  # noqa: FBT003 - as above
