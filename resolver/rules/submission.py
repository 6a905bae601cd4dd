"""P: will the scoring server take this submission, and does it look like a forecast?

A submission is no model, so these rules have evidence of their own; they are judged by `judge_submission`.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from resolver.finding import Finding, Json, Skipped
from resolver.inspection.submission import SubmissionFacts, SubmissionRow, as_number
from resolver.record import Record
from resolver.rules.rule import Rule, rule
from resolver.rules.words import few, some

TOLERANCE: Final = 1e-6
LABELS: Final = ("model_a", "model_b")
# Below this many rows a mean says little: its standard error is above 0.03 for any forecast of three classes.
FEW_ROWS: Final = 50
# Of 57,477 votes 0.349 went to A, 0.342 to B and 0.309 were ties; sides are assigned at random.
LEAN: Final = 0.10
TIES: Final = (0.03, 0.60)
TREND_ROWS: Final = 200
TREND: Final = 0.3
INDEX_NAMES: Final = ("", "Unnamed: 0", "index", "level_0")


class SubmissionEvidence(Record):
    """All that a P rule may know.

    Attributes:
        submission: what was read of the submission.
        columns: the header that the scoring server expects, in order; the first is the id.
        ids: the ids that it expects, in any order.
        ids_from: the file that those ids were read from.
    """

    submission: SubmissionFacts
    columns: tuple[str, ...]
    ids: tuple[str, ...]
    ids_from: str

    @property
    def is_probabilities(self) -> bool:
        """Whether a row is a forecast over classes, not one class's name."""
        return len(self.columns) > 2  # noqa: PLR2004 - an id and one label are two columns

    def forecasts(self) -> tuple[tuple[float, ...], ...]:
        """The rows as numbers; for a submission of labels 1.0 for model_a and 0.0 for model_b, in one column."""
        rows = self.submission.rows
        if self.is_probabilities:
            return tuple(tuple(math.nan if each is None else each for each in row.numbers()) for row in rows)
        return tuple((float(row.cells[0] == LABELS[0]),) for row in rows)


@rule(
    "P001",
    "submission-columns",
    severity="error",
    consequence="the server answers Submission Scoring Error; a column in the wrong place is scored as another class",
)
def submission_columns(evidence: SubmissionEvidence) -> Iterator[Finding]:
    """The columns are not those of the sample submission.

    The header has to be the sample's, in its order, and every row has to have as many cells. An index column comes
    from `DataFrame.to_csv` without `index=False`; columns in another order are scored as another class.

    Write the frame with `index=False` and the columns in the sample's order, or let `arena score` write it.
    """
    found = evidence.submission
    if found.fault is not None:
        yield submission_columns.finding(f"the submission cannot be read: {found.fault}", path=found.path)
    elif found.columns != evidence.columns:
        yield _other_columns(evidence)
    if found.ragged:
        line, cells = found.ragged[0]
        yield submission_columns.finding(
            f"line {line} has {cells} cells where the header has {len(found.columns)}",
            path=found.path,
            evidence={"rows": len(found.ragged), "lines": few_lines([line for line, _ in found.ragged])},
            fix="write one row for each id with the header's number of cells",
        )


def _other_columns(evidence: SubmissionEvidence) -> Finding:
    found, wanted = evidence.submission.columns, evidence.columns
    missing = [name for name in wanted if name not in found]
    extra = [name for name in found if name not in wanted]
    if missing:
        message = f"column {some(missing)} is missing"
    elif any(name in INDEX_NAMES for name in extra):
        message = "an index column stands in the file"
    elif extra:
        message = f"column {some(extra)} is not in the sample"
    elif len(found) != len(wanted):
        message = "a column stands twice in the file"
    else:
        message = "the columns are in another order than the sample's"
    return submission_columns.finding(
        message,
        path=evidence.submission.path,
        evidence={"found": few(found), "expected": list(wanted)},
        fix=f"write exactly {','.join(wanted)} as the header, with to_csv(..., index=False)",
    )


