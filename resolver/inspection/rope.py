"""Rotary position numbers as written: the keys of transformers 4 (rope_theta, rope_scaling) and those of 5.

Does not know which version reads which key; that is judged.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from resolver.record import Record, field

# Keys under which the base frequency stands at the top in 4.x.
THETA_KEYS: Final = (
    "rope_theta",
    "rotary_emb_base",
    "rope_local_base_freq",
    "global_rope_theta",
    "local_rope_theta",
    "partial_rotary_factor",
    "rotary_pct",
)
MAX_KINDS: Final = 16  # kinds of layers; an honest config has two


class RopeFacts(Record):
    """What one part of config.json (the top, or its text_config) says of rotary positions.

    Attributes:
        pointer: the part that holds it: "" or "/text_config".
        model_type: of that part.
        numbers: those of the top-level keys that are numbers, by key.
        scaling: `rope_scaling` as written; None where it is absent, null or no object.
        parameters: `rope_parameters` by the kind of layer, "" where one object serves all; only objects.
    """

    pointer: str
    model_type: str | None
    numbers: Mapping[str, float] = field(default_factory=dict)
    scaling: Mapping[str, Any] | None = None
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_rope(config: Mapping[str, Any], text: Mapping[str, Any], key: str) -> RopeFacts | None:
    """The rotary numbers of the part that has any; None where neither has.

    Args:
        config: config.json.
        text: its nested text configuration, or config.json itself.
        key: under which key `text` stands; "" for config.json itself.
    """
    for holder, pointer in ((text, f"/{key}" if key else ""), (config, "")):
        found = _read(holder, pointer, config)
        if found is not None:
            return found
    return None


def number(value: object) -> float | None:
    """A finite number, or None.

    >>> number(500000), number(True), number("10000"), number(float("nan"))
    (500000.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _read(holder: Mapping[str, Any], pointer: str, config: Mapping[str, Any]) -> RopeFacts | None:
    numbers = {key: value for key in THETA_KEYS if (value := number(holder.get(key))) is not None}
    scaling = holder.get("rope_scaling")
    parameters = _parameters(holder.get("rope_parameters"))
    if not numbers and not parameters and not isinstance(scaling, dict):
        return None
    kind = holder.get("model_type", config.get("model_type"))
    return RopeFacts(
        pointer,
        kind if isinstance(kind, str) else None,
        numbers,
        scaling if isinstance(scaling, dict) and scaling else None,
        parameters,
    )


def _parameters(value: object) -> dict[str, Mapping[str, Any]]:
    if not isinstance(value, dict) or not value:
        return {}
    kinds: dict[str, Mapping[str, Any]] = {str(key): each for key, each in value.items() if isinstance(each, dict)}
    if not kinds or "" in kinds or len(kinds) > MAX_KINDS:
        return {"": value}
    return kinds
