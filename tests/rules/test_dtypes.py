"""W117 and W120: what the installed libraries read, beside the real ones as they are here."""

import json
import struct

import pytest
import torch
from families import build
from model_factory import llama_tensors, model_dir
from rule_driver import TRIED, judge
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from resolver.inspection.safetensors import BITS
from resolver.rules import dtypes

RULES = dtypes.RULES
NOW = {**TRIED, "safetensors": "0.8.0"}


def holding(root, dtype):
    model_dir(root)
    size = 32 * BITS[dtype] // 8
    header = json.dumps({"t": {"dtype": dtype, "shape": [4, 8], "data_offsets": [0, size]}}).encode()
    (root / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(size))
    return root


@pytest.mark.parametrize("dtype", sorted(BITS))
def test_w117_says_of_each_dtype_what_the_installed_libraries_do(tmp_path, dtype):
    root = holding(tmp_path / "m", dtype)
    try:
        with safe_open(root / "model.safetensors", "pt") as file:
            file.get_tensor("t")
        reads = True
    except SafetensorError:
        reads = False
    assert bool(judge(root, rules=RULES, packages=NOW).of("W117")) is not reads


@pytest.mark.parametrize(
    ("dtype", "packages", "blamed"),
    [
        ("F8_E8M0", {"safetensors": "0.5.3"}, "safetensors 0.5.3"),
        ("F8_E8M0", {"safetensors": "0.6.2", "torch": "2.6.0"}, "torch 2.6.0"),
        ("F8_E8M0", {"safetensors": "0.6.2", "torch": "2.7.0"}, None),
        ("F8_E4M3", {"safetensors": "0.4.0"}, "safetensors 0.4.0"),
        ("F8_E4M3", {"safetensors": "0.4.3", "torch": "2.1.2"}, None),
        ("C64", {"safetensors": "0.6.2"}, "safetensors 0.6.2"),
        ("F8_E4M3FNUZ", {"safetensors": "0.7.0"}, "safetensors 0.7.0"),
        ("U16", {"torch": "2.2.0"}, "torch 2.2.0"),
        ("BF16", {"safetensors": "0.3.3", "torch": "2.0.0"}, None),
    ],
)
def test_w117_blames_the_package_that_falls_short(tmp_path, dtype, packages, blamed):
    found = judge(holding(tmp_path / "m", dtype), rules=RULES, packages={**NOW, **packages}).of("W117")
    assert [each.message.partition(" cannot")[0] for each in found] == ([blamed] if blamed else [])


def test_w117_is_no_fault_of_an_adapter_or_where_nothing_is_installed(tmp_path):
    root = holding(tmp_path / "m", "F6_E2M3")
    assert "R801" in judge(root, rules=RULES, packages={}).skipped["W117"]


@pytest.mark.parametrize(
    ("torch_version", "severity"), [("2.5.1", "error"), ("2.6.0", "warning"), ("2.9.1", "warning"), ("2.10.0", None)]
)
def test_w120_follows_the_torch_that_is_judged_for(tmp_path, torch_version, severity):
    root = build(tmp_path / "m", "llama")
    torch.save(load_file(root / "model.safetensors"), root / "pytorch_model.bin")
    (root / "model.safetensors").unlink()
    found = judge(root, rules=RULES, packages={**NOW, "torch": torch_version}).of("W120")
    assert [each.severity for each in found] == ([severity] if severity else [])


def test_w120_near_miss_a_pickle_beside_safetensors_is_not_opened(tmp_path):
    root = model_dir(tmp_path / "m")
    torch.save({}, root / "pytorch_model.bin")
    judged = judge(root, rules=RULES, packages={**NOW, "torch": "2.5.1"})
    assert judged.of("W120") == []
    assert "no pickles" in judged.skipped["W120"]


def test_w122_whole_numbers_load_silently_and_are_rubbish(tmp_path):
    import transformers

    root = build(tmp_path / "m", "llama")
    tensors = load_file(root / "model.safetensors")
    ids = torch.arange(4, 12)[None]
    whole = transformers.AutoModelForCausalLM.from_pretrained(root)(ids).logits
    name = "model.layers.0.mlp.up_proj.weight"
    save_file({**tensors, name: (tensors[name] * 100).to(torch.int8)}, root / "model.safetensors", {"format": "pt"})
    (finding,) = judge(root, rules=RULES, packages=NOW).of("W122")
    assert finding.evidence["tensors"] == [name]
    assert not torch.allclose(transformers.AutoModelForCausalLM.from_pretrained(root)(ids).logits, whole)


def test_w122_near_miss_positions_and_declared_packing_are_no_weights(tmp_path):
    positions = {**llama_tensors(), "model.position_ids": ("I64", (1, 8), None)}
    assert judge(model_dir(tmp_path / "a", tensors=positions), rules=RULES, packages=NOW).of("W122") == []
    packed = {**llama_tensors(), "model.layers.0.mlp.up_proj.weight": ("U8", (32, 16), None)}
    config = {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}
    root = model_dir(tmp_path / "b", tensors=packed, config=config)
    judged = judge(root, rules=RULES, packages=NOW)
    assert judged.of("W122") == []
    assert "quantised" in judged.skipped["W122"]


def test_every_rule_explains_itself():
    for each in RULES:
        assert "To mend it" in each.explanation, each.code
        assert each.judge.__name__ == each.name.replace("-", "_")
