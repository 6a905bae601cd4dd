"""Which files are opened, in the loader's own order, and what is known of their tensors."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from model_factory import lfs_pointer, model_dir, tiny_model

from resolver.inspection.files import list_files
from resolver.inspection.formats import formats_in
from resolver.inspection.weights import WeightsFacts, read_weights


def read(root: Path) -> WeightsFacts:
    return read_weights(list_files(root))


def library_opens(root: Path) -> list[str]:
    from transformers.modeling_utils import _get_resolved_checkpoint_files

    found, _ = _get_resolved_checkpoint_files(
        pretrained_model_name_or_path=str(root), variant=None, gguf_file=None, use_safetensors=None, user_agent=None,
        is_remote_code=False,
    )  # fmt: skip
    return sorted(Path(each).name for each in found or ())


FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


@pytest.mark.parametrize("chosen", range(4))
@pytest.mark.parametrize("also", range(4))
def test_files_are_tried_in_the_order_of_the_library(tmp_path: Path, chosen: int, also: int) -> None:
    for at, name in enumerate(FILES):
        if at >= chosen and (at <= chosen or at >= also):
            index = json.dumps({"metadata": {}, "weight_map": {"a": f"part.{name.split('.')[1]}"}})
            (tmp_path / name).write_text(index if name.endswith(".json") else "x")
    facts = read(tmp_path)
    assert facts.chosen == FILES[chosen]
    assert sorted(facts.shards) == library_opens(tmp_path)


def test_pipe_and_broken_link_are_passed_over_as_by_the_library(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors.index.json").symlink_to("gone")
    (tmp_path / "pytorch_model.bin").write_text("x")
    facts = read(tmp_path)
    assert facts.chosen == "pytorch_model.bin"
    assert list(facts.shards) == library_opens(tmp_path)


def test_tensors_are_those_of_the_model(tmp_path: Path) -> None:
    import safetensors.torch

    root = tiny_model(tmp_path / "m", classifier=True, shards=3)
    facts = read(root)
    state = {
        name: tensor
        for path in root.glob("*.safetensors")
        for name, tensor in safetensors.torch.load_file(path).items()
    }
    assert {name: list(each.shape) for name, each in facts.tensors.items()} == {
        name: list(tensor.shape) for name, tensor in state.items()
    }
    assert facts.total_bytes == sum(tensor.nbytes for tensor in state.values())
    assert facts.tensors_known
    assert (facts.rows_of("score.weight"), facts.rows_of("embed_tokens.weight"), facts.rows_of("core.weight")) == (
        3,
        300,
        None,
    )
    assert facts.tensor("score.weight") is not None


@pytest.mark.parametrize("damage", ["pointer", "absent", "cut", "bin"])
def test_tensors_are_not_known_where_anything_lacks(tmp_path: Path, damage: str) -> None:
    root = tiny_model(tmp_path / "m", shards=2, weights="bin" if damage == "bin" else "safetensors")
    shard = max(root.glob("*-of-*"))
    if damage == "pointer":
        shard.write_text(lfs_pointer())
    elif damage == "absent":
        shard.unlink()
    elif damage == "cut":
        shard.write_bytes(shard.read_bytes()[:-1])
    assert not read(root).tensors_known


def test_adapter_weights_and_training_state_are_no_base_weights() -> None:
    names = ["adapter_model.safetensors", "adapter_model.bin", "training_args.bin", "optimizer.pt", "rng_state_0.pth"]
    assert formats_in(names) == {}


def test_sentence_transformers_folder_is_opened(tmp_path: Path) -> None:
    model_dir(tmp_path / "0_Transformer")
    (tmp_path / "modules.json").write_text(
        '[{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}]'
    )
    facts = read(tmp_path)
    assert facts.opened == ("0_Transformer/model.safetensors",)
    assert facts.tensors_known


def test_seventy_billion_parameters_take_no_third_party_module(tmp_path: Path) -> None:
    """723 tensors in 30 sparse shards: the size of the thing is in the headers, 282 GB of floats."""
    root = model_dir(
        tmp_path / "m", shards=30, sparse=True, tokenizer=False,
        config=dict(num_hidden_layers=80, hidden_size=8192, intermediate_size=28672, num_attention_heads=64,
                    num_key_value_heads=8, vocab_size=128256),
    )  # fmt: skip
    facts = read(root)
    assert (len(facts.tensors), facts.total_bytes, len(facts.opened)) == (723, 282_214_825_984, 31)


def test_describing_loads_no_third_party_module(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "from resolver.inspection.describe import describe\n"
        "assert describe(Path(sys.argv[2])).weights.tensors_known\n"
        "slow = {'zipfile', 'tarfile', 'pickle', 'pickletools', 'lzma', 'bz2', 'urllib.request', 'subprocess'}\n"
        "print(sorted(slow & set(sys.modules)))\n"
    )
    project = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, project, root], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
