"""Two runs on the same battles: which is better, and is it more than chance?

Shapes: B battles, D draws.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline.evaluate.interval import Estimate
from pipeline.evaluate.resampling import Resampling
from pipeline.evaluate.sample import Sample


@dataclass(frozen=True, slots=True)
class Comparison:
    """Forecasts beside those of another run, battle by battle.

    Attributes:
        against: the other run's name.
        metric: what is compared: the log loss, or the accuracy where one of the two is names.
        value: of these forecasts.
        other: of the other run's.
        difference: value less other: of the log loss below 0 is better, of the accuracy above 0.
        better, worse, equal: on how many battles.
        draws_better: share of the draws in which these forecasts are better; None where there is one prompt.
    """

    against: str
    metric: Literal["log loss", "accuracy"]
    value: Estimate
    other: Estimate
    difference: Estimate
    better: int
    worse: int
    equal: int
    draws_better: float | None

    @property
    def verdict(self) -> Literal["better", "worse", "not told apart"]:
        """What the interval of the difference says."""
        sign = self.difference.sign if self.metric == "accuracy" else -self.difference.sign
        return "better" if sign > 0 else "worse" if sign < 0 else "not told apart"


def compare(sample: Sample, other: Sample, against: str, resampling: Resampling) -> Comparison:
    """Compare forecasts with another run's for the same battles.

    Args:
        sample: the forecasts.
        other: the same battles with the other forecasts.
        against: how the other run is called.
        resampling: of the sample; both runs are measured on the same draws.
    """
    is_loss = sample.are_probabilities and other.are_probabilities
    merit_B, merit_other_B = (-each.losses if is_loss else each.hits for each in (sample, other))
    ahead_B = merit_B - merit_other_B
    towards = -1.0 if is_loss else 1.0
    value, rival, difference = resampling.means(towards * np.stack([merit_B, merit_other_B, ahead_B], axis=1))
    ahead_D = resampling.totals(ahead_B[:, None])[:, 0]
    return Comparison(
        against,
        metric="log loss" if is_loss else "accuracy",
        value=value,
        other=rival,
        difference=difference,
        better=int((ahead_B > 0).sum()),
        worse=int((ahead_B < 0).sum()),
        equal=int((ahead_B == 0).sum()),
        draws_better=float((ahead_D > 0).mean()) if sample.prompts > 1 else None,
    )
