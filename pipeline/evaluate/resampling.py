"""How far would a figure move with other battles? Prompts are drawn anew, and every figure is taken again.

Battles of one prompt are judged alike, so they are drawn together: the bootstrap of clusters (Davison and Hinkley 1997,
Bootstrap Methods and their Application, 3.8), with percentile intervals (Efron and Tibshirani 1993, chapter 13). Every
figure is taken from the same draws, so differences are paired.

Shapes: B battles, G prompts, D draws, K figures.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate.interval import DRAWS, LEVEL, SEED, Estimate
from pipeline.evaluate.sample import Numbers, Places

# Numbers of a piece of the draws: 64 MB while it is used.
PIECE: Final = 8_000_000
# Draws are kept, a byte a prompt, where they have at most so many bytes; else they are drawn anew for every figure.
KEPT: Final = 500_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Resampling:
    """The draws of one sample.

    Attributes:
        groups: the prompt of each battle [B], 0 .. G - 1, never falling.
        draws: how many.
        seed: another seed, other draws; the same, the same.
        kept: the draws, once they have been made.
    """

    groups: Places
    draws: int = DRAWS
    seed: int = SEED
    kept: list[NDArray[np.uint8]] = field(default_factory=list, repr=False)

    def totals(self, values_BK: Numbers) -> Numbers:
        """The sums over the battles of each draw.

        Args:
            values_BK: numbers of each battle.

        Returns:
            Sums of shape [D, K].
        """
        sums_GK = self._by_prompt(values_BK)
        return np.concatenate([counts.astype(np.float64) @ sums_GK for counts in self._pieces(len(sums_GK))])

    def _by_prompt(self, values_BK: Numbers) -> Numbers:
        starts = np.flatnonzero(np.diff(self.groups, prepend=-1))
        sums_GK: Numbers = np.add.reduceat(values_BK, starts, axis=0)
        return sums_GK

    def _pieces(self, prompts: int) -> Iterator[NDArray[np.uint8]]:
        """How often each prompt is in each draw, some draws at a time.

        A byte holds it: of a million prompts none is drawn more than 20 times, and of 255 none more than 255 times.
        """
        if self.kept:
            yield from self.kept
            return
        generator = np.random.default_rng(self.seed)
        step = max(1, PIECE // prompts)
        for done in range(0, self.draws, step):
            some = min(step, self.draws - done)
            drawn = (generator.integers(0, prompts, prompts) for _ in range(some))
            counts = np.array([np.bincount(each, minlength=prompts).astype(np.uint8) for each in drawn])
            if self.draws * prompts <= KEPT:
                self.kept.append(counts)
            yield counts

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
            below_BK: what the sum is divided by, 1 where a battle counts; one column for all, or one each.

        Returns:
            One estimate a column, None where the divisor is 0. What one prompt alone has gets no interval: it is the
            same in every draw that has it.
        """
        count = above_BK.shape[1]
        totals_DK = self.totals(np.concatenate([above_BK, below_BK], axis=1))
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn_DK = totals_DK[:, :count] / totals_DK[:, count:]
            values_K = above_BK.sum(axis=0) / below_BK.sum(axis=0)
        prompts_K = np.broadcast_to((self._by_prompt(np.abs(below_BK)) > 0).sum(axis=0), values_K.shape)
        drawn_DK[:, prompts_K == 1] = np.nan
        return tuple(
            self.estimate(float(value), drawn_DK[:, number]) if np.isfinite(value) else None
            for number, value in enumerate(values_K)
        )

    def means(self, values_BK: Numbers) -> tuple[Estimate, ...]:
        """The mean of each column over all battles."""
        found = self.ratios(values_BK, np.ones((len(values_BK), 1)))
        return tuple(each for each in found if each is not None)
