"""Forecasts of a contest with ties in one without: what a three-way head says where nobody may tie.

WSDM wants the name of the winner. A head with ties is asked which of A and B is likelier, given that one of them wins;
where they are equal, A is named. The other way round there is no answer: a two-way head cannot forecast LMSYS's ties.
"""

import math
from collections.abc import Sequence

from pipeline.arena.battle import Contest

Row = tuple[float, ...]
TWO_WAY = 2


def without_tie(row: Row) -> Row:
    """The probabilities of A and of B, given that one of them wins.

    >>> without_tie((0.375, 0.125, 0.5))
    (0.75, 0.25)
    >>> without_tie((0.0, 0.0, 1.0))
    (0.5, 0.5)
    """
    total = math.fsum(row[:TWO_WAY])
    return (row[0] / total, row[1] / total) if total > 0 else (0.5, 0.5)


def for_contest(contest: Contest, rows: Sequence[Row]) -> tuple[Row, ...]:
    """The forecasts with the columns that the contest scores: A and B, and for LMSYS tie.

    Raises:
        ValueError: the contest has ties and a row does not forecast them.
    """
    if contest == "wsdm":
        return tuple(without_tie(row) for row in rows)
    if any(len(row) == TWO_WAY for row in rows):
        raise ValueError("a forecast without a column for the tie cannot be scored in a contest that has them")
    return tuple(rows)


def softmax(scores: Row) -> Row:
    """Probabilities of scores (logits) in float64, so that a row sums to 1; equal scores get equal shares.

    >>> softmax((0.0, 0.0))
    (0.5, 0.5)
    """
    top = max(scores)
    powers = [math.exp(score - top) for score in scores]
    total = math.fsum(powers)
    return tuple(power / total for power in powers)
