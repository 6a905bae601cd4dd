"""Whether an adapter, or a merged model, is still what its record says: the scale, the labels, one adapter at a time.

Rank and alpha stand in adapter_config.json, where an editor reaches them. A changed rank does not load; a changed alpha
loads, and scores as another model does, without a word.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.model.adapter import CONFIG
from pipeline.training.record import TrainingRecord

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


def contradictions_of_merged(record: TrainingRecord, model: Path, *, adapter: str | None) -> tuple[str, ...]:
    """What speaks against using a merged model as asked, a sentence each."""
    said = [] if adapter is None else [f"an adapter is merged into {model} already; {adapter} would come on top of it"]
    named = _read(model / MODEL_CONFIG).get("id2label")
    wanted = {str(number): label for number, label in enumerate(record.labels)}
    if named != wanted:
        said.append(f"its columns are {', '.join(record.labels)}, and {MODEL_CONFIG} names others (id2label)")
    return tuple(said)


def _read(path: Path) -> Mapping[str, Any]:
    """An object of a file that the preflight has read before."""
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
