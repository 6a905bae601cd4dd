"""Every kind of damage that matrix and mutation do, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from damages_bytes import BYTES
from damages_config import CONFIGS
from damages_files import FILES
from damages_tokenizer import TOKENIZERS
from damages_weights import WEIGHTS

if TYPE_CHECKING:
    from damage_tools import Harm

_GROUPS = {"bytes": BYTES, "weights": WEIGHTS, "config": CONFIGS, "tokenizer": TOKENIZERS, "files": FILES}
DAMAGES: dict[str, Harm] = {
    f"{group}.{harm.__name__.replace('_', '-')}": harm for group, harms in _GROUPS.items() for harm in harms
}
