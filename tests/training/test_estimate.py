"""The arithmetic of a dry run against the libraries: parameters of PEFT, tensors and operations of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.model.load import Classifier
from pipeline.preflight import Machine, least_activations, machine_of
from pipeline.training.adapt import prepare
from pipeline.training.census import Census, take_census
from pipeline.training.estimate import disk_of, largest_micro, memory_of, seconds_of, work_of
from pipeline.training.plan import Plan
from pipeline.training.workload import Load

if TYPE_CHECKING:
    from pathlib import Path

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

BATCH, LENGTH = 2, 128
COMMON = {
    "hidden_size": 128, "intermediate_size": 448, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 512, "max_position_embeddings": 1024, "pad_token_id": 0, "num_labels": 3,
}  # fmt: skip
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", COMMON),
    "qwen2": ("Qwen2Config", COMMON),
    "gemma2": ("Gemma2Config", {**COMMON, "head_dim": 32, "query_pre_attn_scalar": 32}),
    "bert": ("BertConfig", {key: value for key, value in COMMON.items() if key != "num_key_value_heads"}),
}
PLANS = {
    "lora": Plan(rank=8),
    "lora-without-dropout": Plan(rank=8, dropout=0),
    "lora-checkpointing": Plan(rank=8, checkpointing=True),
    "output-value": Plan(rank=4, targets="output-value", checkpointing=True),
    "full": Plan(tune="full"),
    "head": Plan(tune="head"),
}
# How far the memory of a step may be below and above the estimate: what is added is that of a whole run, for which
# every part is at its peak at once.
BELOW, ABOVE = 1.05, 2.0
# Every plan for one decoder; what a family does differently shows with two.
CASES = [("llama", name) for name in PLANS] + [
    (family, name) for family in ("gemma2", "bert") for name in ("lora", "lora-checkpointing")
]
# Torch stops to run a layer again at the last tensor that is wanted: a frozen down_proj is not run again.
STOPS_EARLY = {"output-value": 0.08}
CPU = machine_of("cpu")
FEW = Machine("few", "one", 4, "cuda", 10**9, True, 1e12, 1e11, 0, None, None)


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A config.json of each family, and nothing beside it."""
    root = tmp_path_factory.mktemp("configs")
    for name, (kind, numbers) in FAMILIES.items():
        getattr(transformers, kind)(**numbers).save_pretrained(root / name)
    return root


def planned(plan: Plan) -> Plan:
    return plan.model_copy(update={"batch_tokens": BATCH * LENGTH})


def real(configs: Path, family: str, plan: Plan, dtype: Any, **more: Any) -> Classifier:
    config = transformers.AutoConfig.from_pretrained(configs / family)
    made = transformers.AutoModelForSequenceClassification.from_config(config, dtype=dtype, **more)
    return prepare(Classifier(made, None, torch.device("cpu"), dtype, 3), plan)


def step(classifier: Classifier) -> None:
    ids = torch.randint(5, 500, (BATCH, LENGTH))
    mask = torch.ones_like(ids)
    mask[0, :8] = 0
    with classifier.precision():
        logits = classifier.model(input_ids=ids, attention_mask=mask).logits.float()
    torch.nn.functional.cross_entropy(logits, torch.zeros(BATCH, dtype=torch.long)).backward()


@pytest.mark.parametrize("plan", [Plan(rank=8), Plan(targets="attention", dora=True), Plan(tune="head")], ids=str)
@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_are_counted_as_peft_counts_those_of_the_real_model(configs: Path, family: str, plan: Plan) -> None:
    census = take_census(configs / family, plan, labels=3, dtype="float32")
    model = real(configs, family, plan, torch.float32).model
    assert (census.trained, census.elements) == model.get_nb_trainable_parameters()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_weights_take_what_the_real_models_take(configs: Path, family: str, dtype: str) -> None:
    census = take_census(configs / family, Plan(), labels=3, dtype=dtype)
    model = real(configs, family, Plan(), getattr(torch, dtype)).model
    assert census.weights_bytes == sum(each.nbytes for each in model.parameters())


