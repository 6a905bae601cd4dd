"""The judge: prerequisites first, and what is not judged says why."""

from collections.abc import Iterable, Mapping
from typing import Any

from resolver.finding import LEVELS, SEVERITIES, Finding, Level, Skipped
from resolver.record import Record
from resolver.rules.rule import Moot, Rule


class Judged(Record):
    """What came of judging: findings, gravest first; the codes that ran; those that did not, with the reason."""

    findings: tuple[Finding, ...]
    run: tuple[str, ...]
    skipped: tuple[Skipped, ...]


def judge(
    evidence: Any, rules: Iterable[Rule], ignored: Mapping[str, str] | None = None, level: Level = "quick"
) -> Judged:
    """Judge with the rules given, each after those that it requires.

    Args:
        evidence: all that a rule may know: of a model, or of what another family of rules is about.
        rules: which ones; a prerequisite that is not among them counts as passed.
        ignored: code -> the reason why the user does not want it judged.
        level: how much was read; a rule that needs more is skipped, saying so.
    """
    chosen = {rule.code: rule for rule in rules}
    findings: list[Finding] = []
    skipped: dict[str, str] = {}
    run: list[str] = []
    failed: set[str] = set()
    for rule in _ordered(chosen):
        reason = _beyond(rule, level) or _why_not(rule, evidence, failed, skipped, ignored or {})
        if reason is not None:
            skipped[rule.code] = reason
            continue
        found = tuple(rule(evidence))
        run.append(rule.code)
        findings.extend(found)
        if any(finding.severity == "error" for finding in found):
            failed.add(rule.code)
    findings.sort(key=lambda finding: (SEVERITIES.index(finding.severity), finding.code))
    passed_over = tuple(Skipped(code, str(why), isinstance(why, Moot)) for code, why in sorted(skipped.items()))
    return Judged(tuple(findings), tuple(sorted(run)), passed_over)


def _beyond(rule: Rule, level: Level) -> str | None:
    return None if LEVELS.index(rule.level) <= LEVELS.index(level) else f"it needs --level {rule.level}"


def _why_not(
    rule: Rule, evidence: Any, failed: set[str], skipped: Mapping[str, str], ignored: Mapping[str, str]
) -> str | None:
    if rule.code in ignored:
        return f"ignored: {ignored[rule.code]}"
    reason = rule.applies(evidence)
    if reason is not None:
        return reason
    unmet = next((code for code in rule.requires if code in failed or _is_unknown(code, skipped, ignored)), None)
    if unmet is None:
        return None
    return f"{unmet} has to be mended first" if unmet in failed else f"{unmet} could not be judged"


def _is_unknown(code: str, skipped: Mapping[str, str], ignored: Mapping[str, str]) -> bool:
    """Whether a prerequisite was not judged for want of knowledge; where it had nothing to judge, it has passed."""
    return code in skipped and code not in ignored and not isinstance(skipped[code], Moot)


def _ordered(chosen: Mapping[str, Rule]) -> list[Rule]:
    """Prerequisites before what needs them, otherwise as given."""
    ordered: dict[str, Rule] = {}

    def place(rule: Rule) -> None:
        if rule.code in ordered:
            return
        for code in rule.requires:
            if code in chosen:
                place(chosen[code])
        ordered[rule.code] = rule

    for rule in chosen.values():
        place(rule)
    return list(ordered.values())
