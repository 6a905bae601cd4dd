"""What is known of a tokenizer's tokens: as its files say, and, above quick, as the real library has them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from resolver.inspection.description import ModelDescription
from resolver.inspection.tokenizer import TokenizerFacts
from resolver.rules.rule import Evidence

TEXTS: Final = {
    "plain": "a plain text",
    "empty": "an empty text",
    "hostile": "a text of odd characters",
    "long": "a long text",
}
if TYPE_CHECKING:
    from resolver.probe.tokenizers import LoadedTokenizer


def tokenizers(evidence: Evidence) -> Iterator[tuple[ModelDescription, TokenizerFacts]]:
    """Each directory that a loader reads with what its tokenizer's files say."""
    for description in evidence.described():
        if description.tokenizer is not None:
            yield description, description.tokenizer


def loaded(evidence: Evidence, description: ModelDescription) -> "LoadedTokenizer | None":
    """What the real AutoTokenizer made of that directory; None where it was not asked."""
    if evidence.observed is None:
        return None
    return next((each for each in evidence.observed.tokenizers if each.root == str(description.root)), None)


def refusals(evidence: Evidence, facts: TokenizerFacts, real: "LoadedTokenizer") -> Iterator[tuple[str, str]]:
    """What the real library could not do and what it said, where no other rule names the cause.

    A class that it does not know is T203. A package that is missing where we are, or where the model is to run, is
    T204 or nothing.
    """
    needed = any(name not in evidence.host.packages or name in real.said for name in facts.packages)
    if needed or facts.class_known is False:
        return
    loading = None if evidence.observed is None else evidence.observed.loading
    # What config.json says stops both loaders with the same words: C318 tells it.
    if real.outcome == "raised" and (loading is None or not loading.refused.startswith(real.said)):
        yield "load the tokenizer", real.said
    for said in dict.fromkeys(real.failures.values()):
        texts = [TEXTS.get(name, name) for name, each in real.failures.items() if each == said]
        yield f"encode {', '.join(texts)}", said


def size_of(evidence: Evidence, description: ModelDescription, facts: TokenizerFacts) -> int | None:
    """How many tokens it has; None where neither the files nor the library say."""
    if facts.size is not None:
        return facts.size
    real = loaded(evidence, description)
    return None if real is None else real.size


def id_of(evidence: Evidence, description: ModelDescription, facts: TokenizerFacts, role: str) -> int | None:
    """The id of the special token of that role; None where there is none or it is not known."""
    for special in facts.specials:
        if special.role == role and special.id is not None:
            return special.id
    real = loaded(evidence, description)
    return None if real is None else real.ids.get(role)


def text_of(facts: TokenizerFacts, role: str) -> str | None:
    """The text of the special token of that role, as the files name it."""
    return next((special.text for special in facts.specials if special.role == role), None)


def file_of(description: ModelDescription, facts: TokenizerFacts) -> object:
    """The file that the tokens come from, else the directory."""
    return description.files.path(facts.source) if facts.source else description.root
