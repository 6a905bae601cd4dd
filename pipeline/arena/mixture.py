"""Put forecasts of several members together: a weighted mean of probabilities, then a temperature.

Probabilities are averaged, not logits: the mean of rows that sum to 1 sums to 1, a member that did not look at a battle
drops out of it by its weight, and the best weights are a convex problem (see `evaluate.blend`).
"""

import math
from collections.abc import Sequence

from pipeline.arena.metric import EPSILON
from pipeline.arena.outcome import Row, softmax


def mix(rows: Sequence[Row | None], weights: Sequence[float]) -> Row:
    """The weighted mean of the members' forecasts of one battle.

    Args:
        rows: one a member, None where it did not look at the battle.
        weights: one a member, not below 0; only their ratios matter. Where all that looked have 0, they count the same.

    Raises:
        ValueError: no member looked at it, a weight is below 0, unequal lengths, or columns that differ.

    >>> mix([(0.75, 0.25), None, (0.25, 0.75)], (1, 5, 1))
    (0.5, 0.5)
    """
    seen = [(row, weight) for row, weight in zip(rows, weights, strict=True) if row is not None]
    if not seen or not min(weights) >= 0:
        raise ValueError("no member has a forecast of this battle, or a weight is below 0")
    if not any(weight for _, weight in seen):
        seen = [(row, 1.0) for row, _ in seen]
    total = math.fsum(weight for _, weight in seen)
    columns = zip(*(row for row, _ in seen), strict=True)
    shares = [weight / total for _, weight in seen]
    return tuple(math.fsum(map(math.prod, zip(column, shares, strict=True))) for column in columns)


def at_temperature(row: Row, temperature: float) -> Row:
    """The row made flatter (above 1) or sharper (below 1): p ** (1 / temperature), summing to 1 again.

    Raises:
        ValueError: the temperature is not above 0.

    >>> [round(share, 3) for share in at_temperature((0.9, 0.1), 2.0)]
    [0.75, 0.25]
    """
    if not temperature > 0:
        raise ValueError(f"a temperature of {temperature} is not above 0")
    if temperature == 1:
        return row
    return softmax(tuple(math.log(max(share, EPSILON)) / temperature for share in row))


def blend_rows(
    members_MBC: Sequence[Sequence[Row | None]], weights: Sequence[float], temperature: float = 1.0
) -> list[Row]:
    """The blend of every battle.

    Args:
        members_MBC: for each member a row a battle, None where it did not look; columns as the contest scores.
        weights: one a member.
        temperature: of the mean.

    Raises:
        ValueError: as `mix` and `at_temperature`, or members with different numbers of battles.
    """
    return [at_temperature(mix(rows, weights), temperature) for rows in zip(*members_MBC, strict=True)]
