"""The parent's side of loading tokenizers: what is asked of the loader's child, and its answers as values."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resolver.inspection.description import ModelDescription
from resolver.probe.child import Answer, Question
from resolver.record import Record, field
from resolver.rules.rule import Evidence


class LoadedTokenizer(Record):
    """What the real AutoTokenizer made of one directory.

    Attributes:
        root: the directory.
        outcome: "loaded"; "raised" where the library refused it; "unknown" where it could not be asked here.
        said: what was raised, as "Class: text", or why it is unknown.
        version: of the transformers that was asked.
        class_name, size: of the tokenizer that came of it.
        highest: the token with the highest id, and that id.
        ids: role to the id that the special token really has.
        texts: role to its text.
        encoded: name of a text ("plain", "empty", "hostile", "long") to the highest id among its own.
        failures: name of a text to what encoding it raised.
        differs: the first ids of a text, of the tokenizer and of tokenizer.json alone; () where they are the same.
    """

    root: str
    outcome: str
    said: str = ""
    version: str = ""
    class_name: str = ""
    size: int | None = None
    highest: tuple[str, int] | None = None
    ids: Mapping[str, int] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    encoded: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    differs: tuple[tuple[int, ...], ...] = ()


def tokenizer_questions(evidence: Evidence) -> tuple[Question, ...]:
    """One for each directory that has a tokenizer's files; none for one whose own code decides."""
    return tuple(Question("tokenizer_load", {"path": str(each.root)}) for each in _asked(evidence))


def _asked(evidence: Evidence) -> Iterator[ModelDescription]:
    for description in evidence.described():
        facts = description.tokenizer
        if facts is not None and not facts.auto_map and (facts.source is not None or facts.self_contained):
            yield description


def loaded_tokenizers(evidence: Evidence, answers: Sequence[Answer]) -> tuple[LoadedTokenizer, ...]:
    """The answers to `tokenizer_questions`, in their order."""
    return tuple(_read(each, answer) for each, answer in zip(_asked(evidence), answers, strict=True))


def _read(description: ModelDescription, answer: Answer) -> LoadedTokenizer:
    root = str(description.root)
    if answer.outcome != "answered":
        return LoadedTokenizer(root, "unknown", f"the tokenizer was not loaded: {answer.said}")
    value: dict[str, Any] = answer.value
    if "absent" in value:
        return LoadedTokenizer(root, "unknown", value["absent"])
    if "kind" in value:
        return LoadedTokenizer(root, "raised", f"{value['kind']}: {value['said']}", value["version"])
    encoded, highest = value["encoded"], value["highest"]
    return LoadedTokenizer(
        root,
        "loaded",
        version=value["version"],
        class_name=value["class"],
        size=value["size"],
        highest=None if highest is None else (highest[0], highest[1]),
        ids=value["ids"],
        texts=value["texts"],
        encoded={name: each["highest"] for name, each in encoded.items() if each.get("highest") is not None},
        differs=tuple(map(tuple, value["same"])) if isinstance(value.get("same"), list) else (),
        failures={name: f"{each['kind']}: {each['said']}" for name, each in encoded.items() if "kind" in each},
    )
