"""T, continued: the chat template: is there one, which one is taken, does it render, and may it be rendered at all?"""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from resolver.finding import Finding, Json, Place, Severity
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.special_ids import GENERATES
from resolver.rules.tokens import tokenizers
from resolver.rules.words import few, quoted

if TYPE_CHECKING:
    from pathlib import Path

    from resolver.inspection.chat_templates import ChatTemplate
    from resolver.inspection.description import ModelDescription
    from resolver.probe.templates import RenderedTemplate

FILE: Final = "chat_template.jinja"
SETTINGS: Final = "tokenizer_config.json"
INSTRUCTED: Final = frozenset({"instruct", "chat"})
DEFAULT: Final = "default"


def _instructed(evidence: Evidence) -> str | None:
    model, facts = evidence.model, evidence.model.tokenizer
    if facts is None or facts.source is None:
        return Moot("there is no tokenizer file: T201")
    if facts.auto_map:
        return "auto_map brings the tokenizer's own code, which may write dialogues itself: S603"
    if not any(name.endswith(GENERATES) for name in model.config.architectures):
        return Moot("no architecture that generates text is declared")
    name = "its name does not say that it was trained on dialogues (instruct, chat, it)"
    return None if _name(model.root) else Moot(name)


def _name(root: "Path") -> str | None:
    """The part of the path that names a model trained on dialogues: not the version, not the snapshot's hash."""
    parts = [part for part in root.parts if not part.isdigit()]
    if len(parts) > 1 and parts[-2] == "snapshots":
        del parts[-2:]
    name = parts[-1] if parts else ""
    words = name.lower().replace("_", "-").replace(".", "-").split("-")
    after_size = any(
        word == "it" and before.endswith("b") and before[:-1].isdigit() for before, word in pairwise(words)
    )
    return name if after_size or INSTRUCTED & set(words) else None


@rule(
    "T210",
    "chat-template-missing",
    severity="info",
    applies=_instructed,
    consequence="apply_chat_template raises (before 4.44 it wrote ChatML, whatever the model was trained on)",
)
def chat_template_missing(evidence: Evidence) -> Iterator[Finding]:
    """A model that was trained on dialogues has no chat template.

    Since transformers 4.44: "Cannot use chat template functions because tokenizer.chat_template is not set and no
    template argument was passed!" Before that, ChatML was written in its place, silently. Prompts that a program
    puts together itself are not concerned.

    Example: an instruct model that was copied without its tokenizer_config.json or its chat_template.jinja.

    To mend it, add chat_template.jinja (4.x: the entry of tokenizer_config.json) from the model's repository.
    """
    if any(facts.has_chat_template for _, facts in tokenizers(evidence)):
        return
    yield chat_template_missing.finding(
        f"{_name(evidence.model.root)} has no chat template",
        path=evidence.model.root,
        evidence={"looked_for": [FILE, f"{SETTINGS} chat_template", "additional_chat_templates/"]},
        fix=f"add {FILE} or tokenizer_config.json from the model's repository, or write the prompts yourself",
        command=f"hf download REPO_ID {FILE} {SETTINGS} --local-dir {quoted(evidence.model.root)}",
    )


def _stored(evidence: Evidence) -> str | None:
    if any(facts.chat_templates for _, facts in tokenizers(evidence)):
        return None
    return Moot("there is no chat template")


@rule(
    "T212",
    "chat-template-shadowed",
    severity="info",
    applies=_stored,
    consequence="the prompt differs from the one that whoever edited the other template had in mind",
)
def chat_template_shadowed(evidence: Evidence) -> Iterator[Finding]:
    """chat_template.jinja and tokenizer_config.json hold different chat templates.

    Nothing says so. transformers takes the file and ignores the entry; versions before 4.50 know no such file and
    take the entry. So the same directory writes different prompts, and at most one of them is what the model was
    trained on.

    Example: a template that was edited in tokenizer_config.json beside the file that save_pretrained had written.

    To mend it, keep one: remove the entry from tokenizer_config.json, or the file.
    """
    for description, facts in tokenizers(evidence):
        file = _default(facts.chat_templates, FILE)
        entry = _default(facts.chat_templates, SETTINGS)
        if file is None or entry is None or file.text is None or entry.text is None:
            continue
        if _as_rendered(file.text) == _as_rendered(entry.text):
            continue
        yield chat_template_shadowed.finding(
            f"the chat template of {SETTINGS} differs from {file.file}, which is the one that is taken",
            path=description.files.path(file.file),
            place=Place(line=_first_difference(file.text, entry.text)),
            evidence={file.file: f"{len(file.text):,} characters", SETTINGS: f"{len(entry.text):,} characters"},
            fix=f"keep the one that the model was trained with: remove chat_template from {SETTINGS}, or {FILE}",
        )


