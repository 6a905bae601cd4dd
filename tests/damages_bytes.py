"""Damage to bytes, whatever they mean: cut, emptied, flipped, replaced by something else, or only promised."""

from __future__ import annotations

import gzip
import struct
from typing import TYPE_CHECKING

from damage_tools import Harm, Scene, Touched, join, split
from hostile import call, zipped
from model_factory import lfs_pointer

if TYPE_CHECKING:
    from pathlib import Path

PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>You need to log in</body></html>"
REFUSAL = b'{"error":"Repository not found","status":404}'


def _put(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return path.name


def _cut(path: Path, at: int) -> str:
    return _put(path, path.read_bytes()[:at])


def _payload_begins(data: bytes) -> int:
    return 8 + int(struct.unpack("<Q", data[:8])[0])


def truncate_payload(scene: Scene) -> Touched:
    file = scene.weights()
    data = file.read_bytes()
    return _cut(file, scene.dice.randrange(_payload_begins(data), len(data)))


def truncate_header(scene: Scene) -> Touched:
    file = scene.weights()
    return _cut(file, scene.dice.randrange(8, _payload_begins(file.read_bytes())))


def truncate_length(scene: Scene) -> Touched:
    return _cut(scene.weights(), scene.dice.randrange(1, 8))


def append_bytes(scene: Scene) -> Touched:
    file = scene.weights()
    return _put(file, file.read_bytes() + scene.dice.randbytes(scene.dice.randrange(1, 4096)))


def flip_length(scene: Scene) -> Touched:
    file = scene.weights()
    data = bytearray(file.read_bytes())
    data[scene.dice.randrange(8)] ^= 1 << scene.dice.randrange(8)
    return _put(file, bytes(data))


def flip_header(scene: Scene) -> Touched:
    file = scene.weights()
    data = bytearray(file.read_bytes())
    data[scene.dice.randrange(8, _payload_begins(data))] ^= 1 << scene.dice.randrange(8)
    return _put(file, bytes(data))


def move_offset(scene: Scene) -> Touched:
    file = scene.weights()
    header, payload = split(file.read_bytes())
    told = header[scene.dice.choice([name for name in header if name != "__metadata__"])]["data_offsets"]
    told[scene.dice.randrange(2)] += scene.dice.choice((-4, 4, 8, 4096))
    return _put(file, join(header, payload))


def repeat_tensor_name(scene: Scene) -> Touched:
    """The header names one tensor twice, the second time with the place of another one."""
    file = scene.weights()
    header, payload = split(file.read_bytes())
    names = [name for name in header if name != "__metadata__"]
    pairs = [
        (a, b) for a in names for b in names
        if a != b and header[a]["shape"] == header[b]["shape"] and header[a]["dtype"] == header[b]["dtype"]
    ]  # fmt: skip
    if not pairs:
        return None
    first, second = scene.dice.choice(pairs)
    import json

    entries = [f"{json.dumps(name)}:{json.dumps(told)}" for name, told in header.items()]
    entries[list(header).index(second)] = f"{json.dumps(first)}:{json.dumps(header[second])}"
    return _put(file, join("{" + ",".join(entries) + "}", payload))


def pointer_for_weights(scene: Scene) -> Touched:
    return _put(scene.weights(), lfs_pointer().encode())


def pointer_for_tokenizer(scene: Scene) -> Touched:
    return _put(scene.root / "tokenizer.json", lfs_pointer(9_085_657).encode())


def pointer_for_config(scene: Scene) -> Touched:
    return _put(scene.root / "config.json", lfs_pointer(654).encode())


def pointer_for_tokenizer_config(scene: Scene) -> Touched:
    return _put(scene.root / "tokenizer_config.json", lfs_pointer(654).encode())


def page_for_weights(scene: Scene) -> Touched:
    return _put(scene.weights(), PAGE)


def page_for_config(scene: Scene) -> Touched:
    return _put(scene.root / "config.json", PAGE)


def page_for_tokenizer(scene: Scene) -> Touched:
    return _put(scene.root / "tokenizer.json", PAGE)


def refusal_for_weights(scene: Scene) -> Touched:
    return _put(scene.weights(), REFUSAL)


def gzip_for_weights(scene: Scene) -> Touched:
    file = scene.weights()
    return _put(file, gzip.compress(file.read_bytes(), mtime=0))


def zip_for_weights(scene: Scene) -> Touched:
    file = scene.weights()
    return _put(file, zipped({"archive/data.bin": file.read_bytes()[:4096]}))


def pickle_for_weights(scene: Scene) -> Touched:
    return _put(scene.weights(), call("os.system"))


def empty_weights(scene: Scene) -> Touched:
    return _put(scene.weights(), b"")


def empty_config(scene: Scene) -> Touched:
    return _put(scene.root / "config.json", b"")


def empty_tokenizer(scene: Scene) -> Touched:
    return _put(scene.root / "tokenizer.json", b"")


def empty_tokenizer_config(scene: Scene) -> Touched:
    return _put(scene.root / "tokenizer_config.json", b"")


def truncate_config(scene: Scene) -> Touched:
    file = scene.root / "config.json"
    return _cut(file, scene.dice.randrange(1, len(file.read_bytes().rstrip()) - 1))


def truncate_tokenizer(scene: Scene) -> Touched:
    file = scene.root / "tokenizer.json"
    return _cut(file, scene.dice.randrange(1, len(file.read_bytes().rstrip()) - 1))


def truncate_tokenizer_config(scene: Scene) -> Touched:
    file = scene.root / "tokenizer_config.json"
    return _cut(file, scene.dice.randrange(1, len(file.read_bytes().rstrip()) - 1))


def truncate_index(scene: Scene) -> Touched:
    if not scene.shards():
        return None
    file = scene.root / "model.safetensors.index.json"
    return _cut(file, scene.dice.randrange(1, len(file.read_bytes().rstrip()) - 1))


def pointer_for_index(scene: Scene) -> Touched:
    if not scene.shards():
        return None
    return _put(scene.root / "model.safetensors.index.json", lfs_pointer(20_000).encode())


def byte_order_mark(scene: Scene) -> Touched:
    file = scene.root / "config.json"
    return _put(file, b"\xef\xbb\xbf" + file.read_bytes())


def not_utf8(scene: Scene) -> Touched:
    file = scene.root / "config.json"
    return _put(file, file.read_bytes().replace(b'"model_type"', b'"\xff": 1, "model_type"', 1))


BYTES: tuple[Harm, ...] = (
    truncate_payload, truncate_header, truncate_length, append_bytes, flip_length, flip_header, move_offset,
    repeat_tensor_name, pointer_for_weights, pointer_for_tokenizer, pointer_for_config, pointer_for_tokenizer_config,
    page_for_weights, page_for_config, page_for_tokenizer, refusal_for_weights, gzip_for_weights, zip_for_weights,
    pickle_for_weights, empty_weights, empty_config, empty_tokenizer, empty_tokenizer_config, truncate_config,
    truncate_tokenizer, truncate_tokenizer_config, truncate_index, pointer_for_index, byte_order_mark, not_utf8,
)  # fmt: skip
