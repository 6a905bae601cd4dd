"""Which examples a step sees: a function of the seed and the number of the step, so that a run can begin anywhere."""

import random
from dataclasses import dataclass

from pipeline.training.plan import Plan

HALF = 1 / 2


@dataclass(frozen=True, slots=True)
class Sight:
    """One example as a step sees it: its place, and whether its sides are exchanged."""

    place: int
    swapped: bool


class Order:
    """All steps of a run.

    Steps of battles of like length would save some padding, but a step is then of one kind of battle, and a small run
    does not get off the ground; micro-batches are sorted anyway.

    Args:
        examples: how many there are; at least one.
        plan: seed, batch size, epochs and swaps.
    """

    def __init__(self, examples: int, plan: Plan) -> None:
        self._examples, self._plan = examples, plan
        turned = random.Random(f"{plan.seed}:turned")  # noqa: S311 - an order, not a secret
        self._turned = [turned.random() < HALF for _ in range(examples)]
        self._shuffled: tuple[int, list[Sight]] | None = None

    @property
    def per_epoch(self) -> int:
        """Steps of an epoch; the last may see fewer examples than the others."""
        sights = self._examples * (2 if self._plan.swap == "both" else 1)
        return -(-sights // self._plan.batch_size)

    @property
    def steps(self) -> int:
        """Steps of the run."""
        return self.per_epoch * self._plan.epochs

    def step(self, number: int) -> tuple[Sight, ...]:
        """What the step of a number, counted from 0, sees."""
        epoch, within = divmod(number, self.per_epoch)
        sights, first = self._epoch(epoch), within * self._plan.batch_size
        return tuple(sights[first : first + self._plan.batch_size])

    def _epoch(self, epoch: int) -> list[Sight]:
        if self._shuffled is None or self._shuffled[0] != epoch:
            sights = self._sights(epoch)
            random.Random(f"{self._plan.seed}:{epoch}").shuffle(sights)  # noqa: S311 - an order, not a secret
            self._shuffled = (epoch, sights)
        return self._shuffled[1]

    def _sights(self, epoch: int) -> list[Sight]:
        places = range(self._examples)
        if self._plan.swap == "none":
            return [Sight(place, swapped=False) for place in places]
        if self._plan.swap == "both":
            return [Sight(place, swapped) for place in places for swapped in (False, True)]
        return [Sight(place, self._turned[place] != bool(epoch % 2)) for place in places]
