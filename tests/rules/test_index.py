"""W106-W112: the index against the shards, with what transformers makes of each."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from model_factory import edit_json, llama_tensors, model_dir, tiny_model, write_index, write_safetensors
from oracle import codes, load, logits, one, refusal

INDEX = "model.safetensors.index.json"


@pytest.mark.parametrize("key", ["metadata", "weight_map"])
def test_w106_absent_key_is_an_error(tmp_path: Path, key: str) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    edit_json(root / INDEX, lambda index: index.pop(key) and None)
    assert str(refusal(root)) == f"KeyError: '{key}'"
    assert codes(root, "error") == ["W106"]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"metadata": {}, "weight_map": {"a": 1}}', '{"metadata": [], "weight_map": {}}']
)
def test_w106_other_damage_is_an_error(tmp_path: Path, text: str) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    (root / INDEX).write_text(text)
    assert refusal(root) is not None
    assert codes(root, "error") == ["W106"]


def test_w106_index_without_total_size_loads_and_is_quiet(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    edit_json(root / INDEX, lambda index: index.update(metadata={}))
    assert refusal(root) is None
    assert codes(root) == []


def test_w107_tensor_that_is_nowhere_is_random_and_a_warning(tmp_path: Path) -> None:
    """The library loads it, with random weights: two loads differ."""
    root = model_dir(tmp_path / "m", shards=2)
    head = root / "model-00002-of-00002.safetensors"
    names = list(llama_tensors())
    mine = {name: llama_tensors()[name] for name in names[len(names) // 2 :] if name != "lm_head.weight"}
    write_safetensors(head, mine)
    _, info = load(root)
    assert info["missing_keys"] == {"lm_head.weight"}
    assert not logits(root).equal(logits(root))
    found = one(root, "W107")
    assert (found.severity, found.evidence["nowhere"]) == ("warning", ["lm_head.weight"])


def test_w107_wrong_shard_loads_and_is_a_warning(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    before = logits(root)
    edit_json(
        root / INDEX, lambda index: index["weight_map"].update({"lm_head.weight": "model-00001-of-00002.safetensors"})
    )
    assert logits(root).equal(before)
    assert (codes(root), codes(root, "error")) == (["W107"], [])
    assert one(root, "W107").evidence["in_another_shard"] == 1


def test_w107_honest_index_is_quiet(tmp_path: Path) -> None:
    assert codes(tiny_model(tmp_path / "m", shards=4)) == []


def test_w108_tensor_that_the_index_does_not_name_is_loaded_and_a_warning(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    before = logits(root)
    edit_json(root / INDEX, lambda index: index["weight_map"].pop("lm_head.weight") and None)
    assert logits(root).equal(before)
    assert (codes(root), codes(root, "error")) == (["W108"], [])


def test_w108_shard_that_no_entry_names_is_never_opened_and_a_warning(tmp_path: Path) -> None:
    """Its tensors are random then, although they lie there."""
    root = model_dir(tmp_path / "m", shards=3)
    last = "model-00003-of-00003.safetensors"
    edit_json(
        root / INDEX,
        lambda index: index.update(
            weight_map={name: shard for name, shard in index["weight_map"].items() if shard != last}
        ),
    )
    _, info = load(root)
    assert "lm_head.weight" in info["missing_keys"]
    found = one(root, "W108")
    assert (found.severity, found.evidence["shards"]) == ("warning", [last])


def test_w108_tensor_in_two_shards_is_a_warning(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    tensors = llama_tensors()
    names = list(tensors)
    first = {name: tensors[name] for name in [*names[: len(names) // 2], "lm_head.weight"]}
    write_safetensors(root / "model-00001-of-00002.safetensors", first)
    assert refusal(root) is None
    assert "W108" in codes(root)
    assert codes(root, "error") == []


def test_w109_single_file_with_less_wins_silently_and_is_an_error(tmp_path: Path) -> None:
    """What the single file lacks is random although the shards hold it: two loads differ."""
    root = model_dir(tmp_path / "m", shards=2)
    some = {name: tensor for name, tensor in llama_tensors().items() if name != "lm_head.weight"}
    write_safetensors(root / "model.safetensors", some)
    _, info = load(root)
    assert info["missing_keys"] == {"lm_head.weight"}
    assert not logits(root).equal(logits(root))
    assert codes(root, "error") == ["W109"]
    assert one(root, "W109").evidence["differing"] == ["lm_head.weight"]


def test_w109_single_file_of_the_same_tensors_is_a_warning(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    write_safetensors(root / "model.safetensors", llama_tensors())
    assert refusal(root) is None
    assert (codes(root), codes(root, "error")) == (["W109"], [])


def test_w109_other_dtype_is_an_error(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    write_safetensors(root / "model.safetensors", llama_tensors(dtype="F16"))
    assert codes(root, "error") == ["W109"]


def test_w109_index_of_the_single_file_itself_is_quiet(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    write_index(root / INDEX, dict.fromkeys(llama_tensors(), "model.safetensors"))
    assert refusal(root) is None
    assert codes(root) == []


@pytest.mark.parametrize("total", [0, 1.0, 10**15])
def test_w110_wrong_total_loads_and_is_told(tmp_path: Path, total: float) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    edit_json(root / INDEX, lambda index: index.update(metadata={"total_size": total}))
    assert refusal(root) is None
    assert codes(root) == ["W110"]
    assert one(root, "W110").severity == "info"


def test_w110_total_as_a_fraction_is_quiet(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=2)

    def fraction(index: Any) -> None:
        index["metadata"]["total_size"] = float(index["metadata"]["total_size"])

    edit_json(root / INDEX, fraction)
    assert codes(root) == []


def test_w111_second_format_is_told_with_the_bytes_that_it_takes(tmp_path: Path) -> None:
    root = tiny_model(tmp_path / "m")
    shutil.copy(tiny_model(tmp_path / "b", weights="bin") / "pytorch_model.bin", root)
    before = logits(root)
    found = one(root, "W111")
    assert (codes(root), found.severity) == (["W111"], "info")
    assert found.evidence["saved_bytes"] == (root / "pytorch_model.bin").stat().st_size
    (root / "pytorch_model.bin").unlink()
    assert logits(root).equal(before)


def test_w111_training_state_is_no_second_format(tmp_path: Path) -> None:
    import torch

    root = tiny_model(tmp_path / "m")
    torch.save({"state": torch.zeros(2)}, root / "optimizer.pt")
    assert codes(root) == []


def test_w112_shards_without_index_are_an_error(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=3, index=False)
    assert "Error no file named model.safetensors" in str(refusal(root))
    assert codes(root, "error") == ["W112"]
    assert one(root, "W112").fix.command == f"resolver repair index {root} --to {root}-mended"


def test_w112_one_of_one_beside_the_single_file_is_quiet(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    shutil.copy(root / "model.safetensors", root / "model-00001-of-00001.safetensors")
    assert refusal(root) is None
    assert "W112" not in codes(root)
    assert codes(root, "error") == []
