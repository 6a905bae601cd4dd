"""Which battles the next member looks at: the most uncertain, first.

A battle is the more uncertain the nearer A and B are, |p(A) - p(B)|. WSDM's entries asked exactly that: the seventh
gave the nearest 35 % to a second model and 15 % to a third, the second those below .8, others swapped the nearest 40 %
or those below .25. In the order that comes back, a deadline can stop anywhere: what it drops was the least worth.
"""

from collections.abc import Sequence

from pipeline.arena.battle import A_WINS, B_WINS
from pipeline.arena.outcome import Row


def margin(row: Row) -> float:
    """How far A and B are apart, in [0, 1]; small is uncertain."""
    return abs(row[A_WINS] - row[B_WINS])


def most_uncertain(rows_BC: Sequence[Row], *, share: float = 1.0, below: float | None = None) -> tuple[int, ...]:
    """Places of the battles that go on, the most uncertain first; equals in the order of the rows.

    Args:
        rows_BC: forecasts so far, the mean of all members that have looked.
        share: of all battles, at most so many, rounded down; in (0, 1].
        below: only battles whose margin is smaller; None for all.

    Raises:
        ValueError: the share is not in (0, 1].

    >>> most_uncertain([(0.8, 0.1, 0.1), (0.4, 0.4, 0.2), (0.2, 0.5, 0.3), (0.3, 0.4, 0.3)], share=0.75, below=0.25)
    (1, 3)
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of {share} is not above 0 and at most 1")
    order = sorted(range(len(rows_BC)), key=lambda place: (margin(rows_BC[place]), place))
    # 0.35 * 20 is 6.999…: what is meant is 7.
    at_most = int(share * len(rows_BC) + 1e-9)
    return tuple(place for place in order[:at_most] if below is None or margin(rows_BC[place]) < below)
