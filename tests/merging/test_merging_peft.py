"""PEFT's own merge is the measure: every tensor to the rounding of float32, and the logits."""

import json
from pathlib import Path
from typing import Any

import pytest
from adapter_factory import peft_adapter
from tiny_classifier import battle, load, save_classifier

from pipeline.errors import ModelUnusableError
from pipeline.merging.files import copy_tokenizer, write_config
from pipeline.merging.plan import MergeDtype, Plan, plan_merge
from pipeline.merging.shards import divide, write
from pipeline.merging.weights import Tensors
from pipeline.model.adapter import attach_adapter, merged
from pipeline.preflight import contents

KINDS: dict[str, dict[str, Any]] = {
    "lora": {},
    "rank-stabilised": {"use_rslora": True},
    "dora": {"use_dora": True},
    "ranks by pattern": {
        "rank_pattern": {"query|q_proj|q_lin|c_attn": 2},
        "alpha_pattern": {"key|k_proj|k_lin|c_proj": 3},
    },
    "biases": {"lora_bias": True},
    "bfloat16 adapter": {},
}
FAMILIES = ("bert", "roberta", "distilbert", "llama", "gpt2")


def write_merged(base: Path, adapter: Path, place: Path, *, dtype: MergeDtype = "auto", most: int = 10**9) -> Plan:
    """Config, tokenizer and weights, without the checks of the command."""
    place.mkdir()
    inside = contents(base)
    plan = plan_merge(base, inside, adapter, labels=3, dtype=dtype)
    with Tensors(plan, adapter) as tensors:
        write(place, divide(plan.slots, most), tensors.make, lambda _: None)
    copy_tokenizer(base, place, inside)
    write_config(base, place, plan, labels=3, dtype=dtype, pad=2)
    return plan


def rows(classifier: Any) -> list[tuple[int, ...]]:
    from pipeline.text.encode import Encoder

    return [tuple(ids) for ids in Encoder(classifier.tokenizer, 96).encode([battle(a="abc" * 9), battle(b="déjà")])]


def logits(classifier: Any) -> Any:
    import torch

    with torch.inference_mode():
        return classifier.logits(rows(classifier))


