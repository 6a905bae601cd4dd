"""H701, H702 and H707: does it fit, and what would: published models against published memory."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from command_runs import LLAMA_3_8B, LLAMA_3_70B, llama_3
from model_factory import model_dir, write_safetensors
from rule_driver import judge

from resolver.accelerators import Profile, Throughput, host_for
from resolver.host import Accelerator, Host
from resolver.inspection.describe import describe
from resolver.rules import hardware, kernels
from resolver.rules.rule import Evidence, Intent

RULES = (*hardware.RULES, *kernels.RULES)
PACKAGES = {"torch": "2.13.0", "transformers": "5.23.0"}
GEMMA_2_9B = {
    "model_type": "gemma2", "architectures": ["Gemma2ForCausalLM"], "hidden_size": 3584, "intermediate_size": 14336,
    "num_hidden_layers": 42, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 256, "vocab_size": 256000,
    "max_position_embeddings": 8192, "sliding_window": 4096, "dtype": "bfloat16",
}  # fmt: skip


def gemma_tensors(config: Mapping[str, Any]) -> dict[str, tuple[str, tuple[int, ...], None]]:
    """The tensors of a Gemma 2 by its published shapes."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    queries, keys = (
        config["num_attention_heads"] * config["head_dim"],
        config["num_key_value_heads"] * config["head_dim"],
    )
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (config["vocab_size"], hidden),
        "model.norm.weight": (hidden,),
    }
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        shapes |= {
            f"{at}.self_attn.q_proj.weight": (queries, hidden), f"{at}.self_attn.k_proj.weight": (keys, hidden),
            f"{at}.self_attn.v_proj.weight": (keys, hidden), f"{at}.self_attn.o_proj.weight": (hidden, queries),
            f"{at}.mlp.gate_proj.weight": (inner, hidden), f"{at}.mlp.up_proj.weight": (inner, hidden),
            f"{at}.mlp.down_proj.weight": (hidden, inner),
        }  # fmt: skip
        norms = ("input", "post_attention", "pre_feedforward", "post_feedforward")
        shapes |= {f"{at}.{each}_layernorm.weight": (hidden,) for each in norms}
    return {name: ("BF16", shape, None) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """Published models, full size in their headers; their weights are holes and take no disk."""
    root = tmp_path_factory.mktemp("published")
    llama_3(root / "8b", shards=4, config=LLAMA_3_8B)
    llama_3(root / "70b", shards=30, config=LLAMA_3_70B)
    model_dir(root / "9b", shards=4, config=GEMMA_2_9B, tensors=gemma_tensors(GEMMA_2_9B), sparse=True)
    return root


def on(name: str, own: Mapping[str, Profile] | None = None) -> Host:
    return host_for(Host(packages=PACKAGES, memory_bytes=64 * 10**9), name, own or {}, None)


def fits(path: Path, host: Host, **intent: Any):
    return judge(path, rules=RULES, intent=Intent(**intent), host=host)


def test_h701_an_8b_does_not_fit_on_a_t4_and_does_in_int8(models: Path) -> None:
    """8.030 B parameters, 16.06 GB in 16 bits; 14.75 GiB are 15.84 GB."""
    (finding,) = fits(models / "8b", on("kaggle-t4x2")).of("H701")
    assert finding.severity == "error"
    assert finding.evidence["weights_bytes"] == 2 * 8_030_261_248
    assert finding.evidence["usable_bytes"] == int(14.75 * 2**30)
    assert finding.evidence["needed_bytes"] == sum(finding.evidence.get(f"{part}_bytes", 0) for part in hardware.PARTS)
    assert "even with one row of 128 tokens" in finding.message
    told = re.search(r"int8 \(BitsAndBytesConfig\(load_in_8bit=True\)\) takes ([\d.]+) GB", finding.fix.text)
    assert told is not None
    assert 9.1 <= float(told[1]) <= 9.5  # 6.98 B in a byte each, 1.05 B of embeddings and as much head in two
    assert 'the weights split over 2 devices (device_map="auto") take 8.' in finding.fix.text
    assert finding.fix.command is None  # no batch and no length helps


@pytest.mark.parametrize(("quantize", "least", "most"), [("int8", 7.9, 8.1), ("fp8", 7.9, 8.1), ("int4", 4.9, 5.1)])
def test_h701_weights_are_reckoned_as_they_are_asked_for(
    models: Path, quantize: str, least: float, most: float
) -> None:
    """6.98 B elements of layers in a byte or half of one and their scales; 0.53 B of embeddings in two bytes."""
    asked = {"purpose": "score", "max_length": 4096, "dtype": "float16", "quantize": quantize}
    (finding,) = fits(models / "8b", on("kaggle-t4x2"), **asked, batch_size=64).of("H701")
    assert least <= finding.evidence["weights_bytes"] / 1e9 <= most
    assert finding.evidence["quantized"] == quantize
    assert finding.fix.command.endswith(
        f" --quantize {quantize} --max-length 4096 --batch-size {finding_rows(finding)}"
    )
    assert ("int8" in finding.fix.text, "nf4" in finding.fix.text) == (False, quantize != "int4")
    assert fits(models / "8b", on("kaggle-t4x2"), **asked).of("H701") == []


def finding_rows(finding: Any) -> int:
    return int(re.search(r"--batch-size (\d+)$", finding.fix.command)[1])


def test_h701_weights_that_are_quantised_already_are_reckoned_as_they_are_stored(tmp_path: Path) -> None:
    declared = {"quantization_config": {"quant_method": "gptq", "bits": 4}}
    model_dir(tmp_path, config=declared)
    plans = [hardware._fit(evidence_of(tmp_path, on("kaggle-t4x2"), quantize=each)).plan for each in (None, "int4")]
    assert plans[0] == plans[1]


def test_h701_a_gemma_2_9b_takes_what_is_published(models: Path) -> None:
    (finding,) = fits(models / "9b", on("kaggle-t4x2")).of("H701")
    assert finding.evidence["weights_bytes"] == 18_483_411_968
    assert fits(models / "9b", on("kaggle-l4x4")).of("H701") == []


def test_h702_a_classifier_on_an_8b_is_tight_on_a_t4(models: Path) -> None:
    """Without the vocabulary's head 15.01 GB of weights are left, and they just fit."""
    judged = fits(models / "8b", on("kaggle-t4x2"), purpose="score", dtype="float16")
    assert judged.of("H701") == []
    (finding,) = judged.of("H702")
    assert finding.severity == "warning"
    assert finding.evidence["weights_bytes"] == 2 * (8_030_261_248 - 128_256 * 4096)
    assert "cache_bytes" not in finding.evidence  # a scorer generates nothing


def test_h701_longer_rows_and_larger_batches_stop_fitting(models: Path) -> None:
    judged = fits(models / "8b", on("kaggle-t4x2"), purpose="score", max_length=2048, batch_size=4)
    (finding,) = judged.of("H701")
    assert "with 4 rows of 2,048 tokens" in finding.message
    assert (finding.evidence["rows"], finding.evidence["tokens_a_row"]) == (4, 2048)


@pytest.mark.parametrize("name", ["kaggle-l4x4", "kaggle-h100", "kaggle-rtx-pro-6000"])
def test_h701_h702_an_8b_has_room_on_larger_devices(models: Path, name: str) -> None:
    judged = fits(models / "8b", on(name), purpose="score", max_length=2048, batch_size=4)
    assert judged.codes() == []
    assert "H701" not in judged.skipped


@pytest.mark.parametrize(("length", "batch"), [(2048, 64), (8192, 16), (4096, 33)])
def test_h701_what_the_fix_names_fits_by_the_same_rule(models: Path, length: int, batch: int) -> None:
    """Typed as it stands, the command finds no error; and one row more would no longer have room to spare."""
    host = on("kaggle-l4x4")
    (finding,) = fits(models / "8b", host, purpose="score", max_length=length, batch_size=batch).of("H701")
    told = re.search(r"--max-length (\d+) --batch-size (\d+)$", finding.fix.command)
    assert told is not None
    named = {"max_length": int(told[1]), "batch_size": int(told[2])}
    assert fits(models / "8b", host, purpose="score", **named).codes() == []
    more = {**named, "batch_size": named["batch_size"] + 1}
    assert fits(models / "8b", host, purpose="score", **more).codes() != []
    from resolver.cli import check, options

    options.parse("check", check, finding.fix.command.split()[2:])


def test_h701_a_quantisation_that_leaves_room_for_fewer_rows_names_how_many(models: Path) -> None:
    host = on("kaggle-t4x2")
    (finding,) = fits(models / "8b", host, purpose="score", head="tokens", max_length=8192, batch_size=8).of("H701")
    rows = int(re.search(r"int8 \([^)]*\)\) with (\d+) rows? of 8,192 tokens", finding.fix.text)[1])
    plan = hardware._fit(evidence_of(models / "8b", host, batch_size=rows, max_length=8192, quantize="int8"))
    more = hardware._fit(evidence_of(models / "8b", host, batch_size=rows + 1, max_length=8192, quantize="int8"))
    assert plan.needed.total_bytes <= hardware._room(plan) < more.needed.total_bytes


def evidence_of(path: Path, host: Host, **intent: Any) -> Evidence:
    return Evidence(describe(path), Intent(purpose="score", head="tokens", **intent), host)


def test_h701_a_70b_fits_nowhere_whole_and_says_what_sharding_does(models: Path) -> None:
    (finding,) = fits(models / "70b", on("kaggle-l4x4")).of("H701")
    assert finding.evidence["weights_bytes"] == 141_107_412_992
    assert "no quantisation, batch or length fits" in finding.fix.text
    (finding,) = fits(models / "70b", on("kaggle-rtx-pro-6000")).of("H701")
    assert "int8" in finding.fix.text
    eight = Profile("ours", (Accelerator("NVIDIA H100 80GB HBM3", 80 * 10**9, (9, 0)),) * 8)
    (finding,) = fits(models / "70b", on("ours", {"ours": eight})).of("H701")
    assert "split over 8 devices" in finding.fix.text
    assert finding.evidence["sharded_bytes"] < 80 * 10**9


def test_h701_on_a_tpu_the_usual_way_is_to_shard(models: Path) -> None:
    (finding,) = fits(models / "8b", on("kaggle-tpu-v5e-8"), purpose="train", max_length=1024, batch_size=8).of("H701")
    assert finding.severity == "warning"
    assert "Bits" not in finding.fix.text
    (finding,) = fits(models / "70b", on("kaggle-tpu-v5e-8"), purpose="train").of("H701")
    assert finding.severity == "error"


def test_h701_training_counts_the_adapter_and_its_optimiser(models: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 8}')
    write_safetensors(
        tmp_path / "adapter" / "adapter_model.safetensors", {"a.lora_A.weight": ("F32", (1000, 1000), None)}
    )
    judged = judge(
        models / "8b",
        rules=RULES,
        intent=Intent(purpose="train"),
        host=on("kaggle-t4x2"),
        adapter_at=tmp_path / "adapter",
    )
    (finding,) = [*judged.of("H701"), *judged.of("H702")]
    assert finding.evidence["adapter_bytes"] == 4_000_000
    assert finding.evidence["optimizer_bytes"] == 8_000_000


def test_h701_weights_of_the_cpu_are_mapped_and_only_crawl(models: Path) -> None:
    small = Host(packages=PACKAGES, memory_bytes=8 * 10**9, accelerator="cpu")
    (finding,) = fits(models / "8b", small).of("H701")
    assert finding.severity == "warning"
    (finding,) = fits(models / "8b", small, dtype="float32").of("H701")
    assert finding.severity == "error"
    assert fits(models / "8b", small.replaced(memory_bytes=64 * 10**9)).codes() == []


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        (Host(packages=PACKAGES), "no accelerator is known here; --accelerator NAME judges for one"),
        (Host(packages=PACKAGES, accelerators=(Accelerator("Tesla T4"),)), "the memory of Tesla T4 is not known here"),
        (Host(packages=PACKAGES, accelerator="cpu"), "the memory of cpu is not known"),
    ],
)
def test_h701_unknown_memory_is_no_pass(models: Path, host: Host, reason: str) -> None:
    judged = fits(models / "8b", host)
    assert judged.skipped["H701"].startswith(reason)
    assert judged.skipped["H702"].startswith(reason)


