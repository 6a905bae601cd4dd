"""--shard-size: the same tensors in other files, as the real library reads and writes them, in little memory."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from model_factory import adapter_dir, edit_json, model_dir, tiny_model, write_safetensors
from staging_bundles import PROJECT, contents, stage

from resolver.cli import main
from resolver.staging.shards import ORDER

INDEX = "model.safetensors.index.json"


def tensors_of(root: Path) -> dict:
    from safetensors import safe_open

    found = {}
    for path in sorted(root.glob("*.safetensors")):
        with safe_open(path, "pt") as opened:
            found |= {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
    return found


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("size", ["1", "8KB", "25KB", "1GB"])
def test_the_tensors_are_the_same_and_the_library_reads_them(tmp_path, shards, size) -> None:
    import torch

    root = model_dir(tmp_path / "model", shards=shards)
    assert stage(root, "--to", tmp_path / "new", "--shard-size", size) == 0
    wanted, got = tensors_of(root), tensors_of(tmp_path / "new")
    assert wanted.keys() == got.keys()
    assert all(torch.equal(wanted[name], got[name]) for name in wanted)
    files = sorted(each.name for each in (tmp_path / "new").glob("*.safetensors"))
    if size == "1GB":
        assert files == ["model.safetensors"]
        assert not (tmp_path / "new" / INDEX).exists()
        return
    weight_map = json.loads((tmp_path / "new" / INDEX).read_text())["weight_map"]
    assert sorted(set(weight_map.values())) == files
    assert files[0].endswith(f"-of-{len(files):05d}.safetensors")
    assert len(files) == {"1": 21, "8KB": 5, "25KB": 2}[size]
    assert main(["check", str(tmp_path / "new"), "--select", "W"]) == 0


def test_logits_are_equal_afterwards(tmp_path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    root = tiny_model(tmp_path / "model", shards=3)
    ids = torch.arange(12)[None]
    wanted = AutoModelForCausalLM.from_pretrained(root)(ids).logits
    for size in ("20KB", "1GB"):
        assert stage(root, "--to", tmp_path / size, "--shard-size", size) == 0
        assert torch.equal(AutoModelForCausalLM.from_pretrained(tmp_path / size)(ids).logits, wanted)


def test_one_file_is_what_the_library_itself_would_write(tmp_path) -> None:
    """Header, order, padding: byte for byte, for dtypes of every width."""
    import safetensors.torch
    import torch

    root = model_dir(tmp_path / "model", tensors={"model.embed_tokens.weight": ("F32", (64, 16), None)})
    made = {"b": torch.ones(3, dtype=torch.int64), "a": torch.ones(3, dtype=torch.bool),
            "d": torch.ones(5, dtype=torch.float16), "c": torch.ones(2, 2), "é": torch.ones(1, dtype=torch.uint8)}  # fmt: skip
    safetensors.torch.save_file(made, root / "model.safetensors", metadata={"format": "pt"})
    assert stage(root, "--to", tmp_path / "new", "--shard-size", "1GB") == 0
    assert (tmp_path / "new" / "model.safetensors").read_bytes() == (root / "model.safetensors").read_bytes()


def test_the_order_of_dtypes_is_the_librarys() -> None:
    from safetensors import SafetensorError, deserialize

    head = json.dumps({"a": {"dtype": "F128", "shape": [], "data_offsets": [0, 1]}}).encode()
    with pytest.raises(SafetensorError) as caught:
        deserialize(len(head).to_bytes(8, "little") + head + b"x")
    assert tuple(re.findall("`([A-Z0-9_]+)`", str(caught.value))[1:]) == ORDER


def test_every_tensor_is_aligned(tmp_path) -> None:
    mixed = {"a": ("U8", (3,), None), "b": ("F32", (5,), None), "c": ("F16", (7,), None), "d": ("F64", (1,), None)}
    root = model_dir(tmp_path / "model", tensors=mixed)
    assert stage(root, "--to", tmp_path / "new", "--shard-size", "1GB") == 0
    data = (tmp_path / "new" / "model.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert length % 8 == 0
    widths = {"d": 8, "b": 4, "c": 2, "a": 1}
    assert all(header[name]["data_offsets"][0] % width == 0 for name, width in widths.items())


def test_pickles_are_refused_and_adapters_stay_as_they_are(tmp_path, capsys) -> None:
    pickled = tiny_model(tmp_path / "pickled", weights="bin")
    assert stage(pickled, "--to", tmp_path / "new", "--shard-size", "1MB") == 1
    assert "--shard-size divides safetensors" in capsys.readouterr().err
    lora = adapter_dir(tmp_path / "lora")
    assert stage(lora, "--to", tmp_path / "new", "--shard-size", "1MB") == 0
    name = "adapter_model.safetensors"
    assert (tmp_path / "new" / name).read_bytes() == (lora / name).read_bytes()


def test_a_config_that_names_its_weights_is_not_left_behind(tmp_path, capsys) -> None:
    root = model_dir(tmp_path / "model")
    (root / "model.safetensors").rename(root / "own.safetensors")
    edit_json(root / "config.json", lambda config: config | {"transformers_weights": "own.safetensors"})
    assert stage(root, "--to", tmp_path / "new", "--shard-size", "8KB") == 1
    assert "config.json asks for own.safetensors" in capsys.readouterr().err
    assert stage(root, "--to", tmp_path / "new", "--shard-size", "1GB") == 0
    assert "own.safetensors" in contents(tmp_path / "new")


def test_memory_does_not_grow_with_the_model(tmp_path) -> None:
    """A quarter of a gigabyte of tensors, one of them of 128 MB: the peak is that of a small model, near enough."""
    small = model_dir(tmp_path / "small")
    large = model_dir(tmp_path / "large", tensors={
        f"t{n}": ("F32", (1 << 10, 1 << width), None) for n, width in enumerate((15, 14, 13, 13))}, sparse=True)  # fmt: skip
    peaks = []
    for root in (small, large):
        code = (
            "import resource, sys; from resolver.cli import main; code = main(sys.argv[1:]); "
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(code)"
        )
        arguments = ["stage", str(root), "--to", str(tmp_path / f"{root.name}-new"), "--shard-size", "100MB"]
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, cwd=PROJECT
        )
        peaks.append(int(done.stderr.split()[-1]))
    assert len(list((tmp_path / "large-new").glob("*.safetensors"))) == 3
    assert peaks[1] - peaks[0] < 40_000  # kB


def test_a_tensor_that_two_shards_hold_is_the_one_that_a_loader_keeps(tmp_path) -> None:
    root = model_dir(tmp_path / "model", shards=2)
    first, second = (root / f"model-0000{n}-of-00002.safetensors" for n in (1, 2))
    last = tensors_of(root)["lm_head.weight"].numpy().tobytes()
    from safetensors import safe_open

    with safe_open(first, "np") as opened:
        names = list(opened.keys())
        arrays = {name: opened.get_tensor(name) for name in names}
    kept = {name: ("F32", array.shape, array.tobytes()) for name, array in arrays.items()}
    write_safetensors(first, {**kept, "lm_head.weight": ("F32", (64, 16), bytes(64 * 16 * 4))})
    assert second.is_file()
    assert stage(root, "--to", tmp_path / "new", "--shard-size", "1GB") == 0
    assert tensors_of(tmp_path / "new")["lm_head.weight"].numpy().tobytes() == last
