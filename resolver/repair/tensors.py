"""Tensors out of a torch or safetensors file into a new safetensors file, byte by byte: no library, no unpickling."""

import json
import math
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from resolver.inspection.files import Listing, list_files
from resolver.inspection.pickles import scan_pickles
from resolver.inspection.safetensors import Header, HeaderFault, read_header
from resolver.inspection.state_dict import ITEM_BYTES, StoredTensor, read_state_dict
from resolver.repair.place import CannotRepair
from resolver.rules.words import some
from resolver.writing import BLOCK

PLAIN: Final = 1  # elements between one and the next


def read_tensors(path: Path) -> Mapping[str, StoredTensor]:
    """Where the tensors of a file lie.

    Raises:
        CannotRepair: the file holds none that are read here, or something that would be executed.
    """
    header = read_header(path)
    if isinstance(header, Header):
        return _of_safetensors(path, header)
    if path.suffix == ".safetensors":
        raise CannotRepair(f"{path}: {_said(header)}")
    _refuse_unsafe(path)
    found = read_state_dict(path)
    if found.fault is not None:
        raise CannotRepair(f"{path}: {found.fault}")
    return found.tensors


def _said(header: HeaderFault) -> str:
    return header.message


def _of_safetensors(path: Path, header: Header) -> dict[str, StoredTensor]:
    odd = [name for name, each in header.tensors.items() if each.dtype not in ITEM_BYTES]
    if odd:
        raise CannotRepair(f"{path}: {some(odd)}: of a dtype that no adapter has")
    begin = 8 + header.header_bytes
    return {
        name: StoredTensor(each.dtype, each.shape, contiguous(each.shape), 0, begin + each.start, each.end - each.start)
        for name, each in header.tensors.items()
    }


def _refuse_unsafe(path: Path) -> None:
    """What S601 and S602 say of the file: names outside the allowlist, or a pickle that cannot be followed."""
    listed = list_files(path.parent)
    facts = listed.get(path.name)
    if facts is None or facts.content == "unread":
        raise CannotRepair(f"{path} cannot be read")
    for each in scan_pickles(Listing(listed.root, {path.name: facts})):
        if each.forbidden:
            raise CannotRepair(f"{path} would run {each.forbidden[0]} when it is unpickled (S601); it is not opened")
        if each.fault is not None:
            raise CannotRepair(f"{path}: {each.fault} (S602)")


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The stride of a tensor whose elements lie one behind the other.

    >>> contiguous((2, 3, 4))
    (12, 4, 1)
    """
    return tuple(math.prod(shape[at + 1 :]) for at in range(len(shape)))


def write_safetensors(source: Path, tensors: Mapping[str, StoredTensor], target: Path) -> int:
    """Write those tensors of `source`; returns the bytes written."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    at = 0
    ordered = sorted(tensors.items(), key=lambda item: (-ITEM_BYTES[item[1].dtype], item[0]))  # wide ones aligned first
    for name, tensor in ordered:
        size = math.prod(tensor.shape) * ITEM_BYTES[tensor.dtype]
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with source.open("rb") as taken, target.open("xb") as given:
        given.write(struct.pack("<Q", len(text)) + text)
        for name, tensor in ordered:
            if _copy(taken.fileno(), tensor, given) != math.prod(tensor.shape) * ITEM_BYTES[tensor.dtype]:
                raise CannotRepair(f"{source}: the data of {name} ends too early")
        return given.tell()


def _copy(handle: int, tensor: StoredTensor, given: BinaryIO) -> int:
    written = 0
    for start, length in _runs(tensor):
        for at in range(start, start + length, BLOCK):
            written += given.write(os.pread(handle, min(BLOCK, start + length - at), at))
    return written


def _runs(tensor: StoredTensor) -> Iterator[tuple[int, int]]:
    """The stretches of the file, in order, that make up a tensor: one where it lies in one piece."""
    width, shape, stride = ITEM_BYTES[tensor.dtype], tensor.shape, tensor.stride
    begin = tensor.at + tensor.offset * width
    if 0 in shape:
        return
    inner = len(shape)  # dimensions from here on lie in one piece
    while inner and (stride[inner - 1] == math.prod(shape[inner:]) or shape[inner - 1] == 1):
        inner -= 1
    length = math.prod(shape[inner:]) * width
    places = [0] * inner
    while True:
        yield begin + sum(place * step for place, step in zip(places, stride, strict=False)) * width, length
        at = inner - 1
        while at >= 0 and places[at] == shape[at] - 1:
            places[at] = 0
            at -= 1
        if at < 0:
            return
        places[at] += 1
