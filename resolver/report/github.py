"""Annotations of GitHub Actions: one workflow command a finding, then a line a model that people read in the log.

Source of the grammar: `::name key=value,key=value::text`, with %, CR and LF escaped everywhere and ":" and "," in the
values (actions/toolkit, packages/core/src/command.ts).
"""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Report, Severity
from resolver.report.blocks import Told
from resolver.report.escape import escape
from resolver.report.summary import one_line

COMMANDS: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "info": "notice"}


def render(told: Told) -> str:
    """All annotations, the gravest of a model first."""
    said = [one_line(report) for report in told.reports]
    if told.verifications is not None:
        from resolver.report.verification import verification_line  # noqa: PLC0415 - of one command

        said = [verification_line(*each) for each in zip(told.reports, told.verifications, strict=True)]
    pairs = zip(told.reports, said, strict=True)
    return "".join(f"{line}\n" for report, last in pairs for line in (*_annotations(report), last))


def _annotations(report: Report) -> Iterator[str]:
    if report.not_found is not None:
        lost = report.not_found
        text = (lost.message, *lost.evidence, lost.consequence, lost.fix.text, lost.fix.command)
        yield _command("error", {"title": "model-not-found"}, text)
    for finding in report.findings:
        fix = f"fix: {finding.fix.text}" if finding.fix.text else None
        text = (finding.message, finding.consequence, fix, finding.fix.command)
        yield _command(COMMANDS[finding.severity], _place(finding), text)


def _place(finding: Finding) -> dict[str, str]:
    place = {"file": finding.path} if finding.path is not None else {}
    if finding.path is None or finding.place is None or finding.place.line is None:
        return {**place, "title": f"{finding.code} {finding.name}"}
    if finding.path.endswith(".ipynb"):  # a line of a cell is no line of the file
        cell = "" if finding.place.cell is None else f" in cell {finding.place.cell}, line {finding.place.line}"
        return {**place, "title": f"{finding.code} {finding.name}{cell}"}
    place["line"] = str(finding.place.line)
    return {**place, "title": f"{finding.code} {finding.name}"}


def _command(name: str, properties: dict[str, str], lines: tuple[str | None, ...]) -> str:
    values = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {values}::{_data(lines)}"


def _data(lines: tuple[str | None, ...]) -> str:
    return "%0A".join(escape(line).replace("%", "%25") for line in lines if line)


def _property(value: str) -> str:
    return escape(value).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
