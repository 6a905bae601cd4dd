"""What a model came to: the verdict, how sure the match is, the counts, and what was not judged."""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Identity, Report
from resolver.host import HERE
from resolver.report.escape import escape
from resolver.report.lines import Line, Part, Style, line

TOLD_VERSIONS: Final = ("transformers", "torch", "safetensors", "tokenizers", "peft")


def summary_lines(report: Report) -> Iterator[Line]:
    """Two to five lines: verdict and path, counts and versions, what was passed over or skipped."""
    style: Style = "good" if report.verdict == "usable" else "error"
    yield line(Part(report.verdict, style), ": ", Part(_named(report.model), "label"), _match(report.model))
    if report.adapter is not None:
        yield line("  with adapter ", Part(_named(report.adapter), "label"), _match(report.adapter))
    yield line(f"  {counts(report)}; {_judged(report)}")
    for step in report.trail:
        if step.outcome == "rejected" and step.where != str(report.model.path):
            yield line(f"  passed over: {escape(step.where)} ({escape(step.reason)})")
    if told := _skipped(report):
        yield line(Part(f"  not judged: {told}", "quiet"))


def one_line(report: Report) -> str:
    """The verdict, the model and the counts alone, for a stream that does not carry the report."""
    path = report.model.path
    where = "" if path is None or str(path) == report.model.reference else f" {escape(path)}"
    return f"{report.verdict}: {escape(report.model.reference)}{where} ({counts(report)})"


def counts(report: Report) -> str:
    """The number of findings by severity."""
    found = dict.fromkeys(("error", "warning", "info"), 0)
    for finding in report.findings:
        found[finding.severity] += 1
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in found.items())


def _named(model: Identity) -> str:
    return escape(model.reference)


def _match(model: Identity) -> str:
    known = ", ".join(each for each in (model.confidence, model.source) if each)
    path = "" if model.path is None or str(model.path) == model.reference else f" {escape(model.path)}"
    return f"{f' ({escape(known)})' if known else ''}{path}"


def _judged(report: Report) -> str:
    """What was judged, with which versions, in how long; a rejection was judged for its bytes alone."""
    if not report.run:
        return "judged only for what makes the bytes unusable anywhere"
    versions = [f"{name} {escape(report.judged_with[name])}" for name in TOLD_VERSIONS if name in report.judged_with]
    whose = "" if report.versions_from == HERE else f" of {escape(report.versions_from)}"
    told = (
        f"judged with {', '.join(versions)}{whose}"
        if versions
        else "judged without transformers, which is not installed"
    )
    rules = f"{len(report.run)} rules at level {report.level} to {report.purpose} on {escape(report.accelerator)}"
    return f"{rules}; {told}; {report.elapsed_ms:.0f} ms"


def _skipped(report: Report) -> str:
    reasons: dict[str, list[str]] = {}
    for each in report.skipped:
        if each.moot:
            continue
        reasons.setdefault(each.reason, []).append(each.code)
    return "; ".join(f"{' '.join(codes)} ({escape(reason)})" for reason, codes in reasons.items())
