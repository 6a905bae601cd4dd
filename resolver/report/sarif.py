"""SARIF 2.1.0: what code scanning reads. One run for all models; the rules' own texts are its help.

Source of the structure: OASIS, Static Analysis Results Interchange Format 2.1.0 (sections 3.13 to 3.58).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from resolver.finding import Finding, Report, Severity
from resolver.report.blocks import Told
from resolver.report.document import clean
from resolver.report.escape import escape
from resolver.rules.rule import Rule
from resolver.rules.rulebook import RULES
from resolver.version import VERSION

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "info": "note"}
NOT_FOUND: Final = "model-not-found"
Document = dict[str, Any]


def render(told: Told) -> str:
    """The log, ASCII only."""
    rules = sorted((rule for rule in RULES if not rule.code.startswith("P")), key=lambda rule: rule.code)
    index = {rule.code: place for place, rule in enumerate(rules)}
    results = [
        result for number, report in enumerate(told.reports) for result in _results(report, f"MODEL{number}", index)
    ]
    if any(report.not_found is not None for report in told.reports):
        descriptors = [*map(_descriptor, rules), _not_found_descriptor()]
    else:
        descriptors = [_descriptor(rule) for rule in rules]
    run: Document = {
        "tool": {"driver": {"name": "offline-resolver", "version": VERSION, "rules": descriptors}},
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": {
            f"MODEL{number}": {"uri": f"{_uri(report.model.path)}/"}
            for number, report in enumerate(told.reports)
            if report.model.path is not None
        },
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [note for report in told.reports for note in _notes(report)],
            }
        ],
        "results": results,
    }
    return json.dumps(clean({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}), indent=2, ensure_ascii=True) + "\n"


def _descriptor(rule: Rule) -> Document:
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": f"{rule.title}. Otherwise {rule.consequence}."},
        "help": {"text": rule.explanation, "markdown": f"# {rule.code} {rule.name}\n\n{rule.explanation}\n"},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": ["model", f"family-{rule.code[0]}"], "level": rule.level},
    }


def _not_found_descriptor() -> Document:
    text = "No directory on this machine answers to the reference."
    return {"id": NOT_FOUND, "shortDescription": {"text": text}, "defaultConfiguration": {"level": "error"}}


def _results(report: Report, base: str, index: dict[str, int]) -> Iterator[Document]:
    if report.not_found is not None:
        lost = report.not_found
        text = "\n".join(
            filter(None, (lost.message, *lost.evidence, lost.consequence, lost.fix.text, lost.fix.command))
        )
        yield {
            "ruleId": NOT_FOUND,
            "ruleIndex": len(index),
            "level": "error",
            "message": {"text": _shown(text)},
            "partialFingerprints": {"resolver/v1": _fingerprint(NOT_FOUND, report.model.reference)},
        }
    for finding in report.findings:
        same = _fingerprint(finding.code, report.model.reference, _within(finding, report))
        yield {
            "ruleId": finding.code,
            "ruleIndex": index[finding.code],
            "level": LEVELS[finding.severity],
            "message": {"text": _shown(_said(finding))},
            "locations": list(_locations(finding, report, base)),
            "partialFingerprints": {"resolver/v1": same},
            "properties": {
                "model": report.model.reference,
                "evidence": dict(finding.evidence),
                "consequence": finding.consequence,
                "fix": {"text": finding.fix.text, "command": finding.fix.command},
            },
        }  # fmt: skip


def _said(finding: Finding) -> str:
    fix = f"Fix: {finding.fix.text}" if finding.fix.text else ""
    return "\n".join(filter(None, (finding.message, finding.consequence, fix, finding.fix.command)))


def _shown(text: str) -> str:
    """Lines kept, everything else that does not print written as an escape."""
    return "\n".join(map(escape, text.splitlines()))


def _locations(finding: Finding, report: Report, base: str) -> Iterator[Document]:
    path = finding.path or (None if report.model.path is None else str(report.model.path))
    if path is None:
        return
    inside = _within(finding, report)
    where: Document = {"uri": inside or ".", "uriBaseId": base} if inside is not None else {"uri": _uri(Path(path))}
    physical: Document = {"artifactLocation": where}
    location: Document = {"physicalLocation": physical}
    place = finding.place
    if place is not None and place.line is not None and not path.endswith(".ipynb"):
        physical["region"] = {"startLine": place.line}
    elif place is not None and place.cell is not None:  # a line of a cell is no line of the file
        location["logicalLocations"] = [{"fullyQualifiedName": f"cell {place.cell}, line {place.line}"}]
    if place is not None and place.pointer:
        location["logicalLocations"] = [{"fullyQualifiedName": place.pointer, "kind": "member"}]
    yield location


def _within(finding: Finding, report: Report) -> str | None:
    """The finding's file relative to its model, as a URI; None for a file that lies elsewhere."""
    root = report.model.path
    if root is None or finding.path is None:
        return None if root is None else ""
    path = Path(finding.path)
    return (
        _quoted(path.relative_to(root)) if path.is_relative_to(root) and path != root else None if path != root else ""
    )


def _uri(path: Path) -> str:
    return f"file://{_quoted(path)}" if path.is_absolute() else _quoted(path)


def _quoted(path: Path) -> str:
    return quote(str(path).encode("utf-8", "surrogateescape"), safe="/")


def _fingerprint(*parts: str | None) -> str:
    import hashlib  # noqa: PLC0415 - only this format needs it

    return hashlib.sha256("\0".join(part or "" for part in parts).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _notes(report: Report) -> Iterator[Document]:
    """What could not be judged: unknown is never a pass."""
    for skipped in report.skipped:
        if not skipped.moot:
            text = f"{report.model.reference}: {skipped.code} was not judged: {skipped.reason}"
            yield {"level": "note", "message": {"text": escape(text)}, "associatedRule": {"id": skipped.code}}
