"""JUnit XML: what Jenkins, GitLab and Azure show. A suite a model, a test case a rule that was looked at.

There is no standard; this is what the readers of these three take: `testsuites/testsuite/testcase` with `failure`,
`error` and `skipped`, counts on both levels, times in seconds.
"""

import html
from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Report, Severity
from resolver.report.blocks import Told
from resolver.report.escape import escape
from resolver.report.terminal import render_findings, render_not_found
from resolver.rules.rulebook import find_rule

GRAVE: Final[dict[str, tuple[Severity, ...]]] = {"error": ("error",), "warning": ("error", "warning")}


def render(told: Told) -> str:
    """The document, UTF-8; what XML cannot carry is written as an escape."""
    grave = GRAVE[told.fail_on]
    suites = [_Suite(report, grave) for report in told.reports]
    command = "resolver check" if told.verifications is None else "resolver verify"
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites{_attributes(command, suites)}>"]
    for suite in suites:
        lines += suite.lines()
    return "\n".join([*lines, "</testsuites>"]) + "\n"


class _Suite:
    """One model: its cases, and how many of them ended in what way."""

    def __init__(self, report: Report, grave: tuple[Severity, ...]) -> None:
        self.report = report
        self.grave = grave
        self.by_code: dict[str, list[Finding]] = {}
        for finding in report.findings:
            self.by_code.setdefault(finding.code, []).append(finding)
        self.failures = sum(1 for findings in self.by_code.values() if any(map(self._is_grave, findings)))
        self.errors = 0 if report.not_found is None else 1
        self.skipped = len(report.skipped)
        self.tests = len({*report.run, *self.by_code}) + self.skipped + self.errors
        self.seconds = report.elapsed_ms / 1000

    def lines(self) -> Iterator[str]:
        yield f"  <testsuite{_attributes(self.report.model.reference, [self])}>"
        yield from self._properties()
        if self.report.not_found is not None:
            text = render_not_found(self.report.not_found, self.report.trail)
            yield from self._case("resolve", "error", self.report.not_found.message, "not-found", text)
        for code in sorted({*self.report.run, *self.by_code}):
            yield from self._judged(code)
        for skipped in self.report.skipped:
            yield from self._case(_named(skipped.code), "skipped", skipped.reason)
        yield "  </testsuite>"

    def _judged(self, code: str) -> Iterator[str]:
        findings = self.by_code.get(code, [])
        grave = [finding for finding in findings if self._is_grave(finding)]
        if grave:
            text = render_findings(tuple(findings))
            yield from self._case(_named(code), "failure", grave[0].message, code, text)
        elif findings:
            yield from self._case(_named(code), "system-out", text=render_findings(tuple(findings)))
        else:
            yield from self._case(_named(code))

    def _case(self, name: str, tag: str = "", message: str = "", kind: str = "", text: str = "") -> Iterator[str]:
        start = f'    <testcase classname={_quoted(self.report.model.reference)} name={_quoted(name)} time="0"'
        if not tag:
            yield f"{start}/>"
            return
        attributes = "".join(
            f" {key}={_quoted(value)}" for key, value in (("message", message), ("type", kind)) if value
        )
        yield f"{start}>"
        yield f"      <{tag}{attributes}>{_text(text)}</{tag}>" if text else f"      <{tag}{attributes}/>"
        yield "    </testcase>"

    def _properties(self) -> Iterator[str]:
        report = self.report
        facts = {
            "verdict": report.verdict,
            "level": report.level,
            "purpose": report.purpose,
            "accelerator": report.accelerator,
            "path": str(report.model.path or ""),
            **report.judged_with,
        }
        yield "    <properties>"
        yield from (f"      <property name={_quoted(key)} value={_quoted(value)}/>" for key, value in facts.items())
        yield "    </properties>"

    def _is_grave(self, finding: Finding) -> bool:
        return finding.severity in self.grave


def _attributes(name: str, suites: list[_Suite]) -> str:
    counts = {key: sum(getattr(suite, key) for suite in suites) for key in ("tests", "failures", "errors", "skipped")}
    seconds = sum(suite.seconds for suite in suites)
    told = "".join(f' {key}="{count}"' for key, count in counts.items())
    return f' name={_quoted(name)}{told} time="{seconds:.3f}"'


def _named(code: str) -> str:
    rule = find_rule(code)
    return f"{code} {rule.name}" if rule is not None else code


def _quoted(text: str) -> str:
    return f'"{html.escape(escape(text))}"'


def _text(text: str) -> str:
    """Character data: no mark-up, no control character, no end of a CDATA section."""
    return "\n".join(html.escape(escape(line), quote=False) for line in text.splitlines())
