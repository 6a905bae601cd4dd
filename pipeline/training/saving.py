"""Save what was trained as a directory: written beside its place and renamed, so that it is there whole or not at all.

A LoRA or a head becomes an adapter, a model that was trained whole becomes a model's directory.
"""

import shutil
from pathlib import Path
from typing import Any, Final

from pipeline.arena.battle import LABELS
from pipeline.directory import new_directory, require_writable
from pipeline.errors import OutputError
from pipeline.model.adapter import CONFIG
from pipeline.model.load import Classifier, quiet
from pipeline.preflight import contents
from pipeline.training.card import carry_terms
from pipeline.training.record import NAME, Merged, TrainingRecord, headers_sha256
from pipeline.training.state import Tensors

MODEL_CONFIG: Final = "config.json"
SHARD: Final = "5GB"
CARD: Final = """\
# {kind} of {base}

Forecasts which of two answers to a prompt people prefer ({labels}). Trained by `arena train` on {battles:,} battles,
rows of {length:,} tokens; `training.json` has the rest, and `arena score` reads it.
"""


def check_directory(target: Path, *, force: bool) -> None:
    """Refuse a place where what is trained cannot, or must not, be written; nothing is left behind.

    Raises:
        OutputError: it is a file, it holds something that no training wrote, it holds such and `force` was not said, or
            its parent cannot be written.
    """
    if target.exists() and not target.is_dir():
        raise OutputError(f"{target}: it is not a directory", fix="name a directory that does not exist yet")
    if target.is_dir() and any(target.iterdir()):
        kind = _kind(target)
        if kind is None:
            raise OutputError(
                f"{target}: it holds other things than an adapter", fix="name a directory that does not exist yet"
            )
        if not force:
            raise OutputError(
                f"{target}: it holds {kind} already", fix="name another directory, or say --force to replace it"
            )
    require_writable(target)


def _kind(target: Path) -> str | None:
    """What training wrote there; None where it is something else: a model without our record is somebody's base."""
    if (target / CONFIG).is_file():
        return "an adapter"
    return "a trained model" if (target / MODEL_CONFIG).is_file() and (target / NAME).is_file() else None


def save_trained(target: Path, classifier: Classifier, weights: Tensors, record: TrainingRecord, base: Path) -> None:
    """Write what was trained, and the record of how.

    Args:
        target: checked with `check_directory`; what is there is replaced.
        classifier: as it was trained.
        weights: what was trained, whole and on the host, by the model's own names.
        record: how it was made; the base's name in it goes into adapter_config.json.
        base: the directory that the base was loaded from; a model takes its tokenizer over.

    Raises:
        OutputError: it cannot be written.
    """
    is_adapter = hasattr(classifier.model, "peft_config")
    with new_directory(target) as place:
        if is_adapter:
            _write_adapter(place, classifier.model, weights, record)
        else:
            record = _write_model(place, classifier, weights, record, base)
        name = record.base.hub_id or record.base.kaggle_handle
        told = CARD.format(
            kind="An adapter" if is_adapter else "A fine-tune",
            base=name or base.name,
            labels=", ".join(record.labels),
            battles=record.data.battles,
            length=record.max_length,
        )
        carry_terms(base, place, base_name=name, text=told, adapter=is_adapter)
        (place / NAME).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _write_adapter(place: Path, model: Any, weights: Tensors, record: TrainingRecord) -> None:
    for config in model.peft_config.values():
        config.base_model_name_or_path = record.base.hub_id or record.base.reference
        if isinstance(config.target_modules, set):  # whose order is another in every process
            config.target_modules = sorted(config.target_modules)
    with quiet():
        model.save_pretrained(place, safe_serialization=True, save_embedding_layers=False, state_dict=dict(weights))
    (place / "README.md").unlink(missing_ok=True)


def _write_model(
    place: Path, classifier: Classifier, weights: Tensors, record: TrainingRecord, base: Path
) -> TrainingRecord:
    """The tokenizer's files are the base's own, byte for byte; returns the record with what the weights look like."""
    config = classifier.model.config
    config.id2label = dict(enumerate(LABELS[: classifier.labels]))
    config.label2id = {name: column for column, name in config.id2label.items()}
    buffers = {name: each for name, each in classifier.model.state_dict().items() if name not in weights}
    with quiet():
        classifier.model.save_pretrained(
            place, state_dict=buffers | _stored(weights, classifier.dtype), max_shard_size=SHARD
        )
    for name in contents(base).tokenizer:
        (place / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(base / name, place / name)
    looks = Merged(headers_sha256=headers_sha256(place) or "", dtype=str(classifier.dtype).removeprefix("torch."))
    return record.model_copy(update={"merged": looks})


def _stored(weights: Tensors, dtype: Any) -> dict[str, Any]:
    """Trained in float32, kept in what it was computed in."""
    return {name: each.to(dtype) for name, each in weights.items()}