def expect_what_peft_makes(base: Path, adapter: Path, place: Path) -> None:
    import torch

    laid = attach_adapter(load(base, new_head=True), adapter)
    expected_logits = logits(laid)
    expected = merged(laid.model).state_dict()
    found = load(place)
    assert found.missing == ()
    made = found.model.state_dict()
    assert made.keys() == expected.keys()
    for name, tensor in made.items():
        torch.testing.assert_close(
            tensor, expected[name], rtol=2e-6, atol=2e-7, msg=lambda text, at=name: f"{at}: {text}"
        )
    torch.testing.assert_close(logits(found), expected_logits, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_tensor_and_the_logits_are_those_of_pefts_merge(tmp_path: Path, family: str, kind: str) -> None:
    base = save_classifier(tmp_path / "base", family=family)
    dtype = "bfloat16" if kind.startswith("bfloat16") else "float32"
    settings = dict(KINDS[kind])
    if family == "llama" and kind == "biases":
        pytest.skip("its layers have no bias: refused, below")
    adapter = peft_adapter(base, tmp_path / "adapter", settings=settings, dtype=dtype)
    write_merged(base, adapter, tmp_path / "merged")
    expect_what_peft_makes(base, adapter, tmp_path / "merged")


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_a_base_without_its_head_gets_the_names_of_the_classifier(tmp_path: Path, family: str) -> None:
    base = save_classifier(tmp_path / "base", family=family, head=False)
    adapter = peft_adapter(base, tmp_path / "adapter")
    write_merged(base, adapter, tmp_path / "merged", most=8000)
    expect_what_peft_makes(base, adapter, tmp_path / "merged")


def test_a_bias_where_the_base_has_none_is_refused(tmp_path: Path) -> None:
    base = save_classifier(tmp_path / "base", family="llama")
    adapter = peft_adapter(base, tmp_path / "adapter", settings={"lora_bias": True})
    with pytest.raises(ModelUnusableError, match=r"holds .*lora_B.bias"):
        write_merged(base, adapter, tmp_path / "merged")


def test_biases_that_were_trained_whole_are_refused(tmp_path: Path) -> None:
    base = save_classifier(tmp_path / "base", family="bert")
    adapter = peft_adapter(base, tmp_path / "adapter", settings={"bias": "all"})
    with pytest.raises(ModelUnusableError, match=r"what is merged is a LoRA"):
        write_merged(base, adapter, tmp_path / "merged")


@pytest.mark.parametrize("dora", [False, True])
def test_an_embedding_is_changed_too(tmp_path: Path, dora: bool) -> None:
    base = save_classifier(tmp_path / "base", family="llama")
    adapter = peft_adapter(
        base, tmp_path / "adapter", settings={"target_modules": ["embed_tokens", "q_proj"], "use_dora": dora}
    )
    plan = write_merged(base, adapter, tmp_path / "merged")
    assert plan.laid.weights["model.embed_tokens.weight"].turned
    expect_what_peft_makes(base, adapter, tmp_path / "merged")


def test_a_language_head_is_left_out_and_told(tmp_path: Path) -> None:
    """The usual case: a generative model whose adapter carries a classifier's head."""
    from model_factory import tiny_model

    base = tiny_model(tmp_path / "base", family="llama", shards=2)
    adapter = peft_adapter(base, tmp_path / "adapter")
    plan = write_merged(base, adapter, tmp_path / "merged")
    assert plan.left_out == ("lm_head.weight",)
    expect_what_peft_makes(base, adapter, tmp_path / "merged")


def test_the_names_of_old_checkpoints_are_those_that_the_loader_reads(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    base = save_classifier(tmp_path / "base", family="bert")
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
        for name, tensor in load_file(base / "model.safetensors").items()
    }
    save_file(old, base / "model.safetensors", metadata={"format": "pt"})
    adapter = peft_adapter(base, tmp_path / "adapter")
    write_merged(base, adapter, tmp_path / "merged")
    expect_what_peft_makes(base, adapter, tmp_path / "merged")


@pytest.mark.parametrize("dtype", ["auto", "bfloat16", "float16", "float32"])
def test_the_sum_is_taken_in_float32_and_rounded_once(tmp_path: Path, dtype: MergeDtype) -> None:
    """A base in bfloat16: adding in it, as PEFT does there, loses bits that a float32 directory keeps."""
    import torch
    from model_factory import tiny_model
    from safetensors.torch import load_file

    base = tiny_model(tmp_path / "base", family="llama", classifier=True, torch_dtype="bfloat16")
    adapter = peft_adapter(base, tmp_path / "adapter")
    write_merged(base, adapter, tmp_path / "merged", dtype=dtype)
    exact = merged(attach_adapter(load(base), adapter).model).state_dict()  # loaded in float32
    wanted = torch.bfloat16 if dtype == "auto" else getattr(torch, dtype)
    made = load_file(tmp_path / "merged" / "model.safetensors")
    for name, tensor in made.items():
        assert tensor.dtype == wanted, name
        torch.testing.assert_close(tensor.float(), exact[name].to(wanted).float(), rtol=8e-3, atol=1e-6)
    same = sum(int((tensor == exact[name].to(wanted)).sum()) for name, tensor in made.items())
    assert same > 0.999 * sum(tensor.numel() for tensor in made.values())
    config = json.loads((tmp_path / "merged" / "config.json").read_text())
    assert config["dtype"] == str(wanted).removeprefix("torch.")


def test_a_sum_that_float16_cannot_hold_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    base = save_classifier(tmp_path / "base", family="llama")
    adapter = peft_adapter(base, tmp_path / "adapter")
    tensors = load_file(adapter / "adapter_model.safetensors")
    tensors["base_model.model.score.weight"] += 1e6
    save_file(tensors, adapter / "adapter_model.safetensors")
    with pytest.raises(ModelUnusableError, match=r"score.weight is too large for float16"):
        write_merged(base, adapter, tmp_path / "merged", dtype="float16")
    tensors["base_model.model.score.weight"] *= float("nan")
    save_file(tensors, adapter / "adapter_model.safetensors")
    with pytest.raises(ModelUnusableError, match=r"score.weight is no number"):
        write_merged(base, adapter, tmp_path / "again", dtype="float32")
