"""The engine: one queue of work, whatever devices there are, a journal, a deadline; forecasts for every battle.

Swapped looks, further models, lengths and the deadline are orderings of the same work. What it does not know: files,
tables and how a model came to be loaded, so it can be called for any part of the rows and anywhere.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.scoring.ahead import Ahead
from pipeline.scoring.deadline import FOREVER, Deadline
from pipeline.scoring.device import Devices, Done
from pipeline.scoring.job import Hooks, Job, NotFiniteError, Scored, TooLargeError
from pipeline.scoring.journal import Journal, Logits, NoJournal
from pipeline.scoring.schedule import Phase, Schedule
from pipeline.scoring.swap import Row, to_swap
from pipeline.scoring.throughput import Meter
from pipeline.scoring.work import (
    Look,
    Pack,
    chosen_by,
    longest_first,
    packs_of,
    size_of,
    waves,
)

# How long the engine waits for a device before it looks at the clock and at who wants it to stop.
BREATH_S: Final = 0.5
# So many battles without a finite forecast are odd rows; more are a precision that overflows.
ODD_ROWS: Final = 3
ODD_SHARE: Final = 0.01
# Battles that are tokenised whole, where there is a deadline, to know what the others will cost.
SAMPLE: Final = 64
WHOLE: Final = 1_000_000


class _StopError(Exception):
    """Somebody asked the run to stop."""


class _OverdueError(Exception):
    """Half of what was kept in reserve is gone, and a device has still not answered."""


@dataclass(slots=True)
class Engine:
    """One run over one job.

    Attributes:
        job: what is to be done.
        devices: who does it.
        journal: keeps what is done, and brings what was done before.
        deadline: when to be done.
        hooks: who is told.
    """

    job: Job
    devices: Devices
    journal: Journal = field(default_factory=NoJournal)
    deadline: Deadline = field(default_factory=Deadline)
    hooks: Hooks = field(default_factory=Hooks)
    meter: Meter = field(default_factory=Meter)
    schedule: Schedule = field(init=False)
    _logits: dict[Look, Row] = field(default_factory=dict, init=False)
    _bad: dict[Look, str] = field(default_factory=dict, init=False)
    _under_way: dict[tuple[Look, ...], int] = field(default_factory=dict, init=False)
    _sizes: tuple[int, ...] = field(init=False)
    _budget: int = field(init=False)
    _fitted: int = field(init=False)
    _dropped: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._sizes = tuple(map(size_of, self.job.battles))
        self._budget = self._fitted = self.job.budget
        under = f"swap {self.job.swap}, limit {self.deadline.limit_s:g} s"
        if len(self.job.stages) > 1:
            under += f", stages {[(each.weight, each.share, each.below) for each in self.job.stages]}"
        self.schedule = Schedule(self.deadline, self.meter, self.journal, under)

    def run(self) -> Scored:
        """Do all of it that fits in the time.

        Raises:
            NotFiniteError: too many battles have logits that are no numbers.
            TooLargeError: no battle fits in memory.
            PipelineError: the devices are lost; what was done is in the journal and in what was delivered last.
        """
        began, stopped = time.perf_counter(), False
        self._learn_scales()
        with Ahead(self._encoded) as ahead:
            try:
                for number in range(len(self.job.stages)):
                    self._phase(Phase(number), self._first_looks(number), ahead)
                    self._phase(Phase(number, swapped=True), self._second_looks(number), ahead)
            except _StopError:
                stopped = True
            except _OverdueError:
                self._drop(f"{len(self._under_way):,} packs under way are given up: the time is over")
        if not stopped:
            self._require_any()
        return Scored(
            self.job.probabilities(self._logits),
            self._logits,
            self.meter,
            ahead.seconds,
            time.perf_counter() - began,
            stopped=stopped,
            without=tuple(at for at in range(len(self.job.battles)) if not self._is_known(at)),
            too_large=tuple(sorted({look.place for look, why in self._bad.items() if why == "large"})),
            dropped=tuple(self._dropped),
        )

    def probabilities(self) -> tuple[Row, ...]:
        """The forecasts so far."""
        return self.job.probabilities(self._logits)

    def _learn_scales(self) -> None:
        """What a character costs in tokens, from a few whole battles of all lengths: the first groups are all cut."""
        if self.deadline.limit_s == FOREVER:
            return
        order = longest_first(self.job.battles)
        sample = order[:: max(1, len(order) // SAMPLE)]
        rows = self.job.stages[0].encode([self.job.battles[place] for place in sample], WHOLE)
        self.schedule.scales.learn([self._sizes[place] for place in sample], [len(row) for row in rows], WHOLE)

    def any_known(self) -> bool:
        """Whether any battle has a forecast by now."""
        return bool(self._logits)

    def _encoded(self, phase: Phase, places: Sequence[int], length: int) -> Sequence[tuple[int, ...]]:
        battles = [self.job.battles[place] for place in places]
        turned = [battle.swapped() for battle in battles] if phase.swapped else battles
        return self.job.stages[phase.stage].encode(turned, length)

    def _first_looks(self, stage: int) -> tuple[int, ...]:
        if stage == 0:
            return longest_first(self.job.battles)
        known = [place for place in range(len(self.job.battles)) if self._is_known(place)]
        return chosen_by(self.job.stages[stage], self.job.means(self._logits), known)

    def _second_looks(self, stage: int) -> tuple[int, ...]:
        chosen = to_swap(self.job.swap, self.probabilities()) if self.job.swap != "none" else ()
        return tuple(place for place in chosen if Look(place, stage) in self._logits)

    def _is_known(self, place: int) -> bool:
        return any(Look(place, stage) in self._logits for stage in range(len(self.job.stages)))

    def _phase(self, phase: Phase, places: Sequence[int], ahead: Ahead) -> None:
        """All packs of one kind; comes back when the last of them is done, since the next kind depends on them."""
        if not places:
            return
        if phase != Phase(0):
            self.hooks.expect(len(places))
        if not self._is_loaded(phase):
            self._drop(f"{len(places):,} of {len(places):,} {phase.text()} are left out for want of time")
            return
        reserve_s, done = self._reserve_s(phase), 0
        for number, pack in enumerate(self._packs(phase, places, ahead)):
            before = self.journal.logits(pack.key)
            if self._is_over(phase, number, pack, reserve_s, is_done=before is not None):
                self._drop(f"{len(places) - done:,} of {len(places):,} {phase.text()} are left out for want of time")
                break
            done += len(pack.looks)
            if before is None:
                self._submit(pack)
            else:
                self._take(pack.looks, before)
        while self._under_way:
            self._collect()

    def _is_loaded(self, phase: Phase) -> bool:
        """Whether there is a model and time for a phase; a later model may take longer to load than is left."""
        if self.schedule.known("stop", phase, 0) is not None:
            return False
        while phase.stage == 0 or self.deadline.left_s() > 0:
            if self.devices.turn_to(phase.stage, BREATH_S):
                return True
            if self.hooks.stop():
                raise _StopError
        self.schedule.decide("stop", phase, 0, 0)
        return False

    def _is_over(self, phase: Phase, number: int, pack: Pack, reserve_s: float, *, is_done: bool) -> bool:
        if self.schedule.known("stop", phase, number) is not None:
            return True
        if is_done or self._admits(phase, pack, reserve_s):
            return False
        self.schedule.decide("stop", phase, number, 0)
        return True

    def _submit(self, pack: Pack) -> None:
        while self.devices.room() <= 0:
            self._collect()
        self._under_way[pack.looks] = pack.tokens
        self.devices.submit(pack)

    def _reserve_s(self, phase: Phase) -> float:
        """Only second looks leave room for later stages: they are worth less."""
        if not phase.swapped:
            return 0.0
        return self.schedule.reserve_s(self.job.stages, phase.stage, self._sizes, self.devices.count)

    def _packs(self, phase: Phase, places: Sequence[int], ahead: Ahead) -> Iterator[Pack]:
        """The packs of a phase in order, group by group, each tokenised while the one before is run."""
        groups, length = waves(places), self.job.stages[phase.stage].length
        planner = self.devices.planner(phase.stage)
        for number, group in enumerate(groups):
            length = self._length(phase, groups, number, length)
            self._settle_budget(phase, number)
            rows = ahead.take(phase, group, length, groups[number + 1 : number + 2])
            self.schedule.scales.learn([self._sizes[place] for place in group], [len(row) for row in rows], length)
            looks = [Look(place, phase.stage, phase.swapped) for place in group]
            yield from packs_of(looks, rows, planner, self._budget)

    def _length(self, phase: Phase, groups: Sequence[Sequence[int]], number: int, length: int) -> int:
        """The length of a group's rows; only first looks are cut shorter, since other looks can be left out."""
        if phase != Phase(0):
            return length
        sizes = [self._sizes[place] for group in groups[number:] for place in group]
        known = self.schedule.known("length", phase, number)
        found = known or self.schedule.length(self.job.stages[0], 0, sizes, length, self.devices.count)
        if known is None and found < length:
            self.schedule.decide("length", phase, number, found)
        if found < length:
            self._drop(f"{len(sizes):,} rows are cut to {found} tokens for want of time")
        return found

    def _settle_budget(self, phase: Phase, number: int) -> None:
        """A budget that was too much for the memory is not tried again by every later pack."""
        known = self.schedule.known("budget", phase, number)
        if known is None and self._fitted < self._budget:
            known = self._fitted
            self.schedule.decide("budget", phase, number, known, timed=False)
            self.hooks.tell(f"note: packs of {self._budget:,} tokens do not fit in memory; {known:,} do")
        if known is not None:
            self._budget = self._fitted = known

    def _admits(self, phase: Phase, pack: Pack, reserve_s: float) -> bool:
        left = self.deadline.left_s() - reserve_s
        if left == FOREVER:
            return True
        tokens = pack.tokens + sum(self._under_way.values())
        seconds = self.schedule.seconds(self.job.stages[phase.stage], phase.stage, tokens, self.devices.count)
        return left > 0 and (seconds is None or seconds <= left)

    def _collect(self) -> None:
        for done in self.devices.collect(BREATH_S):
            del self._under_way[done.pack.looks]
            self._count(done)
            self.journal.keep(done.pack.key, done.logits)
            self._take(done.pack.looks, done.logits)
        if self.hooks.stop():
            raise _StopError
        if self._under_way and self.deadline.left_s() < -self.deadline.headroom_s / 2:
            raise _OverdueError
        self.hooks.deliver(self.probabilities)

    def _count(self, done: Done) -> None:
        self.meter.count(
            stage=done.pack.stage,
            tokens=done.pack.tokens,
            rows=len(done.pack.looks),
            computed=done.computed,
            seconds=done.seconds,
            waited_s=done.waited_s,
        )
        self.meter.peak_bytes = max(self.meter.peak_bytes, done.peak_bytes)
        self._fitted = min(self._fitted, done.budget)

    def _take(self, looks: Sequence[Look], logits: Logits) -> None:
        for look, row in zip(looks, logits, strict=True):
            if row is None:
                self._bad[look] = "large"
            elif all(map(math.isfinite, row)):
                self._logits[look] = row
            else:
                self._bad[look] = "not finite"
        self.hooks.advance(len(looks))
        odd = [look.place for look, why in self._bad.items() if why == "not finite"]
        if len(odd) > max(ODD_ROWS, ODD_SHARE * len(self.job.battles)):
            raise self._not_finite(odd[0])

    def _require_any(self) -> None:
        if self._logits or not self._bad:
            return
        look, why = next(iter(self._bad.items()))
        if why == "not finite":
            raise self._not_finite(look.place)
        raise TooLargeError(
            f"no battle fits in memory, not even {self.job.battles[look.place].id} alone",
            fix="say a smaller --max-length, or use a device with more memory",
        )

    def _not_finite(self, place: int) -> NotFiniteError:
        return NotFiniteError(
            f"the model has no finite forecast for battle {self.job.battles[place].id}", fix="say --dtype float32"
        )

    def _drop(self, sentence: str) -> None:
        self._dropped.append(sentence)
        self.hooks.tell(f"note: {sentence}")
