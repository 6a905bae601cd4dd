"""Save what was trained as a directory: written beside its place and renamed, so that it is there whole or not at all.

A LoRA or a head becomes an adapter, a model that was trained whole becomes a model's directory.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pipeline.arena.battle import LABELS
from pipeline.errors import OutputError
from pipeline.model.adapter import CONFIG
from pipeline.model.load import Classifier, quiet
from pipeline.output import refused_as_output
from pipeline.training.record import NAME, TrainingRecord
from pipeline.training.state import Tensors

MODEL_CONFIG: Final = "config.json"
SHARD: Final = "5GB"
TOKENIZER_FILES: Final = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "spiece.model",
    "spm.model",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)


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
    with _beside(target) as temporary:
        temporary.mkdir(parents=True)


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
    with _beside(target) as temporary:
        if hasattr(classifier.model, "peft_config"):
            _write_adapter(temporary, classifier.model, weights, record)
        else:
            _write_model(temporary, classifier, weights, base)
        (temporary / NAME).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
        _put_in_place(temporary, target)


def _write_adapter(temporary: Path, model: Any, weights: Tensors, record: TrainingRecord) -> None:
    for config in model.peft_config.values():
        config.base_model_name_or_path = record.base.hub_id or record.base.reference
        if isinstance(config.target_modules, set):  # whose order is another in every process
            config.target_modules = sorted(config.target_modules)
    with quiet():
        model.save_pretrained(temporary, safe_serialization=True, save_embedding_layers=False, state_dict=dict(weights))
    (temporary / "README.md").unlink(missing_ok=True)


def _write_model(temporary: Path, classifier: Classifier, weights: Tensors, base: Path) -> None:
    """The tokenizer's files are the base's own, byte for byte."""
    config = classifier.model.config
    config.id2label = dict(enumerate(LABELS[: classifier.labels]))
    config.label2id = {name: column for column, name in config.id2label.items()}
    buffers = {name: each for name, each in classifier.model.state_dict().items() if name not in weights}
    with quiet():
        classifier.model.save_pretrained(
            temporary, state_dict=buffers | _stored(weights, classifier.dtype), max_shard_size=SHARD
        )
    for name in TOKENIZER_FILES:
        if (base / name).is_file():
            shutil.copyfile(base / name, temporary / name)


def _stored(weights: Tensors, dtype: Any) -> dict[str, Any]:
    """Trained in float32, kept in what it was computed in."""
    return {name: each.to(dtype) for name, each in weights.items()}


def _put_in_place(temporary: Path, target: Path) -> None:
    """A directory cannot be renamed over one that holds something: the old one steps aside first."""
    if not target.exists():
        temporary.rename(target)
        return
    aside = target.with_name(f".{target.name}.{os.getpid()}.old")
    target.rename(aside)
    try:
        temporary.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    shutil.rmtree(aside)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    made = _absent_parents(target)
    try:
        with refused_as_output(target, fix="name a directory below one that can be written"):
            temporary.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if not target.exists():
            _remove_empty(made)


def _absent_parents(target: Path) -> tuple[Path, ...]:
    """Parents that will have to be made, the deepest first."""
    return tuple(parent for parent in target.parents if not os.path.lexists(parent))


def _remove_empty(directories: tuple[Path, ...]) -> None:
    for directory in directories:
        try:
            directory.rmdir()
        except OSError:
            return
