"""L, continued: what the licence that is stated here asks of whoever uses the model or passes it on.

Names clauses, gives no advice: what a licence means for somebody is for his own lawyers. The numbers of clauses were
read in the texts of the publishers.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from resolver.finding import Finding
from resolver.inspection.licence import LicenceFacts
from resolver.rules.licence import stated
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import quoted

# Patterns stay texts: most models state none of these, and compiling them would cost every check.
LLAMA: Final = r"(?i)^llama-?([234])(?:\.(\d))?$|\bllama ([234])(?:\.(\d))? community"
GEMMA: Final = r"(?i)^gemma$|^gemma-terms-of-use$|^gemma terms of use"
# What a licence is called on the hub or by its own heading: what it restricts, and the clause that says so.
RESTRICTED: Final = (
    (r"^cc-by-nc|non-?commercial", "commercial use is not allowed", "section 2(a)(1) of CC BY-NC"),
    (r"^cc-by-nd", "adapted versions must not be passed on", "section 2(a)(1) of CC BY-ND"),
    (
        r"research[ -_](?:only|licen[cs]e)|^qwen-research|^mrl$|^mnpl$|non-production|^apple-a(?:mlr|scl)$",
        "use beyond research is not allowed, or needs another licence",
        "the licence's grant",
    ),
    (
        r"^tongyi-qianwen|tongyi qianwen licen[cs]e",
        "above 100 million monthly users a licence has to be asked for",
        "section 3",
    ),
    (
        r"openrail|\brail\b|^bigscience|^deepseek$|^deepseek licen[cs]e agreement",
        "some uses are forbidden by name",
        "attachment A",
    ),
    (
        r"^health-ai-developer-foundations|^health ai developer foundations",
        "clinical use needs an authorisation",
        "the terms' use restrictions",
    ),
)


class Attribution(NamedTuple):
    """What copies and derivatives must carry: the words, and the clause that asks for them."""

    words: str
    clause: str


def _read(evidence: Evidence) -> LicenceFacts | None:
    return evidence.model.licence


def _not_stated(evidence: Evidence) -> str | None:
    facts = _read(evidence)
    if facts is None:
        return "the licence evidence was not read"
    return None if stated(facts) else Moot("no licence is stated here: L501")


def _llama(facts: LicenceFacts) -> tuple[str, str] | None:
    """The version of the Llama licence that is stated, e.g. "3.1", and where."""
    for text, where in stated(facts):
        found = re.search(LLAMA, text)
        if found:
            major, minor = (found[1] or found[3]), (found[2] or found[4])
            return (f"{major}.{minor}" if minor else major), where
    return None


def _of_llama(evidence: Evidence) -> str | None:
    facts = _read(evidence)
    if facts is None or _llama(facts) is None:
        return _not_stated(evidence) or Moot("the licence that is stated here is not Llama's")
    return Moot("an adapter holds none of the base's weights") if evidence.model.adapter is not None else None


@rule(
    "L503",
    "use-policy-missing",
    severity="warning",
    applies=_of_llama,
    consequence="a condition of the licence is not met by this copy, nor by what is made of it",
)
def use_policy_missing(evidence: Evidence) -> Iterator[Finding]:
    """A copy of a Llama model lies here without its acceptable use policy.

    The Llama licences make the policy part of themselves (section 1.b.iv), and whoever passes the model on passes it
    on too. No library says a word; a review of what may be deployed does, later.

    Example: a Kaggle dataset with the weights, config.json, the tokenizer and LICENSE.

    To mend it, copy USE_POLICY.md from where the model was fetched.
    """
    facts = _read(evidence)
    found = None if facts is None else _llama(facts)
    if facts is None or found is None or any(file.kind == "use-policy" for file in facts.files):
        return
    yield use_policy_missing.finding(
        f"the Llama {found[0]} licence is stated, and its acceptable use policy is not here",
        path=evidence.model.root,
        evidence={"stated_by": found[1], "files": [file.name for file in facts.files]},
        fix="copy USE_POLICY.md beside the licence",
        command=f"hf download REPO_ID USE_POLICY.md --local-dir {quoted(evidence.model.root)}",
    )


@rule(
    "L504",
    "licence-restricts-use",
    severity="info",
    applies=_not_stated,
    consequence="the model loads; whether it may be used for what you do is yours to know",
)
def licence_restricts_use(evidence: Evidence) -> Iterator[Finding]:
    """The licence that is stated forbids some uses, or some users.

    Non-commercial and research licences, Llama's and Qwen's limits on the number of users, and the lists of forbidden
    uses of the RAIL family and of Gemma are met late, mostly by somebody else: no library says a word.

    Example: a model under CC BY-NC in a product, or in a contest that demands an open licence of its winners.

    To be sure, read the clause that is named.
    """
    facts = _read(evidence)
    if facts is None:
        return
    for text, where in stated(facts):
        found = _restriction(text)
        if found is not None:
            words, clause = found
            yield licence_restricts_use.finding(
                f"{text}: {words}",
                path=evidence.model.root,
                evidence={"licence": text, "stated_by": where, "clause": clause},
                fix=f"read {clause}",
            )
            return


def _restriction(text: str) -> tuple[str, str] | None:
    if re.search(LLAMA, text):
        return "above 700 million monthly users a licence has to be asked for, and some uses are forbidden", "section 2"
    if re.search(GEMMA, text):
        return "some uses are forbidden by name", "section 3.2 and the prohibited use policy"
    for pattern, words, clause in RESTRICTED:
        if re.search(pattern, text, re.IGNORECASE):
            return words, clause
    return None


def _derives(evidence: Evidence) -> str | None:
    if evidence.intent.purpose != "train":
        return Moot(f"nothing is derived from the model: the purpose is {evidence.intent.purpose}")
    return _not_stated(evidence)


@rule(
    "L505",
    "attribution-required",
    severity="info",
    applies=_derives,
    consequence="what is trained from the model must not be passed on without it",
)
def attribution_required(evidence: Evidence) -> Iterator[Finding]:
    """What is trained from this model must carry a notice, or a name.

    The Llama licences from 3 on ask for "Built with Llama" where a derivative is offered, for a name that begins with
    "Llama", and for a Notice file; Gemma's terms for a Notice file; Apache 2.0 for the NOTICE that lies here. No
    library says a word when it is missing.

    Example: an adapter for Llama 3.1 that is published as "arena-judge".

    To mend it, put the words named into the card, and the file beside the weights.
    """
    facts = _read(evidence)
    if facts is None:
        return
    asked = _attribution(facts)
    if asked is not None:
        yield attribution_required.finding(
            f"what is made of this model has to say: {asked.words}",
            path=evidence.model.root,
            evidence={"clause": asked.clause, "notices_here": [f.name for f in facts.files if f.kind == "notice"]},
            fix="put it into the card and the files of what you train",
        )


def _attribution(facts: LicenceFacts) -> Attribution | None:
    llama = _llama(facts)
    if llama is not None:
        return _built_with_llama(llama[0])
    names = [text for text, _ in stated(facts)]
    if any(re.search(GEMMA, text) for text in names):
        words = 'a Notice file: "Gemma is provided under and subject to the Gemma Terms of Use"'
        return Attribution(words, "section 3.1")
    if any(text.startswith("cc-by-") for text in names):
        return Attribution("who made the original, under which licence, what was changed", "section 3(a) of CC BY")
    has_notice = any(file.kind == "notice" for file in facts.files)
    if has_notice and any(text.lower().startswith("apache") for text in names):
        return Attribution("what NOTICE says", "section 4(d) of the Apache License 2.0")
    return None


def _built_with_llama(version: str) -> Attribution:
    if version == "2":
        return Attribution("a Notice file that names the Llama 2 Community License", "section 1.b.iii")
    built, name = ("Built with Meta Llama 3", "Llama 3") if version == "3" else ("Built with Llama", "Llama")
    return Attribution(f'"{built}", a name that begins with "{name}", and a Notice file', "section 1.b.i and 1.b.iii")


def _silent(evidence: Evidence) -> str | None:
    facts = _read(evidence)
    if facts is None:
        return "the licence evidence was not read"
    if stated(facts) or facts.gated_fields:
        return Moot("a licence is stated here; whether the page asks for consent only the hub knows: L502")
    return None


@rule(
    "L506",
    "access-unknown",
    severity="info",
    applies=_silent,
    consequence="whoever fetches it anew may be refused (403), and on Kaggle it is then silently not mounted",
)
def access_unknown(evidence: Evidence) -> Iterator[Finding]:
    """Whether the model is gated cannot be known offline: nothing here says under which terms it was had.

    The hub's own mark of a gated model is never written to the disk. Without a licence, a card or a known family there
    is nothing to go by, and unknown is not the same as open. Elsewhere the same notebook may meet

        Access to model X is restricted and you are not in the authorized list.

    Example: a dataset of weights and config.json alone, attached to a notebook that others are to run.

    To be sure, open the model's page, signed in as the account that will run it.
    """
    yield access_unknown.finding(
        "whether this model's page asks for consent cannot be known offline",
        path=evidence.model.root,
        evidence={
            "licence": None,
            "card": _read(evidence) is not None and evidence.model.files.get("README.md") is not None,
        },
        fix="open the model's page, signed in as the account that will run it",
    )


RULES: tuple[Rule, ...] = (use_policy_missing, licence_restricts_use, attribution_required, access_unknown)