@pytest.mark.parametrize("bits", ["int8", "int4"])
def test_packed_weights_take_what_bitsandbytes_makes_of_them(configs: Path, bits: str) -> None:
    pytest.importorskip("bitsandbytes")
    from pipeline.model.quantise import loading_options

    bare = transformers.AutoModelForSequenceClassification.from_config(
        transformers.AutoConfig.from_pretrained(configs / "llama"), dtype=torch.bfloat16
    )
    root = configs / "llama-with-weights"
    bare.save_pretrained(root)
    options = loading_options(bare.config, bits, lambda: ("score",), dtype=torch.bfloat16, device=torch.device("cpu"))
    model = transformers.AutoModelForSequenceClassification.from_pretrained(root, dtype=torch.bfloat16, **options)
    plain = take_census(root, Plan(tune="head"), labels=3, dtype="bfloat16").weights_bytes
    packed = take_census(root, Plan(tune="head", quantize=bits), labels=3, dtype="bfloat16").weights_bytes
    held = sum(each.nbytes for each in model.parameters())
    scales = packed - (plain - sum(each.nbytes for each in bare.parameters())) - held
    assert 0 <= scales <= 0.13 * packed  # kept beside the parameters


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(("family", "name"), CASES)
def test_a_step_takes_no_more_memory_than_reckoned_and_not_much_less(
    configs: Path, family: str, name: str, dtype: str
) -> None:
    from live_bytes import LiveBytes

    plan = planned(PLANS[name])
    memory = memory_of(take_census(configs / family, plan, labels=3, dtype=dtype), plan, CPU, longest=LENGTH)
    classifier = real(configs, family, plan, getattr(torch, dtype))
    with LiveBytes() as seen:
        step(classifier)
    reckoned = memory.total - memory.weights - memory.optimiser
    assert seen.peak / BELOW <= reckoned <= ABOVE * seen.peak


@pytest.mark.parametrize(("family", "name"), CASES)
def test_operations_are_those_that_torch_counts(configs: Path, family: str, name: str) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    plan = planned(PLANS[name])
    census = take_census(configs / family, plan, labels=3, dtype="float32")
    load = Load(BATCH, 0, BATCH, 1, 0, LENGTH, LENGTH, LENGTH, 1, is_exact=True)
    # The counter does not know a CPU's fused attention.
    classifier = real(configs, family, plan, torch.float32, attn_implementation="eager")
    with FlopCounterMode(display=False) as counter:
        step(classifier)
    # Below the first layer that is trained nothing flows back, which is not reckoned with.
    counted = counter.get_total_flops()
    reckoned = work_of(census, plan, load).step
    assert 0.99 * counted <= reckoned <= (1.04 + STOPS_EARLY.get(name, 0)) * counted


@pytest.mark.parametrize("name", [name for name, plan in PLANS.items() if plan.tune != "head"])
@pytest.mark.parametrize("family", ["llama", "bert"])
def test_h701_is_never_undercut(configs: Path, family: str, name: str) -> None:
    plan = planned(PLANS[name])
    census = take_census(configs / family, plan, labels=3, dtype="bfloat16")
    least = least_activations(
        layers=4, hidden=128, inner=448, rows=BATCH, length=LENGTH, element_bytes=census.element_bytes
    )
    assert memory_of(census, plan, CPU, longest=LENGTH).activations >= least


def test_checkpointing_takes_less_memory_and_more_work(configs: Path) -> None:
    plain, again = planned(Plan()), planned(Plan(checkpointing=True))
    census = take_census(configs / "llama", plain, labels=3, dtype="bfloat16")
    load = Load(BATCH, 0, BATCH, 1, 0, LENGTH, LENGTH, LENGTH, 1, is_exact=True)
    assert memory_of(census, again, CPU, longest=LENGTH).total < memory_of(census, plain, CPU, longest=LENGTH).total
    assert work_of(census, again, load).step > work_of(census, plain, load).step