def test_h701_weights_without_headers_are_not_guessed(tmp_path: Path) -> None:
    judged = fits(model_dir(tmp_path / "m", shards=4, without=[3]), on("kaggle-t4x2"))
    assert "without a header of every file" in judged.skipped["H701"]


def test_h701_packed_weights_count_as_they_are_stored(tmp_path: Path) -> None:
    """4-bit weights of bitsandbytes are bytes on the disk and stay so."""
    tensors = {
        "model.layers.0.mlp.down_proj.weight": ("U8", (1_000_000, 1), None),
        "model.layers.0.mlp.down_proj.weight.absmax": ("F32", (31_250,), None),
        "model.norm.weight": ("BF16", (64,), None),
    }
    config = {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}, "dtype": "bfloat16"}
    tiny = Profile("tiny", (Accelerator("GPU", 1_000, (8, 0)),))
    judged = fits(model_dir(tmp_path / "m", config=config, tensors=tensors), on("tiny", {"tiny": tiny}))
    (finding,) = judged.of("H701")
    assert finding.evidence["weights_bytes"] == 1_000_000 + 2 * 31_250 + 128
    assert "BitsAndBytes" not in finding.fix.text


def timed(**changes: Any) -> Host:
    measured = Throughput(**{"tokens_per_second": 900.0, "rows": 25_000, "tokens_per_row": 1_500.0, **changes})
    ours = Profile(
        "ours", (Accelerator("NVIDIA L4", 24 * 10**9, (8, 9)),) * 4, time_limit_s=32_400, throughput=measured
    )
    return on("ours", {"ours": ours})


