"""The parent's side of the meta load: whether it may be asked, what is asked, and the answer as a value."""

from resolver.inspection.description import ModelDescription
from resolver.probe.child import Answer, Question
from resolver.record import Record
from resolver.rules.rule import Evidence


class Loading(Record):
    """What the real loader made of the model on the meta device.

    Attributes:
        unknown: why it was not asked, or gave no answer; "" where it did.
        version: of the transformers that was asked.
        built: the class that it built.
        missing: parameters that the class has and no file holds; tied ones are not among them.
        unexpected: tensors that the class has no parameter for.
        inside: those of them that belong to a layer which the class has.
        mismatched: name, stored shape and expected shape.
        counts: of the three, where more were found than are listed.
        refused: what it raised, as "Class: text"; "" where it built the model.
        peak_bytes: the most resident memory that the child was seen to hold.
    """

    unknown: str = ""
    version: str = ""
    built: str = ""
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = ()
    counts: tuple[int, int, int] = (0, 0, 0)
    refused: str = ""
    peak_bytes: int = 0


def loading_question(evidence: Evidence) -> Question | str:
    """The question, or why it is not asked."""
    reason = _why_not(evidence.model)
    if reason is not None:
        return reason
    config, intent = evidence.model.config, evidence.intent
    folder = config.file.rpartition("/")[0]
    return Question(
        "meta_load",
        {
            "root": str(evidence.model.root / folder),
            "purpose": intent.purpose,
            "head": intent.head,
            "labels": intent.labels,
        },
    )


def _why_not(model: ModelDescription) -> str | None:
    weights, config = model.weights, model.config
    quantised = config.quantization.method or "unnamed" if config.quantization is not None else None
    reasons = (
        (
            model.adapter is not None and not config.present,
            "the directory is an adapter; its base is checked by itself",
        ),
        (
            not config.readable or weights.chosen is None,
            "there is no config.json, or no weights that transformers opens",
        ),
        (
            any(name.endswith(".bin") for name in weights.shards),
            "the weights are pickles, which the loader would unpickle",
        ),
        (
            weights.index is not None and bool(weights.index.escaping),
            "the index names files outside the directory: S604",
        ),
        (not weights.tensors_known, "not every weights file is here with a header that can be read"),
        (quantised is not None, f"the weights are quantised ({quantised}): the loader packs them anew"),
        (model.adapter is not None, "an adapter lies beside the model, and transformers would load it too: A412"),
    )
    return next((reason for holds, reason in reasons if holds), None)


def loading(asked: Question | str, answer: Answer | None) -> Loading:
    """The answer to `loading_question`."""
    if isinstance(asked, str):
        return Loading(unknown=asked)
    if answer is None or answer.outcome != "answered":
        return Loading(unknown=f"the loader gave no answer: {answer.said if answer is not None else 'not asked'}")
    value = answer.value
    if "absent" in value:
        return Loading(unknown=value["absent"])
    if "said" in value:
        return Loading(version=value["version"], refused=value["said"], peak_bytes=answer.peak_bytes)
    first, second, third = value["counts"]
    return Loading(
        version=value["version"],
        built=value["class"],
        missing=tuple(value["missing"]),
        unexpected=tuple(value["unexpected"]),
        inside=tuple(value["inside"]),
        mismatched=tuple((name, tuple(stored), tuple(expected)) for name, stored, expected in value["mismatched"]),
        counts=(first, second, third),
        peak_bytes=answer.peak_bytes,
    )
