"""How far would a figure move with other battles? Prompts are drawn anew, and every figure is taken again.

Battles of one prompt are judged alike, so they are drawn together: the bootstrap of clusters (Davison and Hinkley 1997,
Bootstrap Methods and their Application, 3.8), with percentile intervals (Efron and Tibshirani 1993, chapter 13). Every
figure is taken from the same draws, so differences are paired.

Shapes: B battles, G prompts, D draws, K figures.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.evaluate.interval import DRAWS, LEVEL, SEED, Estimate
from pipeline.evaluate.sample import Numbers, Places

# Numbers that are held at once while prompts are drawn: 64 MB.
HELD: Final = 8_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Resampling:
    """The draws of one sample.

    Attributes:
        groups: the prompt of each battle [B], 0 .. G - 1, never falling.
        draws: how many.
        seed: another seed, other draws; the same, the same.
    """

    groups: Places
    draws: int = DRAWS
    seed: int = SEED

    def totals(self, values_BK: Numbers) -> Numbers:
        """The sums over the battles of each draw.

        Args:
            values_BK: numbers of each battle.

        Returns:
            Sums of shape [D, K].
        """
        starts = np.flatnonzero(np.diff(self.groups, prepend=-1))
        sums_GK = np.add.reduceat(values_BK, starts, axis=0)
        prompts = len(starts)
        generator = np.random.default_rng(self.seed)
        step = max(1, HELD // prompts)
        totals = []
        for done in range(0, self.draws, step):
            some = min(step, self.draws - done)
            counts = [np.bincount(generator.integers(0, prompts, prompts), minlength=prompts) for _ in range(some)]
            totals.append(np.array(counts, dtype=np.float64) @ sums_GK)
        return np.concatenate(totals)

    def estimate(self, value: float, values_D: Numbers) -> Estimate:
        """A figure with the interval that its values in the draws give it."""
        finite_D = values_D[np.isfinite(values_D)]
        if self.groups[-1] == 0 or 2 * len(finite_D) < self.draws:
            return Estimate(value)
        low, high = np.quantile(finite_D, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Estimate(value, float(low), float(high))

    def ratios(self, above_BK: Numbers, below_BK: Numbers) -> tuple[Estimate | None, ...]:
        """Sums over sums: means, shares, means of a part.

        Args:
            above_BK: what is added up.
            below_BK: what the sum is divided by; ones, or 1 where a battle counts.

        Returns:
            One estimate a column, None where the divisor is 0.
        """
        count = above_BK.shape[1]
        totals_DK = self.totals(np.concatenate([above_BK, below_BK], axis=1))
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn_DK = totals_DK[:, :count] / totals_DK[:, count:]
            values_K = above_BK.sum(axis=0) / below_BK.sum(axis=0)
        return tuple(
            self.estimate(float(value), drawn_DK[:, number]) if np.isfinite(value) else None
            for number, value in enumerate(values_K)
        )

    def means(self, values_BK: Numbers) -> tuple[Estimate, ...]:
        """The mean of each column over all battles."""
        found = self.ratios(values_BK, np.ones_like(values_BK))
        return tuple(each for each in found if each is not None)
