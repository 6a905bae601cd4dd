"""The index of split weights: which tensor it promises in which shard. Does not look whether the shards are there."""

import re
from collections.abc import Mapping
from typing import Any, Final

from resolver.inspection.fault import Fault, fault_of, kind_of
from resolver.inspection.files import Listing
from resolver.inspection.strict_json import read_json
from resolver.record import Record, field

MAX_INDEX_BYTES: Final = 64 * 1024 * 1024  # 22,000 tensors of a mixture of experts take 2 MB
DRIVE = re.compile(r"^[A-Za-z]:")


class IndexFacts(Record):
    """What an index says.

    Attributes:
        file: its name.
        fault: why the library cannot use it; None where it can.
        weight_map: tensor to shard, as written; empty where `fault` leaves none.
        shards: the shards' names, sorted, each once.
        total_size: bytes of all tensors, as written; None where nothing of the right type is.
        escaping: names of shards that lead out of the directory.
        irregular: what was accepted against the JSON standard.
    """

    file: str
    fault: Fault | None = None
    weight_map: Mapping[str, str] = field(default_factory=dict)
    shards: tuple[str, ...] = ()
    total_size: float | None = None
    escaping: tuple[str, ...] = ()
    irregular: tuple[str, ...] = ()


def read_index(files: Listing, name: str) -> IndexFacts:
    """Read one index of a directory; raises nothing."""
    read = read_json(files.path(name), max_bytes=MAX_INDEX_BYTES)
    fault = fault_of(name, read)
    if fault is not None:
        return IndexFacts(name, fault, irregular=read.irregular)
    weight_map, metadata = read.value.get("weight_map"), read.value.get("metadata")
    fault = _fault(name, read.value)
    if not isinstance(weight_map, dict) or any(type(value) is not str for value in weight_map.values()):
        return IndexFacts(name, fault, irregular=read.irregular)
    shards = tuple(sorted(set(weight_map.values())))
    return IndexFacts(
        name,
        fault,
        weight_map,
        shards,
        _total(metadata),
        tuple(shard for shard in shards if escapes(shard)),
        read.irregular,
    )


def escapes(name: str) -> bool:
    r"""Whether a file's name leads out of the directory that it is relative to.

    >>> [escapes(name) for name in ("a/b.bin", "../b.bin", "/b.bin", "C:\\b.bin")]
    [False, True, True, True]
    """
    return (
        name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/") or DRIVE.match(name) is not None
    )


def _fault(name: str, value: dict[str, Any]) -> Fault | None:
    """What transformers stumbles over: it reads `weight_map` and `metadata` and asks neither whether it is there."""
    for key in ("weight_map", "metadata"):
        if key not in value:
            return Fault(name, f"lacks {key}", pointer="")
        if not isinstance(value[key], dict):
            return Fault(name, f"{key} is {kind_of(value[key])}, not an object", pointer=f"/{key}")
    weight_map = value["weight_map"]
    if not weight_map:
        return Fault(name, "weight_map is empty", pointer="/weight_map")
    wrong = next((tensor for tensor, file in weight_map.items() if type(file) is not str), None)
    if wrong is not None:
        pointer = wrong.replace("~", "~0").replace("/", "~1")
        message = f"weight_map gives {kind_of(weight_map[wrong])} for {wrong!r}"
        return Fault(name, message, pointer=f"/weight_map/{pointer}")
    return None


def _total(metadata: object) -> float | None:
    total = metadata.get("total_size") if isinstance(metadata, dict) else None
    return total if type(total) in {int, float} else None
