"""Damage to what weights say: tensors lost, renamed, reshaped; shards and index that do not belong together; values."""

from __future__ import annotations

import math
import shutil
import struct
from typing import TYPE_CHECKING

from damage_tools import INDEX, Harm, Scene, Tensors, Touched, join, save, split, tensors_of

if TYPE_CHECKING:
    from pathlib import Path


def _pick(scene: Scene, wanted: str = "") -> tuple[Path, Tensors, str] | None:
    """A file, its tensors, and one whose name holds `wanted`."""
    files = scene.all_weights()
    scene.dice.shuffle(files)
    for file in files:
        tensors = tensors_of(file)
        names = [name for name in tensors if wanted in name]
        if names:
            return file, tensors, scene.dice.choice(names)
    return None


def drop_tensor(scene: Scene) -> Touched:
    """Lost from the file, still in the index."""
    for _ in range(20):
        file, tensors, name = _pick(scene) or (None, {}, "")
        if file is not None and len(tensors) > 1:
            del tensors[name]
            return save(file, tensors), INDEX, scene.root.name
    return None


def rename_tensor(scene: Scene) -> Touched:
    file, tensors, name = _pick(scene) or (None, {}, "")
    if file is None:
        return None
    at = scene.dice.randrange(len(name))
    changed = name[:at] + "x" + name[at + 1 :] if name[at] != "x" else name[:at] + "y" + name[at + 1 :]
    return save(file, {changed if each == name else each: told for each, told in tensors.items()}), INDEX


def prefix_all_names(scene: Scene) -> Touched:
    """As torch.compile and DistributedDataParallel leave them."""
    word = scene.dice.choice(("module.", "_orig_mod.", "student."))
    for file in scene.all_weights():
        save(file, {word + name: told for name, told in tensors_of(file).items()})
    return (*(file.name for file in scene.all_weights()), INDEX)


def transpose_shape(scene: Scene) -> Touched:
    for _ in range(20):
        file, tensors, name = _pick(scene) or (None, {}, "")
        if file is not None and len(set(tensors[name][1])) > 1:
            dtype, shape, data = tensors[name]
            return save(file, {**tensors, name: (dtype, shape[::-1], data)})
    return None


def shorten_tensor(scene: Scene) -> Touched:
    """One row less: a file that is whole and does not fit its config."""
    for _ in range(20):
        file, tensors, name = _pick(scene) or (None, {}, "")
        if file is not None and tensors[name][1][0] > 1:
            dtype, shape, data = tensors[name]
            row = len(data) // shape[0]
            return save(file, {**tensors, name: (dtype, (shape[0] - 1, *shape[1:]), data[:-row])})
    return None


def retype_tensor(scene: Scene) -> Touched:
    """The same bytes under another dtype of that width."""
    file, tensors, name = _pick(scene) or (None, {}, "")
    if file is None:
        return None
    _, shape, data = tensors[name]
    return save(file, {**tensors, name: ("I32", shape, data)})


def unknown_dtype(scene: Scene) -> Touched:
    file = scene.weights()
    header, payload = split(file.read_bytes())
    header[scene.dice.choice([name for name in header if name != "__metadata__"])]["dtype"] = "F31"
    file.write_bytes(join(header, payload))
    return file.name


def halve_precision(scene: Scene) -> Touched:
    """One tensor in float16: other numbers, and legal."""
    file, tensors, name = _pick(scene) or (None, {}, "")
    if file is None:
        return None
    _, shape, data = tensors[name]
    count = math.prod(shape)
    half = struct.pack(f"<{count}e", *struct.unpack(f"<{count}f", data))
    return save(file, {**tensors, name: ("F16", shape, half)})


def add_tensor(scene: Scene) -> Touched:
    file = scene.weights()
    return save(file, {**tensors_of(file), "somebody.elses.weight": ("F32", (4, 4), bytes(64))})


def swap_tensors(scene: Scene) -> Touched:
    """Two tensors of one shape change places: every header is right."""
    file = scene.weights()
    tensors = tensors_of(file)
    pairs = [(a, b) for a in tensors for b in tensors if a < b and tensors[a][:2] == tensors[b][:2]]
    if not pairs:
        return None
    one, other = scene.dice.choice(pairs)
    return save(file, {**tensors, one: tensors[other], other: tensors[one]})


