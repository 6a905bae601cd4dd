"""L507, S607, I907: is this what the user's own policy allows? Judges nothing where the settings have no policy.

Their findings are errors wherever the policy asks, whatever is ignored or selected; only the policy's file changes
that.
"""

import itertools
import re
from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding
from resolver.inspection.description import ModelDescription
from resolver.inspection.licence import LicenceFacts
from resolver.rules.licence import stated
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import few, quoted, some

# What loaders open as a pickle where the name is all that they go by.
PICKLES: Final = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")
UNKNOWN: Final = "unknown"
# The hub's identifier of a licence by the first line of its text.
HEADINGS: Final = (
    (r"^apache license\b", "apache-2.0"),
    (r"^(?:the )?mit license\b", "mit"),
    (r"^gemma terms of use\b", "gemma"),
    (r"\bllama ([234](?:\.\d)?) community", "llama{}"),
)


def _licences(evidence: Evidence) -> str | None:
    return (
        None if evidence.intent.policy.licences is not None else Moot("no policy names the licences that are allowed")
    )


@rule(
    "L507",
    "licence-not-allowed",
    severity="error",
    applies=_licences,
    consequence="the policy forbids it: path, resolve_model, check and guard refuse the model",
)
def licence_not_allowed(evidence: Evidence) -> Iterator[Finding]:
    """The model is under a licence that the policy does not allow, or under none that can be known.

    `[policy]` of resolver.toml may list the licences that are allowed, by the hub's identifiers as `resolver list`
    shows them. What counts is what the files say: `license` of the card's front matter (`license_name` where that is
    "other"), and the texts whose first line names a known licence; all that are stated have to be allowed. Where
    nothing is stated the licence is unknown, and unknown is not allowed. That holds for an adapter too.

    Example: `licences = ["apache-2.0", "mit"]`, and a copy of Llama 3, or a directory of weights without a card.

    A card can be edited by anyone; the policy keeps people from mistakes and is no proof. To mend it, use another
    model, bring the card and the licence from the model's page, or add the identifier to the policy.
    """
    policy = evidence.intent.policy
    allowed = frozenset(policy.licences or ())
    for model in evidence.loaded():
        found = identifiers(model.licence)
        foreign = [each for each in found if each not in allowed]
        if foreign:
            unknown = foreign == [UNKNOWN]
            yield licence_not_allowed.finding(
                "no licence is stated, and an unknown one is not allowed" if unknown
                else f"the licence {some(foreign)} is not allowed",
                path=model.root,
                evidence={"licences": few(found), "allowed": few(sorted(allowed)), "policy": policy.where},
                fix="bring README.md and the licence from the model's page" if unknown
                else f"use another model, or add it to licences of [policy] in {policy.where}",
                command=f"hf download REPO_ID README.md LICENSE --local-dir {quoted(model.root)}" if unknown else None,
            )  # fmt: skip


def identifiers(facts: LicenceFacts | None) -> tuple[str, ...]:
    """The licences that the files of a directory state, lower case, by the hub's identifiers where they are known.

    Returns:
        The card's, then those of texts with a known first line; the first line of the first text where nothing else is
        known; ("unknown",) where nothing is stated.
    """
    if facts is None:
        return (UNKNOWN,)
    named = (facts.declared_name,) if facts.declared == ("other",) and facts.declared_name else facts.declared
    headings = [text for text, where in stated(facts) if not where.startswith("README.md")]
    known = [each for each in map(_identifier, headings) if each is not None]
    found = tuple(dict.fromkeys(each.strip().lower() for each in (*named, *known)))
    return found or tuple(each.lower() for each in headings[:1]) or (UNKNOWN,)


def _identifier(heading: str) -> str | None:
    for pattern, name in HEADINGS:
        found = re.search(pattern, heading, re.IGNORECASE)
        if found is not None:
            return name.format(*found.groups())
    return None


def _pickles(evidence: Evidence) -> str | None:
    return None if evidence.intent.policy.no_pickle else Moot("no policy forbids pickles")


