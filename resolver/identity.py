"""How sure it is that a directory is the model that was asked for: name evidence weighed against its content.

exact     a path or handle that was asked for, a cache entry under that name, the publisher's own Kaggle model whose
          architecture agrees, or what the user's own lock vouches for
declared  a lock that the files agree with, or download metadata, names it (anyone can write either)
matched   a name and the architecture agree
guess     a name alone, or one that something contradicts
"""

from typing import TYPE_CHECKING

from resolver.finding import Confidence
from resolver.inspection.config import ConfigFacts
from resolver.inspection.provenance import Provenance
from resolver.inspection.quantization import QuantizationFacts
from resolver.named import is_another, means
from resolver.record import Record
from resolver.reference import HubId, KaggleDataset, KaggleHandle, Reference
from resolver.sources.source import Candidate
from resolver.standing import Standing

if TYPE_CHECKING:
    from resolver.catalog import Fingerprint

COMPARED = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "intermediate_size",
)


class Grade(Record):
    """A confidence and its reasons; `confidence` None where the directory is another model."""

    confidence: Confidence | None
    evidence: tuple[str, ...]


def granted(candidate: Candidate) -> Grade | None:
    """The grade of what was asked for by its place, whatever lies there; None where the content has to agree."""
    return Grade("exact", (candidate.why,)) if candidate.claim in ("asked", "entry") else None


class _Compared(Record):
    """What a candidate is compared with, and what came of it: the id, what is published of it, and how that agrees."""

    hub_id: str
    published: "Fingerprint | None"
    agreement: "_Agreement"


def grade(
    candidate: Candidate,
    reference: Reference,
    config: ConfigFacts,
    standing: Standing,
    below: tuple[str, ...] = (),
) -> Grade:
    """Weigh a candidate.

    Args:
        candidate: the directory and the ground on which a source offers it.
        reference: what was asked for.
        config: what its config.json says.
        standing: what locks, and it itself, say of its origin.
        below: folders that were descended into from the candidate's directory to the model's.
    """
    from resolver.catalog import fingerprint_of, hub_ids  # noqa: PLC0415 - a large table, not needed by `granted`

    elsewhere = _elsewhere(candidate, reference)
    if elsewhere is not None:
        return Grade(None, (candidate.why, elsewhere))
    hub_id = candidate.hub_id or next(iter(hub_ids(reference)), "")
    published = fingerprint_of(hub_id)
    found = _Compared(hub_id, published, _compare(published, config))
    if found.agreement.differs:
        return Grade(None, (candidate.why, f"another model: {found.agreement.words}"))
    if standing.vouched:
        return Grade("exact", (candidate.why, found.agreement.words, standing.vouched))
    if candidate.claim == "lock":
        return _by_lock(candidate, config, standing, found)
    doubt = _doubt(candidate, hub_id, published, config, below) or _contradicted(standing, reference)
    return _by_place(candidate, reference, standing, found, doubt)


def _by_place(
    candidate: Candidate, reference: Reference, standing: Standing, found: _Compared, doubt: str | None
) -> Grade:
    """The grade of a directory that its place, or its name, speaks for."""
    notes = (f"{standing.lock} is no declaration: {standing.differs}",) if standing.differs else ()
    evidence = (candidate.why, found.agreement.words, *((doubt,) if doubt else ()), *notes)
    if doubt is not None:
        return Grade("guess", evidence)
    if found.agreement.agrees:
        return Grade("exact" if candidate.claim == "official" else "matched", evidence)
    metadata = standing.metadata
    if metadata is not None and _names(metadata, found.hub_id, reference):
        return Grade("declared", (*evidence, f"{metadata.file} names {metadata.hub_id}"))
    if standing.named is not None and means(reference, standing.named):
        return Grade("declared", (*evidence, f"{standing.lock} names {standing.named}: {standing.agrees}"))
    return Grade("guess", evidence)


def _by_lock(candidate: Candidate, config: ConfigFacts, standing: Standing, found: _Compared) -> Grade:
    """The grade of a directory for which nothing but a lock speaks; its folders need not be called anything."""
    from resolver.names import says_quantised  # noqa: PLC0415 - as in `grade`

    if not standing.agrees:
        reason = standing.differs or "it knows no such directory"
        return Grade(None, (candidate.why, f"the lock is no declaration: {reason}"))
    # Where nothing is published to compare with, a name that says so itself is not contradicted.
    comparable = found.published is not None or not says_quantised(found.hub_id)
    doubt = _quantised_otherwise(found.hub_id, found.published, config) if comparable else None
    evidence = (candidate.why, found.agreement.words, *((doubt,) if doubt else ()), standing.agrees)
    return Grade("guess" if doubt else "declared", evidence)


