"""What a level adds to the evidence: which questions are put to which child, and what comes of the answers."""

from collections.abc import Callable
from typing import Final

from resolver.environment import Environment
from resolver.finding import Level
from resolver.probe.child import Answer, Child, Question
from resolver.probe.loading import loading, loading_question
from resolver.probe.observed import Observed
from resolver.probe.templates import render_templates
from resolver.probe.tokenizers import loaded_tokenizers, tokenizer_questions
from resolver.rules.rule import Evidence

# A meta load of 671 billion parameters takes 3 s; importing torch from a cold disk may take a minute and more.
LOADER_S: Final = 300.0
LOADER_BYTES: Final = 3 * 2**30


def observe(
    evidence: Evidence,
    environment: Environment,
    level: Level,
    progress: Callable[[int, int], None] | None = None,
    *,
    loads: bool = True,
) -> Observed:
    """Everything that `level` adds; raises nothing: what could not be observed says why in its own part.

    Args:
        evidence: what the quick level has read.
        environment: where packages lie, for the children.
        level: "standard" or "deep".
        progress: told the bytes read so far and the bytes that there are, while the deep level reads them.
        loads: whether the libraries are asked; not where nothing but hashes and values is judged (`--select I901`).
    """
    observed = _asked(evidence, environment) if loads else Observed()
    if level == "deep":
        from resolver.integrity.contents import read_contents  # noqa: PLC0415 - only this level reads whole files

        observed = observed.replaced(contents=read_contents(evidence.described(), progress))
    return observed


def _asked(evidence: Evidence, environment: Environment) -> Observed:
    """One child imports transformers once and answers all that needs it, while templates render in their own."""
    model, tokenizers = loading_question(evidence), tokenizer_questions(evidence)
    questions = (*tokenizers, *((model,) if isinstance(model, Question) else ()))
    if not questions:
        return Observed(loading=loading(model, None), templates=render_templates(evidence, environment))
    with Child(
        questions, environment, seconds=LOADER_S, memory_bytes=LOADER_BYTES, foreign=evidence.model.root
    ) as child:
        templates = render_templates(evidence, environment)
        answers = child.answers()
    last: Answer | None = answers[-1] if isinstance(model, Question) else None
    return Observed(
        loading=loading(model, last),
        tokenizers=loaded_tokenizers(evidence, answers[: len(tokenizers)]),
        templates=templates,
    )