def _default(templates: "tuple[ChatTemplate, ...]", file: str) -> "ChatTemplate | None":
    return next((each for each in templates if each.name == DEFAULT and each.file.endswith(file)), None)


def _as_rendered(text: str) -> str:
    """Jinja drops one line break at the end."""
    return text.replace("\r\n", "\n").removesuffix("\n")


def _first_difference(one: str, other: str) -> int:
    pairs = zip(one.splitlines(), other.splitlines(), strict=False)
    same = next((number for number, (left, right) in enumerate(pairs) if left != right), None)
    return 1 + (min(len(one.splitlines()), len(other.splitlines()) - 1) if same is None else same)


def _rendered(evidence: Evidence) -> str | None:
    reason = _stored(evidence)
    if reason is not None:
        return reason
    seen = evidence.observed.templates if evidence.observed else ()
    if not seen:
        return "no template was rendered"
    unknown = next((each.said for each in seen if each.outcome == "unknown"), None)
    return unknown if all(each.outcome == "unknown" for each in seen) else None


def _seen(evidence: Evidence, outcome: str) -> "Iterator[tuple[ModelDescription, RenderedTemplate]]":
    for each in evidence.observed.templates if evidence.observed else ():
        for description, _ in tokenizers(evidence):
            if each.outcome == outcome and str(description.root) == each.root:
                yield description, each


def _place(each: "RenderedTemplate") -> Place | None:
    """The line in a template's own file; in JSON the pointer, for lines are escaped there."""
    if each.pointer is not None:
        return Place(pointer=each.pointer)
    return None if each.line is None else Place(line=each.line)


def _evidence(each: "RenderedTemplate") -> dict[str, Json]:
    found: dict[str, Json] = {"template": each.name}
    if each.line is not None and each.pointer is not None:
        found["template_line"] = each.line
    if each.probe and each.probe != "compile":
        found["dialogue"] = each.probe
    return found | ({"renders": few(each.rendered)} if each.rendered else {})


@rule(
    "T211",
    "chat-template-invalid",
    severity="error",
    level="standard",
    applies=_rendered,
    consequence="apply_chat_template stops with an error of jinja2",
)
def chat_template_invalid(evidence: Evidence) -> Iterator[Finding]:
    """A chat template does not compile, or does not render a plain dialogue.

    jinja2 says "TemplateSyntaxError: Encountered unknown tag 'endfor'" or "UndefinedError: 'dict object' has no
    attribute 'content'", at the first prompt. It is an error where the purpose writes prompts with it (`--for score
    --head tokens`), a warning otherwise. A template that refuses a system message or tools by raise_exception only
    says what the model can; that is no fault.

    Example: a template that lost its last line in an edit.

    To mend it, take the template of the family, or mend the line that is named.
    """
    for description, each in _seen(evidence, "invalid"):
        used = evidence.intent.purpose == "score" and evidence.intent.head == "tokens" and each.taken
        severity: Severity = "error" if used and each.name == DEFAULT else "warning"
        at = "" if each.line is None else f", line {each.line}"
        yield chat_template_invalid.finding(
            f"the chat template {each.name!r} fails{at}: {each.said}",
            path=description.files.path(each.file),
            place=_place(each),
            severity=severity,
            evidence=_evidence(each),
            fix="take the template of the model's repository, or mend that line",
        )


@rule(
    "T213",
    "chat-template-unsafe",
    severity="error",
    level="standard",
    applies=_rendered,
    consequence="rendering it stalls or kills the process; where an old jinja2 lets it out, it runs what it likes",
)
def chat_template_unsafe(evidence: Evidence) -> Iterator[Finding]:
    """A chat template reaches for what the sandbox forbids, loops without bound or fills the memory.

    transformers renders templates in jinja2's sandbox, which says "SecurityError: access to attribute '__globals__'
    of 'function' object is unsafe" and "OverflowError: Range too big". It limits neither nested loops nor the length
    of a string: `{% for a in range(99999) %}{% for b in range(99999) %}` runs for hours, `{{ 'a' * 10**10 }}` takes
    10 GB. We have rendered it in a process of its own, with a limit of seconds and of memory.

    Example: a model of unknown origin whose template begins with {{ lipsum.__globals__ }}.

    To mend it, use the template of the family that the model comes from, and ask where this one is from.
    """
    for description, each in _seen(evidence, "unsafe"):
        yield chat_template_unsafe.finding(
            f"the chat template {each.name!r} {each.said}",
            path=description.files.path(each.file),
            place=_place(each),
            severity="error" if each.taken else "warning",
            evidence=_evidence(each),
            fix="replace it by the template of the model's family; do not render this one",
        )


RULES: tuple[Rule, ...] = (chat_template_missing, chat_template_invalid, chat_template_shadowed, chat_template_unsafe)
