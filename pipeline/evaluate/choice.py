"""Logistic regression on features of each outcome, by Newton's method: the conditional logit of McFadden (1974).

P(outcome k) is proportional to exp(theta . features_k). Targets may be outcomes (a 1) or forecasts (shares), and the
same fit of both is comparable: a calibrated forecast has, in the mean, the same theta as what comes true.

Shapes: B battles, K outcomes, P parameters, D draws.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.evaluate.resampling import Resampling
from pipeline.evaluate.sample import Numbers

STEPS: Final = 100
HALVINGS: Final = 40
# What the next step would lower the mean loss by, in nats, where it is no longer worth it.
DECREMENT: Final = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """A fitted regression.

    Attributes:
        theta: the parameters [P].
        slopes: each battle's part of the gradient of the loss there [B, P].
        bends: each battle's part of the Hessian [B, P, P].
        held_slope, held_bend: the part of both that no battle has: the penalty's and the made-up battle's.
    """

    theta: Numbers
    slopes: Numbers
    bends: Numbers
    held_slope: Numbers
    held_bend: Numbers

    def drawn(self, resampling: Resampling) -> Numbers:
        """The parameters in each draw [D, P].

        One Newton step from the fit, which for many battles is as good as a fit anew (Shao and Tu 1995, The Jackknife
        and Bootstrap, 3.4).
        """
        count = len(self.theta)
        flat_BN = np.concatenate([self.slopes, self.bends.reshape(len(self.slopes), -1)], axis=1)
        totals_DN = resampling.totals(flat_BN)
        slopes_DP = totals_DN[:, :count] + self.held_slope
        bends_DPP = totals_DN[:, count:].reshape(-1, count, count) + self.held_bend
        drawn: Numbers = self.theta - np.linalg.solve(bends_DPP, slopes_DP[..., None])[..., 0]
        return drawn


def fit_choice(features_BKP: Numbers, targets_BK: Numbers, made_up_KP: Numbers, penalty_P: Numbers) -> Choice:
    """The parameters with the least sum of log losses and penalty.

    Args:
        features_BKP: of each outcome of each battle.
        targets_BK: how much of the battle came out so; a row of sum 0 is left out, one of sum 1 counts whole.
        made_up_KP: the features of one battle that is added, an equal share for each outcome, so that an outcome that
            never comes has a finite parameter.
        penalty_P: half of it times the square of the parameter is added.
    """
    features = np.concatenate([features_BKP, made_up_KP[None]])
    equal_K = np.full((1, made_up_KP.shape[0]), 1 / made_up_KP.shape[0])
    targets = np.concatenate([targets_BK, equal_K])
    theta_P = np.zeros(features.shape[2])
    for _ in range(STEPS):
        slopes, bends = _parts(features, targets, theta_P)
        slope_P = slopes.sum(axis=0) + penalty_P * theta_P
        step_P = np.linalg.solve(bends.sum(axis=0) + np.diag(penalty_P), slope_P)
        moved_P = _shorter(features, targets, penalty_P, theta_P, step_P)
        is_done = slope_P @ step_P <= DECREMENT * len(targets) or (moved_P == theta_P).all()
        theta_P = moved_P
        if is_done:
            break
    slopes, bends = _parts(features, targets, theta_P)
    held_PP = bends[-1] + np.diag(penalty_P)
    return Choice(theta_P, slopes[:-1], bends[:-1], slopes[-1] + penalty_P * theta_P, held_PP)


def shares_of(features_BKP: Numbers, theta_P: Numbers) -> Numbers:
    """The probabilities of the outcomes [B, K]."""
    logits_BK = features_BKP @ theta_P
    powers_BK = np.exp(logits_BK - logits_BK.max(axis=1, keepdims=True))
    shares: Numbers = powers_BK / powers_BK.sum(axis=1, keepdims=True)
    return shares


def _parts(features_BKP: Numbers, targets_BK: Numbers, theta_P: Numbers) -> tuple[Numbers, Numbers]:
    """Of each battle the gradient and the Hessian of its log loss."""
    whole_B1 = targets_BK.sum(axis=1, keepdims=True)
    expected_BK = whole_B1 * shares_of(features_BKP, theta_P)
    slopes_BP = np.einsum("bk,bkp->bp", expected_BK - targets_BK, features_BKP)
    mean_BP = np.einsum("bk,bkp->bp", expected_BK, features_BKP)
    squares_BPP = np.einsum("bk,bkp,bkq->bpq", expected_BK, features_BKP, features_BKP)
    products_BPP = np.einsum("bp,bq->bpq", mean_BP, mean_BP)
    whole_B11 = np.maximum(whole_B1, np.finfo(np.float64).tiny)[..., None]
    return slopes_BP, squares_BPP - products_BPP / whole_B11


def _shorter(features: Numbers, targets: Numbers, penalty_P: Numbers, theta_P: Numbers, step_P: Numbers) -> Numbers:
    """The parameters after the longest halving of the step that lowers the loss."""
    began = _loss(features, targets, penalty_P, theta_P)
    for _ in range(HALVINGS):
        moved_P = theta_P - step_P
        if _loss(features, targets, penalty_P, moved_P) <= began:
            return moved_P
        step_P = step_P / 2
    return theta_P


def _loss(features_BKP: Numbers, targets_BK: Numbers, penalty_P: Numbers, theta_P: Numbers) -> float:
    logits_BK = features_BKP @ theta_P
    norms_B = np.logaddexp.reduce(logits_BK, axis=1)
    loss = (targets_BK * (norms_B[:, None] - logits_BK)).sum() + 0.5 * (penalty_P * theta_P**2).sum()
    return float(loss)
