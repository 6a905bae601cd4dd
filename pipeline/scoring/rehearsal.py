"""How long would it take? The whole path on as many rows as the contest has, for as short a time as gives a figure.

The rows are the visible ones, repeated: their lengths are what the hidden ones will have. One pack is run out of each
of many groups of equal length, the longest first, so that the memory shows at once, and then spread over all lengths.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.arena.battle import Battle
from pipeline.arena.outcome import softmax
from pipeline.errors import PipelineError
from pipeline.progress import duration
from pipeline.scoring.deadline import Clock, Deadline
from pipeline.scoring.device import Devices, Done
from pipeline.scoring.engine import BREATH_S
from pipeline.scoring.job import Job
from pipeline.scoring.journal import NoJournal
from pipeline.scoring.schedule import Scales, Schedule
from pipeline.scoring.swap import MARGIN, Swap, margin
from pipeline.scoring.throughput import Meter
from pipeline.scoring.work import Look, Pack, longest_first, packs_of, size_of, waves

ROWS: Final = 25_000
# The figure is stable when the last few estimates lie this near together.
STABLE: Final = 0.05
SAME: Final = 4
FEWEST: Final = 8
MOST_S: Final = 180.0


class NothingRanError(PipelineError, RuntimeError):
    """No pack of a rehearsal was run."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a run of that many rows would be.

    Attributes:
        rows: how many.
        tokens: in their first looks, estimated from the rows that were tokenised.
        tokens_per_second: of all devices together.
        first_s: for one look at every battle.
        second_s: for the second looks that were asked for, as if there were no deadline.
        load_s: until the first pack could be run.
        peak_bytes: the most memory that was taken.
        budget: tokens of a pack that fit in memory.
        seconds: that the rehearsal took.
        limit_s: the deadline; infinite where there is none.
        drops: what the deadline would leave out, a sentence each.
    """

    rows: int
    tokens: float
    tokens_per_second: float
    first_s: float
    second_s: float
    load_s: float
    peak_bytes: int
    budget: int
    seconds: float
    limit_s: float
    drops: tuple[str, ...]

    @property
    def total_s(self) -> float:
        """Of everything."""
        return self.load_s + self.first_s + self.second_s

    def text(self) -> str:
        """For people."""
        second = f" and {duration(self.second_s)} for the second looks" if self.second_s else ""
        hours = (
            f"{self.rows:,} rows of {self.tokens / self.rows:,.0f} tokens in the mean: {self.total_s / 3600:.2f} hours"
            f" ({duration(self.load_s)} to load, {duration(self.first_s)} for the first looks{second})"
        )
        speed = (
            f"measured for {duration(self.seconds)}: {self.tokens_per_second:,.0f} tokens a second,"
            f" packs of {self.budget:,} tokens, at most {self.peak_bytes / 1e9:.2f} GB of memory"
        )
        lines = [hours, speed]
        if math.isfinite(self.limit_s):
            fits = "everything fits" if not self.drops else "; ".join(self.drops)
            lines.append(f"with a deadline of {duration(self.limit_s)}: {fits}")
        return "\n".join(lines)


def enlarged(battles: Sequence[Battle], rows: int) -> list[Battle]:
    """That many battles, the visible ones over and over."""
    return [battles[at % len(battles)] for at in range(rows)]


def spread(count: int) -> list[int]:
    """The numbers below count, each new one far from those before: a sample that may be stopped at any time.

    >>> spread(5)
    [0, 4, 2, 1, 3]
    """
    bits = max(1, (count - 1).bit_length())
    order = [int(format(at, f"0{bits}b")[::-1], 2) for at in range(1 << bits)]
    inner = [at for at in order if 0 < at < count - 1]
    return list(dict.fromkeys([0, count - 1, *inner])) if count > 1 else [0][:count]


def rehearse(
    job: Job, devices: Devices, deadline: Deadline, *, load_s: float, clock: Clock = time.perf_counter
) -> Rehearsal:
    """Measure until the figure is stable.

    Args:
        job: with as many battles as the contest has.
        devices: the ones of the real run.
        deadline: the one of the real run.
        load_s: what loading took.
        clock: seconds, rising.

    Raises:
        NothingRanError: not one pack could be run.
    """
    began, sample = clock(), _Sample(job, devices)
    order = longest_first(job.battles)
    groups = waves(order)
    estimates: list[float] = []
    for number in spread(len(groups)):
        sample.run(groups[number])
        if (rate := sample.rate()) is not None:
            estimates.append(rate)
        if _is_stable(estimates, devices.count) or clock() - began > MOST_S:
            break
    sample.drain()
    return sample.figure(deadline, load_s=load_s, seconds=clock() - began)


def _is_stable(estimates: Sequence[float], devices: int) -> bool:
    if len(estimates) < FEWEST * devices:
        return False
    last = estimates[-SAME:]
    return max(last) <= min(last) * (1 + STABLE)


class _Sample:
    """The packs of a rehearsal and what they told."""

    def __init__(self, job: Job, devices: Devices) -> None:
        self._job, self._devices = job, devices
        self._stage = job.stages[0]
        self._budget, self._under_way = job.budget, 0
        self._tokens, self._seconds, self._packs = 0, 0.0, 0
        self._uncertain, self._looks = 0, 0
        self._scales, self._meter = Scales(), Meter()

    def run(self, group: Sequence[int]) -> None:
        """One pack out of a group."""
        battles = [self._job.battles[place] for place in group]
        rows = self._stage.encode(battles, self._stage.length)
        self._scales.learn([size_of(each) for each in battles], [len(row) for row in rows], self._stage.length)
        packs = packs_of([Look(place) for place in group], rows, self._devices.planner(0), self._budget)
        while self._devices.room() <= 0:
            self._collect()
        self._submit(packs[len(packs) // 2] if self._packs else packs[0])
        self._collect()

    def drain(self) -> None:
        """Wait for what is under way."""
        while self._under_way:
            self._collect()

    def rate(self) -> float | None:
        """Tokens a second of all devices, so far."""
        return self._tokens / self._seconds * self._devices.count if self._seconds else None

    def figure(self, deadline: Deadline, *, load_s: float, seconds: float) -> Rehearsal:
        """What it comes to."""
        rate = self.rate()
        if rate is None:
            raise NothingRanError("not one pack could be run", fix="say a smaller --max-length")
        sizes = [size_of(each) for each in self._job.battles]
        tokens = sum(self._scales.tokens(size, self._stage.length) for size in sizes)
        first_s = tokens / rate
        second_s = first_s * self._share(self._job.swap)
        return Rehearsal(
            rows=len(sizes),
            tokens=tokens,
            tokens_per_second=rate,
            first_s=first_s,
            second_s=second_s,
            load_s=load_s,
            peak_bytes=self._meter.peak_bytes,
            budget=self._budget,
            seconds=seconds,
            limit_s=deadline.limit_s,
            drops=self._drops(deadline, sizes, load_s, (first_s, second_s)),
        )

    def _share(self, swap: Swap) -> float:
        """Of the battles that get a second look."""
        if swap == "uncertain":
            return self._uncertain / max(1, self._looks)
        return 0.0 if swap == "none" else 1.0

    def _drops(
        self, deadline: Deadline, sizes: Sequence[int], load_s: float, spent_s: tuple[float, float]
    ) -> tuple[str, ...]:
        if not math.isfinite(deadline.limit_s):
            return ()
        left = deadline.limit_s - deadline.headroom_s - load_s
        first_s, second_s = spent_s
        if first_s > left:
            # At its very start, and with the time that is left once its own head-room is taken off.
            at_start = Deadline(deadline.limit_s, 0.0, clock=lambda: load_s)
            schedule = Schedule(at_start, self._meter, NoJournal(), scales=self._scales)
            length = schedule.length(self._stage, 0, sizes, self._stage.length, self._devices.count)
            looks = ("all second looks are left out",) if second_s else ()
            told = (*looks, f"rows are cut to about {length} tokens instead of {self._stage.length}")
            needed = (
                first_s
                * sum(self._scales.tokens(size, length) for size in sizes)
                / sum(self._scales.tokens(size, self._stage.length) for size in sizes)
            )
            without = 1 - max(0.0, left) / needed
            return (*told, f"{without:.0%} of the rows hold the prior") if without > STABLE else told
        if first_s + second_s > left:
            share = 1 - (left - first_s) / second_s
            return (f"{share:.0%} of the second looks are left out, those at the most certain battles",)
        return ()

    def _submit(self, pack: Pack) -> None:
        self._under_way += 1
        self._packs += 1
        self._devices.submit(pack)

    def _collect(self) -> None:
        for done in self._devices.collect(BREATH_S):
            self._under_way -= 1
            self._take(done)

    def _take(self, done: Done) -> None:
        self._meter.peak_bytes = max(self._meter.peak_bytes, done.peak_bytes)
        self._budget = min(self._budget, done.budget)
        known = [softmax(row) for row in done.logits if row is not None and all(map(math.isfinite, row))]
        self._looks += len(known)
        self._uncertain += sum(margin(row) < MARGIN for row in known)
        self._meter.count(
            stage=0,
            tokens=done.pack.tokens,
            rows=len(done.pack.looks),
            computed=done.computed,
            seconds=done.seconds,
            waited_s=0.0,
        )
        if self._meter.rows > len(done.pack.looks):  # the first pack warms the device up
            self._tokens += done.pack.tokens
            self._seconds += done.seconds
