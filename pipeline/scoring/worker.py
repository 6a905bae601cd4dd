"""The process that has a model and runs packs; `main` is given the numbers of two inherited pipes.

It reads ahead, so that the next pack is here when one is done; a pack is a few ten kilobytes of ids, whose way to the
device takes no time that could be measured beside its forward. It ends when nobody is at the other end of a pipe.
"""

import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any, Final

from pipeline.errors import PipelineError
from pipeline.model.runner import Runner
from pipeline.scoring.device import Computed, compute, peak_bytes, release
from pipeline.scoring.swap import Row
from pipeline.scoring.throughput import Facts, facts_of
from pipeline.scoring.work import Planner
from pipeline.text.prompt import Ids

# The name of a device -> the model there; has to be importable, since it is sent by its name.
Load = Callable[[str], Runner]
END: Final = None


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker is told first: how each stage's model is loaded, where, with how many threads, and which first."""

    loads: tuple[Load, ...]
    device: str
    threads: int | None = None
    stage: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """Let go of the model and load that of another stage."""

    stage: int


@dataclass(frozen=True, slots=True)
class Order:
    """Run these rows, in parts of at most `limit` tokens where that is less than the budget.

    `alone` are the places of the rows to run, each by itself and no others; None for all of them together.
    """

    number: int
    rows: tuple[Ids, ...]
    budget: int
    limit: int
    alone: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """The model of a stage is loaded."""

    stage: int
    planner: Planner
    facts: Facts


@dataclass(frozen=True, slots=True)
class Begun:
    """Of an order that is run in parts, the next one; `places` are of its rows."""

    number: int
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An order was carried out."""

    number: int
    logits: tuple[Row | None, ...]
    seconds: float
    waited_s: float
    computed: int
    budget: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot go on: with an error that another worker would meet too, or with one that a new process may not."""

    error: PipelineError | None
    text: str


def main(arguments: list[str]) -> None:
    """Serve until a pipe ends."""
    # Ctrl-C reaches every process of the terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inbox = Connection(int(arguments[0]), writable=False)
    outbox = Connection(int(arguments[1]), readable=False)
    try:
        _serve(inbox.recv(), inbox, outbox)
    except (EOFError, BrokenPipeError):
        return  # nobody is there any more
    except PipelineError as error:
        outbox.send(Refused(error, str(error)))
    except Exception as error:  # noqa: BLE001 - whatever it was, the parent tells it and starts another process
        outbox.send(Refused(None, " ".join(f"{type(error).__name__}: {error}".split())[:300]))


def _serve(setup: Setup, inbox: Connection, outbox: Connection) -> None:
    import torch

    if setup.threads is not None:
        torch.set_num_threads(setup.threads)
    orders: queue.SimpleQueue[Order | Turn | None] = queue.SimpleQueue()
    threading.Thread(target=_read_ahead, args=(inbox, orders), daemon=True).start()
    runner = _load(setup, setup.stage, outbox)
    idle = time.perf_counter()
    while (order := orders.get()) is not END:
        if isinstance(order, Turn):
            del runner  # two models at once may not fit
            runner = _load(setup, order.stage, outbox)
            idle = time.perf_counter()
            continue
        waited_s = time.perf_counter() - idle
        began = time.perf_counter()
        done = _carry_out(runner, order, outbox)
        idle = time.perf_counter()
        outbox.send(
            Answer(order.number, done.logits, idle - began, waited_s, done.positions, done.budget, peak_bytes())
        )


def _load(setup: Setup, stage: int, outbox: Connection) -> Runner:
    release()
    runner = setup.loads[stage](setup.device)
    outbox.send(Ready(stage, Planner.of(runner), facts_of(runner, measured=True)))
    return runner


def _carry_out(runner: Runner, order: Order, outbox: Connection) -> Computed:
    """Run the parts of an order; of several parts each is told before it is begun, so that it is known who hung."""
    found: list[Row | None] = [None] * len(order.rows)
    whole = Computed((), 0, order.budget)
    parts = _parts(runner, order)
    for part in parts:
        if len(parts) > 1 or order.alone is not None:
            outbox.send(Begun(order.number, part))
        done = compute(runner, [order.rows[at] for at in part], min(order.budget, order.limit))
        whole = replace(whole, positions=whole.positions + done.positions, budget=min(whole.budget, done.budget))
        for at, row in zip(part, done.logits, strict=True):
            found[at] = row
    return replace(whole, logits=tuple(found))


def _parts(runner: Runner, order: Order) -> tuple[tuple[int, ...], ...]:
    if order.alone is not None:
        return tuple((place,) for place in order.alone)
    if order.limit >= order.budget:
        return (tuple(range(len(order.rows))),)
    return runner.plan([len(row) for row in order.rows], order.limit)


def _read_ahead(inbox: Connection, orders: "queue.SimpleQueue[Any]") -> None:
    try:
        while True:
            orders.put(inbox.recv())
    except (EOFError, OSError):
        orders.put(END)
