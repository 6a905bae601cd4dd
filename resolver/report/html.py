"""One self-contained page: what people attach to a ticket. No script, nothing from a network, everything escaped."""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape as marked_up
from typing import Final

from resolver.finding import Finding, Fix, NotFound, Report, TrailStep
from resolver.report.blocks import Told
from resolver.report.escape import escape
from resolver.report.evidence import evidence_in_words
from resolver.report.page_style import STYLE
from resolver.report.summary import counts
from resolver.version import VERSION

HEAD: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; \
form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
"""


def render(told: Told) -> str:
    """The page; ASCII, so that no reader has to guess its encoding."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    names = ", ".join(f"{report.model.reference}: {report.verdict}" for report in told.reports)
    parts = [
        HEAD.format(digest=digest, title=_text(names or "resolver"), style=STYLE),
        f"<header><h1>Model report</h1><p>offline-resolver {_text(VERSION)}</p></header>\n<main>\n",
        *(part for report in told.reports for part in _report(report)),
        "</main>\n</body>\n</html>\n",
    ]
    return "".join(parts).encode("ascii", "xmlcharrefreplace").decode("ascii")


def _text(text: object) -> str:
    """Text of anybody's, harmless and without mark-up."""
    return marked_up(escape(text))


def _report(report: Report) -> Iterator[str]:
    yield f"<article>\n<h2>{_text(report.model.reference)}</h2>\n"
    if report.model.path is not None and str(report.model.path) != report.model.reference:
        yield f'<p class="path code">{_text(report.model.path)}</p>\n'
    yield f'<p class="verdict {report.verdict}"><strong>{_text(report.verdict)}</strong>'
    yield f"<span>to {_text(report.purpose)} on {_text(report.accelerator)}</span>"
    yield f"<span>{_text(counts(report))}</span></p>\n"
    yield from _facts(report)
    if report.not_found is not None:
        yield from _not_found(report.not_found)
    grave = [finding for finding in report.findings if finding.severity != "info"]
    for finding in sorted(grave, key=lambda each: each.severity):
        yield from _finding(finding)
    yield from _infos(finding for finding in report.findings if finding.severity == "info")
    yield from _unknown(report)
    yield from _trail(report.trail)
    yield "</article>\n"


def _facts(report: Report) -> Iterator[str]:
    model, adapter = report.model, report.adapter
    versions = ", ".join(f"{name} {version}" for name, version in report.judged_with.items())
    pairs = (
        ("Found by", ", ".join(filter(None, (model.confidence, model.source)))),
        ("Hub id", model.hub_id),
        ("Kaggle", model.kaggle_handle),
        ("Revision", model.revision),
        ("Adapter", adapter and f"{adapter.reference} {adapter.path or ''}".strip()),
        ("Judged with", f"{versions} of {report.versions_from}" if versions else None),
        ("Judged", f"{len(report.run)} rules at level {report.level}" if report.run else None),
    )
    yield '<dl class="facts">\n'
    yield from (f"<dt>{name}</dt><dd>{_text(value)}</dd>\n" for name, value in pairs if value)
    yield "</dl>\n"


def _finding(finding: Finding) -> Iterator[str]:
    yield f'<section class="{finding.severity}">\n{_title(finding)}<dl>\n'
    pairs = (("Where", _place(finding)), ("Evidence", _text(evidence_in_words(finding.evidence))),
             ("Consequence", _text(finding.consequence)), ("Fix", _fix(finding.fix)))  # fmt: skip
    yield from (f"<dt>{name}</dt><dd>{value}</dd>\n" for name, value in pairs if value)
    yield "</dl>\n</section>\n"


def _title(finding: Finding) -> str:
    tag = f'<span class="code tag">{_text(finding.code)}</span>'
    return (
        f'<h3>{tag}{_text(finding.message)} <span class="rule">{_text(finding.name)}, {finding.severity}</span></h3>\n'
    )


def _place(finding: Finding) -> str:
    if finding.path is None:
        return ""
    place = finding.place
    line = f":{place.line}" if place is not None and place.line is not None else ""
    pointer = f" at <code>{_text(place.pointer)}</code>" if place is not None and place.pointer else ""
    return f"<code>{_text(finding.path)}{line}</code>{pointer}"


def _fix(fix: Fix) -> str:
    command = f"<pre>{_command(fix.command)}</pre>" if fix.command else ""
    return f"{_text(fix.text)}{command}"


def _command(command: str) -> str:
    return "\n".join(map(_text, command.splitlines()))


def _infos(findings: Iterable[Finding]) -> Iterator[str]:
    infos = list(findings)
    if infos:
        yield '<div class="infos">\n'
        for finding in infos:
            yield f'<section class="info">\n{_title(finding)}<div class="fix">{_fix(finding.fix)}</div>\n</section>\n'
        yield "</div>\n"


def _not_found(lost: NotFound) -> Iterator[str]:
    yield f'<section class="error">\n<h3>{_text(lost.message)}</h3>\n<dl>\n'
    looked = "<br>".join(map(_text, lost.evidence))
    pairs = (("Evidence", looked), ("Consequence", _text(lost.consequence)), ("Fix", _fix(lost.fix)))
    yield from (f"<dt>{name}</dt><dd>{value}</dd>\n" for name, value in pairs if value)
    yield "</dl>\n</section>\n"


def _unknown(report: Report) -> Iterator[str]:
    unknown = [each for each in report.skipped if not each.moot]
    if unknown:
        yield f"<details><summary>{_number(len(unknown), 'rule')} could not be judged</summary><ul>\n"
        yield from (f"<li><code>{_text(each.code)}</code> {_text(each.reason)}</li>\n" for each in unknown)
        yield "</ul></details>\n"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _trail(steps: tuple[TrailStep, ...]) -> Iterator[str]:
    if steps:
        yield f"<details><summary>Where was looked: {_number(len(steps), 'place')}</summary><ul>\n"
        for step in steps:
            where = f"{_text(step.source)}: <code>{_text(step.where)}</code>"
            yield f"<li>{where} {step.outcome}, {_text(step.reason)}</li>\n"
        yield "</ul></details>\n"
