"""Whether an adapter, or a merged model, is still what its record says: the scale, the labels, one adapter at a time.

Rank and alpha stand in adapter_config.json, where an editor reaches them. A changed rank does not load; a changed alpha
loads, and scores as another model does, without a word.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.model.adapter import CONFIG, WEIGHTS
from pipeline.training.record import NAME, TrainingRecord, file_sha256, read_record

MAX_BYTES: Final = 16_000_000
MODEL_CONFIG: Final = "config.json"
# What the record's settings call it, and adapter_config.json; what it is where the config has no such key.
SCALE: Final = (
    ("rank", "r", 8),
    ("alpha", "lora_alpha", 8),
    ("rslora", "use_rslora", False),
    ("dora", "use_dora", False),
)
PATTERNS: Final = ("rank_pattern", "alpha_pattern")


def contradictions_of_adapter(record: TrainingRecord, adapter: Path) -> tuple[str, ...]:
    """What adapter_config.json says otherwise than the record of its training, a sentence each."""
    config = _read(adapter / CONFIG)
    said = [
        f"it was trained with {name} {record.settings[name]}, and {CONFIG} says {key} {config.get(key, default)}"
        for name, key, default in SCALE
        if name in record.settings and config.get(key, default) != record.settings[name]
    ]
    if "rank" in record.settings:
        said += [
            f"it was trained with one rank and one alpha, and {CONFIG} has a {key}"
            for key in PATTERNS
            if config.get(key)
        ]
    return tuple(said)


def read_merged(model: Path) -> TrainingRecord | None:
    """The record of a merged model; None of every other one, also where it has some other tool's training.json.

    Raises:
        SettingsError: it says that it is one, and cannot be read.
    """
    return read_record(model) if _read(model / NAME).get("merged") else None


def contradictions_of_merged(
    record: TrainingRecord, model: Path, *, adapter: Path | None = None, trained: TrainingRecord | None = None
) -> tuple[str, ...]:
    """What speaks against using a merged model as asked, a sentence each.

    Args:
        record: the merged model's.
        model: its directory.
        adapter: what is to be laid over it. One that was trained over it is welcome; one of its own base, or the one
            that is in it, would count twice.
        trained: the adapter's record.
    """
    said = []
    if adapter is not None and _counts_twice(record, adapter, trained):
        said.append(f"an adapter of the same base is merged into {model} already; {adapter} would come on top of it")
    named = _read(model / MODEL_CONFIG).get("id2label")
    wanted = {str(number): label for number, label in enumerate(record.labels)}
    if named != wanted:
        said.append(f"its columns are {', '.join(record.labels)}, and {MODEL_CONFIG} names others (id2label)")
    return tuple(said)


def _counts_twice(record: TrainingRecord, adapter: Path, trained: TrainingRecord | None) -> bool:
    if trained is not None and trained.base == record.base:
        return True
    weights = adapter / WEIGHTS
    return record.merged is not None and weights.is_file() and file_sha256(weights) == record.merged.adapter_sha256


def _read(path: Path) -> Mapping[str, Any]:
    """An object of a file that the preflight has read before."""
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
