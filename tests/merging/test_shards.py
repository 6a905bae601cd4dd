import json
from pathlib import Path

import pytest

from pipeline.merging.shards import INDEX, SINGLE, Slot, divide, write


def test_the_files_are_those_that_the_library_writes(tmp_path: Path) -> None:
    """safetensors reads them back, of every dtype, empty and without dimensions; and writes the same bytes itself."""
    import torch
    from safetensors.torch import load_file, save_file

    tensors = {
        "a.weight": torch.randn(3, 5),
        "b.weight": torch.randn(4, 2).to(torch.bfloat16),
        "c.scalar": torch.tensor(2.5, dtype=torch.float16),
        "d.empty": torch.zeros(0, 4),
        "e.ids": torch.arange(5),
        "f.turned": torch.randn(4, 6).T,
        "g.flag": torch.tensor([True, False, True]),
    }
    spelled = ["F32", "BF16", "F16", "F32", "I64", "F32", "BOOL"]
    slots = [
        Slot(name, dtype, tuple(tensor.shape)) for (name, tensor), dtype in zip(tensors.items(), spelled, strict=True)
    ]
    told: list[int] = []
    write(tmp_path, divide(slots, 10**6), tensors.__getitem__, told.append)
    assert [each.name for each in tmp_path.iterdir()] == [SINGLE]
    found = load_file(tmp_path / SINGLE)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    assert sum(told) == sum(slot.size_bytes for slot in slots) == sum(each.nbytes for each in tensors.values())
    save_file({name: each.contiguous() for name, each in tensors.items()}, tmp_path / "b", metadata={"format": "pt"})
    assert (tmp_path / SINGLE).read_bytes() == (tmp_path / "b").read_bytes()


def test_an_index_names_the_file_of_every_tensor(tmp_path: Path) -> None:
    import torch

    slots = [Slot(f"layer.{number}", "F32", (4,)) for number in range(5)]
    shards = divide(slots, 32)
    write(tmp_path, shards, lambda _: torch.zeros(4), lambda _: None)
    index = json.loads((tmp_path / INDEX).read_text())
    assert index["metadata"]["total_size"] == 80
    assert set(index["weight_map"]) == {slot.name for slot in slots}
    assert sorted(set(index["weight_map"].values())) == [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
    assert all((tmp_path / name).is_file() for name in index["weight_map"].values())


def test_a_tensor_larger_than_a_file_has_one_by_itself() -> None:
    shards = divide([Slot("a", "F32", (1,)), Slot("b", "F32", (100,)), Slot("c", "F32", (1,))], 8)
    assert [[slot.name for slot in shard.slots] for shard in shards] == [["a"], ["b"], ["c"]]


def test_a_tensor_that_is_not_as_planned_is_never_written(tmp_path: Path) -> None:
    import torch

    with pytest.raises(ValueError, match=r"a is torch.float32 \[3\], not F32 \[4\]"):
        write(tmp_path, divide([Slot("a", "F32", (4,))], 99), lambda _: torch.zeros(3), lambda _: None)
