"""Which names mean the same model, and what is known of it: the reader of `catalog_rows`.

Nothing here is proof: a row is name evidence, and `identity.py` weighs it against what the directory holds.
"""

from functools import cache

from resolver import catalog_rows
from resolver.record import Record
from resolver.reference import HubId, KaggleDataset, KaggleHandle, Reference


class Known(Record):
    """One pair of the survey.

    Attributes:
        hub_id: as the hub spells it.
        handle: the Kaggle model or dataset; its owner is None where the survey does not know it.
        directory: where the files lie below it, "" for the top.
        official: the publisher's own Kaggle model.
        loadable: "yes", "no" (another format) or "unknown".
    """

    hub_id: str
    handle: KaggleHandle | KaggleDataset
    directory: str
    official: bool
    loadable: str


class Fingerprint(Record):
    """The numbers of a published config.json; None is not compared. `quantization` is the repository's own."""

    model_types: tuple[str, ...]
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int | None
    intermediate_size: int | None
    vocab_size: int | None
    quantization: str | None


class Family(Record):
    """What holds for all models whose hub id begins alike; see the head of `catalog_rows` for each field."""

    prefix: str
    name: str
    model_types: tuple[str, ...]
    gated: bool | None
    licence_id: str | None
    licence_name: str | None
    terms_url: str
    kaggle_model: str | None
    pad_token: str | None
    first_transformers: str | None
    restriction: str | None


@cache
def _known() -> tuple[Known, ...]:
    return tuple(
        Known(hub_id, *_parse_handle(handle), kind == "official", loadable)
        for hub_id, handle, kind, loadable, _ in catalog_rows.HANDLES
    )


def _parse_handle(text: str) -> tuple[KaggleHandle | KaggleDataset, str]:
    handle, _, directory = text.partition(":")
    parts = handle.split("/")
    owner = None if parts[0] == "?" else parts[0]
    if len(parts) == 2:  # noqa: PLR2004 - owner and slug: a dataset
        return KaggleDataset(owner, parts[1], directory), directory
    version = int(parts[4]) if len(parts) > 4 else None  # noqa: PLR2004
    return KaggleHandle(owner, parts[1], parts[2], parts[3], version), directory


def known_places(reference: Reference) -> tuple[Known, ...]:
    """Where Kaggle has the model that the reference names: the publisher's own first.

    Args:
        reference: a hub id; or a handle or dataset, which is first turned into the hub ids that it holds.
    """
    wanted = {hub_id.lower() for hub_id in hub_ids(reference)}
    found = [row for row in _known() if row.hub_id.lower() in wanted]
    return tuple(sorted(found, key=lambda row: not row.official))


def other_places(reference: Reference) -> tuple[Known, ...]:
    """As `known_places`, each place once and without the one that was asked for itself."""
    asked = (reference,) if isinstance(reference, KaggleHandle | KaggleDataset) else ()
    kept: list[Known] = []
    for known in known_places(reference):
        if not any(same_place(known.handle, each) for each in (*asked, *(other.handle for other in kept))):
            kept.append(known)
    return tuple(kept)


def hub_ids(reference: Reference) -> tuple[str, ...]:
    """The hub ids that a reference means; a Kaggle handle may be known under several."""
    if isinstance(reference, HubId):
        return (reference.repo_id,)
    if isinstance(reference, KaggleHandle | KaggleDataset):
        return tuple(dict.fromkeys(row.hub_id for row in _known() if same_place(row.handle, reference)))
    return ()


def is_official(handle: KaggleHandle | KaggleDataset) -> bool:
    """Whether the survey knows the handle as the publisher's own."""
    return any(row.official and same_place(row.handle, handle) for row in _known())


def same_place(known: KaggleHandle | KaggleDataset, asked: KaggleHandle | KaggleDataset) -> bool:
    """Whether two handles name the same model variation or dataset; versions and unknown owners do not count."""
    if known.owner and asked.owner and known.owner.lower() != asked.owner.lower():
        return False
    if isinstance(known, KaggleHandle) and isinstance(asked, KaggleHandle):
        return (known.model.lower(), known.framework, known.variation.lower()) == (
            asked.model.lower(),
            asked.framework,
            asked.variation.lower(),
        )
    if isinstance(known, KaggleDataset) and isinstance(asked, KaggleDataset):
        return (known.slug.lower(), known.directory.lower()) == (asked.slug.lower(), asked.directory.lower())
    return False


def fingerprint_of(hub_id: str) -> Fingerprint | None:
    """The published numbers of a hub id, in any case; None where the catalog does not know it.

    >>> fingerprint_of("google/gemma-2-9b-it").num_hidden_layers
    42
    """
    row = catalog_rows.FINGERPRINTS.get(hub_id.lower())
    return None if row is None else Fingerprint(*row)


def family_of(hub_id: str) -> Family | None:
    """The family of a hub id: the longest prefix that fits; None where none does."""
    lower = hub_id.lower()
    return next((Family(*row) for row in catalog_rows.FAMILIES if lower.startswith(row[0])), None)


def spelled_like(hub_id: str, limit: int = 3) -> tuple[str, ...]:
    """Hub ids of the catalog whose spelling is near: for "did you mean"."""
    import difflib  # noqa: PLC0415 - only when nothing was found

    names = {row.hub_id.lower(): row.hub_id for row in _known()}
    near = difflib.get_close_matches(hub_id.lower(), names, n=limit, cutoff=0.75)
    return tuple(names[name] for name in near if name != hub_id.lower())
