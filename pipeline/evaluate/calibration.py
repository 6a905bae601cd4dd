"""Does what is forecast with 70 % come true in 70 %?

Forecasts are sorted into bins of equally many battles; equal forecasts share a bin. The expected calibration error is
the mean, over battles, of how far a bin's mean forecast is from its observed share:

- of the favourite, by its probability: Guo et al. 2017, On Calibration of Modern Neural Networks, section 2 (there with
  bins of equal width);
- of each outcome by itself, and the mean of those: the adaptive calibration error of Nixon et al. 2019, Measuring
  Calibration in Deep Learning, section 3.

Both are above 0 even where forecasts are right, since few battles scatter. So beside them stands what they would be if
outcomes were drawn from the very forecasts.

Shapes: B battles, C columns, N bins, R repetitions.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.arena.folds import fold_of_each
from pipeline.arena.metric import EPSILON
from pipeline.evaluate.interval import LEVEL, SEED, Estimate
from pipeline.evaluate.resampling import Resampling
from pipeline.evaluate.sample import Numbers, Places, Sample, losses_of
from pipeline.evaluate.weights import HOTTEST, fit_temperature

BINS: Final = 10
FOLDS: Final = 5
REPETITIONS: Final = 200
# Bins of the histogram of how sure the forecasts are.
WIDTHS: Final = 20


@dataclass(frozen=True, slots=True)
class Bin:
    """Battles with like forecasts: between which they lie, their mean, and the share that came true."""

    low: float
    high: float
    battles: int
    forecast: float
    observed: Estimate


@dataclass(frozen=True, slots=True)
class Reliability:
    """Of one forecast event.

    Attributes:
        label: the outcome, or "favourite".
        error: the expected calibration error.
        by_chance: the same in the mean where outcomes are drawn from the forecasts.
        by_chance_high: what chance exceeds in one case of twenty.
        bins: by rising forecast.
    """

    label: str
    error: float
    by_chance: float
    by_chance_high: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Temperature:
    """What one temperature for all forecasts would do: above 1 they are too sure, below 1 not sure enough.

    Attributes:
        value: with the least log loss of these battles.
        is_at_bound: it lies at the end of what is tried, so more would be better still.
        seen: log loss with it, on the battles that it was fitted on.
        held_out: log loss with the temperature of other prompts for each battle; None where all have one prompt.
        gain: by how much that is lower than without; None as above.
    """

    value: float
    is_at_bound: bool
    seen: float
    held_out: float | None
    gain: Estimate | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """All of it; `class_wise` is the mean error of the outcomes, `histogram` counts favourites by probability."""

    favourite: Reliability
    outcomes: tuple[Reliability, ...]
    class_wise: float
    temperature: Temperature
    histogram: tuple[int, ...]


def measure_calibration(sample: Sample, resampling: Resampling) -> Calibration:
    """The calibration of forecasts that are probabilities."""
    said_BK = np.concatenate([sample.rows.max(axis=1, keepdims=True), sample.rows], axis=1)
    came_BK = np.concatenate([sample.hits[:, None], sample.came], axis=1)
    bins_BK = np.stack([bins_of(said_B) for said_B in said_BK.T], axis=1)
    chance_RK = _by_chance(sample, said_BK, bins_BK)
    bins_K = [_bins(said_BK[:, k], came_BK[:, k], bins_BK[:, k], resampling) for k in range(said_BK.shape[1])]
    found = tuple(
        Reliability(
            label,
            error=calibration_error(said_BK[:, k], came_BK[:, k], bins_BK[:, k]),
            by_chance=float(chance_RK[:, k].mean()),
            by_chance_high=float(np.quantile(chance_RK[:, k], LEVEL)),
            bins=bins_K[k],
        )
        for k, label in enumerate(("favourite", *sample.labels))
    )
    counts, _ = np.histogram(said_BK[:, 0], bins=WIDTHS, range=(0.0, 1.0))
    return Calibration(
        favourite=found[0],
        outcomes=found[1:],
        class_wise=float(np.mean([each.error for each in found[1:]])),
        temperature=measure_temperature(sample, resampling),
        histogram=tuple(int(count) for count in counts),
    )


def bins_of(said_B: Numbers, bins: int = BINS) -> Places:
    """The bin of each forecast, by its rank; equal forecasts share one, so a bin may be empty."""
    below_B = np.searchsorted(np.sort(said_B), said_B, side="left")
    return below_B * bins // len(said_B)


def calibration_error(said_B: Numbers, came_B: Numbers, bins_B: Places) -> float:
    """The mean, over battles, of how far a bin's mean forecast is from its observed share."""
    return float(np.abs(np.bincount(bins_B, said_B - came_B)).sum() / len(said_B))


