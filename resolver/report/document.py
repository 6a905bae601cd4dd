"""The values of a run as one plain document, in the shape and order of JSON v1; `json_v1` proves the shape."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from resolver.finding import Finding, Identity, NotFound, Report, TrailStep
from resolver.inspection.description import ModelDescription
from resolver.report import facts
from resolver.report.blocks import ListedModel, Machine, Told
from resolver.report.escape import mask, without_surrogates
from resolver.resolve import Resolution
from resolver.rules.rule import Rule
from resolver.version import VERSION

HUGE_BITS: Final = 1_024

Document = dict[str, Any]


def envelope(told: Told) -> Document:
    """The whole document; every text in it can be written as UTF-8, every number as JSON."""
    blocks: Document = {
        "resolutions": _each(told.resolutions, resolution),
        "models": _each(told.models, listed),
        "descriptions": _each(told.descriptions, lambda pair: description(*pair)),
        "rules": _each(told.rules, rule),
        "machine": None if told.machine is None else machine(told.machine),
    }
    document: Document = {
        "schema_version": 1,
        "tool": {"name": "offline-resolver", "version": VERSION},
        "reports": [report(each) for each in told.reports],
        **{name: block for name, block in blocks.items() if block is not None},
    }
    cleaned: Document = clean(document)
    return cleaned


def report(told: Report) -> Document:
    """One report."""
    return {
        "level": told.level,
        "purpose": told.purpose,
        "accelerator": told.accelerator,
        "judged_with": dict(told.judged_with),
        "model": identity(told.model),
        "adapter": None if told.adapter is None else identity(told.adapter),
        "verdict": told.verdict,
        "findings": [finding(each) for each in told.findings],
        "checks": {"run": list(told.run), "skipped": [{"code": s.code, "reason": s.reason} for s in told.skipped]},
        "trail": trail(told.trail),
        "not_found": None if told.not_found is None else not_found(told.not_found),
        "elapsed_ms": round(told.elapsed_ms, 3),
    }


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


def finding(told: Finding) -> Document:
    """One finding."""
    place = told.place
    return {
        "code": told.code,
        "name": told.name,
        "severity": told.severity,
        "message": told.message,
        "path": told.path,
        "place": None if place is None else {"line": place.line, "cell": place.cell, "pointer": place.pointer},
        "evidence": dict(told.evidence),
        "consequence": told.consequence,
        "fix": {"text": told.fix.text, "command": told.fix.command},
    }


def not_found(told: NotFound) -> Document:
    """Why there is no directory."""
    return {
        "message": told.message,
        "ambiguous": told.ambiguous,
        "evidence": list(told.evidence),
        "consequence": told.consequence,
        "fix": {"text": told.fix.text, "command": told.fix.command},
    }


def trail(steps: Iterable[TrailStep]) -> list[Document]:
    """Where was looked."""
    return [{"source": s.source, "where": s.where, "outcome": s.outcome, "reason": s.reason} for s in steps]


def resolution(told: Resolution) -> Document:
    """What `path` found."""
    return {**identity(told), "notes": list(told.notes), "trail": trail(told.trail)}


def listed(told: ListedModel) -> Document:
    """One row of `list`."""
    severities = [each.severity for each in told.report.findings]
    config = told.description.config
    return {
        **identity(told.report.model),
        "size_bytes": facts.size_bytes(told.description),
        "model_type": config.model_type,
        "architectures": list(config.architectures),
        "licence": facts.licence(told.description),
        "verdict": told.report.verdict,
        "errors": severities.count("error"),
        "warnings": severities.count("warning"),
        "infos": severities.count("info"),
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


def rule(told: Rule) -> Document:
    """A rule's page."""
    return {
        "code": told.code,
        "name": told.name,
        "severity": told.severity,
        "level": told.level,
        "title": told.title,
        "explanation": told.explanation,
        "consequence": told.consequence,
        "requires": list(told.requires),
    }


def machine(told: Machine) -> Document:
    """What `doctor` knows."""
    host = told.host
    return {
        "python": told.python,
        "platform": told.platform,
        "accelerators": [{"name": each.name, "memory_bytes": each.memory_bytes} for each in host.accelerators],
        "memory_bytes": host.memory_bytes,
        "packages": dict(told.packages),
        "offline_set": host.offline_set,
        "has_network": host.has_network,
        "on_kaggle": told.on_kaggle,
        "places": [{"name": each.name, "path": str(each.path), "present": each.present} for each in told.places],
        "variables": dict(told.variables),
        "secrets_set": list(told.secrets),
        "settings": None if told.settings is None else str(told.settings),
    }


def clean(value: Any) -> Any:
    """The value as JSON can carry it: no lone surrogates, no secrets, no number that is none or endless."""
    match value:
        case bool() | None:
            return value
        case int() | float():
            return _number(value)
        case Mapping():
            return {_text(str(key)): clean(each) for key, each in value.items()}
        case list() | tuple():
            return [clean(each) for each in value]
    return _text(str(value))


def _number(value: int | float) -> int | float | str:  # noqa: PYI041 - a whole number is looked at by its bits
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if value.bit_length() <= HUGE_BITS else f"about 2**{value.bit_length()}"


def _text(value: str) -> str:
    return without_surrogates(mask(value))


def _each(values: Iterable[Any] | None, door: Any) -> list[Document] | None:
    return None if values is None else [door(each) for each in values]
