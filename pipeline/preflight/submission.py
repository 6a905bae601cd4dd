"""Is a submission valid, and what does it hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import SettingsError
from pipeline.preflight.asking import document


@dataclass(frozen=True, slots=True)
class Expected:
    """What a submission has to hold: the header in order, the ids in any order, and the file they come from."""

    columns: tuple[str, ...]
    ids: tuple[str, ...]
    ids_from: str


@dataclass(frozen=True, slots=True)
class SubmissionVerdict:
    """What the P rules say of a submission: would the server take it, is it suspect, as text and as JSON version 1."""

    valid: bool
    warnings: bool
    text: str
    json: Any


def judge_submission(path: Path, expected: Expected, *, name: Path | None = None) -> SubmissionVerdict:
    """Judge a submission; `name` is said in the report instead of the path, for a file that is not yet in place."""
    from resolver.finding import Identity, Report
    from resolver.inspection.submission import read_submission
    from resolver.report import terminal
    from resolver.rules import submission

    told = path if name is None else name
    facts = read_submission(path).replaced(path=told)
    evidence = submission.SubmissionEvidence(facts, expected.columns, expected.ids, expected.ids_from)
    findings, run, skipped = submission.judge_submission(evidence)
    valid = not any(finding.severity == "error" for finding in findings)
    report = Report(
        level="quick",
        purpose="score",
        accelerator="host",
        judged_with={},
        model=Identity(str(told), path=told, source="submission", confidence="exact"),
        verdict="usable" if valid else "unusable",
        findings=findings,
        run=run,
        skipped=skipped,
    )
    return SubmissionVerdict(
        valid,
        any(finding.severity == "warning" for finding in findings),
        terminal.render_findings(findings) + _summary(report, len(facts.rows), expected),
        document(report),
    )


def _summary(report: Any, rows: int, expected: Expected) -> str:
    from resolver.report.summary import counts

    verdict = "valid" if report.verdict == "usable" else "invalid"
    skipped = "".join(f"; {each.code} skipped: {each.reason}" for each in report.skipped)
    return (
        f"{verdict}: {report.model.reference}, {rows:,} rows against {expected.ids_from};"
        f" {counts(report)} of {' '.join(report.run)}{skipped}\n"
    )


def read_forecasts(path: Path) -> dict[str, tuple[str, ...]]:
    """The cells of a valid submission by id."""
    from resolver.inspection.submission import read_submission

    return {row.id: row.cells for row in read_submission(path).rows}


def expected_from_sample(sample: Path) -> Expected:
    """What the sample submission of the same run asks for.

    Raises:
        SettingsError: the sample cannot be read, or repeats an id.
    """
    from resolver.inspection.submission import read_submission

    facts = read_submission(sample)
    if facts.fault is not None or not facts.rows:
        raise SettingsError(
            f"{sample}: {facts.fault or 'the sample has no row'}", fix="give the sample_submission.csv of the same run"
        )
    if len(set(facts.ids())) != len(facts.rows) or facts.ragged:
        raise SettingsError(f"{sample}: the sample repeats an id or has a broken row", fix="copy the sample again")
    return Expected(facts.columns, facts.ids(), str(sample))


def expected_from_test(columns: tuple[str, ...], ids: Sequence[str], test: Path) -> Expected:
    """What a submission for these test rows has to hold."""
    return Expected(columns, tuple(ids), str(test))


def columns_of(path: Path) -> tuple[str, ...]:
    """The header of a file that may be a submission; empty where it is none."""
    from resolver.inspection.submission import read_submission

    return read_submission(path).columns
