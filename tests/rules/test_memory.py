"""The memory formula against torch: what it says is alive is what torch really keeps alive, and it only ever grows."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.host import Host
from resolver.inspection.describe import describe
from resolver.rules import memory
from resolver.rules.memory import Plan, Shape, demand, largest_batch, largest_length
from resolver.rules.memory_plan import is_linear, plan_of, shape_of
from resolver.rules.rule import Evidence, Intent

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

COMMON = {
    "hidden_size": 128, "intermediate_size": 448, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 512, "max_position_embeddings": 1024, "pad_token_id": 0, "num_labels": 3,
}  # fmt: skip
ENCODER = {key: value for key, value in COMMON.items() if key != "num_key_value_heads"}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", COMMON),
    "mistral": ("MistralConfig", {**COMMON, "sliding_window": 4096}),
    "qwen2": ("Qwen2Config", COMMON),
    "phi3": ("Phi3Config", {**COMMON, "eos_token_id": 2, "bos_token_id": 1}),
    "mixtral": ("MixtralConfig", {**COMMON, "num_local_experts": 4, "num_experts_per_tok": 2}),
    "qwen3_moe": (
        "Qwen3MoeConfig",
        {**COMMON, "head_dim": 32, "num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 96},
    ),
    "gemma2": ("Gemma2Config", {**COMMON, "head_dim": 32, "query_pre_attn_scalar": 32}),
    "bert": ("BertConfig", ENCODER),
    "deberta-v2": (
        "DebertaV2Config",
        {**ENCODER, "relative_attention": True, "position_buckets": 256, "norm_rel_ebd": "layer_norm",
         "share_att_key": True, "pos_att_type": "p2c|c2p", "position_biased_input": False, "type_vocab_size": 0},
    ),
}  # fmt: skip
# How far above the formula torch may be: it is a lower bound, exact where attention is fused.
ABOVE = {"gemma2": 1.25, "deberta-v2": 1.5, "qwen3_moe": 1.05, "mixtral": 1.02}
BUCKETS = 1_400_000  # what DeBERTa makes of its table of relative positions, whatever the length is


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """A classifier of each family as its library saves it, in bfloat16."""
    root = tmp_path_factory.mktemp("families")
    torch.manual_seed(0)
    for name, (config, numbers) in FAMILIES.items():
        made = transformers.AutoModelForSequenceClassification.from_config(getattr(transformers, config)(**numbers))
        made.to(torch.bfloat16).save_pretrained(root / name)
    return root


def evidence(root: Path, **intent: Any) -> Evidence:
    return Evidence(describe(root), Intent(**{"purpose": "score", **intent}), Host())


def measured(root: Path, batch: int, length: int) -> tuple[int, int]:
    """Bytes of the loaded weights, and the most that was alive beyond them in one forward pass."""
    from live_bytes import LiveBytes

    model = transformers.AutoModelForSequenceClassification.from_pretrained(root, dtype="auto").eval()
    ids = torch.randint(5, 500, (batch, length))
    mask = torch.ones_like(ids)
    if batch > 1:
        mask[0, : length // 4] = 0  # a shorter row
    decoder = {"use_cache": False} if hasattr(model.config, "rope_parameters") else {}
    with torch.no_grad(), LiveBytes() as seen:
        model(input_ids=ids, attention_mask=mask, **decoder)
    return sum(each.nbytes for each in model.parameters()), seen.peak


@pytest.mark.parametrize(("batch", "length"), [(1, 192), (3, 128)])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_formula_is_what_torch_keeps_alive(models: Path, family: str, batch: int, length: int) -> None:
    plan = plan_of(evidence(models / family), context_bytes=0)
    weights, peak = measured(models / family, batch, length)
    reckoned = demand(plan, batch, length)
    assert reckoned.weights_bytes == weights
    assert reckoned.cache_bytes == 0
    assert (
        reckoned.activations_bytes
        <= peak
        <= reckoned.activations_bytes * ABOVE.get(family, 1.01) + (BUCKETS if family == "deberta-v2" else 4096 * batch)
    )


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_weights_are_reckoned_in_the_dtype_that_is_asked_for(models: Path, dtype: str) -> None:
    loaded = transformers.AutoModelForSequenceClassification.from_pretrained(
        models / "llama", dtype=getattr(torch, dtype)
    )
    plan = plan_of(evidence(models / "llama", dtype=dtype), context_bytes=0)
    assert plan.weights_bytes == sum(each.nbytes for each in loaded.parameters())
    assert plan.element_bytes == loaded.dtype.itemsize


def test_a_classifier_leaves_the_vocabulary_head_on_the_disk(tmp_path: Path) -> None:
    causal = transformers.LlamaForCausalLM(transformers.LlamaConfig(**COMMON, tie_word_embeddings=False))
    causal.save_pretrained(tmp_path)
    classifier = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path, num_labels=3)
    head = 3 * COMMON["hidden_size"] * 4  # new, and in no file
    plan = plan_of(evidence(tmp_path), context_bytes=0)
    assert plan.weights_bytes + head == sum(each.nbytes for each in classifier.parameters())
    whole = plan_of(evidence(tmp_path, purpose="load"), context_bytes=0)
    assert whole.weights_bytes == sum(each.nbytes for each in causal.parameters())
    assert whole.work == "generate"


@pytest.mark.parametrize(("family", "config"), [("llama", "LlamaConfig"), ("mistral", "MistralConfig")])
def test_the_cache_is_what_the_library_keeps(tmp_path: Path, family: str, config: str) -> None:
    numbers = {**COMMON, "sliding_window": 48} if family == "mistral" else COMMON
    made = transformers.AutoModelForCausalLM.from_config(getattr(transformers, config)(**numbers)).to(torch.bfloat16)
    made.save_pretrained(tmp_path)
    with torch.no_grad():
        cache = made(torch.randint(5, 500, (2, 100)), use_cache=True).past_key_values
    held = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    plan = plan_of(evidence(tmp_path, purpose="load"), context_bytes=0)
    told = demand(plan, 2, 100).cache_bytes
    # A sliding layer keeps one token less than its window: the next one is still to come.
    assert held <= told <= held * 48 / 47


@pytest.mark.parametrize(("batch", "length", "layers"), [(1, 256, 3), (2, 128, 8)])
def test_training_with_checkpoints_is_what_torch_keeps_alive(batch: int, length: int, layers: int) -> None:
    from live_bytes import LiveBytes
    from peft import LoraConfig, get_peft_model

    numbers = {**COMMON, "num_hidden_layers": layers}
    base = transformers.AutoModelForSequenceClassification.from_config(transformers.LlamaConfig(**numbers))
    model = get_peft_model(
        base.to(torch.bfloat16).train(), LoraConfig(task_type="SEQ_CLS", r=4, target_modules=["q_proj", "v_proj"])
    )
    model.enable_input_require_grads()
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    ids = torch.randint(5, 500, (batch, length))
    with LiveBytes() as seen:
        mask = torch.ones_like(ids)
        mask[0, : 8 * (batch - 1)] = 0
        model(
            input_ids=ids, attention_mask=mask, labels=torch.zeros(batch, dtype=torch.long), use_cache=False
        ).loss.backward()
    shape = Shape(layers, 128, 4, 512, 32, mlp=3 * 448, inner=448)
    reckoned = memory.activations_bytes(Plan("train", 0, 2, shape), shape, batch, length)
    assert reckoned <= seen.peak <= 1.15 * reckoned + 200_000  # the adapter's gradients, in float32


@pytest.mark.parametrize("bits", [8, 4])
def test_quantised_weights_are_what_bitsandbytes_makes(models: Path, bits: int) -> None:
    """int8 a byte and a scale a row; nf4 half a byte and a scale for 64; embeddings and head as they were."""
    functional = pytest.importorskip("bitsandbytes.functional")
    root = models / "llama"
    plan = plan_of(evidence(root, dtype="float16", quantize=f"int{bits}"), context_bytes=0)
    made = 0
    stored = describe(root).weights.tensors
    model = transformers.AutoModelForSequenceClassification.from_pretrained(root, dtype=torch.float16)
    for key, parameter in model.named_parameters():
        if not is_linear(key, stored[key]):
            made += parameter.nbytes
        elif bits == 8:
            packed, scales, _ = functional.int8_vectorwise_quant(parameter.data)
            made += packed.nbytes + scales.nbytes
        else:
            packed, state = functional.quantize_4bit(parameter.data, quant_type="nf4")
            made += packed.nbytes + state.absmax.nbytes
    assert plan.weights_bytes == made


def test_float8_weights_take_a_byte_and_a_scale_a_row_where_both_sides_are_multiples_of_16(models: Path) -> None:
    stored = describe(models / "llama").weights.tensors
    packed = {name: each.shape for name, each in stored.items() if is_linear(name, each)}
    whole, made = (plan_of(evidence(models / "llama", quantize=each), context_bytes=0) for each in (None, "fp8"))
    saved = sum(rows * columns - 4 * rows for rows, columns in packed.values())
    assert made.weights_bytes == whole.weights_bytes - saved
    odd = models / "odd"
    transformers.LlamaForSequenceClassification(
        transformers.LlamaConfig(**{**COMMON, "intermediate_size": 440})
    ).save_pretrained(odd)
    stored = describe(odd).weights.tensors
    packed = {name: each.shape for name, each in stored.items() if is_linear(name, each) and ".mlp." not in name}
    whole, made = (plan_of(evidence(odd, quantize=each), context_bytes=0) for each in (None, "fp8"))
    assert made.weights_bytes == whole.weights_bytes - sum(
        3 * rows * columns - 4 * rows for rows, columns in packed.values()
    )


def test_the_tensors_that_are_quantised_are_those_that_transformers_replaces(models: Path) -> None:
    """The linear layers of the backbone, and neither embeddings nor the head."""
    root = models / "llama"
    model = transformers.AutoModelForSequenceClassification.from_pretrained(root)
    linear = {f"{name}.weight" for name, each in model.named_modules() if isinstance(each, torch.nn.Linear)} - {
        "score.weight"
    }
    stored = describe(root).weights.tensors
    assert {name for name in stored if is_linear(name, stored[name])} == linear


SHAPES = st.builds(
    Shape,
    layers=st.integers(1, 128),
    hidden=st.integers(1, 16_384),
    heads=st.integers(1, 128),
    vocabulary=st.integers(0, 300_000),
    head_size=st.integers(1, 512),
    mlp=st.integers(0, 200_000),
    inner=st.integers(0, 60_000),
    rotary=st.booleans(),
    scores=st.sampled_from([0, 5, 7]),
    cache=st.integers(0, 16_384),
    window=st.none() | st.integers(1, 8192),
    sliding=st.just(0),
)
PLANS = st.builds(
    Plan,
    work=st.sampled_from(["generate", "logits", "classify", "train"]),
    weights_bytes=st.integers(0, 10**12),
    element_bytes=st.sampled_from([2, 4]),
    shape=st.none() | SHAPES,
    adapter_elements=st.integers(0, 10**9),
)
COUNTS = st.integers(1, 2_000)


@given(PLANS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_more_rows_or_tokens_never_take_less(plan: Plan, batch: int, more: int, length: int, longer: int) -> None:
    before, after = demand(plan, batch, length), demand(plan, batch + more, length + longer)
    assert after.total_bytes >= before.total_bytes >= plan.weights_bytes
    assert demand(plan, batch, length + longer).total_bytes >= before.total_bytes


@given(PLANS, COUNTS, st.integers(0, 2 * 10**12))
def test_the_largest_batch_fits_and_the_next_does_not(plan: Plan, length: int, limit: int) -> None:
    batch = largest_batch(plan, length, limit)
    assert batch == 0 or demand(plan, batch, length).total_bytes <= limit
    assert batch == 4096 or demand(plan, batch + 1, length).total_bytes > limit


@given(PLANS, st.integers(0, 2 * 10**12))
def test_the_longest_row_fits_and_one_more_token_does_not(plan: Plan, limit: int) -> None:
    length = largest_length(plan, limit, 100_000)
    assert length == 0 or demand(plan, 1, length).total_bytes <= limit
    assert length == 100_000 or demand(plan, 1, length + 1).total_bytes > limit


def test_the_parts_are_the_whole() -> None:
    told = demand(Plan("train", 1_000, 2, Shape(2, 8, 2, 100, 4, 24, 8), 500), 2, 16)
    assert told.total_bytes == sum(getattr(told, f"{name}_bytes") for name in
                                   ("weights", "activations", "cache", "adapter", "optimizer", "context"))  # fmt: skip
    assert (told.adapter_bytes, told.optimizer_bytes) == (2_000, 4_000)


LLAMA_3_8B = Shape(32, 4096, 32, 128_256, 128, mlp=3 * 14_336, inner=14_336, cache=2 * 8 * 128)


def test_published_anchors() -> None:
    """128 KiB of cache a token; 1.31 GiB for the MLP of 16,384 tokens; 320 KiB a token for the 70B."""
    assert memory.cache_bytes(LLAMA_3_8B, 1, 1, 2) == 128 * 1024
    assert memory.cache_bytes(LLAMA_3_8B, 1, 8192, 2) == 2**30
    seventy = LLAMA_3_8B.replaced(layers=80, hidden=8192, heads=64)
    assert memory.cache_bytes(seventy, 1, 1, 2) == 320 * 1024
    beside = (4 * 4096 + 2 * 128) * 16_384 * 2  # with the rotary table of one row
    mlp = memory.activations_bytes(Plan("classify", 0, 2, LLAMA_3_8B), LLAMA_3_8B, 1, 16_384) - beside
    assert mlp == 3 * 14_336 * 16_384 * 2
    assert round(mlp / 2**30, 2) == 1.31


def test_a_compressed_cache_is_its_rank_and_a_window_is_a_bound(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        json.dumps({**COMMON, "model_type": "deepseek_v3", "kv_lora_rank": 512, "qk_rope_head_dim": 64})
    )
    shape = shape_of(evidence(tmp_path))
    assert shape is not None
    assert shape.cache == 576
    windowed = LLAMA_3_8B.replaced(window=1024, sliding=16)
    assert memory.cache_bytes(windowed, 1, 4096, 2) == (16 * 4096 + 16 * 1024) * 2048 * 2


@pytest.mark.parametrize("config", [{}, {"num_hidden_layers": 0}, {"hidden_size": -8}, {"num_attention_heads": None}])
def test_numbers_that_are_not_said_leave_the_weights_alone(tmp_path: Path, config: dict[str, Any]) -> None:
    numbers = {**COMMON, **config} if config else {}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama", **numbers}))
    assert shape_of(evidence(tmp_path)) is None
