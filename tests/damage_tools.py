"""What kinds of damage share: the scene, and safetensors files taken apart and put together again."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from model_factory import write_safetensors

if TYPE_CHECKING:
    import random
    from pathlib import Path

Tensors = dict[str, tuple[str, tuple[int, ...], bytes]]
INDEX = "model.safetensors.index.json"


class Scene(NamedTuple):
    """A directory that is about to be damaged.

    Attributes:
        root: a copy that nobody else looks at.
        dice: where and how much; seeded.
        others: other models' directories, to take a wrong file from; the same family at another size comes first.
    """

    root: Path
    dice: random.Random
    others: tuple[Path, ...] = ()

    def weights(self) -> Path:
        """One of the safetensors files."""
        return self.dice.choice(self.all_weights())

    def all_weights(self) -> list[Path]:
        """Those that are there, in order."""
        return sorted(self.root.glob("model*.safetensors"))

    def shards(self) -> list[Path]:
        """The same where there are several; else nothing."""
        found = self.all_weights()
        return found if len(found) > 1 else []

    def json(self, name: str) -> Any:
        """A JSON file of the directory."""
        return json.loads((self.root / name).read_text())

    def write_json(self, name: str, value: object) -> str:
        """Write it back; the name, for whoever has to say what was touched."""
        (self.root / name).write_text(json.dumps(value, indent=2))
        return name


# What was touched: the names of files that a finding may name; None where this damage cannot be done here.
Touched = str | tuple[str, ...] | None
Harm = Callable[[Scene], Touched]


def split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and payload of a safetensors file."""
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def join(header: dict[str, Any] | str, payload: bytes) -> bytes:
    """A safetensors file of a header (or of its text, as it is) and a payload."""
    text = header.encode() if isinstance(header, str) else json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + payload


def tensors_of(path: Path) -> Tensors:
    """Every tensor of a file: dtype, shape, bytes."""
    header, payload = split(path.read_bytes())
    return {
        name: (told["dtype"], tuple(told["shape"]), payload[slice(*told["data_offsets"])])
        for name, told in header.items()
        if name != "__metadata__"
    }


def save(path: Path, tensors: Tensors) -> str:
    """Write a whole, valid file of those tensors; its name."""
    write_safetensors(path, tensors)
    return path.name