@rule(
    "S607",
    "pickle-forbidden",
    severity="error",
    applies=_pickles,
    consequence="the policy forbids it: path, resolve_model, check and guard refuse the model",
)
def pickle_forbidden(evidence: Evidence) -> Iterator[Finding]:
    """A loader would open a pickle, and the policy forbids every pickle.

    `pickle = "never"` in `[policy]` of resolver.toml refuses a model whose weights a loader takes from a pickle
    (pytorch_model.bin, adapter_model.bin, a .pth), also one in which S601 finds nothing: a pickle is a program, and
    what reads it has had faults of its own. A pickle that lies beside safetensors and that no loader opens is a
    warning.

    Example: an older model that was published before safetensors, with pytorch_model.bin alone.

    To mend it, take a copy with safetensors, or convert it on a machine that may be lost. Code that calls `torch.load`
    or `pickle.load` outside the guard is not held by this.
    """
    policy = evidence.intent.policy
    for model in evidence.loaded():
        opened, beside = _opened_pickles(model), _pickles_beside(model)
        for names, is_opened in ((opened, True), (beside, False)):
            if names:
                yield pickle_forbidden.finding(
                    f"{some(names)}: {'a loader opens it' if is_opened else 'a pickle that no loader opens'}",
                    path=model.files.path(names[0]),
                    evidence={"files": few(names), "count": len(names), "policy": policy.where},
                    consequence=None if is_opened else "nothing for now; whoever opens it by its name runs it",
                    fix="take a copy with safetensors, convert it on a machine that may be lost, or change "
                    f"pickle of [policy] in {policy.where}" if is_opened else "delete it; nothing needs it",
                    severity="error" if is_opened else "warning",
                )  # fmt: skip


def _opened_pickles(model: ModelDescription) -> list[str]:
    return sorted(name for name in _opened(model) if _is_pickle(model, name))


def _opened(model: ModelDescription) -> frozenset[str]:
    """What a loader opens; the weights in the parts of a sentence-transformers model too."""
    parts = () if model.config.modules is None else model.config.modules.parts
    weights = (f"{each.path}/{name}" for each in parts if each.path for name in ("pytorch_model.bin",))
    safe = {name.rpartition("/")[0] for name in model.files.files if name.endswith("model.safetensors")}
    return model.opened() | {name for name in weights if model.files.get(name) and name.rpartition("/")[0] not in safe}


def _is_pickle(model: ModelDescription, name: str) -> bool:
    facts = model.files.get(name)
    if any(each.file == name for each in model.pickles):
        return True
    return name.endswith(PICKLES) and (facts is None or facts.content != "safetensors")


def _pickles_beside(model: ModelDescription) -> list[str]:
    opened = _opened(model)
    return sorted({each.file for each in model.pickles if each.file not in opened})


def _approved(evidence: Evidence) -> str | None:
    if evidence.intent.policy.approved is not None:
        return None
    return Moot("no policy names the models that are approved")


@rule(
    "I907",
    "not-approved",
    severity="error",
    applies=_approved,
    consequence="the policy forbids it: path, resolve_model, check and guard refuse the model",
)
def not_approved(evidence: Evidence) -> Iterator[Finding]:
    """The directory is none of the models that the policy approves.

    `approved` in `[policy]` of resolver.toml lists locks, or tree digests of locks. Only a directory that agrees with
    one of them may be loaded, whatever it is called: every file of the lock is there with its size, every safetensors
    with its header, every file that is no weights with its content, and no file besides that a loader might open. The
    data of large weights is not read here: `resolver verify` reads it.

    Of a mere digest the lock that lies with the directory has to bring the list of files. The digest is over their
    names and hashes; their sizes and headers are then what that lock says.

    Example: a newer revision of an approved model, a copy whose chat template was edited, a model nobody looked at.

    To mend it, bring the approved copy; or look at this one, lock it, and have the lock approved.
    """
    policy = evidence.intent.policy
    # What was not compared is not approved.
    for model, approval in itertools.zip_longest(evidence.loaded(), evidence.approvals):
        if model is not None and (approval is None or not approval.approved):
            words = "it was not compared" if approval is None else approval.words
            yield not_approved.finding(
                f"it is none of the approved models: {words}",
                path=model.root,
                evidence={"approved": len(policy.approved or ()), "policy": policy.where},
                fix="bring an approved copy, or lock this one and add the lock to "
                f"approved of [policy] in {policy.where}",
                command=f"resolver lock {quoted(model.root)} --output model.lock",
            )


RULES: tuple[Rule, ...] = (licence_not_allowed, pickle_forbidden, not_approved)
CODES: Final = frozenset(each.code for each in RULES)
