"""Where packs are run: the protocol that the engine knows, and the form of it that runs in this very process.

What does not fit in memory is run again in halves here, so that whoever hands out packs never loses a row to it.
"""

import resource
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from pipeline.model.runner import Runner
from pipeline.scoring.swap import Row
from pipeline.scoring.throughput import Facts, facts_of
from pipeline.scoring.work import Pack, Planner
from pipeline.text.prompt import Ids

# What the libraries say in a plain RuntimeError where memory is short.
SHORT_OF_MEMORY: Final = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Done:
    """A pack that was run.

    Attributes:
        pack: the pack.
        logits: one row a look; None where not even the row alone fits in memory.
        seconds: of the forward.
        waited_s: that the device stood still before it.
        computed: positions, padding included.
        budget: the largest number of tokens that was run at once without running out of memory.
        device: the number of the device.
        peak_bytes: the most memory that the device, or the process on a CPU, has taken so far.
    """

    pack: Pack
    logits: tuple[Row | None, ...]
    seconds: float
    waited_s: float = 0.0
    computed: int = 0
    budget: int = 0
    device: int = 0
    peak_bytes: int = 0


class Devices(Protocol):
    """All that can run packs, as one."""

    @property
    def count(self) -> int:
        """Devices that work."""

    def turn_to(self, stage: int, timeout_s: float) -> bool:
        """Change to the model of a stage, once nothing is under way; whether it is there before the timeout."""

    def planner(self, stage: int) -> Planner:
        """How rows of a stage's model are put together; changes to it, and waits until it is loaded."""

    def facts(self) -> Sequence[Facts]:
        """What is known of each device; those that are not ready are left out."""

    def room(self) -> int:
        """Packs that may be submitted now without one of them having to wait long."""

    def submit(self, pack: Pack) -> None:
        """Hand in a pack; `collect` brings it back."""

    def collect(self, timeout_s: float) -> Sequence[Done]:
        """What is done; waits for the first until the timeout.

        Raises:
            PipelineError: nothing can be run any more.
        """

    def close(self) -> None:
        """Let go of everything; what is under way is lost."""


@dataclass(frozen=True, slots=True)
class Computed:
    """Logits of the rows of a pack (None: does not fit), positions computed, the budget at which all fitted."""

    logits: tuple[Row | None, ...]
    positions: int
    budget: int


def compute(runner: Runner, rows: Sequence[Ids], budget: int) -> Computed:
    """Run rows together; where memory is short in halves of the budget, down to rows alone.

    The halves are planned as packs are, so the same shortage gives the same bits.
    """
    try:
        logits = _run(runner, rows)
    except (MemoryError, RuntimeError) as error:
        if not is_short_of_memory(error):
            raise
    else:
        return Computed(logits, runner.computed([len(row) for row in rows]), budget)
    # Outside of the handler: the exception holds on to the tensors of the forward that failed.
    release()
    return _in_parts(runner, rows, budget)


def _in_parts(runner: Runner, rows: Sequence[Ids], budget: int) -> Computed:
    if len(rows) == 1:
        return Computed((None,), 0, budget)
    planner, lengths = Planner.of(runner), [len(row) for row in rows]
    parts: tuple[tuple[int, ...], ...] = ()
    while len(parts) < 2:  # noqa: PLR2004 - a plan of one part is what did not fit
        budget = max(1, budget // 2)
        parts = planner.plan(lengths, budget)
    found: list[Row | None] = [None] * len(rows)
    positions = 0
    for part in parts:
        done = compute(runner, [rows[at] for at in part], budget)
        positions, budget = positions + done.positions, min(budget, done.budget)
        for at, row in zip(part, done.logits, strict=True):
            found[at] = row
    return Computed(tuple(found), positions, budget)


def _run(runner: Runner, rows: Sequence[Ids]) -> tuple[Row | None, ...]:
    import torch

    with torch.inference_mode():
        return tuple(tuple(row) for row in runner.logits(rows).cpu().tolist())


def is_short_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory is short; the libraries have several ways."""
    import torch

    told = str(error)
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(words in told for words in SHORT_OF_MEMORY)


def release() -> None:
    """Give what nobody holds any more back to the device."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def peak_bytes() -> int:
    """The most memory taken so far: the device's where there is one, else the process's."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_reserved())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB


@dataclass(slots=True)
class Inline:
    """The devices of a run without children: one model in memory, run when somebody asks for results.

    Attributes:
        load: the model of a stage; the one before it is let go.
        clock: seconds, rising.
    """

    load: Callable[[int], Runner]
    clock: Callable[[], float] = time.perf_counter
    _loaded: tuple[int, Runner] | None = field(default=None, init=False)
    _queue: deque[Pack] = field(default_factory=deque, init=False)

    @property
    def count(self) -> int:
        """As `Devices`."""
        return 1

    def turn_to(self, stage: int, timeout_s: float) -> bool:  # noqa: ARG002 - it is loaded by the caller itself
        """As `Devices`."""
        self._runner(stage)
        return True

    def planner(self, stage: int) -> Planner:
        """As `Devices`."""
        return Planner.of(self._runner(stage))

    def facts(self) -> Sequence[Facts]:
        """As `Devices`."""
        return () if self._loaded is None else (facts_of(self._loaded[1], measured=True),)

    def room(self) -> int:
        """As `Devices`."""
        return 1 - len(self._queue)

    def submit(self, pack: Pack) -> None:
        """As `Devices`."""
        self._queue.append(pack)

    def collect(self, timeout_s: float) -> Sequence[Done]:  # noqa: ARG002 - what is asked for is run now
        """As `Devices`."""
        if not self._queue:
            return ()
        pack = self._queue.popleft()
        runner, began = self._runner(pack.stage), self.clock()
        done = compute(runner, pack.rows, pack.budget)
        return (
            Done(
                pack,
                done.logits,
                self.clock() - began,
                computed=done.positions,
                budget=done.budget,
                peak_bytes=peak_bytes(),
            ),
        )

    def close(self) -> None:
        """As `Devices`."""
        self._queue.clear()
        self._loaded = None

    def _runner(self, stage: int) -> Runner:
        if self._loaded is None or self._loaded[0] != stage:
            self._loaded = None  # two models at once may not fit
            release()
            self._loaded = (stage, self.load(stage))
        return self._loaded[1]
