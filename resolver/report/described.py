"""Which model, and what was read of it, as plain documents in the shape of JSON v1."""

from typing import Any

from resolver.finding import Identity
from resolver.inspection.description import ModelDescription
from resolver.report import facts
from resolver.resolve import Resolution

Document = dict[str, Any]


def identity(model: Identity | Resolution) -> Document:
    """Which model: what was asked, where it lies, how sure that is."""
    return {
        "reference": model.reference,
        "path": None if model.path is None else str(model.path),
        "source": model.source,
        "confidence": model.confidence,
        "evidence": list(model.evidence),
        "revision": model.revision,
        "kaggle_handle": model.kaggle_handle,
        "hub_id": model.hub_id,
    }


def description(model: Identity, told: ModelDescription) -> Document:
    """What `inspect` read."""
    return {
        **identity(model),
        "model_type": told.config.model_type,
        "architectures": list(told.config.architectures),
        "parameters": facts.parameters(told),
        "size_bytes": facts.size_bytes(told),
        "config": _config(told),
        "weights": _weights(told),
        "quantization": _quantization(told),
        "tokenizer": _tokenizer(told),
        "licence": _licence(told),
        "adapter": _adapter(told),
        "files": _files(told),
        "files_complete": told.files.complete,
        "faults": [
            {"file": f.file, "message": f.message, "line": f.line, "pointer": f.pointer} for f in facts.faults(told)
        ],
    }


def _config(told: ModelDescription) -> Document:
    config = told.config
    return {
        "present": config.present,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_hidden_layers,
        "vocab_size": config.vocab_size,
        "num_labels": config.num_labels,
        "max_position_embeddings": config.max_position_embeddings,
        "torch_dtype": config.torch_dtype,
        "transformers_version": config.transformers_version,
        "custom_code": dict(config.auto_map),
    }


def _weights(told: ModelDescription) -> Document:
    weights = told.weights
    return {
        "chosen": weights.chosen,
        "opened": list(weights.opened),
        "missing": list(weights.missing),
        "formats": {name: list(files) for name, files in weights.formats.items()},
        "tensors": len(weights.tensors),
        "tensors_known": weights.tensors_known,
        "bytes": weights.total_bytes,
        "dtypes": {name: {"elements": d.elements, "bytes": d.bytes} for name, d in facts.dtypes(told).items()},
    }


def _quantization(told: ModelDescription) -> Document | None:
    declared = told.config.quantization
    if declared is None:
        return None
    return {"method": declared.method, "bits": declared.bits, "file": declared.file, "pointer": declared.pointer}


def _tokenizer(told: ModelDescription) -> Document | None:
    tokenizer = told.tokenizer
    if tokenizer is None:
        return None
    return {
        "source": tokenizer.source,
        "files": list(tokenizer.files),
        "declared_class": tokenizer.declared_class,
        "model": tokenizer.model,
        "size": tokenizer.size,
        "model_max_length": tokenizer.model_max_length,
        "has_chat_template": tokenizer.has_chat_template,
        "specials": [{"role": s.role, "text": s.text, "id": s.id} for s in tokenizer.specials],
    }


def _licence(told: ModelDescription) -> Document | None:
    licence = told.licence
    if licence is None:
        return None
    return {
        "declared": list(licence.declared),
        "name": licence.declared_name,
        "link": licence.declared_link,
        "files": [{"name": f.name, "kind": f.kind, "heading": f.heading} for f in licence.files],
        "gated_fields": list(licence.gated_fields),
        "base_models": list(licence.base_models),
    }


def _adapter(told: ModelDescription) -> Document | None:
    adapter = told.adapter
    if adapter is None:
        return None
    return {
        "weights_file": adapter.weights_file,
        "base_model_name_or_path": adapter.base_model_name_or_path,
        "peft_type": adapter.peft_type,
        "task_type": adapter.task_type,
        "r": adapter.r,
        "lora_alpha": adapter.lora_alpha,
        "target_modules": list(adapter.target_modules),
        "modules_to_save": list(adapter.modules_to_save),
    }


def _files(told: ModelDescription) -> list[Document]:
    opened = told.opened()
    return [
        {
            "name": each.name,
            "size_bytes": each.size_bytes,
            "content": each.content,
            "link": None if each.link is None else each.link.target,
            "opened": each.name in opened,
        }
        for each in told.files.files.values()
    ]
