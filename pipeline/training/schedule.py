"""How the learning rate goes: up in a straight line, then down, or on as it is."""

import math
from typing import Final

from pipeline.training.plan import Schedule

# What is left of the peak at the last step.
FLOOR: Final = 0.1


def rate_factor(step: int, steps: int, warmup: int, schedule: Schedule = "cosine") -> float:
    """What the peak rate is multiplied by in a step.

    Args:
        step: from 0.
        steps: in all.
        warmup: steps that climb; at least one rises above 0 from the first.
        schedule: along a cosine (Loshchilov and Hutter 2017, without restarts), in a straight line, or not down at all.

    Returns:
        In (0, 1]: 1 at the end of the climb, a tenth at the last step unless the rate stays.

    >>> [round(rate_factor(step, 6, 2), 3) for step in range(6)]
    [0.5, 1.0, 0.868, 0.55, 0.232, 0.1]
    >>> [round(rate_factor(step, 6, 2, "linear"), 3) for step in range(6)]
    [0.5, 1.0, 0.775, 0.55, 0.325, 0.1]
    """
    if step < warmup:
        return (step + 1) / warmup
    through = min(1.0, (step + 1 - warmup) / max(1, steps - warmup))
    left = {"cosine": (1 + math.cos(math.pi * through)) / 2, "linear": 1 - through, "constant": 1.0}[schedule]
    return FLOOR + (1 - FLOOR) * left
