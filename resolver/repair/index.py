"""A new index for shards that are whole: from their own headers, into a directory beside a copy of the model."""

import json
from pathlib import Path
from typing import Final

from resolver.inspection.description import ModelDescription
from resolver.inspection.files import Listing
from resolver.inspection.formats import NUMBERED, SAFETENSORS, SAFETENSORS_INDEX, implied_by
from resolver.repair.place import CannotRepair, Repair
from resolver.writing import Progress, copy_file, link_file, new_directory, write_new

INDEXES: Final = (".safetensors.index.json", ".bin.index.json")


def repair_index(model: ModelDescription, target: Path, progress: Progress, *, link: bool = False) -> Repair:
    """Write a copy of the model with an index that names every tensor of every shard where it lies.

    Args:
        model: as read; it is not changed.
        target: the directory to make.
        progress: is told the bytes that are copied and those that there are.
        link: give the files a second name instead of copying them.

    Raises:
        CannotRepair: the shards are not all there and whole, or hold a tensor twice; TargetTaken: see `new_directory`.
    """
    shards = _shards(model)
    index = _index(model, shards)
    kept, notes = _kept(model.files, shards)
    total = sum(model.files.files[name].size_bytes for name in kept)
    text = json.dumps(index, indent=2, sort_keys=True).encode() + b"\n"
    with new_directory(target, len(text) + (0 if link else total)) as place:
        done = 0

        def told(count: int) -> None:
            nonlocal done
            done += count
            progress(done, total)

        for name in kept:
            here = place / name
            here.parent.mkdir(parents=True, exist_ok=True)
            if link:
                link_file(model.files.path(name), here)
            else:
                copy_file(model.files.path(name), here, told)
        write_new(place / SAFETENSORS_INDEX, text)
    files = tuple(sorted((*kept, SAFETENSORS_INDEX)))
    return Repair("index", model.root, target, files, total + len(text), len(index["weight_map"]), notes)


def _shards(model: ModelDescription) -> tuple[str, ...]:
    """The one whole set of N-of-M files; where there is none, those that the present index names."""
    found = [(name, each) for name in model.files.files if "/" not in name and (each := NUMBERED.match(name))]
    names = [name for name, each in found if each["suffix"] == "safetensors"]
    sets = {implied_by(name) for name in names}
    if len(sets) > 1:
        raise CannotRepair(f"{model.root} holds several sets of shards; leave one of them there")
    index = model.weights.index
    wanted = sets.pop() if sets else index.shards if index is not None and not index.escaping else ()
    if not wanted or not all(name.endswith(".safetensors") for name in wanted):
        pickled = any(each["suffix"] == "bin" for _, each in found)
        told = "its shards are pickles, which are not opened" if pickled else "no shards (N-of-M.safetensors)"
        raise CannotRepair(f"{model.root}: {told}")
    absent = [name for name in wanted if model.files.get(name) is None]
    if absent:
        raise CannotRepair(f"{absent[0]} is not there: an index cannot replace {len(absent)} absent shards")
    if SAFETENSORS in model.files.files and SAFETENSORS not in wanted:
        raise CannotRepair(f"{SAFETENSORS} lies beside the shards, and every loader prefers it to an index: W109")
    return wanted


def _index(model: ModelDescription, shards: tuple[str, ...]) -> dict[str, dict[str, object]]:
    weight_map: dict[str, object] = {}
    size = 0
    for name in shards:
        header = model.weights.header(name)
        if header is None:
            raise CannotRepair(f"{name} has no header that can be read; resolver check {model.root} says why")
        for tensor in header.tensors:
            if tensor in weight_map:
                raise CannotRepair(f"{tensor} lies in {weight_map[tensor]} and in {name}; which of them is meant?")
            weight_map[tensor] = name
        size += header.data_bytes
    return {"metadata": {"total_size": size}, "weight_map": weight_map}


def _kept(files: Listing, shards: tuple[str, ...]) -> tuple[list[str], tuple[str, ...]]:
    """What is copied: all but the old index; what leads out of the directory, or cannot be read, stays behind."""
    if not files.complete:
        raise CannotRepair(f"{files.root} holds more files than are looked at")
    kept: list[str] = []
    left: list[str] = []
    for name, facts in files.files.items():
        if "/" not in name and name.endswith(INDEXES):
            continue
        (left if facts.content == "unread" else kept).append(name)
    if missing := [name for name in shards if name not in kept]:
        raise CannotRepair(f"{missing[0]} cannot be read, or is a link that leads out of the directory")
    return kept, tuple(f"left out, for it cannot be read: {name}" for name in left)
