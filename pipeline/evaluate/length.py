"""Do forecasts follow the length of the answers, more than people do? And how far does length alone lead?

Lengths are characters of all turns of an answer; they are compared by x = log((1 + A) / (1 + B)).

Shapes: B battles, C columns, K outcomes, P parameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.arena.battle import A_WINS, B_WINS, TIE
from pipeline.arena.folds import fold_of_each
from pipeline.evaluate.choice import fit_choice, shares_of
from pipeline.evaluate.interval import Estimate
from pipeline.evaluate.resampling import Resampling
from pipeline.evaluate.sample import Numbers, Sample

FOLDS: Final = 5
# The ratios of length at which bins end; each stands on both sides, so that A and B may be exchanged.
RATIOS: Final = (1.25, 2.0, 4.0)
TWO: Final = 2


@dataclass(frozen=True, slots=True)
class LengthBin:
    """Battles whose answers have a like ratio of length, A to B.

    Attributes:
        low, high: between which ratios; None where it has no end.
        battles: how many, ties included.
        decided: of these, those that A or B won.
        ratio: the geometric mean of the ratios.
        forecast: A's share of the probability of A and B; None where neither has any.
        observed: A's share of the battles that are decided; None where none is.
    """

    low: float | None
    high: float | None
    battles: int
    decided: int
    ratio: float
    forecast: float | None
    observed: Estimate | None


@dataclass(frozen=True, slots=True)
class LengthBias:
    """The slope of log(A / B) on the log ratio of length: 1 means that twice the length doubles the odds.

    Attributes:
        forecast: of the forecasts.
        observed: of the battles that A or B won.
        excess: forecast less observed; above 0 the forecasts favour length more than people do.
        bins: the same without a line through it.
    """

    forecast: Estimate
    observed: Estimate
    excess: Estimate
    bins: tuple[LengthBin, ...]


def log_ratios(sample: Sample) -> Numbers:
    """The log ratio x of each battle [B]; exchanging A and B changes its sign, to the last bit."""
    sizes_B2 = np.array([(_size(each.answers_a), _size(each.answers_b)) for each in sample.battles], dtype=np.float64)
    logs_B2 = np.log1p(sizes_B2)
    x_B: Numbers = logs_B2[:, 0] - logs_B2[:, 1]
    return x_B


def _size(turns: Sequence[str]) -> int:
    return sum(map(len, turns))


def measure_length(sample: Sample, resampling: Resampling) -> LengthBias:
    """The length bias of forecasts, beside that of what came true."""
    x_B = log_ratios(sample)
    two = slice(A_WINS, B_WINS + 1)
    said, came = sample.rows[:, two], sample.came[:, two]
    features_BKP = np.zeros((len(x_B), TWO, 2))
    features_BKP[:, 0] = np.stack([np.ones_like(x_B), x_B], axis=1)
    made_up_KP, penalty_P = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([0.0, 1.0])
    fits = [fit_choice(features_BKP, targets, made_up_KP, penalty_P) for targets in (said, came)]
    values = [float(fit.theta[1]) for fit in fits]
    drawn = [fit.drawn(resampling)[:, 1] for fit in fits]
    return LengthBias(
        forecast=resampling.estimate(values[0], drawn[0]),
        observed=resampling.estimate(values[1], drawn[1]),
        excess=resampling.estimate(values[0] - values[1], drawn[0] - drawn[1]),
        bins=_bins(x_B, said, came, resampling),
    )


def _bins(x_B: Numbers, said_B2: Numbers, came_B2: Numbers, resampling: Resampling) -> tuple[LengthBin, ...]:
    """The bins that hold a battle, from the shortest A to the longest."""
    steps_B = np.searchsorted(np.log(RATIOS), np.abs(x_B), side="right") * np.sign(x_B).astype(np.int64)
    numbers = [int(number) for number in np.unique(steps_B)]
    inside_BK = (steps_B[:, None] == numbers).astype(np.float64)
    observed = resampling.ratios(inside_BK * came_B2[:, :1], inside_BK * came_B2.sum(axis=1, keepdims=True))
    found = []
    for number, inside_B, estimate in zip(numbers, inside_BK.T > 0, observed, strict=True):
        said_2 = said_B2[inside_B].sum(axis=0)
        low, high = _ends(number)
        found.append(
            LengthBin(
                low,
                high,
                battles=int(inside_B.sum()),
                decided=int(came_B2[inside_B].sum()),
                ratio=float(np.exp(x_B[inside_B].mean())),
                forecast=float(said_2[0] / said_2.sum()) if said_2.sum() > 0 else None,
                observed=estimate,
            )
        )
    return tuple(found)


def _ends(number: int) -> tuple[float | None, float | None]:
    """Between which ratios the battles of a bin lie; 0 is the middle one, which begins below 1 and ends above it."""
    if number < 0:
        low, high = _ends(-number)
        return (None if high is None else 1 / high), (None if low is None else 1 / low)
    ends = (1 / RATIOS[0], *RATIOS, None)
    return ends[number], ends[number + 1]


def forecast_by_length(sample: Sample, *, folds: int = FOLDS) -> Numbers | None:
    """What length alone would forecast: each battle by a regression on the battles of other prompts.

    A's logit is s x, B's is -s x, a tie's is c + d |x|: exchanging A and B exchanges their forecasts. s and d have the
    penalty that scikit-learn's LogisticRegression has by default, on the battles and the same battles exchanged.

    Args:
        sample: the battles; their forecasts are not looked at.
        folds: of battles; those of one prompt stand in one.

    Returns:
        Forecasts [B, C]; None where all battles have one prompt, so that nothing can be held out.
    """
    if sample.prompts < TWO:
        return None
    features_BKP = _features(log_ratios(sample), len(sample.labels))
    made_up_KP = _features(np.zeros(1), len(sample.labels))[0]
    penalty_P = np.array([1.0, 0.0, 1 / 3])[: features_BKP.shape[2]]
    fold_B = np.array(fold_of_each(sample.battles, folds))
    shares_BC = np.empty_like(sample.rows)
    for fold in np.unique(fold_B):
        own_B = fold_B == fold
        fit = fit_choice(features_BKP[~own_B], sample.came[~own_B], made_up_KP, penalty_P)
        shares_BC[own_B] = shares_of(features_BKP[own_B], fit.theta)
    return shares_BC


def _features(x_B: Numbers, columns: int) -> Numbers:
    """The features of each outcome [B, C, P]: parameters s and, where there are ties, c and d."""
    has_ties = columns > TWO
    features_BCP = np.zeros((len(x_B), columns, 3 if has_ties else 1))
    features_BCP[:, A_WINS, 0] = x_B
    features_BCP[:, B_WINS, 0] = -x_B
    if has_ties:
        features_BCP[:, TIE, 1] = 1.0
        features_BCP[:, TIE, 2] = np.abs(x_B)
    return features_BCP
