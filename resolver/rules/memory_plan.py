"""What of a model takes memory: the numbers of its files, its purpose and its dtype as a `Plan`. Judges nothing."""

from typing import Final

from resolver.inspection.config import ConfigFacts
from resolver.inspection.weights import Stored
from resolver.rules.memory import Plan, Shape, Work, byte_bytes, nf4_bytes
from resolver.rules.rule import Evidence

DTYPE_BYTES: Final = {"float32": 4, "float16": 2, "bfloat16": 2, "float64": 8}
STORED_BYTES: Final = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
STORED_NAMES: Final = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
PACKED: Final = {"I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2}  # all others take a byte
# Families whose attention transformers computes score by score unless it is told otherwise, and how many copies live.
EAGER: Final = {"gemma2": 5, "deberta": 7, "deberta-v2": 7}
NOT_LINEAR: Final = (
    "embed", "lm_head", "score", "classifier", "pooler", "wte", "wpe", "shared.weight", "router", "relative",
)  # fmt: skip
FP8_STEP: Final = 16  # both sides of a matrix that the products of float8 take


def work_of(evidence: Evidence) -> Work:
    """What the purpose asks of the device."""
    intent = evidence.intent
    if intent.purpose == "train":
        return "train"
    if intent.purpose == "score":
        return "classify" if intent.head == "classifier" else "logits"
    return "generate" if any("ForCausalLM" in each for each in evidence.model.config.architectures) else "classify"


def dtype_of(evidence: Evidence) -> str | None:
    """The dtype that it runs in: the one that is asked for, the config's, else the one that most is stored in."""
    config = evidence.model.config
    if evidence.intent.dtype is not None or config.torch_dtype is not None:
        return evidence.intent.dtype or config.torch_dtype
    counted: dict[str, int] = {}
    for header in evidence.model.weights.headers.values():
        for dtype, count in getattr(header, "elements_by_dtype", {}).items():
            counted[dtype] = counted.get(dtype, 0) + count
    floating = [name for name in counted if name in STORED_NAMES]
    return STORED_NAMES[max(floating, key=counted.__getitem__)] if floating else None


def plan_of(evidence: Evidence, *, context_bytes: int) -> Plan:
    """The plan for one full copy on one device, its matrices as `Intent.quantize` has them made.

    Args:
        evidence: a model all of whose weights have a header.
        context_bytes: of the device.
    """
    work, element = work_of(evidence), DTYPE_BYTES.get(dtype_of(evidence) or "", 2)
    asked = evidence.intent.quantize if evidence.model.config.quantization is None else None  # C310 refuses both
    # A model with a classifier head has no vocabulary's: the loader leaves that tensor where it is.
    without = "lm_head.weight" if evidence.intent.purpose != "load" and evidence.intent.head == "classifier" else None
    total = sum(
        _bytes(name, stored, element, asked)
        for name, stored in evidence.model.weights.tensors.items()
        if name != without
    )
    return Plan(work, total, element, shape_of(evidence), adapter_elements(evidence), context_bytes)


def adapter_elements(evidence: Evidence) -> int:
    """Stored elements of the adapter beside the model; 0 where there is none, or its header cannot be read."""
    tensors = (evidence.adapter.adapter.tensors or {}) if evidence.adapter and evidence.adapter.adapter else {}
    return sum(_count(tensor.shape) for tensor in tensors.values())


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count


def _bytes(name: str, stored: Stored, element: int, quantised: str | None) -> int:
    if stored.dtype not in STORED_BYTES:
        return _count(stored.shape) * PACKED.get(stored.dtype, 1)
    if quantised is not None and is_linear(name, stored) and _can_be(quantised, stored):
        return (nf4_bytes if quantised == "int4" else byte_bytes)(*stored.shape)
    return _count(stored.shape) * element


def is_linear(name: str, stored: Stored) -> bool:
    """Whether a loader that is asked to quantise packs this tensor: a matrix of a layer, no embedding, no head."""
    return len(stored.shape) == 2 and name.endswith(".weight") and not any(part in name for part in NOT_LINEAR)  # noqa: PLR2004


def _can_be(quantised: str, stored: Stored) -> bool:
    return quantised != "fp8" or not any(side % FP8_STEP for side in stored.shape)


def shape_of(evidence: Evidence) -> Shape | None:
    """The architecture's numbers; None where config.json does not give them."""
    config = evidence.model.config
    layers, hidden, inner, heads = (
        config.num_hidden_layers, config.hidden_size, config.intermediate_size, config.num_attention_heads,
    )  # fmt: skip
    if layers is None or hidden is None or heads is None or min(layers, hidden, heads) < 1:
        return None
    dims = config.dimensions
    head_size = (dims.head_dim if dims else None) or hidden // heads
    names = evidence.model.weights.tensors
    mlp, all_inner = _mlp(config, inner or 0, hidden, names)
    return Shape(
        layers=layers,
        hidden=hidden,
        heads=heads,
        vocabulary=config.vocab_size or 0,
        head_size=head_size,
        mlp=mlp,
        inner=all_inner,
        rotary=any(".self_attn." in name for name in names),
        scores=EAGER.get(config.model_type or "", 0),
        cache=_cache(config, head_size, heads),
        window=_window(config),
        sliding=_sliding(config, layers),
    )


def _mlp(config: ConfigFacts, inner: int, hidden: int, names: object) -> tuple[int, int]:
    """Elements a token that are alive in the MLP, and its inner size, experts included."""
    dims = config.dimensions
    if dims is not None and dims.experts_per_token is not None:
        size, count = dims.expert_size or inner, dims.experts_per_token
        return count * (hidden + 4 * size), count * size
    known = list(names) if isinstance(names, dict) else []
    if any(name.endswith("gate_up_proj.weight") for name in known):
        return 4 * inner, inner
    return (3 if any(name.endswith("gate_proj.weight") for name in known) else 2) * inner, inner


def _cache(config: ConfigFacts, head_size: int, heads: int) -> int:
    dims = config.dimensions
    if dims is not None and dims.kv_lora_rank is not None:
        return dims.kv_lora_rank + (dims.qk_rope_head_dim or 0)
    return 2 * (config.num_key_value_heads or heads) * head_size


def _window(config: ConfigFacts) -> int | None:
    return config.dimensions.sliding_window if config.dimensions is not None else None


def _sliding(config: ConfigFacts, layers: int) -> int:
    """How many layers look back a window only: those that say so, every second of a Gemma 2, all of a Mistral."""
    if config.dimensions is None or config.dimensions.sliding_window is None:
        return 0
    if config.dimensions.layer_types:
        return min(layers, sum(each == "sliding_attention" for each in config.dimensions.layer_types))
    return {"mistral": layers, "mixtral": layers, "gemma2": (layers + 1) // 2}.get(config.model_type or "", 0)
