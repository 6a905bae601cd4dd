"""Weights and temperature of a blend with the least log loss on labelled battles.

The mean log loss of a mixture is convex in its weights. Multiplicative updates w <- w * g ** step, with g the mean of
p / mixture, never raise it at step 1 (it is the EM step of a mixture) and are tried with longer steps. log(max g)
bounds how far the loss is from the best there is, so the end is known and not guessed (Jensen: with any other weights v
the loss is lower by at most log sum v g).

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
MAX_STEPS: Final = 20_000
LONGER: Final = 1.5
LONGEST: Final = 1e6
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
    weights_M = np.full(len(came_MB), 1 / len(came_MB))
    mixture_B = weights_M @ came_MB
    step = 1.0
    for _ in range(MAX_STEPS):
        slope_M = (came_MB / mixture_B).mean(axis=1)
        if np.log(slope_M.max()) <= gap:
            break
        longer_M = _moved(weights_M, slope_M, step)
        if np.log(longer_M @ came_MB).mean() < np.log(mixture_B).mean():
            longer_M, step = _moved(weights_M, slope_M, 1.0), 1.0
        else:
            step = min(step * LONGER, LONGEST)
        weights_M, mixture_B = longer_M, longer_M @ came_MB
    slope_M = (came_MB / mixture_B).mean(axis=1)
    return Fit(tuple(weights_M.tolist()), float(np.log(slope_M.max())))


def _moved(weights_M: "Numbers", slope_M: "Numbers", step: float) -> "Numbers":
    import numpy as np

    logs_M = np.log(np.maximum(weights_M, 1e-300)) + step * np.log(slope_M)
    powers_M = np.exp(logs_M - logs_M.max())
    moved_M: Numbers = powers_M / powers_M.sum()
    return moved_M


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