@rule(
    "P002",
    "submission-ids",
    severity="error",
    requires=("P001",),
    consequence="the server answers Submission Scoring Error",
)
def submission_ids(evidence: SubmissionEvidence) -> Iterator[Finding]:
    """The ids are not exactly those of the test set, each once.

    Row order is free, the set of ids is not. In a rerun the test set is replaced: ids that were read from the visible
    rows, or kept in a file, are then unknown. Ids that pass through a float column are written as `136060.0`.

    Join the forecasts to the sample of the same run on `id`, as text or integers, never on the frame's index.
    """
    expected, found = set(evidence.ids), evidence.submission.ids()
    present = set(found)
    absent = [each for each in evidence.ids if each not in present]
    unknown = [each for each in found if each not in expected]
    respelled = [each for each in unknown if _as_integer(each) in expected]
    twice = [each for each, count in Counter(found).items() if count > 1]
    path = evidence.submission.path
    if respelled:
        yield submission_ids.finding(
            f"ids are written as another type: {some(respelled)} for {some([_as_integer(each) for each in respelled])}",
            path=path,
            evidence={"rows": len(respelled), "ids": few(respelled)},
            fix="read and write the id column as text or as integers",
        )
    for message, ids, fix in (
        ("ids are missing", [] if respelled else absent, f"forecast every row of {evidence.ids_from}"),
        ("ids are unknown", [] if respelled else unknown, f"take the ids from {evidence.ids_from} of the same run"),
        ("ids are repeated", twice, "keep one row for each id"),
    ):
        if ids:
            yield submission_ids.finding(
                f"{len(ids)} of {len(expected)} {message}: {some(ids)}" if len(ids) <= len(expected) else message,
                path=path,
                evidence={"count": len(ids), "ids": few(ids), "expected": len(expected), "found": len(found)},
                fix=fix,
            )


def _as_integer(text: str) -> str:
    number = as_number(text)
    return text if number is None or not math.isfinite(number) else f"{number:.0f}"


@rule(
    "P003",
    "submission-values",
    severity="error",
    requires=("P001",),
    consequence="the server answers Submission Scoring Error, or scores a row that was not meant",
)
def submission_values(evidence: SubmissionEvidence) -> Iterator[Finding]:
    """A row is no forecast: not a number, outside [0, 1], or not summing to 1.

    Every probability has to be a finite number in [0, 1] and every row has to sum to 1 within 1e-6; where the answer
    is a label it has to be `model_a` or `model_b`. NaN comes from a half-precision overflow or from a failed join.

    Take the softmax in float32, fill no gaps by hand, and divide each row by its sum before writing.
    """
    fault_of = _probability_fault if evidence.is_probabilities else _label_fault
    faults = [(row, fault) for row in evidence.submission.rows if (fault := fault_of(row)) is not None]
    if faults:
        row, fault = faults[0]
        yield submission_values.finding(
            f"{len(faults)} of {len(evidence.submission.rows)} rows are no forecast; id {row.id}: {fault}",
            path=evidence.submission.path,
            evidence={
                "rows": len(faults),
                "lines": few_lines([each.line for each, _ in faults]),
                "ids": few([each.id for each, _ in faults]),
            },
            fix=(
                f"write finite probabilities in [0, 1] that sum to 1 within {TOLERANCE:g}"
                if evidence.is_probabilities
                else f"write {' or '.join(LABELS)} in every row"
            ),
        )


def _probability_fault(row: SubmissionRow) -> str | None:
    numbers: list[float] = []
    for cell, number in zip(row.cells, row.numbers(), strict=True):
        if number is None:
            return f"{cell[:40]!r} is not a number" if cell else "a cell is empty"
        if not math.isfinite(number):
            return f"{cell.strip()} is not finite"
        if not 0 <= number <= 1:
            return f"{number:g} is outside [0, 1]"
        numbers.append(number)
    total = math.fsum(numbers)
    return None if abs(total - 1) <= TOLERANCE else f"the row sums to {total:.7g}, not 1"


def _label_fault(row: SubmissionRow) -> str | None:
    cell = row.cells[0]
    return None if cell in LABELS else f"{cell[:40]!r} is neither {' nor '.join(LABELS)}"


