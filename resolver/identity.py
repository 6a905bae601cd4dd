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


def grade(
    candidate: Candidate,
    reference: Reference,
    config: ConfigFacts,
    provenance: Provenance | None = None,
    below: tuple[str, ...] = (),
    standing: Standing | None = None,
) -> Grade:
    """Weigh a candidate.

    Args:
        candidate: the directory and the ground on which a source offers it.
        reference: what was asked for.
        config: what its config.json says.
        provenance: what it says of its own origin.
        below: folders that were descended into from the candidate's directory to the model's.
        standing: what locks say of it; None where none says anything.
    """
    from resolver.catalog import fingerprint_of, hub_ids  # noqa: PLC0415 - a large table, not needed by `granted`

    locks = standing or Standing()
    elsewhere = _elsewhere(candidate, reference)
    if elsewhere is not None:
        return Grade(None, (candidate.why, elsewhere))
    hub_id = candidate.hub_id or next(iter(hub_ids(reference)), "")
    published = fingerprint_of(hub_id)
    agreement = _compare(published, config)
    if agreement.differs:
        return Grade(None, (candidate.why, f"another model: {agreement.words}"))
    if locks.vouched:
        return Grade("exact", (candidate.why, agreement.words, locks.vouched))
    if candidate.claim == "lock":
        return _by_lock(candidate, hub_id, published, config, locks, agreement.words)
    doubt = _doubt(candidate, hub_id, published, config, below) or _contradicted(locks, reference)
    notes = (f"{locks.lock} is no declaration: {locks.differs}",) if locks.differs else ()
    evidence = (candidate.why, agreement.words, *((doubt,) if doubt else ()), *notes)
    if doubt is None and agreement.agrees:
        return Grade("exact" if candidate.claim == "official" else "matched", evidence)
    if doubt is None and provenance is not None and _names(provenance, hub_id, reference):
        return Grade("declared", (*evidence, f"{provenance.file} names {provenance.hub_id}"))
    if doubt is None and locks.named is not None and means(reference, locks.named):
        return Grade("declared", (*evidence, f"{locks.lock} names {locks.named}: {locks.agrees}"))
    return Grade("guess", evidence)


def _by_lock(  # noqa: PLR0917 - all that was read so far
    candidate: Candidate,
    hub_id: str,
    published: "Fingerprint | None",
    config: ConfigFacts,
    locks: Standing,
    architecture: str,
) -> Grade:
    """The grade of a directory for which nothing but a lock speaks; its folders need not be called anything."""
    from resolver.names import says_quantised  # noqa: PLC0415 - as in `grade`

    if not locks.agrees:
        return Grade(None, (candidate.why, f"the lock is no declaration: {locks.differs or 'it has no such directory'}"))
    # Where nothing is published to compare with, the lock's own word for a name that says so counts.
    doubt = _quantised_otherwise(hub_id, published, config) if published or not says_quantised(hub_id) else None
    evidence = (candidate.why, architecture, *((doubt,) if doubt else ()), locks.agrees)
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
