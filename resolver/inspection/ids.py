"""Ids, labels and generation settings of a configuration, as written; what is none of them is left out.

Does not know which ids have a row or what version 4 makes of a setting.
"""

from collections.abc import Mapping
from typing import Any, Final

from resolver.inspection.fault import kind_of

SPECIAL_IDS: Final = ("bos_token_id", "eos_token_id", "pad_token_id")
# Settings of generation_config.json that were seen to stop transformers, or that it calls useless.
GENERATION_KEYS: Final = (
    "do_sample",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "typical_p",
    "num_beams",
    "num_return_sequences",
    "length_penalty",
    "early_stopping",
    "max_new_tokens",
    "cache_implementation",
)


def generation_facts(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of `ConfigFacts` that generation_config.json gives."""
    return {
        "generation_ids": special_ids(settings),
        "generation_values": {key: settings[key] for key in GENERATION_KEYS if key in settings},
    }


def label_names(value: Any) -> dict[int, str]:
    """`id2label` by id; keys that are no index are left out."""
    if not isinstance(value, dict):
        return {}
    return {int(key): str(name) for key, name in value.items() if _is_index(key)}


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) <= len("1000000")  # int() of a hostile key is slow


def special_ids(holder: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Role to ids; a list stays a list."""
    found = {}
    for role in SPECIAL_IDS:
        value = holder.get(role)
        ids = value if isinstance(value, list) else [value]
        whole = tuple(each for each in ids if type(each) is int)
        if whole:
            found[role] = whole
    return found


def id_kinds(holder: Mapping[str, Any]) -> dict[str, str]:
    """Roles whose value no configuration class takes for an id."""
    found = {}
    for role in SPECIAL_IDS:
        value = holder.get(role)
        listed = isinstance(value, list) and role != "pad_token_id" and all(type(each) is int for each in value)
        if value is not None and type(value) is not int and not listed:
            found[role] = kind_of(value)
    return found
