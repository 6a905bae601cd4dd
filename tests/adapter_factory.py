"""Adapters that PEFT itself has made and saved, with nothing left at its beginning: every matrix has random numbers."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from tiny_classifier import load

from pipeline.model.load import quiet
from pipeline.training.adapt import lora_targets, modules_to_save
from pipeline.training.record import Base, Data, Metrics, TrainingRecord, headers_sha256, tokenizer_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RANK, ALPHA = 4, 8


def peft_adapter(base: Path, path: Path, *, settings: Mapping[str, Any] | None = None, dtype: str = "float32") -> Path:
    """An adapter over every linear layer of a tiny classifier, its head and pooler included.

    Args:
        base: a directory of `save_classifier`.
        path: the directory to make.
        settings: of `LoraConfig`, over these.
        dtype: of the adapter's own tensors.
    """
    import torch
    from peft import LoraConfig, TaskType, get_peft_model

    classifier = load(base, new_head=True)
    saved = modules_to_save(classifier.model)
    values: dict[str, Any] = {
        "task_type": TaskType.SEQ_CLS,
        "r": RANK,
        "lora_alpha": ALPHA,
        "target_modules": list(lora_targets(classifier.model)),
        "modules_to_save": list(saved),
        **(settings or {}),
    }
    with quiet():
        model = get_peft_model(classifier.model, LoraConfig(**values))
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name or ".modules_to_save." in name:
                noise = torch.randn(parameter.shape, generator=generator) * 0.1
                # A magnitude is a length: it stays positive.
                parameter.data = (parameter * (1 + noise) if "magnitude" in name else noise).to(getattr(torch, dtype))
    for config in model.peft_config.values():
        config.base_model_name_or_path = str(base)
    model.save_pretrained(path, save_embedding_layers=False)
    (path / "README.md").unlink(missing_ok=True)
    return path


def record_of(trained_over: Path, /, **more: Any) -> TrainingRecord:
    """The record of such an adapter."""
    values: dict[str, Any] = {
        "base": Base(
            reference=str(trained_over),
            hub_id=None,
            headers_sha256=headers_sha256(trained_over),
            tokenizer_sha256=tokenizer_sha256(trained_over),
        ),
        "data": Data(name="t.csv", contest="lmsys", battles=24, held_out=6, sha256="0" * 64),
        "template": "battle-v1",
        "max_length": 96,
        "labels": ("A", "B", "tie"),
        "seed": 0,
        "settings": {"rank": RANK, "alpha": ALPHA},
        "versions": {},
        "metrics": Metrics(log_loss=1.0, log_loss_prior=1.1, accuracy=0.5, training_log_loss=1.0, steps=8, seconds=1.0),
    }
    return TrainingRecord(**(values | more))


def write_record(adapter: Path, record: TrainingRecord) -> Path:
    (adapter / "training.json").write_text(record.model_dump_json(indent=2), encoding="utf-8")
    return adapter


def copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target
