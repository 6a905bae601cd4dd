"""The contests' metrics, computed from plain numbers."""

import math
from collections.abc import Sequence
from typing import Final

# eps "auto" of the contest's metric is the machine epsilon of float64.
EPSILON: Final = 2.0**-52
TOLERANCE: Final = 1e-6


def log_loss(probabilities_B3: Sequence[Sequence[float]], winners_B: Sequence[int]) -> float:
    """Mean negative log probability given to what happened, in nats per battle; lower is better.

    Args:
        probabilities_B3: one row per battle, columns A wins, B wins, tie; each row sums to 1 within 1e-6.
        winners_B: the column that came true (0, 1 or 2), in the order of the rows.

    Returns:
        Near 0 for a perfect forecast, ln 3 = 1.0986 for one that always says a third. Probabilities are
        held to [eps, 1 - eps] first, so a certain mistake costs 36.04 nats and not infinity.

    Raises:
        ValueError: no battles, unequal lengths, or a row that does not sum to 1; names the first bad row.

    Source: the contest's evaluation page, log loss with eps "auto"; for float64 that is 2**-52.

    >>> round(log_loss([[1/3, 1/3, 1/3]], [2]), 4)
    1.0986
    >>> log_loss([[0.5, 0.2, 0.2]], [0])
    Traceback (most recent call last):
    ValueError: row 0 sums to 0.9, not 1
    """
    if not winners_B or len(probabilities_B3) != len(winners_B):
        raise ValueError(f"{len(probabilities_B3)} rows of probabilities for {len(winners_B)} winners")
    losses: list[float] = []
    for number, (row, winner) in enumerate(zip(probabilities_B3, winners_B, strict=True)):
        total = math.fsum(row)
        if not abs(total - 1) <= TOLERANCE:
            raise ValueError(f"row {number} sums to {total:.7g}, not 1")
        if not 0 <= winner < len(row):
            raise ValueError(f"row {number} has no column {winner}")
        losses.append(-math.log(min(max(row[winner], EPSILON), 1 - EPSILON)))
    return math.fsum(losses) / len(losses)


def accuracy(forecasts_B: Sequence[int], winners_B: Sequence[int]) -> float:
    """The share of battles whose forecast column came true.

    Raises:
        ValueError: no battles, or unequal lengths.

    >>> accuracy([0, 1, 2, 0], [0, 1, 0, 0])
    0.75
    """
    if not winners_B or len(forecasts_B) != len(winners_B):
        raise ValueError(f"{len(forecasts_B)} forecasts for {len(winners_B)} winners")
    return sum(said == came for said, came in zip(forecasts_B, winners_B, strict=True)) / len(winners_B)


def favourite(row: Sequence[float]) -> int:
    """The column with the highest probability, the first of equals."""
    return max(range(len(row)), key=lambda column: (row[column], -column))


def prior(winners_B: Sequence[int], labels: int) -> tuple[float, ...]:
    """How often each column came true: the best constant forecast of these battles.

    >>> prior([0, 0, 1, 2], 3)
    (0.5, 0.25, 0.25)
    """
    return tuple(sum(winner == column for winner in winners_B) / len(winners_B) for column in range(labels))
