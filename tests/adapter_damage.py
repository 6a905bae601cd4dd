"""Damage to an adapter that lies beside its base: `Scene.root` is the adapter's directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from damage_tools import Harm, Scene, Touched, save, tensors_of
from model_factory import lfs_pointer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def _change(scene: Scene, **changes: object) -> Touched:
    return scene.write_json(CONFIG, {**scene.json(CONFIG), **changes})


def _rename(scene: Scene, new: Callable[[str], str | None]) -> Touched:
    file: Path = scene.root / WEIGHTS
    tensors = {new(name): told for name, told in tensors_of(file).items()}
    return save(file, {name: told for name, told in tensors.items() if name is not None}), scene.root.name


def drop_config(scene: Scene) -> Touched:
    (scene.root / CONFIG).unlink()
    return CONFIG, scene.root.name


def drop_weights(scene: Scene) -> Touched:
    (scene.root / WEIGHTS).unlink()
    return WEIGHTS, scene.root.name


def pointer_for_weights(scene: Scene) -> Touched:
    (scene.root / WEIGHTS).write_text(lfs_pointer())
    return WEIGHTS


def truncate_weights(scene: Scene) -> Touched:
    data = (scene.root / WEIGHTS).read_bytes()
    (scene.root / WEIGHTS).write_bytes(data[: scene.dice.randrange(len(data))])
    return WEIGHTS


def truncate_config(scene: Scene) -> Touched:
    text = (scene.root / CONFIG).read_text()
    (scene.root / CONFIG).write_text(text[: scene.dice.randrange(1, len(text) - 2)])
    return CONFIG


def other_rank(scene: Scene) -> Touched:
    return _change(scene, r=scene.json(CONFIG)["r"] * 2), WEIGHTS


def other_alpha(scene: Scene) -> Touched:
    """Legal, and wrong: the weights do not tell."""
    return _change(scene, lora_alpha=scene.json(CONFIG)["lora_alpha"] * 4)


def fewer_targets(scene: Scene) -> Touched:
    targets = sorted(scene.json(CONFIG)["target_modules"])
    return _change(scene, target_modules=targets[1:]), WEIGHTS


def targets_of_another_family(scene: Scene) -> Touched:
    return _change(scene, target_modules=["c_attn_of_another"]), WEIGHTS


def task_of_a_language_model(scene: Scene) -> Touched:
    return _change(scene, task_type="CAUSAL_LM")


def key_of_a_newer_peft(scene: Scene) -> Touched:
    return _change(scene, from_the_future={"a": 1})


def other_base_name(scene: Scene) -> Touched:
    """The base is given, so its name in the config does not matter."""
    return _change(scene, base_model_name_or_path="somebody/elses-model")


def without_head(scene: Scene) -> Touched:
    return _rename(scene, lambda name: None if name.split(".")[2] in {"score", "classifier"} else name)


def without_one_matrix(scene: Scene) -> Touched:
    lost = scene.dice.choice([name for name in tensors_of(scene.root / WEIGHTS) if "lora_" in name])
    return _rename(scene, lambda name: None if name == lost else name)


def wrong_prefix(scene: Scene) -> Touched:
    return _rename(scene, lambda name: name.replace("base_model.model.", "base_model.", 1))


def live_names(scene: Scene) -> Touched:
    """As `torch.save(model.state_dict())` names them: with the adapter's own name inside."""
    return _rename(
        scene, lambda name: name.replace(".lora_A.", ".lora_A.default.").replace(".lora_B.", ".lora_B.default.")
    )


def other_rows_in_one_matrix(scene: Scene) -> Touched:
    file = scene.root / WEIGHTS
    tensors = tensors_of(file)
    name = scene.dice.choice([each for each in tensors if "lora_A" in each])
    dtype, shape, data = tensors[name]
    half = (shape[0] // 2, *shape[1:])
    return save(file, {**tensors, name: (dtype, half, data[: len(data) // 2])}), CONFIG


ADAPTERS: dict[str, Harm] = {
    f"adapter.{harm.__name__.replace('_', '-')}": harm
    for harm in (
        drop_config, drop_weights, pointer_for_weights, truncate_weights, truncate_config, other_rank, other_alpha,
        fewer_targets, targets_of_another_family, task_of_a_language_model, key_of_a_newer_peft, other_base_name,
        without_head, without_one_matrix, wrong_prefix, live_names, other_rows_in_one_matrix,
    )
}  # fmt: skip
