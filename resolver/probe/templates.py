"""The parent's side of rendering: each stored template in a child of its own, and what came of it as a value."""

from typing import Any, Final, Literal

from resolver.environment import Environment
from resolver.inspection.chat_templates import ChatTemplate
from resolver.inspection.description import ModelDescription
from resolver.probe.child import Answer, Child, Question
from resolver.record import Record
from resolver.rules.rule import Evidence

SECONDS: Final = 60.0  # of the clock, on a machine that is busy with other things; the child counts processor time
MEMORY_BYTES: Final = 600 * 2**20
ADDRESS_SPACE_BYTES: Final = 512 * 2**20
MOST: Final = 8  # honest models have one to three
ROLES: Final = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")

Rendering = Literal["rendered", "invalid", "unsafe", "unknown"]


class RenderedTemplate(Record):
    """What came of one template.

    Attributes:
        root, name, file, pointer, taken: which one: see `ChatTemplate`; `root` is the directory.
        outcome: "unknown" where it could not be rendered here at all.
        said: why it is invalid, unsafe or unknown, in words that follow "the chat template …".
        line: the template's own line; None where that is not known.
        probe: the dialogue at which it failed, or "compile".
        rendered: the dialogues that it renders.
    """

    root: str
    name: str
    file: str
    outcome: Rendering
    pointer: str | None = None
    taken: bool = True
    said: str = ""
    line: int | None = None
    probe: str = ""
    rendered: tuple[str, ...] = ()


def render_templates(evidence: Evidence, environment: Environment) -> tuple[RenderedTemplate, ...]:
    """Every stored template of the model and its adapter, each text once; raises nothing."""
    seen: dict[str, Answer] = {}
    found = []
    for description in evidence.described():
        for template in description.tokenizer.chat_templates if description.tokenizer else ():
            if template.text is not None and template.text not in seen and len(seen) < MOST:
                seen[template.text] = _asked(description, template.text, environment)
            found.append(_read(description, template, seen.get(template.text or "")))
    return tuple(found)


def _asked(description: ModelDescription, text: str, environment: Environment) -> Answer:
    facts = description.tokenizer
    specials = {each.role: each.text for each in (facts.specials if facts else ()) if each.role in ROLES}
    question = Question("template_render", {"template": text, "variables": {**specials}})
    with Child(
        [question],
        environment,
        seconds=SECONDS,
        memory_bytes=MEMORY_BYTES,
        address_space_bytes=ADDRESS_SPACE_BYTES,
        foreign=description.root,
    ) as child:
        return child.answers()[0]


def _read(description: ModelDescription, template: ChatTemplate, answer: Answer | None) -> RenderedTemplate:
    told = _told(answer)
    if told["outcome"] == "invalid" and template.name != "default" and told["probe"] != "compile":
        # A template that is asked for by name (rag, tool_use) may need more than a dialogue.
        told |= {"outcome": "rendered", "said": ""}
    return RenderedTemplate(
        root=str(description.root),
        name=template.name,
        file=template.file,
        pointer=template.pointer,
        taken=template.taken,
        outcome=told["outcome"],
        said=told["said"],
        line=told["line"],
        probe=told["probe"],
        rendered=tuple(told["rendered"]),
    )


def _told(answer: Answer | None) -> dict[str, Any]:
    if answer is None:
        return _ended("unknown", "the template could not be read, or it is one of more than eight")
    if answer.outcome == "answered":
        return dict(answer.value)
    if answer.outcome == "memory" or "MemoryError" in answer.said:
        return _ended("unsafe", "fills the memory that it is given")
    if "SIGXCPU" in answer.said:
        return _ended("unsafe", "does not end: it was stopped after 4 s of processor time")
    if answer.outcome == "died" and "signal" in answer.said:
        return _ended("unsafe", f"kills the process that renders it: {answer.said}")
    return _ended("unknown", f"the template was not rendered: {answer.said}")


def _ended(outcome: Rendering, said: str) -> dict[str, Any]:
    return {"outcome": outcome, "said": said, "line": None, "probe": "", "rendered": []}
