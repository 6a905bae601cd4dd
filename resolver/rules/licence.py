"""L: is a licence stated, and did somebody have to accept terms before this copy could be had?"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from resolver.finding import Finding
from resolver.inspection.description import ModelDescription
from resolver.inspection.licence import LicenceFacts
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import quoted


class Gate(NamedTuple):
    """Terms that have to be accepted: whose they are, and the pages where that is done."""

    family: str
    hub_url: str
    kaggle_url: str | None


HUB: Final = "https://huggingface.co/"
KAGGLE: Final = "https://www.kaggle.com/models/"
# By the licence's name on the hub, and by the heading of its text. Gemma, Llama and the health models are gated at
# their publishers on both platforms; a copy of somebody else's need not be.
GATES: Final[tuple[tuple[str, Gate], ...]] = tuple(
    (pattern, Gate(family, HUB + hub, KAGGLE + kaggle if kaggle else None))
    for pattern, family, hub, kaggle in (
        (r"^llama-?4\b|\bllama 4 community", "Llama 4", "meta-llama", "metaresearch/llama-4"),
        (r"^llama-?3\.3$|\bllama 3\.3 community", "Llama 3.3", "meta-llama", "metaresearch/llama-3.3"),
        (r"^llama-?3\.2$|\bllama 3\.2 community", "Llama 3.2", "meta-llama", "metaresearch/llama-3.2"),
        (r"^llama-?3\.1$|\bllama 3\.1 community", "Llama 3.1", "meta-llama", "metaresearch/llama-3.1"),
        (r"^llama-?3$|\bllama 3 community", "Llama 3", "meta-llama", "metaresearch/llama-3"),
        (r"^llama-?2$|\bllama 2 community", "Llama 2", "meta-llama", "metaresearch/llama-2"),
        (r"^gemma$|^gemma-terms-of-use$|^gemma terms of use", "Gemma", "google", "google/gemma"),
        (
            r"^health-ai-developer-foundations$|^health ai developer foundations",
            "Health AI Developer Foundations",
            "google",
            "google/medgemma",
        ),
    )
)
# A description alone is a notice; these ask for something.
CONSENT_FIELDS: Final = frozenset(
    {"extra_gated_prompt", "extra_gated_heading", "extra_gated_fields", "extra_gated_button_content"}
)


def _not_read(evidence: Evidence) -> str | None:
    facts = evidence.model.licence
    if facts is None:
        return "the licence evidence was not read"
    return f"README.md {facts.fault}" if facts.fault else None


@rule(
    "L501",
    "licence-missing",
    severity="warning",
    applies=_not_read,
    consequence="nobody can show under which terms this copy may be used or passed on",
)
def licence_missing(evidence: Evidence) -> Iterator[Finding]:
    """There is no licence text, and the card declares none.

    Nothing fails. Whoever has to show that a model may be used, or publishes what it was trained into, has nothing to
    point at; many licences also demand that their text travels with every copy.

    Example: a Kaggle dataset with the weights, the config and the tokenizer only.

    To mend it, copy LICENSE (and USE_POLICY.md, NOTICE) and README.md from where the model was fetched.
    """
    facts = evidence.model.licence
    if facts is None or facts.declared or facts.declared_name or facts.declared_link:
        return
    if any(file.kind == "licence" for file in facts.files):
        return
    base = _base(evidence.model, facts)
    yield licence_missing.finding(
        "no licence text, and none declared in the card",
        path=evidence.model.root,
        evidence={
            "card": "README.md" if facts.card_present else None,
            "other_files": [file.name for file in facts.files],
            **({"base_model": base} if base else {}),
        },
        fix=f"copy it from the model's page{f' or from {base}' if base else ''}",
        command=f"hf download REPO_ID LICENSE README.md --local-dir {quoted(evidence.model.root)}",
    )


def _base(model: ModelDescription, facts: LicenceFacts) -> str | None:
    named = model.adapter.base_model_name_or_path if model.adapter else None
    return facts.base_models[0] if facts.base_models else named


def _can_be_known(evidence: Evidence) -> str | None:
    reason = _not_read(evidence)
    if reason is not None or evidence.model.licence is None:
        return reason
    asked = CONSENT_FIELDS & set(evidence.model.licence.gated_fields)
    if _gate(evidence.model.licence) is None and not asked and _gated_base(evidence) is None:
        return Moot("no licence or card here speaks of a gate: unknown offline, which is not the same as open")
    return None


def stated(facts: LicenceFacts) -> tuple[tuple[str, str], ...]:
    """What a licence is called here, and where that is written: in the card, or as the heading of a text."""
    declared = [(name, "README.md license") for name in facts.declared]
    if facts.declared_name:
        declared.append((facts.declared_name, "README.md license_name"))
    headings = [(file.heading, file.name) for file in facts.files if file.heading and file.kind == "licence"]
    return (*declared, *headings)


def _gate(facts: LicenceFacts) -> tuple[Gate, str] | None:
    """The terms that the evidence names, and what named them."""
    for text, where in stated(facts):
        for pattern, gate in GATES:
            if re.search(pattern, text, re.IGNORECASE):
                return gate, where
    return None


def _gated_base(evidence: Evidence) -> tuple[Gate, str] | None:
    """The terms of the hub id that an adapter names as its base; a card's base_model is a parent and needs none."""
    for description in evidence.adapters():
        base = description.adapter.base_model_name_or_path if description.adapter else None
        if base is None or not re.fullmatch(r"[\w.-]+/[\w.-]+", base):
            continue
        from resolver.catalog import family_of  # noqa: PLC0415 - a large table; only for an adapter's base

        family = family_of(base)
        if family is not None and family.gated:
            kaggle = KAGGLE + family.kaggle_model if family.kaggle_model else None
            return Gate(f"The base, {base},", HUB + base, kaggle), "adapter_config.json base_model_name_or_path"
    return None


@rule(
    "L502",
    "access-gated",
    severity="info",
    applies=_can_be_known,
    consequence="fetched anew, it is refused (403) to whoever has not accepted the terms on that platform",
)
def access_gated(evidence: Evidence) -> Iterator[Finding]:
    """The model belongs to a family whose terms have to be accepted before it can be fetched.

    On Hugging Face the refusal reads "Access to model X is restricted and you are not in the authorized list."; on
    Kaggle the model is silently not mounted, and the loader calls a correct path incorrect. Consent counts on one
    platform only. A copy that lies here means that it was granted to somebody, not that it was granted to you.

    Example: Llama 3 accepted at Meta and on Hugging Face, and not on Kaggle, where the notebook runs.

    To be sure, open the pages named, signed in as the account that will run the model.
    """
    facts = evidence.model.licence
    if facts is None:
        return
    named = _gate(facts) or _gated_base(evidence)
    asked = sorted(CONSENT_FIELDS & set(facts.gated_fields))
    if named is None and not asked:
        return
    gate, where = named if named is not None else (None, "README.md")
    urls = [url for url in (gate.hub_url, gate.kaggle_url) if url] if gate else []
    of_base = gate is not None and where.startswith("adapter_config")
    family = f"{gate.family} is {'gated' if of_base else 'a gated family'}" if gate else "its card asks for consent"
    yield access_gated.finding(
        f"{family}: its terms have to be accepted where it is fetched",
        path=evidence.model.root,
        evidence={"named_by": where, "asked_by_card": list(asked), "pages": list(urls)},
        fix=f"accept them at {' and '.join(urls)}" if urls else "accept them on the model's page",
    )


RULES: tuple[Rule, ...] = (licence_missing, access_gated)
