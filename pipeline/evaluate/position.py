"""Do forecasts favour a side? Against how often each side won, and where a battle was looked at twice, against itself.

Shapes: B battles, K figures.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.evaluate.interval import Estimate
from pipeline.evaluate.resampling import Resampling
from pipeline.evaluate.sample import Looks, Sample, favourites_of, lead_of


@dataclass(frozen=True, slots=True)
class SwapConsistency:
    """Two looks of one model at the same battle, the second with A and B exchanged and its columns turned back.

    Attributes:
        battles: that were looked at twice.
        agree: share of them with the same favourite in both.
        apart: mean absolute difference between the looks in a column.
        to_first: probability of the answer that was read first less that of the other, in the mean of both looks: the
            side's own worth, since each answer stands first once.
    """

    battles: int
    agree: Estimate
    apart: Estimate
    to_first: Estimate


@dataclass(frozen=True, slots=True)
class PositionBias:
    """A less B: of the mean forecast, of what came true, and how far the first is from the second."""

    forecast: Estimate
    observed: Estimate
    excess: Estimate
    swap: SwapConsistency | None = None


def measure_position(sample: Sample, resampling: Resampling, looks: Looks | None = None) -> PositionBias:
    """The position bias of forecasts.

    Args:
        sample: the battles with the forecasts that are judged.
        resampling: of the sample.
        looks: both looks at each battle that has two, by its id.
    """
    said_B, came_B = lead_of(sample.rows), lead_of(sample.came)
    forecast, observed, excess = resampling.means(np.stack([said_B, came_B, said_B - came_B], axis=1))
    return PositionBias(forecast, observed, excess, _swap(sample, resampling, looks) if looks else None)


def _swap(sample: Sample, resampling: Resampling, looks: Looks) -> SwapConsistency:
    nothing = (np.zeros_like(sample.rows[0]),) * 2
    pairs_B2C = np.array([looks.get(each.id, nothing) for each in sample.battles], dtype=np.float64)
    one_BC, other_BC = pairs_B2C[:, 0], pairs_B2C[:, 1]
    agree_B = (favourites_of(one_BC) == favourites_of(other_BC)).astype(np.float64)
    apart_B = np.abs(one_BC - other_BC).mean(axis=1)
    # In the first look A is read first, in the second B.
    to_first_B = (lead_of(one_BC) - lead_of(other_BC)) / 2
    twice_B = np.array([each.id in looks for each in sample.battles], dtype=np.float64)
    figures_BK = np.stack([agree_B, apart_B, to_first_B], axis=1) * twice_B[:, None]
    agree, apart, to_first = resampling.ratios(figures_BK, twice_B[:, None])
    if agree is None or apart is None or to_first is None:
        raise ValueError("the looks are of other battles")
    return SwapConsistency(int(twice_B.sum()), agree, apart, to_first)