@rule(
    "P004",
    "submission-suspect",
    severity="warning",
    requires=("P001", "P002", "P003"),
    consequence="the server takes it and the score is 1.1 or worse",
)
def submission_suspect(evidence: SubmissionEvidence) -> Iterator[Finding]:
    """The submission is legal and surely not meant: constant, leaning to one side, or following the order of the rows.

    A constant forecast is the fallback that was never overwritten, or a head that was never trained. Sides are assigned
    at random, so a mean that favours A or B says that columns are swapped or a swapped run was not turned back. Ids are
    assigned at random too, so values that rise or fall along the file were joined by position to rows sorted by length.

    Check that the adapter and its head were loaded, that swapped forecasts were exchanged back, and join on id.
    """
    forecasts = evidence.forecasts()
    looks: tuple[Callable[[Sequence[tuple[float, ...]]], str | None], ...] = (_constant, _leaning, _trend)
    for look in looks:
        message = look(forecasts)
        if message is not None:
            means = [math.fsum(column) / len(forecasts) for column in zip(*forecasts, strict=True)]
            yield submission_suspect.finding(
                message,
                path=evidence.submission.path,
                evidence={"rows": len(forecasts), "means": [round(mean, 4) for mean in means]},
                fix="look at the log of the run that wrote it, and score a labelled file the same way: arena evaluate",
            )
            return


def _constant(forecasts: Sequence[tuple[float, ...]]) -> str | None:
    is_label = bool(forecasts) and len(forecasts[0]) == 1
    # Two forecasts that agree to the last digit are one forecast; a handful of equal labels is nothing.
    if len(forecasts) < (FEW_ROWS if is_label else 2) or len(set(forecasts)) > 1:
        return None
    said = LABELS[forecasts[0][0] != 1] if is_label else ", ".join(f"{value:.4g}" for value in forecasts[0])
    return f"all {len(forecasts)} rows say the same: {said}"


def _leaning(forecasts: Sequence[tuple[float, ...]]) -> str | None:
    if len(forecasts) < FEW_ROWS:
        return None
    means = [math.fsum(column) / len(forecasts) for column in zip(*forecasts, strict=True)]
    side_a, side_b = (means[0], 1 - means[0]) if len(means) == 1 else (means[0], means[1])
    # Votes vary around the truth too: three standard errors of a difference of shares are added to what is tolerated.
    if abs(side_a - side_b) > LEAN + 3 / math.sqrt(len(forecasts)):
        return f"the mean forecast leans to one side: A {side_a:.3f}, B {side_b:.3f}"
    if len(means) > 2 and not TIES[0] <= means[2] <= TIES[1]:  # noqa: PLR2004 - the third class is the tie
        return f"the mean forecast of a tie is {means[2]:.3f}; votes have about 0.31"
    return None


def _trend(forecasts: Sequence[tuple[float, ...]]) -> str | None:
    if len(forecasts) < TREND_ROWS:
        return None
    for place, column in enumerate(zip(*forecasts, strict=True), start=1):
        trend = _correlation(column)
        if abs(trend) > TREND:
            return f"column {place} follows the order of the rows: correlation {trend:+.2f} with the row's number"
    return None


def _correlation(values: Sequence[float]) -> float:
    """Pearson's, of the values with their positions; 0 where the values do not vary."""
    middle, mean = (len(values) - 1) / 2, math.fsum(values) / len(values)
    cross = math.fsum((place - middle) * (value - mean) for place, value in enumerate(values))
    spread = math.fsum((place - middle) ** 2 for place in range(len(values)))
    varied = math.fsum((value - mean) ** 2 for value in values)
    return cross / math.sqrt(spread * varied) if varied > 0 else 0.0


def few_lines(lines: Sequence[int]) -> list[Json]:
    """At most twenty line numbers, for evidence."""
    return list(lines[:20])


RULES: Final[tuple[Rule, ...]] = (submission_columns, submission_ids, submission_values, submission_suspect)


def judge_submission(
    evidence: SubmissionEvidence,
) -> tuple[tuple[Finding, ...], tuple[str, ...], tuple[Skipped, ...]]:
    """Judge by every P rule: the findings, the codes that ran, and those that could not, with the reason."""
    findings: list[Finding] = []
    run: list[str] = []
    skipped: list[Skipped] = []
    for each in RULES:
        stopped = [
            finding.code for finding in findings if finding.severity == "error" and finding.code in each.requires
        ]
        if stopped:
            skipped.append(Skipped(each.code, f"{stopped[0]} has to be mended first"))
            continue
        run.append(each.code)
        findings += each.judge(evidence)
    return tuple(findings), tuple(run), tuple(skipped)
