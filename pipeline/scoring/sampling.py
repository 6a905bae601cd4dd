"""The packs of a rehearsal: one out of each of many groups of equal length, for each model, until its speed is stable.

The longest group comes first, so that the memory shows at once, and the others are spread over all lengths, so that the
sample may end anywhere. A later model is given the pack that holds the battles which the first has seen, so that the
mean of both says where the next would look.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.scoring.deadline import Clock
from pipeline.scoring.device import Devices, Done
from pipeline.scoring.engine import BREATH_S
from pipeline.scoring.job import Job
from pipeline.scoring.schedule import Scales
from pipeline.scoring.swap import Row
from pipeline.scoring.throughput import Meter
from pipeline.scoring.work import Look, Pack, longest_first, packs_of, size_of, waves

# A model's speed is stable when the last few estimates lie this near together.
STABLE: Final = 0.05
SAME: Final = 4
FEWEST: Final = 8
# Seconds for one model, whether its speed is stable then or not.
MOST_S: Final = 180.0


def spread(count: int) -> list[int]:
    """The numbers below count, each new one far from those before: a sample that may be stopped at any time.

    >>> spread(5)
    [0, 4, 2, 1, 3]
    """
    bits = max(1, (count - 1).bit_length())
    order = [int(format(at, f"0{bits}b")[::-1], 2) for at in range(1 << bits)]
    inner = [at for at in order if 0 < at < count - 1]
    return list(dict.fromkeys([0, count - 1, *inner])) if count > 1 else [0][:count]


@dataclass(slots=True)
class Speed:
    """Seconds a token, each pack for the tokens of the group that it stands for; the first pack warms a device up."""

    _tokens: float = 0.0
    _seconds: float = 0.0
    _packs: int = 0

    def learn(self, done: Done, group_tokens: int) -> None:
        """One pack more."""
        self._packs += 1
        if self._packs > 1:
            self._tokens += group_tokens
            self._seconds += group_tokens * done.seconds / done.pack.tokens

    def tokens_per_second(self, devices: int) -> float | None:
        """Of so many devices together; None before the second pack."""
        return self._tokens / self._seconds * devices if self._seconds else None


@dataclass(slots=True)
class Samples:
    """What the packs of all models told.

    Attributes:
        job: with as many battles as the contest has.
        devices: the ones of the real run.
        budget: tokens of a pack that fit in memory.
        speeds: of the models that ran, in order.
        scales: likewise, the tokens of a character.
        logits: of the looks that were taken.
        weights: of the battles that the first model has seen: how many of their group each stands for.
        meter: all packs, as a run counts them.
    """

    job: Job
    devices: Devices
    clock: Clock = time.perf_counter
    budget: int = field(init=False)
    speeds: list[Speed] = field(default_factory=list, init=False)
    scales: list[Scales] = field(default_factory=list, init=False)
    logits: dict[Look, Row] = field(default_factory=dict, init=False)
    weights: dict[int, float] = field(default_factory=dict, init=False)
    meter: Meter = field(default_factory=Meter, init=False)
    _under_way: dict[tuple[Look, ...], tuple[int, int]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.budget = self.job.budget

    def take(self, stage: int) -> None:
        """Run packs of the next model until its speed is stable; its loading is over."""
        began, estimates = self.clock(), list[float]()
        self.speeds.append(Speed())
        self.scales.append(Scales())
        groups = waves(longest_first(self.job.battles))
        for number in spread(len(groups)):
            self._run(stage, groups[number])
            if (rate := self.rate(stage)) is not None:
                estimates.append(rate)
            if _is_stable(estimates, self.devices.count) or self.clock() - began > MOST_S:
                break
        while self._under_way:
            self._collect()

    def rate(self, stage: int) -> float | None:
        """Tokens a second of all devices; None where too few packs ran."""
        return self.speeds[stage].tokens_per_second(self.devices.count)

    def tokens(self, stage: int, place: int) -> float:
        """Of a battle in a model's rows, estimated from the rows that were tokenised."""
        return self.scales[stage].tokens(size_of(self.job.battles[place]), self.job.stages[stage].length)

    def _run(self, stage: int, group: Sequence[int]) -> None:
        """One pack out of a group."""
        battles, length = [self.job.battles[place] for place in group], self.job.stages[stage].length
        rows = self.job.stages[stage].encode(battles, length)
        counts = [len(row) for row in rows]
        self.scales[stage].learn([size_of(each) for each in battles], counts, length)
        looks = [Look(place, stage) for place in group]
        packs = packs_of(looks, rows, self.devices.planner(stage), self.budget)
        while self.devices.room() <= 0:
            self._collect()
        pack = self._chosen(packs)
        self._under_way[pack.looks] = (len(group), sum(counts))
        self.devices.submit(pack)
        self._collect()

    def _chosen(self, packs: Sequence[Pack]) -> Pack:
        """The pack with battles that were seen, else the longest of all at the very first, else a middle one."""
        seen = (pack for pack in packs if any(look.place in self.weights for look in pack.looks))
        return next(seen, packs[len(packs) // 2] if self.weights or self._under_way else packs[0])

    def _collect(self) -> None:
        for done in self.devices.collect(BREATH_S):
            self._take(done, *self._under_way.pop(done.pack.looks))

    def _take(self, done: Done, group: int, group_tokens: int) -> None:
        pack = done.pack
        self.meter.count(
            stage=pack.stage,
            tokens=pack.tokens,
            rows=len(pack.looks),
            computed=done.computed,
            seconds=done.seconds,
            waited_s=0.0,
        )
        self.meter.peak_bytes = max(self.meter.peak_bytes, done.peak_bytes)
        self.budget = min(self.budget, done.budget)
        self.speeds[pack.stage].learn(done, group_tokens)
        known = {
            look: row
            for look, row in zip(pack.looks, done.logits, strict=True)
            if row is not None and all(map(math.isfinite, row))
        }
        self.logits |= known
        if pack.stage == 0:
            self.weights |= {look.place: group / len(known) for look in known}


def _is_stable(estimates: Sequence[float], devices: int) -> bool:
    if len(estimates) < FEWEST * devices:
        return False
    last = estimates[-SAME:]
    return max(last) <= min(last) * (1 + STABLE)
