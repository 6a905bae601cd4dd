"""Reports as people read them: five parts a finding, the trail of what was not found, a summary for each model.

What it does not know: which stream it goes to, and whether that is a terminal; `colour` says so.
"""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Fix, NotFound, Report, TrailStep
from resolver.report.escape import escape
from resolver.report.lines import Line, Part, coloured, line, plain
from resolver.report.summary import summary_lines

ORDER: Final = {"error": 0, "warning": 1, "info": 2}
DEEP: Final = " " * 6


def render(reports: tuple[Report, ...], *, colour: bool = False, places: tuple[str, ...] = ()) -> str:
    """All reports, one after the other: errors, warnings, infos, then what the model came to.

    Args:
        reports: what was judged, in the order in which it was asked.
        colour: write the terminal's colours.
        places: where each reference was written, e.g. "command line, argument 1"; may be shorter than `reports`.
    """
    lines: list[Line] = []
    for index, report in enumerate(reports):
        if lines:
            lines.append(())
        lines += _report(report, places[index] if index < len(places) else None)
    return coloured(lines) if colour else plain(lines)


def render_findings(findings: tuple[Finding, ...], *, colour: bool = False) -> str:
    """Findings alone, the gravest first, without a model's summary."""
    lines: list[Line] = []
    for finding in sorted(findings, key=lambda each: ORDER[each.severity]):
        lines += finding_lines(finding)
    return coloured(lines) if colour else plain(lines)


def render_not_found(
    diagnosis: NotFound, trail: tuple[TrailStep, ...], *, colour: bool = False, place: str | None = None
) -> str:
    """Why there is no directory, where was looked, and what to do."""
    lines = list(_not_found(diagnosis, trail, place))
    return coloured(lines) if colour else plain(lines)


def _report(report: Report, place: str | None) -> Iterator[Line]:
    if report.not_found is not None:
        yield from _not_found(report.not_found, report.trail, place)
    for finding in sorted(report.findings, key=lambda each: ORDER[each.severity]):
        if finding.severity != "info":
            yield from finding_lines(finding)
            yield ()
    yield from info_lines(report.findings)
    if report.verdict != "not-found":
        yield from summary_lines(report)


def info_lines(findings: tuple[Finding, ...]) -> Iterator[Line]:
    """What is worth knowing, in a line or two each: a sound model's report stays short. JSON holds all of it."""
    infos = [finding for finding in findings if finding.severity == "info"]
    for finding in infos:
        yield _head(finding)
        yield from fix_lines(finding.fix)
    if infos:
        yield ()


def _head(finding: Finding) -> Line:
    head = Part(f"{finding.severity}[{finding.code}]", finding.severity)
    return line(head, f" {finding.name}: ", Part(escape(finding.message), "label"))


def finding_lines(finding: Finding) -> Iterator[Line]:
    """One finding: what is wrong, where, evidence, consequence, fix."""
    yield _head(finding)
    if finding.path is not None or finding.place is not None:
        yield line(Part(" --> ", "quiet"), _place(finding))
    if finding.evidence:
        from resolver.report.evidence import evidence_in_words  # noqa: PLC0415 - a sound model has none

        if told := evidence_in_words(finding.evidence):
            yield labelled("evidence", told)
    if finding.consequence:
        yield labelled("consequence", escape(finding.consequence))
    yield from fix_lines(finding.fix)


def _place(finding: Finding) -> str:
    path = escape(finding.path or "")
    place = finding.place
    if place is None:
        return path
    cell = "" if place.cell is None else f" cell {place.cell}"
    row = "" if place.line is None else f":{place.line}"
    pointer = f" at {escape(place.pointer)}" if place.pointer and place.line is None else ""
    return f"{path}{cell}{row}{pointer}"


def fix_lines(fix: Fix) -> Iterator[Line]:
    """What to do, and the commands to paste, one a line."""
    if fix.text:
        yield labelled("fix", escape(fix.text))
    elif fix.command:
        yield labelled("fix", "")
    for command in (fix.command or "").splitlines():
        yield line(DEEP, Part(escape(command), "command"))


def _not_found(diagnosis: NotFound, trail: tuple[TrailStep, ...], place: str | None) -> Iterator[Line]:
    yield line(Part("error", "error"), ": ", Part(escape(diagnosis.message), "label"))
    if place is not None:
        yield line(Part(" --> ", "quiet"), place)
    if diagnosis.evidence or trail:
        yield labelled("evidence", "; ".join(escape(each) for each in diagnosis.evidence) or "places that were asked")
    yield from trail_lines(trail)
    if diagnosis.consequence:
        yield labelled("consequence", escape(diagnosis.consequence))
    yield from fix_lines(diagnosis.fix)


def trail_lines(trail: tuple[TrailStep, ...]) -> Iterator[Line]:
    """Where was looked: one row a place, the source named once."""
    width = max((len(step.source) for step in trail), default=0) + 3
    before = None
    for step in trail:
        source = "" if step.source == before else step.source
        yield line(DEEP, Part(escape(source).ljust(width), "label"), _step(step))
        before = step.source


def _step(step: TrailStep) -> str:
    where, reason = escape(step.where), escape(step.reason)
    if step.outcome == "near":
        return f"near: {where} {reason}".rstrip()
    if not where or not reason:
        return where or reason or step.outcome
    return f"{where} is {reason}" if reason.startswith("absent") else f"{where}: {reason}"


def labelled(label: str, text: str) -> Line:
    """One of the five parts of a message."""
    return line(Part(f"  = {label}:", "label"), f" {text}" if text else "")