def test_a_model_that_is_sharded_takes_its_share_and_all_of_its_activations(configs: Path) -> None:
    census = take_census(configs / "llama", Plan(), labels=3, dtype="bfloat16")
    memory = memory_of(census, Plan(), FEW, longest=LENGTH)
    assert memory.sharded(1) == memory.total
    assert memory.sharded(4) == memory.total - memory.copied + -(-memory.copied // 4)


@pytest.mark.parametrize(
    ("plan", "longest", "expected"),
    [
        (Plan(batch_tokens=4096), 1024, (4096, 4, 1024)),
        (Plan(batch_tokens=4096, batch_size=2), 512, (1024, 2, 512)),  # no more rows than a step has
        (Plan(batch_tokens=100), 1024, (1024, 1, 1024)),  # a row that is longer has a micro-batch to itself
        (Plan(batch_tokens=1000, buckets=(512, 1024)), 700, (1024, 1, 1024)),
        (Plan(batch_tokens=1000, buckets=(512, 1024)), 300, (512, 1, 512)),
    ],
)
def test_the_largest_micro_batch(plan: Plan, longest: int, expected: tuple[int, int, int]) -> None:
    assert largest_micro(plan, longest) == expected


def test_time_is_a_range_and_none_without_a_peak(configs: Path) -> None:
    census = take_census(configs / "llama", Plan(), labels=3, dtype="bfloat16")
    work = work_of(census, Plan(), Load(100, 10, 100, 7, 1, LENGTH, LENGTH, LENGTH, 1, is_exact=True))
    shortest, longest = seconds_of(work, FEW, 1e12) or (0, 0)
    assert shortest == pytest.approx(work.run / (4 * 1e12 * 0.5))
    assert longest > shortest
    assert seconds_of(work, FEW, None) is None


def test_the_disk_holds_the_result_and_three_checkpoints(tmp_path: Path, configs: Path) -> None:
    from safetensors.torch import save_file

    census = take_census(configs / "llama", Plan(), labels=3, dtype="bfloat16")
    model = real(configs, "llama", Plan(), torch.bfloat16).model
    save_file({name: each for name, each in model.named_parameters() if each.requires_grad}, tmp_path / "adapter")
    saved, checkpoints = disk_of(census)
    assert saved <= (tmp_path / "adapter").stat().st_size <= saved + 20_000  # and a header
    assert checkpoints == 3 * 3 * saved


def test_a_checkpoint_that_is_packed_already_takes_what_its_files_take(configs: Path, tmp_path: Path) -> None:
    config = transformers.LlamaConfig(**COMMON)
    config.quantization_config = {"quant_method": "gptq", "bits": 4}
    config.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 12_345)
    assert take_census(tmp_path, Plan(tune="head"), labels=3, dtype="float16").weights_bytes == 12_345


def test_llama_3_8b_is_counted_without_its_weights(tmp_path: Path) -> None:
    transformers.LlamaConfig(
        vocab_size=128_256, hidden_size=4096, intermediate_size=14_336, num_hidden_layers=32, num_attention_heads=32,
        num_key_value_heads=8,
    ).save_pretrained(tmp_path)  # fmt: skip
    census: Census = take_census(tmp_path, Plan(rank=4, alpha=8, targets="output-value"), labels=3, dtype="bfloat16")
    # The published 8,030,261,248 without the vocabulary's head, which a classifier does not have.
    assert census.elements - census.lora - 2 * 3 * 4096 == 8_030_261_248 - 128_256 * 4096
    assert census.trained == 1_716_224  # the notebook's ~1.72 M
    assert census.products == pytest.approx(6.98e9, rel=1e-3)
