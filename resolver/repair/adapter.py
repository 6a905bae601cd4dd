"""An adapter that peft loads, out of a bare state dict of LoRA tensors as a training script saves them.

Rank, modules and head are read from names and shapes; alpha is in no tensor and has to be given.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from resolver.inspection.adapter import CONFIG_FILE, SAFETENSORS_FILE
from resolver.inspection.description import ModelDescription
from resolver.inspection.lora import LIVE, LoraNames, base_module, names_of
from resolver.inspection.state_dict import StoredTensor
from resolver.repair.place import CannotRepair, Repair
from resolver.repair.tensors import read_tensors, write_safetensors
from resolver.rules.words import some
from resolver.writing import new_directory, write_new

TASKS: Final = ("SEQ_CLS", "CAUSAL_LM", "TOKEN_CLS", "SEQ_2_SEQ_LM", "FEATURE_EXTRACTION")
HEADS: Final = re.compile(r"^(score|classifier)(\.|$)")


def repair_adapter(
    source: Path, base: ModelDescription, named: str, target: Path, *, alpha: float, task: str | None = None
) -> Repair:
    """Write adapter_config.json and adapter_model.safetensors of a state dict.

    Args:
        source: what `torch.save` wrote, or a safetensors file of the same tensors.
        base: the model that it was trained on, as read.
        named: what adapter_config.json calls that model.
        target: the directory to make.
        alpha: lora_alpha of the training run.
        task: the task type; None for what the tensors say: SEQ_CLS with a head, else CAUSAL_LM.

    Raises:
        CannotRepair: no LoRA tensors, tensors that belong to nothing, or a base that they do not fit.
    """
    tensors = read_tensors(source)
    lora = names_of({name: each.shape for name, each in tensors.items()})
    if not lora.modules:
        raise CannotRepair(f"{source} holds no LoRA tensors (names with lora_A): {some(list(tensors))}")
    if lora.unpaired:
        raise CannotRepair(f"{source}: {some(list(lora.unpaired))}: lora_A without lora_B, or the reverse")
    shapes = _base_shapes(base)
    kept = _saved_names(source, tensors, shapes)
    settings = _settings(lora, kept, shapes, alpha=alpha, task=task, base=named)
    _refuse_misfit(source, lora, shapes, base)
    size = sum(each.storage_bytes for each in kept.values())
    with new_directory(target, size) as place:
        written = write_safetensors(source, kept, place / SAFETENSORS_FILE)
        text = json.dumps(settings, indent=2, sort_keys=True).encode() + b"\n"
        write_new(place / CONFIG_FILE, text)
    notes = _notes(settings, kept)
    return Repair("adapter", source, target, (CONFIG_FILE, SAFETENSORS_FILE), written + len(text), len(kept), notes)


def _base_shapes(base: ModelDescription) -> dict[str, tuple[int, ...]]:
    if not base.weights.tensors_known:
        raise CannotRepair(f"the tensors of the base {base.root} are not known; resolver check {base.root} says why")
    return {name: each.shape for name, each in base.weights.tensors.items()}


def _saved_names(
    source: Path, tensors: Mapping[str, StoredTensor], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, StoredTensor]:
    """The tensors that peft saves, under the names that it gives them: no adapter's name, no wrapper's."""
    kept: dict[str, StoredTensor] = {}
    strays = []
    wrapped = {LIVE.sub("", name) for name in tensors if ".modules_to_save." in name}
    for name, tensor in tensors.items():
        bare = name.removeprefix("base_model.model.")
        if ".lora_" in name or ".modules_to_save." in name:
            saved = LIVE.sub("", name)
            saved = saved if saved.startswith("base_model.model.") else f"base_model.model.{saved}"
            kept[saved.removesuffix(".weight") if saved.endswith("magnitude_vector.weight") else saved] = tensor
        elif ".original_module." in name or ".base_layer." in name or bare in shapes:
            continue  # the base's own, which was saved with it
        elif HEADS.match(bare) and name not in wrapped:
            kept[f"base_model.model.{bare}"] = tensor
        else:
            strays.append(name)
    if strays:
        raise CannotRepair(f"{source}: {some(strays)}: neither LoRA nor a head, and not in the base")
    return kept


def _settings(
    lora: LoraNames,
    kept: Mapping[str, StoredTensor],
    shapes: Mapping[str, tuple[int, ...]],
    *,
    alpha: float,
    task: str | None,
    base: str,
) -> dict[str, Any]:
    ranks = sorted({pair.rank for pair in lora.modules.values()})
    rank = max(ranks, key=[pair.rank for pair in lora.modules.values()].count)
    saved = sorted({name.split(".")[2] for name in kept if ".lora_" not in name and len(name.split(".")) > 3})  # noqa: PLR2004 - base_model.model.score.weight
    head = any(HEADS.match(name) for name in saved)
    return {
        "base_model_name_or_path": base,
        "bias": "none",
        "fan_in_fan_out": any(
            pair.is_reversed(shapes.get(f"{module}.weight")) for module, pair in lora.modules.items()
        ),
        "inference_mode": True,
        "lora_alpha": int(alpha) if float(alpha).is_integer() else alpha,
        "lora_dropout": 0.0,
        "modules_to_save": saved or None,
        "peft_type": "LORA",
        "r": rank,
        "rank_pattern": {module: pair.rank for module, pair in lora.modules.items() if pair.rank != rank},
        "target_modules": _targets(lora, shapes),
        "task_type": task or ("SEQ_CLS" if head else "CAUSAL_LM"),
        **({"use_dora": True} if lora.dora else {}),
    }


def _targets(lora: LoraNames, shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Short names where they mean exactly the modules that are adapted, else the modules' whole names."""
    short = {module.rpartition(".")[2] for module in lora.modules}
    meant = {
        name.removesuffix(".weight")
        for name, shape in shapes.items()
        if name.endswith(".weight") and len(shape) == 2 and name.removesuffix(".weight").rpartition(".")[2] in short  # noqa: PLR2004 - a matrix
    }
    adapted = {base_module(module, shapes) for module in lora.modules}
    return sorted(short) if meant == adapted else sorted(lora.modules)


def _refuse_misfit(
    source: Path, lora: LoraNames, shapes: Mapping[str, tuple[int, ...]], base: ModelDescription
) -> None:
    if base.config.quantization is not None:
        return  # packed shapes say nothing
    absent = [module for module in lora.modules if base_module(module, shapes) is None and ".experts" not in module]
    if absent:
        raise CannotRepair(f"{source}: the base {base.root} has no {some(absent)}")
    for module, pair in lora.modules.items():
        shape = shapes.get(f"{base_module(module, shapes)}.weight")
        if shape is not None and not pair.fits(shape):
            raise CannotRepair(
                f"{source}: {module} is laid over {pair.out_features} x {pair.in_features}, "
                f"the base {base.root} has {' x '.join(map(str, shape))}: another model"
            )


def _notes(settings: Mapping[str, Any], kept: Mapping[str, StoredTensor]) -> tuple[str, ...]:
    rows = [each.shape[0] for name, each in kept.items() if HEADS.match(name.removeprefix("base_model.model."))]
    head = (f"labels {rows[0]} (from the head)",) if rows else ("no head: none was saved",)
    return (
        f"r {settings['r']}, lora_alpha {settings['lora_alpha']} (as given), task {settings['task_type']}",
        f"target_modules {some(settings['target_modules'], 8)}",
        *head,
        f"base {settings['base_model_name_or_path']}",
    )
