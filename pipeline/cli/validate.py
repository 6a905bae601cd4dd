"""Would the scoring server take this submission?

Judges columns, ids and values against the sample submission, or the test file, of the same run.
"""

import argparse
from pathlib import Path

from pipeline.arena.submission import expected_of
from pipeline.arena.table import read_table
from pipeline.cli.options import add_contest, add_report, check_report, tell
from pipeline.errors import FINDINGS, NOT_FOUND, SettingsError
from pipeline.preflight import Expected, expected_from_sample, judge_submission

EXAMPLES = """\
examples:
  arena validate submission.csv --sample sample_submission.csv
  arena validate submission.csv --test test.csv --format json
"""


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of `arena validate`."""
    command.add_argument("submission", type=Path, metavar="submission.csv")
    against = command.add_mutually_exclusive_group(required=True)
    against.add_argument("--sample", type=Path, metavar="F", help="the sample submission of the same run")
    against.add_argument("--test", type=Path, metavar="F", help="the test file of the same run")
    command.add_argument(
        "--fail-on", choices=("error", "warning"), default="error", help="what makes the exit code 1 (error)"
    )
    add_contest(command)
    add_report(command)


def carry_out(options: argparse.Namespace) -> int:
    """Validate; returns the exit code."""
    check_report(options)
    expected = _expected(options)
    if not options.submission.exists():
        raise AbsentError(f"{options.submission}: there is no such file", fix="name the submission that was written")
    verdict = judge_submission(options.submission, expected)
    tell(options, verdict.text, {"valid": verdict.valid, "rows": len(expected.ids), **_reports(verdict.json)})
    failing = not verdict.valid or (options.fail_on == "warning" and verdict.warnings)
    return FINDINGS if failing else 0


class AbsentError(SettingsError):
    """The submission is not there."""

    exit_code = NOT_FOUND


def _reports(report: dict[str, object]) -> dict[str, object]:
    return {"reports": report["reports"]}


def _expected(options: argparse.Namespace) -> Expected:
    if options.sample is not None:
        return expected_from_sample(options.sample)
    return expected_of(read_table(options.test, contest=options.contest))
