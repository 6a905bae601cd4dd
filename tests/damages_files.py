"""Damage to the directory: links, leftovers, names, strangers beside the model."""

from __future__ import annotations

import os
import shutil

from damage_tools import INDEX, Harm, Scene, Touched
from hostile import call


def link_to_nothing(scene: Scene) -> Touched:
    file = scene.weights()
    file.unlink()
    file.symlink_to(scene.root.parent / "gone" / file.name)
    return file.name


def link_out_of_the_directory(scene: Scene) -> Touched:
    """It loads; only the copy that is uploaded without it does not."""
    file = scene.weights()
    outside = scene.root.parent / f"outside-{scene.root.name}.safetensors"
    shutil.move(file, outside)
    file.symlink_to(outside)
    return file.name


def link_to_itself(scene: Scene) -> Touched:
    file = scene.weights()
    file.unlink()
    file.symlink_to(file.name)
    return file.name


def index_leaves_the_directory(scene: Scene) -> Touched:
    if not scene.shards():
        return None
    index = scene.json(INDEX)
    file = scene.shards()[0]
    outside = scene.root.parent / f"outside-{scene.root.name}.safetensors"
    shutil.move(file, outside)
    index["weight_map"] = {
        name: f"../{outside.name}" if shard == file.name else shard for name, shard in index["weight_map"].items()
    }
    return scene.write_json(INDEX, index), f"../{outside.name}", file.name


def unfinished_download(scene: Scene) -> Touched:
    """A marker where the file itself is absent."""
    file = scene.weights()
    file.rename(file.with_name(f"{file.name}.incomplete"))
    return f"{file.name}.incomplete", file.name, INDEX, scene.root.name


def leftover_of_a_download(scene: Scene) -> Touched:
    """A marker beside whole files: harmless."""
    (scene.root / "model.safetensors.aria2").write_bytes(b"\0" * 64)
    return "model.safetensors.aria2"


def hostile_leftover(scene: Scene) -> Touched:
    """A pickle that no loader opens."""
    (scene.root / "training_args.bin").write_bytes(call("os.system"))
    return "training_args.bin"


def hostile_weights_beside(scene: Scene) -> Touched:
    """A pickle that a loader of safetensors does not open."""
    (scene.root / "pytorch_model.bin").write_bytes(call("os.system"))
    return "pytorch_model.bin", scene.root.name


def hostile_weights_instead(scene: Scene) -> Touched:
    for file in (*scene.all_weights(), scene.root / INDEX):
        file.unlink(missing_ok=True)
    (scene.root / "pytorch_model.bin").write_bytes(call("os.system"))
    return "pytorch_model.bin", scene.root.name


def rename_weights(scene: Scene) -> Touched:
    file = scene.weights()
    new = file.with_name(
        scene.dice.choice(("weights.safetensors", file.name.upper(), f"{file.name}.1", f"{file.name} "))
    )
    file.rename(new)
    return new.name, file.name, INDEX, scene.root.name


def directory_for_weights(scene: Scene) -> Touched:
    file = scene.weights()
    file.unlink()
    file.mkdir()
    return file.name, scene.root.name


def pipe_for_weights(scene: Scene) -> Touched:
    """A named pipe: whoever opens it to read waits for ever."""
    file = scene.weights()
    file.unlink()
    os.mkfifo(file)
    return file.name


def one_level_down(scene: Scene) -> Touched:
    inner = scene.root / "model"
    inner.mkdir()
    for file in [each for each in scene.root.iterdir() if each != inner]:
        file.rename(inner / file.name)
    return inner.name, scene.root.name


def adapter_config_beside(scene: Scene) -> Touched:
    """An adapter's config and nothing else of it: transformers takes the directory for an adapter."""
    told = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"], "task_type": "CAUSAL_LM"}
    told["base_model_name_or_path"] = "somebody/elses-model"
    return scene.write_json("adapter_config.json", told), scene.root.name


def holes_for_weights(scene: Scene) -> Touched:
    """As long as it should be, the payload never written: zeros."""
    file = scene.weights()
    data = file.read_bytes()
    begins = 8 + int.from_bytes(data[:8], "little")
    file.write_bytes(data[:begins])
    os.truncate(file, len(data))
    return file.name


FILES: tuple[Harm, ...] = (
    link_to_nothing, link_out_of_the_directory, link_to_itself, index_leaves_the_directory, unfinished_download,
    leftover_of_a_download, hostile_leftover, hostile_weights_beside, hostile_weights_instead, rename_weights,
    directory_for_weights, pipe_for_weights, one_level_down, adapter_config_beside, holes_for_weights,
)  # fmt: skip
