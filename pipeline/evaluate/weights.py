"""Weights and temperature of a blend with the least log loss on labelled battles.

The mean log loss of a mixture is convex in its weights. It is minimised from within: Newton steps on

    -mean log(w . p) + sum w - barrier * sum log w

for smaller and smaller barriers (Boyd & Vandenberghe, Convex Optimization, 11.3). Members that nearly say the same make
the loss flat and not the problem hard, as it is for the EM step of a mixture. With g the mean of p / mixture, the
minimum has g = 1 - barrier / w and weights that sum to 1 + M * barrier; made to sum to 1 they have max g below that.
log(max g) bounds how far the loss is from the best there is, so the end is known and not guessed (Jensen: with any
other weights v the loss is lower by at most log sum v g).

Shapes: M members, B battles, C columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.arena.metric import EPSILON
from pipeline.arena.outcome import Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

GAP: Final = 1e-7  # nats; a leaderboard shows five digits
SHRINK: Final = 0.1  # a barrier beside the one before
MAX_STEPS: Final = 100  # for one barrier; half a dozen are the rule
SETTLED: Final = 1e-22  # a squared Newton decrement: what a further step would gain, in nats
INSIDE: Final = 0.99  # of the way to where a weight would be 0
HOTTEST: Final = 8.0
HALVINGS: Final = 60
MEMBERS: Final = 2

Members = Sequence[Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights that sum to 1, and by how much at most their log loss is above the least there is."""

    weights: tuple[float, ...]
    gap: float


def fit_weights(members_MBC: Members, winners_B: Sequence[int], *, gap: float = GAP) -> Fit:
    """The weights with the least log loss on these battles.

    Args:
        members_MBC: every member's forecast of every battle.
        winners_B: the column that came true.
        gap: how near to the least, in nats.

    Raises:
        ValueError: fewer than two members, no battles, or unequal lengths.
    """
    import numpy as np

    came_MB = _came(members_MBC, winners_B)
    members = len(came_MB)
    weights_M, barrier, last = np.full(members, 1 / members), 1 / members, gap / members / 2
    while barrier > last:
        barrier = max(barrier * SHRINK, last)
        weights_M = _centred(came_MB, weights_M, barrier)
    weights_M = weights_M / weights_M.sum()
    slope_M = (came_MB / (weights_M @ came_MB)).mean(axis=1)
    return Fit(tuple(weights_M.tolist()), max(0.0, float(np.log(slope_M.max()))))


def _centred(came_MB: "Numbers", weights_M: "Numbers", barrier: float) -> "Numbers":
    """The weights at which loss and barrier together are least, by Newton steps from these."""
    import numpy as np

    for _ in range(MAX_STEPS):
        ratios_MB = came_MB / (weights_M @ came_MB)
        downhill_M = ratios_MB.mean(axis=1) - 1 + barrier / weights_M
        bend_MM = ratios_MB @ ratios_MB.T / ratios_MB.shape[1] + np.diag(barrier / weights_M**2)
        move_M = np.linalg.solve(bend_MM, downhill_M)
        decrement = float(downhill_M @ move_M)
        if decrement <= SETTLED:
            break
        weights_M = weights_M + move_M * _step(move_M @ ratios_MB, move_M, weights_M, barrier, decrement)
    return weights_M


def _step(grown_B: "Numbers", move_M: "Numbers", weights_M: "Numbers", barrier: float, decrement: float) -> float:
    """How much of a Newton step is taken: halved until it is worth what its slope promises (Armijo).

    Args:
        grown_B: by what share the whole step changes the mixture of each battle.
        move_M: the step.
        weights_M: where it begins.
        barrier: the weight of the logarithms of the weights.
        decrement: what the slope promises of the whole step, twice over.
    """
    import numpy as np

    steepest = float((-move_M / weights_M).max())
    step = 1.0 if steepest <= INSIDE else INSIDE / steepest
    for _ in range(HALVINGS):
        # Of changes, not of sums: these would lose them to rounding.
        change = (
            -np.log1p(step * grown_B).mean() + step * move_M.sum() - barrier * np.log1p(step * move_M / weights_M).sum()
        )
        if change <= -step * decrement / 4:
            break
        step /= 2
    return step


def _came(members_MBC: Members, winners_B: Sequence[int]) -> "Numbers":
    """What each member gave to what happened [M, B], held to where a logarithm is finite."""
    import numpy as np

    if len(members_MBC) < MEMBERS:
        raise ValueError(f"{len(members_MBC)} members are no blend")
    if not winners_B or any(len(rows) != len(winners_B) for rows in members_MBC):
        raise ValueError(f"{', '.join(str(len(rows)) for rows in members_MBC)} forecasts for {len(winners_B)} winners")
    came = [[row[winner] for row, winner in zip(rows, winners_B, strict=True)] for rows in members_MBC]
    return np.clip(np.array(came, dtype=np.float64), EPSILON, 1.0)


def fit_temperature(rows_BC: Sequence[Row], winners_B: Sequence[int]) -> float:
    """The temperature with the least log loss, between 1/8 and 8.

    The loss is convex in 1 / temperature, so its slope has one zero, which is found by halving.

    Raises:
        ValueError: no battles, or unequal lengths.
    """
    import numpy as np

    if not winners_B or len(rows_BC) != len(winners_B):
        raise ValueError(f"{len(rows_BC)} forecasts for {len(winners_B)} winners")
    logs_BC = np.log(np.clip(np.array(rows_BC, dtype=np.float64), EPSILON, 1.0))
    came_B = logs_BC[np.arange(len(winners_B)), list(winners_B)]
    low, high = 1 / HOTTEST, HOTTEST
    for _ in range(HALVINGS):
        sharpness = (low + high) / 2
        powers_BC = np.exp(sharpness * (logs_BC - logs_BC.max(axis=1, keepdims=True)))
        mean_B = (powers_BC * logs_BC).sum(axis=1) / powers_BC.sum(axis=1)
        if (mean_B - came_B).mean() > 0:
            high = sharpness
        else:
            low = sharpness
    return 2 / (low + high)
