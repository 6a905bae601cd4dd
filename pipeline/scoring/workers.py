"""One process a device, all fed from one queue: who is free takes the next pack, and nobody has a half of his own.

A worker that dies is replaced and its packs are done again; a pack on which two have died is run in smaller parts. One
that hangs (see `watch`) is killed first; the rows of a pack on which two have hung are run each alone, and the one at
which it hangs again is given up. What it does not know: how a process is started and reached (see `process`).
"""

import itertools
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any, Final

from pipeline.errors import PipelineError
from pipeline.progress import duration
from pipeline.scoring.deadline import Clock
from pipeline.scoring.device import Done
from pipeline.scoring.process import Process, start_process
from pipeline.scoring.throughput import Facts
from pipeline.scoring.watch import PATIENCE_S, Watch, worked
from pipeline.scoring.work import Pack, Planner
from pipeline.scoring.worker import Answer, Begun, Load, Order, Ready, Refused, Setup, Turn

# Packs with a worker: one that is run and one that lies ready.
DEPTH: Final = 2
# Deaths in a row, without a pack done in between, after which a device is given up; one while loading counts twice,
# since no smaller pack will help it.
LIVES: Final = 6
# Deaths on one pack after which it is run in smaller parts: the kernel kills who takes all the memory.
SUSPECT: Final = 2
# Deaths on one pack after which its rows are given up: they are a handful, and the others are the run.
HOPELESS: Final = 4
# Times that a pack is hung on after which its rows are run each alone: one time may be the device's fault.
HUNG: Final = 2
# How long the workers are listened to at most before those that are silent are looked at.
LOOK_S: Final = 0.5


class WorkersLostError(PipelineError, RuntimeError):
    """Every device was given up."""


@dataclass(slots=True)
class _Task:
    """A pack that is waiting or under way, and what happened to it."""

    number: int
    pack: Pack
    limit: int
    deaths: int = 0
    hangs: int = 0
    alone: tuple[int, ...] | None = None
    begun: tuple[int, ...] = ()


@dataclass(slots=True)
class _Worker:
    """A process and what it has in hand."""

    number: int
    process: Process
    under_way: deque[_Task] = field(default_factory=deque)
    facts: Facts | None = None
    is_loading: bool = True
    silent_s: float = 0.0
    worked: int | None = None


