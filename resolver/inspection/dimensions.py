"""The numbers of config.json from which memory is reckoned: experts, caches, windows, kernels."""

from collections.abc import Mapping
from typing import Any, Final

from resolver.record import Record

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "head_dim": ("head_dim",),
    "experts_per_token": ("num_experts_per_tok",),
    "expert_size": ("moe_intermediate_size",),
    "kv_lora_rank": ("kv_lora_rank",),
    "qk_rope_head_dim": ("qk_rope_head_dim",),
    "sliding_window": ("sliding_window",),
}
MAX_LAYERS: Final = 10_000


class DimensionFacts(Record):
    """As written; None where nothing of the right type is.

    Attributes:
        head_dim: of one attention head.
        experts_per_token: how many experts see a token; None for a model without experts.
        expert_size: the inner size of one expert where it is not the MLP's own.
        kv_lora_rank, qk_rope_head_dim: of a compressed cache (multi-head latent attention).
        sliding_window: tokens that a layer looks back, of those that `layer_types` calls sliding.
        layer_types: what each layer's attention is, where it is said.
        attention: the attention kernel that the file asks for.
    """

    head_dim: int | None = None
    experts_per_token: int | None = None
    expert_size: int | None = None
    kv_lora_rank: int | None = None
    qk_rope_head_dim: int | None = None
    sliding_window: int | None = None
    layer_types: tuple[str, ...] = ()
    attention: str | None = None


def read_dimensions(config: Mapping[str, Any], text: Mapping[str, Any]) -> DimensionFacts:
    """Read them from the nested text part, else from the top; raises nothing."""
    numbers = {field: _whole(text, config, names) for field, names in NAMES.items()}
    types = text.get("layer_types")
    layers = types[:MAX_LAYERS] if isinstance(types, list) else []
    return DimensionFacts(
        **numbers,
        layer_types=tuple(each for each in layers if isinstance(each, str)),
        attention=_attention(config) or _attention(text),
    )


def _whole(text: Mapping[str, Any], config: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        for holder in (text, config):
            value = holder.get(name)
            if type(value) is int and value > 0:
                return value
    return None


def _attention(holder: Mapping[str, Any]) -> str | None:
    value = holder.get("attn_implementation", holder.get("_attn_implementation"))
    return value if isinstance(value, str) and value else None
