"""T, continued: does the class that is declared make the tokenizer that tokenizer.json describes?"""

from collections.abc import Iterator

from resolver.finding import Finding, Json, Place
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.tokens import loaded, tokenizers


def _asked(evidence: Evidence) -> str | None:
    if evidence.observed is None or not evidence.observed.tokenizers:
        return Moot("no tokenizer was loaded")
    return None


@rule(
    "T215",
    "tokenizer-rebuilt",
    severity="warning",
    level="standard",
    requires=("T202",),
    applies=_asked,
    consequence="the weights meet other ids than they were trained with, if that was done with transformers 4: noise",
)
def tokenizer_rebuilt(evidence: Evidence) -> Iterator[Finding]:
    """The tokenizer that transformers makes gives other ids than tokenizer.json alone.

    Since version 5 transformers takes vocabulary and merges out of tokenizer.json and builds the rest by the class that
    is declared: its own way to split, to prefix, to normalise. Where that class is not the one that the file was made
    with, plain words get other ids. Nothing is said; 4.x took the file as it is.

    Example: "tokenizer_class": "GPT2Tokenizer" in the tokenizer_config.json of a Gemma.

    To mend it, set tokenizer_class to the family's own, or to PreTrainedTokenizerFast, which takes the file as it is.
    """
    for description, facts in tokenizers(evidence):
        real = loaded(evidence, description)
        if real is None or not real.differs:
            continue
        ours: list[Json] = [*real.differs[0]]
        theirs: list[Json] = [*real.differs[1]]
        yield tokenizer_rebuilt.finding(
            f"{real.class_name} of transformers {real.version} gives other ids than tokenizer.json",
            path=description.files.path("tokenizer_config.json"),
            place=Place(pointer="/tokenizer_class"),
            evidence={"declared_class": facts.declared_class, "ids": ours, "ids_of_the_file": theirs},
            fix='set "tokenizer_class": "PreTrainedTokenizerFast", which takes the file as it is',
        )


RULES: tuple[Rule, ...] = (tokenizer_rebuilt,)
