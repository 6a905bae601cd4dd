"""Write tensors into safetensors files of a bounded size, one tensor in memory at a time, with the index of them.

The layout is that of the safetensors library: wide dtypes first and then by name, so that every tensor is aligned, the
header padded to eight bytes. The index is that of transformers. The same tensors give the same bytes.
"""

import json
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import torch

SINGLE: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
# Of the dtypes that are written; a header spells them so.
WIDTHS: Final = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2, "U8": 1, "I8": 1, "BOOL": 1}


@dataclass(frozen=True, slots=True)
class Slot:
    """A tensor as it is going to be written: its name, dtype in a header's spelling, and shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes of its data."""
        return math.prod(self.shape) * WIDTHS[self.dtype]


@dataclass(frozen=True, slots=True)
class Shard:
    """A file and the tensors in it, in the order in which they lie there."""

    name: str
    slots: tuple[Slot, ...]

    def head(self) -> bytes:
        """The bytes before the data."""
        header: dict[str, object] = {"__metadata__": {"format": "pt"}}
        at = 0
        for slot in self.slots:
            end = at + slot.size_bytes
            header[slot.name] = {"dtype": slot.dtype, "shape": list(slot.shape), "data_offsets": [at, end]}
            at = end
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)
        return struct.pack("<Q", len(text)) + text


def divide(slots: Sequence[Slot], most_bytes: int) -> tuple[Shard, ...]:
    """The files, each of at most so many bytes of tensors; a tensor that is larger has one by itself.

    >>> [shard.name for shard in divide([Slot("a", "F32", (4,)), Slot("b", "F32", (4,))], 16)]
    ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']
    """
    groups: list[list[Slot]] = [[]]
    size = 0
    for slot in slots:
        if groups[-1] and size + slot.size_bytes > most_bytes:
            groups.append([])
            size = 0
        groups[-1].append(slot)
        size += slot.size_bytes
    names = [f"model-{number:05d}-of-{len(groups):05d}.safetensors" for number in range(1, len(groups) + 1)]
    names = [SINGLE] if len(groups) == 1 else names
    return tuple(
        Shard(name, tuple(sorted(group, key=lambda slot: (-WIDTHS[slot.dtype], slot.name))))
        for name, group in zip(names, groups, strict=True)
    )


def write(
    place: Path, shards: Sequence[Shard], make: Callable[[str], "torch.Tensor"], wrote: Callable[[int], None]
) -> None:
    """Write the files, and their index where there are several.

    Args:
        place: a directory that is empty of them.
        shards: as divided.
        make: the tensor of a name, of the slot's dtype and shape.
        wrote: is told the bytes of each tensor that is written.

    Raises:
        OSError: the disk is full, or cannot be written.
        ValueError: a tensor is not as its slot says.
    """
    for shard in shards:
        with (place / shard.name).open("xb") as file:
            file.write(shard.head())
            for slot in shard.slots:
                file.write(_data(make(slot.name), slot))
                wrote(slot.size_bytes)
    if len(shards) > 1:
        (place / INDEX).write_text(_index(shards), encoding="utf-8")


def _data(tensor: "torch.Tensor", slot: Slot) -> memoryview:
    import torch

    if tuple(tensor.shape) != slot.shape or tensor.element_size() != WIDTHS[slot.dtype]:
        raise ValueError(f"{slot.name} is {tensor.dtype} {list(tensor.shape)}, not {slot.dtype} {list(slot.shape)}")
    flat = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    return flat.numpy().data


def _index(shards: Sequence[Shard]) -> str:
    weight_map = {slot.name: shard.name for shard in shards for slot in shard.slots}
    total = sum(slot.size_bytes for shard in shards for slot in shard.slots)
    return json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}, indent=2, sort_keys=True) + "\n"