def flip_payload(scene: Scene) -> Touched:
    """One high bit of one number."""
    file, tensors, name = _pick(scene, ".weight") or (None, {}, "")
    if file is None:
        return None
    dtype, shape, data = tensors[name]
    changed = bytearray(data)
    changed[scene.dice.randrange(len(data) // 4) * 4 + 3] ^= 0x40
    return save(file, {**tensors, name: (dtype, shape, bytes(changed))})


def zero_tensor(scene: Scene) -> Touched:
    file, tensors, name = _pick(scene, ".weight") or (None, {}, "")
    if file is None:
        return None
    dtype, shape, data = tensors[name]
    return save(file, {**tensors, name: (dtype, shape, bytes(len(data)))})


def not_a_number(scene: Scene) -> Touched:
    file, tensors, name = _pick(scene, ".weight") or (None, {}, "")
    if file is None:
        return None
    dtype, shape, data = tensors[name]
    at = scene.dice.randrange(len(data) // 4) * 4
    bad = struct.pack("<f", scene.dice.choice((math.nan, math.inf, -math.inf)))
    return save(file, {**tensors, name: (dtype, shape, data[:at] + bad + data[at + 4 :])})


def drop_weights(scene: Scene) -> Touched:
    file = scene.weights()
    file.unlink()
    return file.name, INDEX, scene.root.name


def drop_index(scene: Scene) -> Touched:
    if not scene.shards():
        return None
    (scene.root / INDEX).unlink()
    return INDEX, *(file.name for file in scene.shards()), scene.root.name


def swap_shards(scene: Scene) -> Touched:
    """Two files take each other's names; the library reads tensors by name, others go by the index."""
    if not scene.shards():
        return None
    one, other = scene.dice.sample(scene.shards(), 2)
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    return one.name, other.name, INDEX


def copy_shard_over_another(scene: Scene) -> Touched:
    if not scene.shards():
        return None
    one, other = scene.dice.sample(scene.shards(), 2)
    one.write_bytes(other.read_bytes())
    return one.name, other.name, INDEX


def weights_of_another_size(scene: Scene) -> Touched:
    """All weights of the same family at another size, with its index if it has one."""
    if not scene.others:
        return None
    for file in (*scene.all_weights(), scene.root / INDEX):
        file.unlink(missing_ok=True)
    names = [file.name for file in sorted(scene.others[0].glob("model*.safetensors*"))]
    for name in names:
        shutil.copyfile(scene.others[0] / name, scene.root / name)
    return (*names, "config.json")


def move_index_entry(scene: Scene) -> Touched:
    if not scene.shards():
        return None
    index = scene.json(INDEX)
    name = scene.dice.choice(list(index["weight_map"]))
    others = [file.name for file in scene.shards() if file.name != index["weight_map"][name]]
    index["weight_map"][name] = scene.dice.choice(others)
    return scene.write_json(INDEX, index), *(file.name for file in scene.shards())


def drop_index_entry(scene: Scene) -> Touched:
    if not scene.shards():
        return None
    index = scene.json(INDEX)
    del index["weight_map"][scene.dice.choice(list(index["weight_map"]))]
    return scene.write_json(INDEX, index), *(file.name for file in scene.shards())


def index_entry_of_nothing(scene: Scene) -> Touched:
    if not scene.shards():
        return None
    index = scene.json(INDEX)
    index["weight_map"]["model.layers.9.nothing.weight"] = scene.weights().name
    return scene.write_json(INDEX, index), *(file.name for file in scene.shards())


def index_entry_to_absent_shard(scene: Scene) -> Touched:
    if not scene.shards():
        return None
    index = scene.json(INDEX)
    index["weight_map"][scene.dice.choice(list(index["weight_map"]))] = "model-00009-of-00009.safetensors"
    return scene.write_json(INDEX, index), "model-00009-of-00009.safetensors"


def index_without_metadata(scene: Scene) -> Touched:
    if not scene.shards():
        return None
    index = scene.json(INDEX)
    del index[scene.dice.choice(("metadata", "weight_map"))]
    return scene.write_json(INDEX, index)


def total_size_of_another(scene: Scene) -> Touched:
    if not scene.shards():
        return None
    index = scene.json(INDEX)
    index["metadata"]["total_size"] += scene.dice.randrange(1, 10_000)
    return scene.write_json(INDEX, index)


def stale_single_file(scene: Scene) -> Touched:
    """An older, partial model.safetensors beside a whole set of shards: the single file wins."""
    if not scene.shards():
        return None
    shutil.copyfile(scene.shards()[0], scene.root / "model.safetensors")
    return "model.safetensors", INDEX


def stale_shards(scene: Scene) -> Touched:
    """Two shards and their index of something else beside a whole model.safetensors, which wins: harmless."""
    if scene.shards():
        return None
    tensors = tensors_of(scene.root / "model.safetensors")
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    half = list(tensors)[: len(tensors) // 2]
    save(scene.root / names[0], {name: tensors[name] for name in half})
    save(scene.root / names[1], {name: told for name, told in tensors.items() if name not in half})
    weight_map = {name: names[0] if name in half else names[1] for name in tensors}
    scene.write_json(INDEX, {"metadata": {"total_size": 1}, "weight_map": weight_map})
    return "model.safetensors", INDEX


def drop_head(scene: Scene) -> Touched:
    """The head that this model is for: score, classifier or an untied lm_head."""
    for file in scene.all_weights():
        tensors = tensors_of(file)
        lost = [name for name in tensors if name.split(".")[0] in {"score", "classifier", "lm_head"}]
        if lost and len(lost) < len(tensors):
            return (
                save(file, {name: told for name, told in tensors.items() if name not in lost}),
                INDEX,
                scene.root.name,
            )
    return None


def store_head_beside_tie(scene: Scene) -> Touched:
    """A lm_head that differs from the embeddings it is said to be tied to."""
    if not scene.json("config.json").get("tie_word_embeddings", True):
        return None
    file, tensors, name = _pick(scene, "embed_tokens.weight") or (None, {}, "")
    if file is None:
        return None
    dtype, shape, data = tensors[name]
    row = len(data) // shape[0]
    return save(file, {**tensors, "lm_head.weight": (dtype, shape, data[row:] + data[:row])}), "config.json", INDEX


WEIGHTS: tuple[Harm, ...] = (
    drop_tensor, rename_tensor, prefix_all_names, transpose_shape, shorten_tensor, retype_tensor, unknown_dtype,
    halve_precision, add_tensor, swap_tensors, flip_payload, zero_tensor, not_a_number, drop_weights, drop_index,
    swap_shards, copy_shard_over_another, weights_of_another_size, move_index_entry, drop_index_entry,
    index_entry_of_nothing, index_entry_to_absent_shard, index_without_metadata, total_size_of_another,
    stale_single_file, stale_shards, drop_head, store_head_beside_tie,
)  # fmt: skip