def _contradicted(locks: Standing, reference: Reference) -> str | None:
    """Why the lock that lies with a directory, and that its files agree with, says that it is another model."""
    if locks.named is None or not is_another(reference, locks.named):
        return None
    return f"{locks.lock} names {locks.named}"


def _elsewhere(candidate: Candidate, reference: Reference) -> str | None:
    """Why a candidate lies at another place than the handle that was asked for, whoever found it; None where not."""
    from resolver.catalog import same_place  # noqa: PLC0415 - as above

    place = candidate.place
    if candidate.claim == "lock" or place is None or not isinstance(reference, KaggleHandle | KaggleDataset):
        return None
    if place.owner and reference.owner and place.owner.lower() != reference.owner.lower():
        return f"of another owner: {place.owner}"
    if isinstance(place, KaggleHandle) and isinstance(reference, KaggleHandle) and same_place(place, reference):
        asked = reference.version
        return None if asked in {None, place.version} else f"version {place.version} of it, not {asked}"
    return None


class _Agreement(Record):
    agrees: bool
    differs: bool
    words: str


def _compare(published: "Fingerprint | None", config: ConfigFacts) -> _Agreement:
    if published is None:
        return _Agreement(agrees=False, differs=False, words="the catalog has no architecture to compare with")
    if not config.readable or config.model_type is None:
        return _Agreement(agrees=False, differs=False, words="no config.json to compare the architecture with")
    if config.model_type not in published.model_types:
        said = f"model_type {config.model_type}, published is {' or '.join(published.model_types)}"
        return _Agreement(agrees=False, differs=True, words=said)
    for name in COMPARED:
        have, want = getattr(config, name), getattr(published, name)
        if have is not None and want is not None and have != want:
            return _Agreement(agrees=False, differs=True, words=f"{name} {have}, published is {want}")
    agrees = config.hidden_size is not None and config.num_hidden_layers is not None
    said = f"{config.model_type}, hidden size {config.hidden_size}, {config.num_hidden_layers} layers as published"
    return _Agreement(agrees=agrees, differs=False, words=said if agrees else "config.json does not say its size")


def _doubt(
    candidate: Candidate,
    hub_id: str,
    published: "Fingerprint | None",
    config: ConfigFacts,
    below: tuple[str, ...],
) -> str | None:
    """What speaks against a match although no number does; None where nothing does."""
    from resolver.names import contradiction, says_quantised, stray  # noqa: PLC0415 - as above

    odd = stray(hub_id, below)
    if odd is not None:
        return f"the model lies in a folder {odd} below it, which may be another one"

    otherwise = _quantised_otherwise(hub_id, published, config)
    if otherwise is not None:
        return otherwise
    wanted = published.quantization if published else None
    if candidate.claim != "official":
        if wanted is None and any(says_quantised(folder) for folder in candidate.folders):
            return "a folder says that its weights are quantised"
        return contradiction(hub_id, candidate.folders)
    return None


def _quantised_otherwise(hub_id: str, published: "Fingerprint | None", config: ConfigFacts) -> str | None:
    wanted = published.quantization if published else None
    quantised = _quantised(config.quantization)
    if quantised == _method(wanted):
        return None
    return f"its weights are {quantised or 'not quantised'}, those of {hub_id} are {_method(wanted) or 'not'}"


def _quantised(facts: QuantizationFacts | None) -> str | None:
    return None if facts is None else _method(facts.method or "quantised")


def _method(name: str | None) -> str | None:
    """One word a method: "bnb-4bit" and "bitsandbytes" are the same one."""
    if name is None:
        return None
    lower = name.lower()
    return "bitsandbytes" if lower.startswith(("bnb", "bitsandbytes")) else lower.split("-")[0]


def _names(provenance: Provenance, hub_id: str, reference: Reference) -> bool:
    if provenance.hub_id.lower() != hub_id.lower():
        return False
    asked = reference.revision if isinstance(reference, HubId) else None
    return asked in (None, provenance.revision)
