"""The levels standard and deep without a child process a question: the probe's own modules, asked in the oracle's process.

What is asked, by whom it is answered and how the answers are read is the probe's; only the process is another one, so
that a thousand models can be judged in a minute. `tests/proof/test_matrix.py` holds a few against the real children.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oracle_process import oracle

from resolver.inspection.describe import complete
from resolver.integrity.contents import read_contents
from resolver.preflight import _evidence
from resolver.probe import templates
from resolver.probe.child import Answer, Question
from resolver.probe.loading import loading, loading_question
from resolver.probe.observed import Observed
from resolver.probe.tokenizers import loaded_tokenizers, tokenizer_questions
from resolver.resolve import choose
from resolver.rules.judge import judge
from resolver.rules.model_rules import MODEL_RULES

if TYPE_CHECKING:
    from pathlib import Path

    from resolver.environment import Environment
    from resolver.finding import Finding, Level
    from resolver.host import Host
    from resolver.preflight import Question as Asked
    from resolver.rules.rule import Evidence


def findings(
    root: Path, environment: Environment, host: Host, asked: Asked
) -> dict[Level, tuple[Path, tuple[Finding, ...]]]:
    """All findings on a directory at each level, and the directory that was judged (a nested one, perhaps)."""
    model = choose(str(root), environment, host)
    adapter = None if asked.adapter is None else choose(asked.adapter, environment, host)
    overlay = None if adapter is None else complete(adapter.description)
    evidence = _evidence(complete(model.description), overlay, environment, host, asked)
    path = evidence.model.root
    seen = evidence.replaced(observed=observed(evidence, environment))
    read = seen.replaced(observed=seen.observed.replaced(contents=read_contents(seen.described(), None)))
    return {
        "quick": (path, judge(evidence, MODEL_RULES, {}, "quick").findings),
        "standard": (path, judge(seen, MODEL_RULES, {}, "standard").findings),
        "deep": (path, judge(read, MODEL_RULES, {}, "deep").findings),
    }


def observed(evidence: Evidence, environment: Environment) -> Observed:
    """As `resolver.probe.observe.observe` at the standard level."""
    asked = loading_question(evidence)
    told = [_answer(question) for question in tokenizer_questions(evidence)]
    return Observed(
        loading=loading(asked, _answer(asked) if isinstance(asked, Question) else None),
        tokenizers=loaded_tokenizers(evidence, told),
        templates=_templates(evidence, environment),
    )


def _answer(question: Question) -> Answer:
    """What a child would have said."""
    told = oracle().probe(question.module, question.request)
    outcome = {"answered": "answered", "refused": "raised", "hung": "time", "died": "died"}[told.outcome]
    return Answer(outcome, told.value if told.loads else None, "" if told.loads else str(told.value))


def _templates(evidence: Evidence, environment: Environment) -> tuple[templates.RenderedTemplate, ...]:
    """Rendered in a real child, as it is limited by the system, each text once a test process."""
    found = []
    for description in evidence.described():
        for template in description.tokenizer.chat_templates if description.tokenizer else ():
            answer = None if template.text is None else _rendered(description, template.text, environment)
            found.append(templates._read(description, template, answer))
    return tuple(found)


_ANSWERS: dict[str, Answer] = {}


def _rendered(description: object, text: str, environment: Environment) -> Answer:
    if text not in _ANSWERS:
        _ANSWERS[text] = templates._asked(description, text, environment)
    return _ANSWERS[text]
