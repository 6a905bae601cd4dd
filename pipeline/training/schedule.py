"""How the learning rate goes: up in a straight line, then down along a cosine."""

import math


def rate_factor(step: int, steps: int, warmup: int) -> float:
    """What the peak rate is multiplied by in a step.

    Args:
        step: from 0.
        steps: in all.
        warmup: steps that climb; at least one rises above 0 from the first.

    Returns:
        In (0, 1]: 1 at the end of the climb, a tenth at the last step.

    >>> [round(rate_factor(step, 6, 2), 3) for step in range(6)]
    [0.5, 1.0, 0.868, 0.55, 0.232, 0.1]
    """
    if step < warmup:
        return (step + 1) / warmup
    through = (step + 1 - warmup) / max(1, steps - warmup)
    return 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * min(1.0, through)))
