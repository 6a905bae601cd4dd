"""What transformers 4 takes where config.json does not say: read from the configuration classes of 4.57.6 and 4.41.2.

Both agree on every type that both know. A type stands here only where the class was looked into.
"""

from typing import Final, NamedTuple

THETA: Final[dict[str, float]] = {
    name: theta
    for theta, names in {
        10_000.0: (
            "arcee aria_text bamba code_llama cohere cohere2 deepseek_v2 deepseek_v3 diffllama doge dots1 exaone4 "
            "falcon gemma gemma2 glm glm4 glm4_moe glm4v_moe_text glm4v_text gpt_neox gpt_neox_japanese granite "
            "granitemoe granitemoehybrid granitemoeshared hunyuan_v1_dense hunyuan_v1_moe jetmoe llama ministral "
            "mistral moshi nemotron olmo olmo2 olmo3 olmoe open-llama phi phi3 phi4_multimodal qwen2 qwen2_moe "
            "qwen3 qwen3_moe qwen3_next recurrent_gemma seed_oss stablelm starcoder2 vaultgemma zamba2"
        ),
        25_000.0: "persimmon",
        100_000.0: "falcon_h1 helium",
        150_000.0: "gpt_oss",
        500_000.0: "bitnet blt csm ernie4_5 ernie4_5_moe evolla flex_olmo llama4_text mllama_text_model",
        1_000_000.0: (
            "emu3_text_model lfm2 minimax mixtral phimoe qwen2_5_vl_text qwen2_vl_text gemma3_text gemma3n_text"
        ),
        2_000_000.0: "smollm3",
        5_000_000.0: "qwen3_vl_text qwen3_vl_moe_text",
        10_000_000.0: "longcat_flash",
        12_000_000.0: "apertus",
    }.items()
    for name in names.split()
}
# Where a class scales of itself: a scaling of that kind needs no rope_scaling in config.json.
SCALES_OF_ITSELF: Final = {"apertus": "llama3", "gpt_oss": "yarn"}
# The part of each head that is rotated, where the class takes less than all of it; other classes that have the key
# take all of it, and the rest do not have it.
PARTIAL: Final = {
    **dict.fromkeys(("bamba", "glm", "glm4", "glm4_moe", "glm4v_moe_text", "nemotron", "persimmon", "phi"), 0.5),
    **dict.fromkeys(("gpt_neox", "stablelm", "qwen3_next"), 0.25),
    **dict.fromkeys(("phi3", "phi4_multimodal", "gpt_neox_japanese"), 1.0),
    "recurrent_gemma": 0.5,
}
PARTIAL_KEYS: Final = {"gpt_neox": "rotary_pct", "gpt_neox_japanese": "rotary_pct"}
THETA_KEYS: Final = {"gpt_neox": "rotary_emb_base", "gpt_neox_japanese": "rotary_emb_base"}


class Layer(NamedTuple):
    """The key under which 4.x reads the theta of one kind of layer, and what it takes without it."""

    key: str
    theta: float


_GEMMA: Final = {
    "full_attention": Layer("rope_theta", 1_000_000.0),
    "sliding_attention": Layer("rope_local_base_freq", 10_000.0),
}
# Types whose kinds of layers differ: 4.x has a key for each kind.
BY_LAYER: Final = {
    "gemma3_text": _GEMMA,
    "gemma3n_text": _GEMMA,
    "modernbert": {
        "full_attention": Layer("global_rope_theta", 160_000.0),
        "sliding_attention": Layer("local_rope_theta", 10_000.0),
    },
    "modernbert-decoder": {
        "full_attention": Layer("global_rope_theta", 160_000.0),
        "sliding_attention": Layer("local_rope_theta", 160_000.0),
    },
    "olmo3": {
        "full_attention": Layer("rope_theta", 10_000.0),
        "sliding_attention": Layer("rope_theta", 10_000.0),
    },
}
# Before these versions their classes check rope_scaling to the letter: two fields, `type` (linear or dynamic) and
# `factor`.
STRICT_BEFORE: Final[dict[str, tuple[int, ...]]] = {
    "llama": (4, 43, 0),
    "code_llama": (4, 43, 0),
    "gpt_neox": (4, 45, 0),
    "phi": (4, 45, 0),
    "persimmon": (4, 45, 0),
    "stablelm": (4, 45, 0),
    "falcon": (4, 45, 0),
}
# Types seen to build their rotary positions with the functions that every version since 4.43 keeps in one table.
SHARED_FUNCTIONS: Final = frozenset(
    {"llama", "mistral", "mixtral", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "gemma", "gemma2", "granite", "cohere",
     "starcoder2"}
)  # fmt: skip
TEN_THOUSAND_IN_5: Final = SHARED_FUNCTIONS - {"mixtral", "cohere"}  # their classes have another default in 5.23
SHARED_SINCE: Final = (4, 48, 0)
NEWER_KINDS: Final = frozenset({"proportional", "axial"})  # of some 5.x; not judged
REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "default": (),
    "linear": ("factor",),
    "dynamic": ("factor",),
    "yarn": ("factor",),
    "longrope": ("short_factor", "long_factor"),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor"),
}
