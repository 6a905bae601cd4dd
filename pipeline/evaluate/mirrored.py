"""Multinomial regression whose forecasts are exchanged when the answers are: convex, solved by Newton's method.

    loss = sum over battles of -log softmax(d, -d, t)[winner] + ridge / 2 * (penalised coefficients squared)
    d = side_BF @ coefficients, t = tie_BG @ coefficients

The scores are linear in the coefficients and log-sum-exp is convex, so there is one minimum; Newton's steps are halved
where they would overshoot. Without ties tie_BG has no columns and t is absent (softmax(d, -d)).

Shapes: B battles, F antisymmetric features, G symmetric ones (the constant among them), C outcomes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.arena.battle import A_WINS, B_WINS, TIE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Whole = NDArray[np.int64]

MAX_STEPS: Final = 100
MAX_HALVINGS: Final = 40
# Newton's decrement, in nats of the whole loss: by so much at most is it above the least there is.
GAP: Final = 1e-8
# What is not penalised is held by this, so that forecasts that separate the outcomes have a finite fit.
FLOOR: Final = 1e-6


class NotFittedError(ArithmeticError):
    """Newton's method did not come to the minimum: numbers too large to be computed with."""


@dataclass(frozen=True, slots=True)
class Design:
    """The features of battles, scaled; `side_free` and `tie_free` columns, the first, bear no ridge.

    Attributes:
        side: antisymmetric [B, F].
        tie: symmetric [B, G], the constant among the free ones; no columns where there are no ties.
    """

    side: "Numbers"
    tie: "Numbers"
    side_free: int
    tie_free: int

    def rows(self, which_B: "Numbers | Whole") -> "Design":
        """The same of some battles, by a mask or by places."""
        return Design(self.side[which_B], self.tie[which_B], self.side_free, self.tie_free)

    @property
    def outcomes(self) -> int:
        """3 with ties, 2 without."""
        return 3 if self.tie.shape[1] else 2


def probabilities(design: Design, weights_W: "Numbers") -> "Numbers":
    """Forecasts [B, C] of coefficients [F + G], the side's first."""
    import numpy as np

    features = design.side.shape[1]
    d_B = design.side @ weights_W[:features]
    scores = [d_B, -d_B] + ([design.tie @ weights_W[features:]] if design.outcomes == 3 else [])  # noqa: PLR2004
    scores_BC = np.stack(scores, axis=1)
    powers_BC = np.exp(scores_BC - scores_BC.max(axis=1, keepdims=True))
    shares_BC: Numbers = powers_BC / powers_BC.sum(axis=1, keepdims=True)
    return shares_BC


def losses(forecasts_BC: "Numbers", winners_B: "Whole") -> "Numbers":
    """What each battle costs, in nats."""
    import numpy as np

    costs_B: Numbers = -np.log(np.maximum(forecasts_BC[np.arange(len(winners_B)), winners_B], np.finfo(float).tiny))
    return costs_B


def fit(design: Design, winners_B: "Whole", ridge: float) -> "Numbers":
    """The coefficients [F + G] with the least loss.

    Args:
        design: the battles' features.
        winners_B: the column that came true.
        ridge: above 0; the penalty on the coefficients that are not free.

    Raises:
        NotFittedError: the numbers are too large.
    """
    import numpy as np

    penalty_W = _penalty(design, ridge)
    weights_W = np.zeros_like(penalty_W)
    loss = _loss(design, winners_B, weights_W, penalty_W)
    for _ in range(MAX_STEPS):
        slope_W, curve_WW = _derivatives(design, winners_B, weights_W, penalty_W)
        step_W = np.linalg.solve(curve_WW, slope_W).astype(np.float64)
        if slope_W @ step_W <= GAP:
            return weights_W
        weights_W, loss = _moved(design, winners_B, weights_W, step_W, penalty_W=penalty_W, loss=loss)
    raise NotFittedError("the features or the forecasts are too large to be fitted to")


def _penalty(design: Design, ridge: float) -> "Numbers":
    import numpy as np

    side, tie = design.side.shape[1], design.tie.shape[1]
    penalty_W = np.full(side + tie, ridge)
    penalty_W[: design.side_free] = FLOOR
    penalty_W[side : side + min(design.tie_free, tie)] = FLOOR
    return penalty_W


def _loss(design: Design, winners_B: "Whole", weights_W: "Numbers", penalty_W: "Numbers") -> float:
    return float(losses(probabilities(design, weights_W), winners_B).sum() + (penalty_W * weights_W**2).sum() / 2)


def _derivatives(
    design: Design, winners_B: "Whole", weights_W: "Numbers", penalty_W: "Numbers"
) -> tuple["Numbers", "Numbers"]:
    """Gradient and Hessian of the penalised loss."""
    import numpy as np

    side_BF, tie_BG = design.side, design.tie
    shares_BC = probabilities(design, weights_W)
    lead_B = shares_BC[:, A_WINS] - shares_BC[:, B_WINS]
    decided_B = shares_BC[:, A_WINS] + shares_BC[:, B_WINS]
    came_B = (winners_B == A_WINS).astype(float) - (winners_B == B_WINS)
    slope_W = np.concatenate([side_BF.T @ (lead_B - came_B), np.zeros(tie_BG.shape[1])])
    curve_FF = side_BF.T @ ((decided_B - lead_B**2)[:, None] * side_BF)
    if design.outcomes == 2:  # noqa: PLR2004 - no ties
        return slope_W + penalty_W * weights_W, curve_FF + np.diag(penalty_W)
    tie_B = shares_BC[:, TIE]
    slope_W[side_BF.shape[1] :] = tie_BG.T @ (tie_B - (winners_B == TIE))
    curve_FG = side_BF.T @ ((-tie_B * lead_B)[:, None] * tie_BG)
    curve_GG = tie_BG.T @ ((tie_B * (1 - tie_B))[:, None] * tie_BG)
    curve_WW = np.block([[curve_FF, curve_FG], [curve_FG.T, curve_GG]])
    return slope_W + penalty_W * weights_W, curve_WW + np.diag(penalty_W)


def _moved(
    design: Design, winners_B: "Whole", weights_W: "Numbers", step_W: "Numbers", *, penalty_W: "Numbers", loss: float
) -> tuple["Numbers", float]:
    """The step, halved until the loss does not rise."""
    length = 1.0
    for _ in range(MAX_HALVINGS):
        tried_W = weights_W - length * step_W
        tried = _loss(design, winners_B, tried_W, penalty_W)
        if tried <= loss:
            return tried_W, tried
        length /= 2
    return weights_W, loss