def test_h707_a_run_beyond_the_limit_is_said_before_it_starts(models: Path) -> None:
    (finding,) = fits(models / "8b", timed(), purpose="score").of("H707")
    assert finding.severity == "warning"
    assert finding.message == "the run takes 11.6 hours, and 9 are allowed"
    assert finding.evidence["seconds"] == 41_667
    assert "1,166 tokens" in finding.fix.text


@pytest.mark.parametrize("changes", [{"tokens_per_second": 1_200.0}, {"rows": 10_000}, {"tokens_per_row": 1_166.0}])
def test_h707_stays_quiet_within_the_limit(models: Path, changes: dict[str, Any]) -> None:
    assert fits(models / "8b", timed(**changes), purpose="score").of("H707") == []


def test_h707_a_limit_of_length_shortens_the_run(models: Path) -> None:
    assert fits(models / "8b", timed(), purpose="score", max_length=1_024).of("H707") == []
    assert fits(models / "8b", timed(), purpose="score", max_length=2_048).of("H707") != []


def test_h707_without_a_measurement_nothing_is_claimed(models: Path) -> None:
    assert "no throughput" in fits(models / "8b", on("kaggle-t4x2"), purpose="score").skipped["H707"]
    assert "time limit" in fits(models / "8b", on("cpu"), purpose="score").skipped["H707"]
    assert "scoring" in fits(models / "8b", timed()).skipped["H707"]
