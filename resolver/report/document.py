"""The values of a run as one plain document, in the shape and order of JSON v1; `json_v1` proves the shape."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from resolver.finding import Finding, NotFound, Report, TrailStep
from resolver.host import Accelerator
from resolver.report import facts
from resolver.report.blocks import ListedModel, Machine, Told
from resolver.report.described import Document, description, identity
from resolver.report.document_access import access
from resolver.report.document_locks import lock, verification
from resolver.report.document_stage import staged
from resolver.report.escape import without_surrogates
from resolver.resolve import Resolution
from resolver.rules.rule import Rule
from resolver.secrets import mask
from resolver.version import VERSION

if TYPE_CHECKING:
    from resolver.duplicates import Duplicates
    from resolver.notebook.standing import Standing
    from resolver.notebook_fix import Made
    from resolver.notebook_preflight import NotebookReport
    from resolver.repair.place import Repair

HUGE_BITS: Final = 1_024


def envelope(told: Told) -> Document:
    """The whole document; every text in it can be written as UTF-8, every number as JSON."""
    blocks: Document = {
        "resolutions": _each(told.resolutions, resolution),
        "models": _each(told.models, listed),
        "duplicates": None if told.duplicates is None else duplicates(told.duplicates),
        "descriptions": _each(told.descriptions, lambda pair: description(*pair)),
        "rules": _each(told.rules, rule),
        "machine": None if told.machine is None else machine(told.machine),
        "repair": None if told.repair is None else repair(told.repair),
        "references": None if told.notebook is None else references(told.notebook),
        "fixed": None if told.fix is None else fixed(told.fix),
        "stage": None if told.stage is None else staged(told.stage),
        "lock": None if told.lock is None else lock(told.lock),
        "verifications": _each(None if told.verifications is None else filter(None, told.verifications), verification),
        "access": None if told.access is None else access(told.access),
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
        "versions_from": told.versions_from,
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


def duplicates(told: Sequence["Duplicates"]) -> Document:
    """The copies among the models of `list`, and what they cost together."""
    return {"groups": [_group(each) for each in told], "extra_bytes": sum(each.extra_bytes for each in told)}


def _group(told: "Duplicates") -> Document:
    return {
        "same": told.same,
        "size_bytes": told.size_bytes,
        "extra_bytes": told.extra_bytes,
        "copies": [
            {"reference": each.reference, "source": each.source, "path": str(each.path)} for each in told.copies
        ],
    }


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


def accelerator(told: Accelerator) -> Document:
    """One device."""
    capability = None if told.capability is None else list(told.capability)
    return {"name": told.name, "memory_bytes": told.memory_bytes, "capability": capability}


def repair(told: "Repair") -> Document:
    """What was made."""
    return {
        "kind": told.kind,
        "source": str(told.source),
        "target": str(told.target),
        "files": list(told.files),
        "size_bytes": told.size_bytes,
        "tensors": told.tensors,
        "notes": list(told.notes),
    }


def references(told: "NotebookReport") -> list[Document]:
    """Every reference of a notebook, and what it will meet."""
    return [_reference(each, told) for each in told.references]


def fixed(told: "Made") -> Document:
    """What `notebook --fix` wrote."""
    return {
        "path": str(told.code),
        "metadata": None if told.metadata is None else str(told.metadata),
        "backups": [str(each) for each in told.backups],
        "changes": list(told.changes),
        "todo": list(told.todo),
    }


def _reference(told: "Standing", notebook: "NotebookReport") -> Document:
    use = told.use
    model = notebook.models.get(use.text)
    return {
        "text": use.text,
        "role": use.role,
        "call": use.call,
        "place": {"line": use.origin.line, "cell": use.origin.cell, "pointer": None},
        "file": use.origin.file,
        "reach": use.reach,
        "resolved": use.resolved,
        "meets": told.state,
        "source": None if told.source is None else told.source.text,
        "mounts": list(told.will_be),
        "model": None if model is None else {"path": str(model.model.path), "verdict": model.verdict},
    }


def machine(told: Machine) -> Document:
    """What `doctor` knows."""
    host = told.host
    return {
        "python": told.python,
        "platform": told.platform,
        "accelerators": [accelerator(each) for each in host.accelerators],
        "memory_bytes": host.memory_bytes,
        "packages": dict(told.packages),
        "model_types": None if host.model_types is None else sorted(host.model_types),
        "offline_set": host.offline_set,
        "offline_masked": host.offline_masked,
        "unwritable": dict(host.unwritable),
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
