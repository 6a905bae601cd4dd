"""Score battles a second time with A and B exchanged, turn the columns back, and take the mean.

A model that favours the first answer it reads does so in both runs; the mean does not.
"""

from collections.abc import Sequence
from typing import Final, Literal

from pipeline.arena.battle import A_WINS, B_WINS

Swap = Literal["none", "all", "uncertain", "time"]
SWAPS: Final[tuple[Swap, ...]] = ("none", "all", "uncertain", "time")
# A battle is uncertain where A and B are this near; the margin that a WSDM entry used.
MARGIN: Final = 0.25

Row = tuple[float, ...]


def margin(row: Row) -> float:
    """How far A and B are apart: 0 for a battle that could go either way.

    >>> margin((0.25, 0.5, 0.25))
    0.25
    """
    return abs(row[A_WINS] - row[B_WINS])


def to_swap(swap: Swap, probabilities_BC: Sequence[Row]) -> tuple[int, ...]:
    """Places of the battles to score again, the most uncertain first: the time may end before all are done.

    >>> to_swap("uncertain", [(0.8, 0.1, 0.1), (0.4, 0.2, 0.4), (0.3, 0.2, 0.5)])
    (2, 1)
    >>> to_swap("none", [(0.3, 0.2, 0.5)])
    ()
    """
    if swap == "none":
        return ()
    ordered = sorted(range(len(probabilities_BC)), key=lambda place: (margin(probabilities_BC[place]), place))
    return tuple(place for place in ordered if swap != "uncertain" or margin(probabilities_BC[place]) < MARGIN)


def turn_back(row: Row) -> Row:
    """The columns of a swapped battle in the order of the battle itself.

    >>> turn_back((0.7, 0.2, 0.1))
    (0.2, 0.7, 0.1)
    """
    return (row[B_WINS], row[A_WINS], *row[2:])


def mean_with(row: Row, swapped: Row) -> Row:
    """The mean of a forecast and of the swapped battle's, turned back."""
    return tuple((one + other) / 2 for one, other in zip(row, turn_back(swapped), strict=True))