def _bins(said_B: Numbers, came_B: Numbers, bins_B: Places, resampling: Resampling) -> tuple[Bin, ...]:
    numbers = np.unique(bins_B)
    inside_BN = (bins_B[:, None] == numbers).astype(np.float64)
    observed = resampling.ratios(inside_BN * came_B[:, None], inside_BN)
    bins = []
    for inside_B, estimate in zip(inside_BN.T > 0, observed, strict=True):
        own = said_B[inside_B]
        if estimate is not None:
            bins.append(Bin(float(own.min()), float(own.max()), len(own), float(own.mean()), estimate))
    return tuple(bins)


def _by_chance(sample: Sample, said_BK: Numbers, bins_BK: Places) -> Numbers:
    """The errors where outcomes are drawn from the forecasts [R, K]."""
    generator = np.random.default_rng(SEED)
    edges_BC = np.cumsum(sample.rows, axis=1)
    edges_BC[:, -1] = np.inf
    labels = np.arange(sample.rows.shape[1])
    errors = []
    for _ in range(REPETITIONS):
        drawn_B = (generator.random((len(edges_BC), 1)) >= edges_BC).sum(axis=1)
        hits_B1 = (sample.favourites == drawn_B)[:, None]
        came_BK = np.concatenate([hits_B1, drawn_B[:, None] == labels], axis=1).astype(np.float64)
        errors.append([calibration_error(said_BK[:, k], came_BK[:, k], bins_BK[:, k]) for k in range(said_BK.shape[1])])
    return np.array(errors)


def measure_temperature(sample: Sample, resampling: Resampling, *, folds: int = FOLDS) -> Temperature:
    """The temperature with the least log loss, and what it gains on prompts that it has not seen."""
    value = _fitted(sample.rows, sample.winners)
    plain_B = sample.losses
    held_out, gain = None, None
    if sample.prompts > 1:
        held_B = _held_out(sample, folds)
        held_out = float(held_B.mean())
        (gain,) = resampling.means((plain_B - held_B)[:, None])
    return Temperature(
        value=value,
        is_at_bound=not 1.01 / HOTTEST < value < HOTTEST / 1.01,
        seen=float(losses_of(tempered(sample.rows, value), sample.winners).mean()),
        held_out=held_out,
        gain=gain,
    )


def _held_out(sample: Sample, folds: int) -> Numbers:
    """The log loss of each battle with the temperature of the other folds, which share no prompt."""
    fold_B = np.array(fold_of_each(sample.battles, folds))
    losses_B = np.empty(len(fold_B))
    for fold in np.unique(fold_B):
        own_B = fold_B == fold
        value = _fitted(sample.rows[~own_B], sample.winners[~own_B])
        losses_B[own_B] = losses_of(tempered(sample.rows[own_B], value), sample.winners[own_B])
    return losses_B


def _fitted(rows_BC: Numbers, winners_B: Places) -> float:
    if np.ptp(rows_BC, axis=1).max() == 0:
        return 1.0  # equal probabilities are the same at any temperature
    return fit_temperature(rows_BC.tolist(), winners_B.tolist())


def tempered(rows_BC: Numbers, temperature: float) -> Numbers:
    """The rows at a temperature, as `mixture.at_temperature` makes them."""
    logs_BC = np.log(np.maximum(rows_BC, EPSILON)) / temperature
    powers_BC = np.exp(logs_BC - logs_BC.max(axis=1, keepdims=True))
    rows: Numbers = powers_BC / powers_BC.sum(axis=1, keepdims=True)
    return rows