@dataclass(slots=True)
class Workers:
    """Devices that are processes.

    Attributes:
        loads: how each stage's model is loaded; importable functions, or partials of them.
        names: a device each, as torch names it.
        threads: of each process on a CPU; None leaves it to torch.
        tell: given a line when a worker is replaced or given up, and when rows are.
        patience_s: the least time without a word after which a worker counts as hung; see `watch`.
        clock: seconds, rising.
    """

    loads: tuple[Load, ...]
    names: tuple[str, ...]
    threads: int | None = None
    tell: Callable[[str], None] = lambda _: None
    patience_s: float = PATIENCE_S
    clock: Clock = time.monotonic
    _watch: Watch = field(init=False)
    _workers: dict[int, _Worker] = field(default_factory=dict, init=False)
    _waiting: deque[_Task] = field(default_factory=deque, init=False)
    _deaths: dict[int, int] = field(default_factory=dict, init=False)
    _planners: dict[int, Planner] = field(default_factory=dict, init=False)
    _done: deque[Done] = field(default_factory=deque, init=False)
    _stage: int = field(default=0, init=False)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count, init=False)

    def __post_init__(self) -> None:
        self._watch = Watch(self.patience_s)

    def start(self) -> "Workers":
        """Start the processes; they load while the caller goes on."""
        for number in range(len(self.names)):
            self._start(number)
        return self

    @property
    def count(self) -> int:
        """As `Devices`."""
        return max(1, len(self._workers))

    @property
    def processes(self) -> tuple[int, ...]:
        """The ids of the processes that live."""
        return tuple(worker.process.id for worker in self._workers.values())

    def turn_to(self, stage: int, timeout_s: float) -> bool:
        """As `Devices`; the first of the workers that has it says so."""
        self._send_turn(stage)
        if stage not in self._planners:
            self._hear(timeout_s)
        return stage in self._planners

    def planner(self, stage: int) -> Planner:
        """As `Devices`."""
        self._send_turn(stage)
        while stage not in self._planners:
            self._hear(LOOK_S)
        return self._planners[stage]

    def facts(self) -> Sequence[Facts]:
        """As `Devices`."""
        return tuple(worker.facts for worker in self._workers.values() if worker.facts is not None)

    def room(self) -> int:
        """As `Devices`."""
        under_way = sum(len(worker.under_way) for worker in self._workers.values())
        return DEPTH * len(self._workers) - under_way - len(self._waiting) - len(self._done)

    def submit(self, pack: Pack) -> None:
        """As `Devices`."""
        self._waiting.append(_Task(next(self._numbers), pack, pack.budget))
        self._hand_out()

    def collect(self, timeout_s: float) -> Sequence[Done]:
        """As `Devices`."""
        if not self._done:
            self._hear(timeout_s)
        found = tuple(self._done)
        self._done.clear()
        return found

    def close(self) -> None:
        """As `Devices`."""
        for worker in self._workers.values():
            worker.process.end()
        self._workers.clear()
        self._waiting.clear()

    def _send_turn(self, stage: int) -> None:
        if stage == self._stage:
            return
        self._stage = stage
        self._watch.forget()
        for worker in self._workers.values():
            worker.is_loading = True
            worker.process.send(Turn(stage))

    def _start(self, number: int) -> None:
        worker = self._workers[number] = _Worker(number, start_process())
        worker.process.send(Setup(self.loads, self.names[number], self.threads, self._stage))

    def _hand_out(self) -> None:
        """The packs that wait, in order, to whoever has the fewest."""
        while self._waiting and self._workers:
            worker = min(self._workers.values(), key=lambda each: (len(each.under_way), each.number))
            if len(worker.under_way) >= DEPTH:
                return
            task = self._waiting.popleft()
            worker.under_way.append(task)
            worker.process.send(Order(task.number, task.pack.rows, task.pack.budget, task.limit, task.alone))

    def _hear(self, timeout_s: float) -> None:
        """Take what the workers say; the first of it is waited for."""
        by_pipe = {worker.process.answers: worker for worker in self._workers.values()}
        began = self.clock()
        speaking = [by_pipe[pipe] for pipe in wait(list(by_pipe), timeout_s)]  # type: ignore[index]  # no other is waited for
        # No more than was to be waited: the whole program may have been stopped meanwhile.
        waited_s = min(self.clock() - began, timeout_s)
        for worker in speaking:
            worker.silent_s = 0.0
            try:
                self._take(worker, worker.process.answers.recv())
            except (EOFError, OSError):
                self._died(worker, worker.process.last_words())
        for worker in by_pipe.values():
            if worker not in speaking:
                self._look_at(worker, waited_s)
        self._hand_out()

    def _look_at(self, worker: _Worker, waited_s: float) -> None:
        """Time in which somebody waited for a worker and it said nothing; at last it counts as hung."""
        if worker.is_loading:
            before, worker.worked = worker.worked, worked(worker.process.id)
            is_at_work, allowed_s = worker.worked is None or worker.worked != before, self._watch.loading_s()
        elif worker.under_way:
            is_at_work, allowed_s = False, self._watch.pack_s(worker.under_way[0].pack.tokens)
        else:
            return
        worker.silent_s = 0.0 if is_at_work else worker.silent_s + waited_s
        if worker.silent_s > allowed_s:
            self._hung(worker)

    def _take(self, worker: _Worker, message: Any) -> None:
        if isinstance(message, Ready):
            self._planners[message.stage] = message.planner
            worker.facts = message.facts
            worker.is_loading = message.stage != self._stage
        elif isinstance(message, Begun):
            worker.under_way[0].begun = message.places
        elif isinstance(message, Answer):
            task = worker.under_way.popleft()
            self._deaths[worker.number] = 0
            self._watch.learn(message.seconds, task.pack.tokens)
            self._done.append(_done(task, message, worker.number))
        elif isinstance(message, Refused):
            if message.error is not None:
                raise message.error
            self._died(worker, message.text)

    def _died(self, worker: _Worker, reason: str) -> None:
        if worker.under_way:
            self._suspect(worker)
        self._bury(worker, reason)

    def _hung(self, worker: _Worker) -> None:
        if worker.under_way and not worker.is_loading:
            self._isolate(worker)
        self._bury(worker, f"it hung: not a word for {duration(worker.silent_s)}")

    def _bury(self, worker: _Worker, reason: str) -> None:
        """Replace a worker that is gone or hangs; what it had is done again, first of all."""
        worker.process.end()
        del self._workers[worker.number]
        self._waiting.extendleft(reversed(worker.under_way))
        counted = 2 if worker.is_loading else 1
        deaths = self._deaths[worker.number] = self._deaths.get(worker.number, 0) + counted
        name = self.names[worker.number]
        if deaths < LIVES:
            self.tell(f"note: the worker on {name} is gone ({reason}); another takes its place")
            self._start(worker.number)
            return
        self.tell(f"warning: {name} is given up, worker after worker is gone ({reason})")
        if not self._workers:
            raise WorkersLostError(
                f"no device is left to run on: {reason}",
                fix="run the same command again: it goes on from the journal; or say a smaller --batch-tokens",
            )

    def _suspect(self, worker: _Worker) -> None:
        """The pack that was run when it happened is run in smaller parts next time, and in the end no more."""
        task = worker.under_way[0]
        task.deaths += 1
        if task.deaths >= HOPELESS:
            self._give_up(worker)
        elif task.deaths >= SUSPECT:
            task.limit = max(1, task.limit // 2)

    def _isolate(self, worker: _Worker) -> None:
        """The pack that it hung at is run whole again once, then its rows each alone, without those that hang again."""
        task = worker.under_way[0]
        task.hangs += 1
        if task.hangs < HUNG:
            return
        left = tuple(range(len(task.pack.rows))) if task.alone is None else task.alone
        if task.hangs > HUNG:
            # Where it did not even come to a row, it is none of theirs in particular.
            given_up = task.begun or left
            self.tell(f"warning: workers hung at {_rows(len(given_up))} again and again, which hold the prior")
            left = tuple(place for place in left if place not in given_up)
        task.alone, task.begun = left, ()
        if not left:
            self._give_up(worker)

    def _give_up(self, worker: _Worker) -> None:
        """The pack that was run holds the prior."""
        pack = worker.under_way.popleft().pack
        self._done.append(Done(pack, (None,) * len(pack.looks), 0.0, budget=pack.budget))


def _rows(count: int) -> str:
    return f"{count:,} rows" if count > 1 else "a row"


def _done(task: _Task, answer: Answer, device: int) -> Done:
    return Done(
        task.pack,
        answer.logits,
        answer.seconds,
        waited_s=answer.waited_s,
        computed=answer.computed,
        budget=answer.budget,
        device=device,
        peak_bytes=answer.peak_bytes,
    )
