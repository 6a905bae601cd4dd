"""An engine whose model is a hash: the queue, journal, deadline and delivery are the real ones, and a run takes a moment.

The logits of a row depend on all rows of its pack, so that equal forecasts prove equal packs.
"""

from __future__ import annotations

import random
import time
import zlib
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_classifier import battle

from pipeline.arena.table import Table
from pipeline.model.packed import Packing
from pipeline.scoring.delivery import Delivery, prior_of
from pipeline.scoring.device import Devices, Done, Inline
from pipeline.scoring.engine import Engine
from pipeline.scoring.job import Hooks, Job
from pipeline.scoring.journal import FileJournal, journal_of
from pipeline.scoring.work import Planner, Stage
from pipeline.scoring.workers import Workers
from pipeline.text.batch import plan_packs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipeline.arena.battle import Battle
    from pipeline.scoring.work import Pack
    from pipeline.text.prompt import Ids

BUDGET = 400
LENGTH = 120


def battles(count: int, seed: int = 0) -> list[Battle]:
    draw = random.Random(seed)  # noqa: S311 - made-up lengths, not secrets
    return [
        battle(str(n), "p" * draw.randrange(9), "x" * draw.randrange(90), "y" * draw.randrange(90))
        for n in range(count)
    ]


def encode(some: Sequence[Battle], length: int) -> list[Ids]:
    """A token a character, the answers told apart by their order."""
    texts = ["|".join((*each.prompts, *each.answers_a, *each.answers_b)) for each in some]
    return [tuple(letter + 1 for letter in f"[{text}"[:length].encode()) for text in texts]


@dataclass
class LightRunner:
    """Logits out of a digest of the whole pack, the row and a seed; `short_of` says of which packs memory is short."""

    pause_s: float = 0.0
    labels: int = 3
    short_of: Callable[[Sequence[Ids]], bool] = lambda _: False
    runs: list[int] = field(default_factory=list)
    packing: Any = None
    seed: int = 0

    def plan(self, lengths: Sequence[int], token_budget: int) -> Any:
        return plan_packs(lengths, token_budget, getattr(self.packing, "split_at", None))

    def computed(self, lengths: Sequence[int]) -> int:
        return sum(lengths)

    def logits(self, rows: Sequence[Ids]) -> Any:
        import torch

        self.runs.append(len(rows))
        if self.short_of(rows):
            raise torch.OutOfMemoryError("made up")
        time.sleep(self.pause_s)
        whole = zlib.crc32(repr([len(row) for row in rows]).encode(), self.seed)
        return torch.tensor([_logits(row, whole) for row in rows], dtype=torch.float32)


def _logits(row: Ids, whole: int) -> list[float]:
    seen = zlib.crc32(array("I", row).tobytes())
    return [(seen >> shift & 1023) / 512 + (whole & 1023) / 1e6 * (shift + 1) for shift in (0, 10, 20)]


@dataclass(frozen=True)
class LightLoad:
    """How a worker comes to a light model."""

    pause_s: float = 0.0
    split_at: int | None = None

    def __call__(self, _device: str) -> LightRunner:
        """Another number for rows to be split at makes another model too."""
        return LightRunner(self.pause_s, packing=Packing(None, None, split_at=self.split_at), seed=self.split_at or 0)  # type: ignore[arg-type]


def job(some: Sequence[Battle], swap: Any = "all", stages: int = 1, **more: Any) -> Job:
    made = (Stage(encode, LENGTH), Stage(encode, LENGTH, weight=0.5, share=0.3))[:stages]
    return Job(some, made, BUDGET, prior_of(3), swap, **more)


def inline(runner: LightRunner | None = None) -> Inline:
    made = runner or LightRunner()
    return Inline(lambda _: made)  # type: ignore[arg-type,return-value]


def run_into(
    output: Path,
    some: Sequence[Battle],
    *,
    workers: int = 0,
    pause_s: float = 0.0,
    every_s: float = 0.02,
    stages: int = 1,
) -> None:
    """A whole run into a file, going on from a journal that is there; what `arena score` does, without a model."""
    journal = FileJournal(journal_of(output))
    journal.open({"rows": "light"})
    delivery = Delivery(output, Table(Path("test.csv"), "lmsys", tuple(some)), every_s=every_s)
    delivery.begin(prior_of(3), keep=journal.packs > 0)
    loads = tuple(LightLoad(pause_s, split_at=(None, 60)[stage]) for stage in range(stages))
    devices: Devices = Inline(lambda stage: loads[stage]("cpu"))  # type: ignore[arg-type,return-value]
    if workers:
        devices = Workers(loads, ("cpu",) * workers, 1).start()  # type: ignore[arg-type]
    try:
        scored = Engine(job(some, stages=stages), devices, journal, hooks=Hooks(deliver=delivery.refresh)).run()
        delivery.write(scored.probabilities)
    finally:
        devices.close()
    journal.close(remove=True)


@dataclass
class FakeClock:
    """Seconds that pass when somebody says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeDevices:
    """One device with a speed; time passes on its clock while it runs."""

    clock: FakeClock
    speed: float = 1000.0
    slow_after: int = 1_000_000
    load_s: float = 0.0
    runner: LightRunner = field(default_factory=LightRunner)
    packs: list[Pack] = field(default_factory=list)
    _queue: list[Pack] = field(default_factory=list)
    _stage: int = 0

    count = 1

    def turn_to(self, stage: int, timeout_s: float) -> bool:
        self.clock.now += self.load_s if stage != self._stage else 0.0
        self._stage = stage
        return True

    def planner(self, stage: int) -> Planner:
        return Planner()

    def facts(self) -> tuple[()]:
        return ()

    def room(self) -> int:
        return 2 - len(self._queue)

    def submit(self, pack: Pack) -> None:
        self._queue.append(pack)

    def collect(self, timeout_s: float) -> Iterable[Done]:
        pack = self._queue.pop(0)
        self.packs.append(pack)
        speed = self.speed if len(self.packs) <= self.slow_after else self.speed / 10
        seconds = pack.tokens / speed
        self.clock.now += seconds
        rows = tuple(tuple(row) for row in self.runner.logits(pack.rows).tolist())
        return [Done(pack, rows, seconds, computed=pack.tokens, budget=pack.budget)]

    def close(self) -> None:
        self._queue.clear()
