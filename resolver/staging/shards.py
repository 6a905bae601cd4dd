"""Weights in files of another size, from the same tensors: byte ranges are copied, no tensor is ever held whole.

The layout is that of the safetensors library: wide dtypes first and then by name, so that every tensor is aligned, the
header padded to eight bytes; the index is that of transformers. Which tensor goes into which file follows the order in
which they are stored: the same input gives the same files.
"""

import hashlib
import json
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from resolver.inspection.description import ModelDescription
from resolver.inspection.safetensors import Tensor
from resolver.record import Record
from resolver.rules.words import some
from resolver.staging.plan import SourceFault, Stamp

BLOCK: Final = 4 * 1024 * 1024
SUFFIX: Final = ".safetensors"
INDEX: Final = ".safetensors.index.json"
# The library's own order of dtypes, in which it writes backwards: wide ones first, so that every tensor is aligned.
ORDER: Final = (
    "BOOL", "F4", "F6_E2M3", "F6_E3M2", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ",
    "I16", "U16", "F16", "BF16", "I32", "U32", "F32", "C64", "F64", "I64", "U64",
)  # fmt: skip
MAX_SHARDS: Final = 99_999  # five digits in a name
LENGTH_BYTES: Final = 8


class Piece(Record):
    """A tensor where it lies: its name, its entry, its file, and the byte of that file at which its data begin."""

    name: str
    tensor: Tensor
    file: str
    at: int

    @property
    def size_bytes(self) -> int:
        """Bytes of its data."""
        return self.tensor.end - self.tensor.start


class Shard(Record):
    """A new file: its name, its first bytes, and the tensors behind them in order."""

    name: str
    head: bytes
    pieces: tuple[Piece, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes of the file."""
        return len(self.head) + sum(each.size_bytes for each in self.pieces)


class Resharding(Record):
    """Weights divided anew.

    Attributes:
        shards: the new files.
        index: name and bytes of the new index; None where one file holds everything.
        instead_of: names of the source's weights and index, which are not staged.
        stamps: of the source's weights, as they were when this was planned.
    """

    shards: tuple[Shard, ...]
    index: tuple[str, bytes] | None
    instead_of: tuple[str, ...]
    stamps: Mapping[str, Stamp]

    def key(self, shard: Shard) -> str:
        """Tells whether a finished file was made of these very sources."""
        files = sorted({each.file for each in shard.pieces})
        told = [repr(self.stamps[name]) + name for name in files]
        places = [(each.file, each.at) for each in shard.pieces]
        return hashlib.sha256(shard.head + repr((told, places)).encode("utf-8", "surrogateescape")).hexdigest()


def reshard(model: ModelDescription, shard_bytes: int) -> Resharding | None:
    """Divide a model's weights into files of at most so many bytes of tensors; None for an adapter without weights.

    A tensor that is larger by itself has a file by itself. Headers come on top, as in the sizes that other tools take.

    Raises:
        SourceFault: the weights are no safetensors, or not all of them are known.
    """
    weights = model.weights
    if weights.chosen is None:
        return None
    if not weights.tensors_known:
        pickled = any(not name.endswith(SUFFIX) for name in weights.shards)
        why = "holds pickles, which are not opened" if pickled else "has weights whose headers are not all known"
        raise SourceFault(f"{model.root} {why}: --shard-size divides safetensors; leave it out")
    groups = _groups(_pieces(model), shard_bytes)
    stem = weights.chosen.removesuffix(INDEX).removesuffix(SUFFIX)
    names = _names(stem, len(groups))
    _refuse_other_form(model, names)
    metadata = _metadata(model)
    shards = tuple(_shard(name, group, metadata) for name, group in zip(names, groups, strict=True))
    stamps = {name: Stamp.of(model.files.path(name)) for name in weights.shards}
    index = (stem + INDEX, _index(shards)) if len(shards) > 1 else None
    return Resharding(shards, index, weights.opened, stamps)


def _pieces(model: ModelDescription) -> Iterator[Piece]:
    """All tensors in the order in which they are stored; of a name that two files hold, the one that a loader keeps."""
    for file in model.weights.shards:
        header = model.weights.header(file)
        for name, tensor in {} if header is None else header.tensors.items():
            if model.weights.tensors[name].file == file:
                begin = LENGTH_BYTES + (0 if header is None else header.header_bytes)
                yield Piece(name, tensor, file, begin + tensor.start)


def _groups(pieces: Iterator[Piece], shard_bytes: int) -> list[list[Piece]]:
    groups: list[list[Piece]] = [[]]
    size = 0
    for each in pieces:
        if groups[-1] and size + each.size_bytes > shard_bytes:
            groups.append([])
            size = 0
        groups[-1].append(each)
        size += each.size_bytes
    if len(groups) > MAX_SHARDS:
        raise SourceFault(f"--shard-size gives {len(groups):,} files; no more than {MAX_SHARDS:,} can be numbered")
    return groups


def _names(stem: str, count: int) -> list[str]:
    if count == 1:
        return [stem + SUFFIX]
    return [f"{stem}-{number:05d}-of-{count:05d}{SUFFIX}" for number in range(1, count + 1)]


def _refuse_other_form(model: ModelDescription, names: list[str]) -> None:
    """A config that names its weights file would go on asking for that one."""
    named = model.config.transformers_weights
    if named is not None and named.endswith(INDEX) != (len(names) > 1):
        raise SourceFault(f"config.json asks for {named}, and --shard-size gives {some(names)}; choose another size")


def _metadata(model: ModelDescription) -> dict[str, str]:
    """What the source's headers say beside the tensors; the first to say something has said it."""
    found: dict[str, str] = {}
    for name in model.weights.shards:
        header = model.weights.header(name)
        for key, value in {} if header is None else header.metadata.items():
            found.setdefault(key, value)
    return found


def _shard(name: str, group: list[Piece], metadata: Mapping[str, str]) -> Shard:
    ordered = tuple(sorted(group, key=lambda each: (-ORDER.index(each.tensor.dtype), each.name)))
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    at = 0
    for each in ordered:
        offsets = [at, at + each.size_bytes]
        header[each.name] = {
            "dtype": each.tensor.dtype,
            "shape": list(each.tensor.shape),
            "data_offsets": offsets,
        }
        at += each.size_bytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return Shard(name, struct.pack("<Q", len(text)) + text, ordered)


def _index(shards: tuple[Shard, ...]) -> bytes:
    weight_map = {each.name: shard.name.rpartition("/")[2] for shard in shards for each in shard.pieces}
    total = sum(each.size_bytes for shard in shards for each in shard.pieces)
    value = {"metadata": {"total_size": total}, "weight_map": weight_map}
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def content(shard: Shard, root: Path) -> Iterator[bytes]:
    """The bytes of a new file, block by block.

    Raises:
        SourceFault: a source ends too early or cannot be read.
    """
    yield shard.head
    handles: dict[str, int] = {}
    try:
        for each in shard.pieces:
            if each.file not in handles:
                handles[each.file] = os.open(root / each.file, os.O_RDONLY | os.O_CLOEXEC)
            end = each.at + each.size_bytes
            for at in range(each.at, end, BLOCK):
                block = os.pread(handles[each.file], min(BLOCK, end - at), at)
                if len(block) != min(BLOCK, end - at):
                    raise SourceFault(f"{root / each.file}: the data of {each.name} end too early")
                yield block
    except OSError as error:
        raise SourceFault(f"{error.filename or root}: {error.strerror}") from error
    finally:
        for handle in handles.values():
            os.close(handle)
