"""Does a name mean what was asked for: the references that locks hold, compared with the one of the caller.

Names alone. Whether whoever wrote a name may be believed is for `identity`.
"""

from typing import TYPE_CHECKING, Final

from resolver.errors import MalformedReference
from resolver.reference import HubId, KaggleDataset, KaggleHandle, PackageRef, Reference, parse_reference

if TYPE_CHECKING:
    from resolver.inspection.lock import LockedSource

SHORT_COMMIT: Final = 7
HEX: Final = frozenset("0123456789abcdef")


def reference_of(source: "LockedSource") -> Reference | None:
    """The reference that a lock's source spells, its revision with it; None where it names none."""
    if source.id is None or source.kind == "local":
        return None
    try:
        if source.kind == "package":
            return parse_reference(f"package:{source.id}")
        if source.kind == "kaggle":
            return _kaggle(source.id, source.revision)
        named = parse_reference(f"hf://{source.id}@{source.revision or 'main'}")
    except MalformedReference:
        return None
    return HubId(source.id, source.revision) if isinstance(named, HubId) and named.repo_id == source.id else None


def _kaggle(text: str, revision: str | None) -> Reference | None:
    named = parse_reference(text if text.startswith("kaggle://") else f"kaggle://{text}" if _is_model(text) else
                            f"kaggle://datasets/{text}")  # fmt: skip
    if isinstance(named, KaggleHandle):
        version = int(revision) if revision is not None and revision.isascii() and revision.isdigit() else named.version
        return named.replaced(version=version)
    return named if isinstance(named, KaggleDataset) else None


def _is_model(text: str) -> bool:
    return text.count("/") > 1


def means(asked: Reference, named: Reference) -> bool:
    """Whether a name is one of what was asked for; a revision or version that was asked for has to be its own.

    A hub id and the handle of its publisher's own Kaggle model mean the same where nothing asks for a revision.
    """
    found = False
    match asked, named:
        case HubId(), HubId():
            found = asked.repo_id.lower() == named.repo_id.lower() and _agrees(asked.revision, named.revision)
        case KaggleHandle(), KaggleHandle():
            found = _same_place(asked, named) and asked.version in {None, named.version}
        case KaggleDataset(), KaggleDataset():
            found = _same_place(asked, named)
        case PackageRef(), PackageRef():
            found = _normalised(asked.distribution) == _normalised(named.distribution) and not asked.directory
        case HubId(), KaggleHandle() | KaggleDataset():
            found = asked.revision is None and _is_official(named, asked)
        case KaggleHandle() | KaggleDataset(), HubId():
            found = _is_official(asked, named)
    return found


def is_another(asked: Reference, named: Reference) -> bool:
    """Whether a name is surely of another model, or of another revision of it; False where that cannot be known."""
    match asked, named:
        case (HubId(), HubId()) | (KaggleHandle(), KaggleHandle()):
            return not means(asked, named)
        case (HubId(), KaggleHandle()):
            return _has_another_id(named, asked)
        case (KaggleHandle(), HubId()):
            return _has_another_id(asked, named)
    return False


def _has_another_id(handle: KaggleHandle, hub_id: HubId) -> bool:
    from resolver.catalog import hub_ids  # noqa: PLC0415 - a large table

    known = {each.lower() for each in hub_ids(handle)}
    return bool(known) and hub_id.repo_id.lower() not in known


def _agrees(asked: str | None, named: str | None) -> bool:
    """Whether a revision is the one that was asked for, in full or by at least its first seven digits."""
    if asked is None or named is None:
        return asked is None
    is_commit = len(asked) >= SHORT_COMMIT and HEX.issuperset(asked.lower())
    return asked == named or (is_commit and named.startswith(asked.lower()))


def _same_place(asked: KaggleHandle | KaggleDataset, named: KaggleHandle | KaggleDataset) -> bool:
    from resolver.catalog import same_place  # noqa: PLC0415 - as above

    return same_place(named, asked)


def _is_official(handle: KaggleHandle | KaggleDataset, hub_id: HubId) -> bool:
    from resolver.catalog import known_places, same_place  # noqa: PLC0415 - as above

    return any(each.official and same_place(each.handle, handle) for each in known_places(hub_id))


def _normalised(distribution: str) -> str:
    from resolver.host import normalised  # noqa: PLC0415 - as above

    return normalised(distribution)
