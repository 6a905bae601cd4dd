"""Submissions: written beside their target, judged there, and renamed only when valid; read back as probabilities."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.arena.battle import A_WINS, B_WINS, Contest
from pipeline.arena.table import LABEL_NAMES, SUBMISSION_COLUMNS, Table
from pipeline.errors import InvalidSubmissionError, OutputError
from pipeline.output import check_writable, replacing
from pipeline.preflight import Expected, columns_of, expected_from_test, judge_submission, read_forecasts


def expected_of(table: Table) -> Expected:
    """The columns and ids that a submission for this table needs."""
    return expected_from_test(SUBMISSION_COLUMNS[table.contest], [battle.id for battle in table.battles], table.path)


def check_target(target: Path, contest: Contest, *, force: bool = False) -> None:
    """Refuse a target that cannot be written, or that holds something else than a submission of this contest.

    Raises:
        OutputError: says which.
    """
    check_writable(target)
    if target.exists() and not force and columns_of(target) != SUBMISSION_COLUMNS[contest]:
        raise OutputError(
            f"{target}: it is there and no submission of this contest",
            fix="name another file, or say --force to replace it",
        )


def write_submission(target: Path, table: Table, probabilities: Mapping[str, Sequence[float]]) -> str:
    """Write the forecasts of a table's battles, in its order.

    Args:
        target: the csv file.
        table: the battles that were scored.
        probabilities: by id; columns A wins, B wins and, where the model knows ties, tie.

    Returns:
        What the P rules say of it: there may be warnings.

    Raises:
        InvalidSubmissionError: it would be refused; the target is as it was.
        OutputError: it cannot be written.
        KeyError: a battle has no forecast.
    """
    with replacing(target) as temporary:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(SUBMISSION_COLUMNS[table.contest])
            for battle in table.battles:
                writer.writerow((battle.id, *_cells(table.contest, probabilities[battle.id])))
        verdict = judge_submission(temporary, expected_of(table), name=target)
        if not verdict.valid:
            raise InvalidSubmissionError(
                f"{target}: the forecasts are no valid submission; nothing was written", report=verdict.text
            )
    return verdict.text


def _cells(contest: Contest, row: Sequence[float]) -> tuple[str, ...]:
    if contest == "wsdm":
        return (LABEL_NAMES[A_WINS if row[A_WINS] >= row[B_WINS] else B_WINS],)
    return tuple(repr(float(value)) for value in row)


def read_probabilities(path: Path) -> dict[str, tuple[float, ...]]:
    """The forecasts of A, B and tie by id, of whichever battles a submission holds.

    Raises:
        InvalidSubmissionError: it cannot be read, or it would be refused for another reason than its ids.
    """
    cells = read_forecasts(path)
    verdict = judge_submission(path, expected_from_test(SUBMISSION_COLUMNS["lmsys"], list(cells), path))
    if not verdict.valid:
        raise InvalidSubmissionError(f"{path} holds no probabilities by id", report=verdict.text)
    return {identifier: tuple(map(float, row)) for identifier, row in cells.items()}
