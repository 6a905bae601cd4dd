"""Millions of battles with Ray Data: parts in, a pool of actors with the engine's own function, keyed parts out.

Ray is imported here alone, and does what it is good at: read blocks, hand them to actors, bring the rows back, start an
actor anew where one dies. What must not go wrong twice is not left to it: `keyed.py` keeps which battles are done.
"""

import json
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any, Final

from pipeline.arena.parts import Piece, Source, open_source, pieces_left
from pipeline.arena.table import ID, Table
from pipeline.errors import MissingPackageError, PipelineError, SettingsError
from pipeline.progress import Progress
from pipeline.scoring.block import FAILED, FORECAST, BlockScorer, BlockTask
from pipeline.scoring.keyed import KeyedParts
from pipeline.scoring.preparation import Prepared, Request, prepare
from pipeline.scoring.run import Tell

# Rows of a block: enough for full packs of like lengths, few enough that a killed run loses little.
BLOCK_ROWS: Final = 1024
# A part is written when it is so old or so large, whichever comes first.
EVERY_S: Final = 10.0
PART_ROWS: Final = 65_536
# With as many CPUs as actors nothing is left that reads, and the run waits for ever.
SPARE_CPUS: Final = 2


class RayFailedError(PipelineError):
    """Ray could not be started or reached, or a block failed for a reason that is not ours."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where it runs, and in what pieces.

    Attributes:
        address: of a cluster, as ray.init takes it; None starts Ray on this machine and stops it at the end.
        actors: how many models are in memory; None takes one a GPU, else one a machine.
        block_rows: rows that an actor is given at once.
        every_s: how often a part is written.
    """

    address: str | None = None
    actors: int | None = None
    block_rows: int = BLOCK_ROWS
    every_s: float = EVERY_S


@dataclass(slots=True)
class RayRun:
    """What came of it.

    Attributes:
        rows: battles in all.
        before: of them, those that an earlier run had done.
        actors: models that were in memory.
        seconds: of this run, with starting Ray and the models.
        without: ids of this run that hold the prior, since the model has no forecast for them.
        parts: how many there are now.
    """

    rows: int
    before: int
    actors: int = 0
    seconds: float = 0.0
    without: list[str] = field(default_factory=list)
    parts: int = 0


def score_parts(request: Request, place: Path, output: Path, cluster: Cluster, tell: Tell, **contest: Any) -> RayRun:
    """Score every battle of parquet parts into keyed parts, going on where an earlier run was.

    Args:
        request: with which model and how; `workers` is not looked at.
        place: a parquet file, or a directory of parts.
        output: a directory, which may be absent.
        cluster: where it runs.
        tell: given a line about each thing that is known before the long part begins.
        contest: `contest=` as `open_source` takes it.

    Raises:
        PipelineError: of the kind that says what was wrong; a model that cannot be used is refused before Ray starts.
        KeyboardInterrupt: somebody stopped it; what was done is in the parts.
    """
    began = time.monotonic()
    require_ray()
    with KeyedParts(output) as keyed:
        keyed.check()
        source = open_source(place, **contest)
        # On a cluster the models are elsewhere: the GPU that is asked for need not be here.
        here = request if cluster.address is None else replace(request, device="auto")
        prepared = prepare(here, Table(place, source.contest, ()), tell)
        before = keyed.open(agreement_of(request, prepared))
        ids = source.ids.to_pylist()
        keyed.refuse_foreign(ids)
        run = RayRun(len(ids), before)
        if before:
            tell(f"going on in {output}: {before:,} of {len(ids):,} battles are done")
        if before < len(ids):
            with _ray(cluster, request, tell) as (ray, actors):
                run.actors = actors
                task = _task(request, prepared, cluster, actors)
                _score(ray, task, source, keyed, cluster=cluster, run=run)
        keyed.verify(ids)
        run.parts, run.seconds = len(keyed.parts()), time.monotonic() - began
        return run


def require_ray() -> None:
    """Say what to install.

    Raises:
        MissingPackageError: Ray Data is not installed.
    """
    if find_spec("ray") is None:
        raise MissingPackageError("--engine ray needs Ray Data", fix="pip install 'offline-resolver[pipeline,ray]'")


def agreement_of(request: Request, prepared: Prepared) -> dict[str, str]:
    """What the parts of one output have in common. Device and batches change the last bits alone, and may differ."""
    (model,) = prepared.models
    return {
        **model.fingerprint(),
        "contest": prepared.contest,
        "swap": request.swap,
        "rules": request.rules,
        "dtype": request.dtype,
        **({} if prepared.calibration is None else {"calibration": prepared.calibration.digest()}),
    }


def _task(request: Request, prepared: Prepared, cluster: Cluster, actors: int) -> BlockTask:
    threads = max(1, (os.cpu_count() or 1) // actors) if cluster.address is None else None
    (model,) = prepared.models
    return BlockTask(
        model.load,
        model.encode,
        prepared.contest,
        model.length,
        request.swap,
        request.rules,
        request.device,
        request.dtype,
        request.batch_tokens,
        threads,
        cluster.block_rows,
        prepared.calibration,
    )


@contextmanager
def _ray(cluster: Cluster, request: Request, tell: Tell) -> Iterator[tuple[Any, int]]:
    """Ray, and how many actors it is to have; at the end what was started is stopped, and a cluster let go of."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told that it runs
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what goes wrong is told by us, in one line
    import ray

    quiet = {"logging_level": "error", "log_to_driver": False}
    if ray.is_initialized():
        raise SettingsError("Ray is running in this process already", fix="call ray.shutdown() first")
    with _ended_by_signals():
        try:
            if cluster.address is None:
                gpus = _gpus_here(request)
                actors = cluster.actors or gpus or 1
                ray.init(
                    address="local",  # without it Ray joins whatever runs on this machine
                    num_cpus=actors + SPARE_CPUS,
                    num_gpus=gpus,
                    include_dashboard=False,
                    _node_ip_address="127.0.0.1",
                    **quiet,
                )
                tell(f"Ray runs on this machine, with {actors} actors")
            else:
                ray.init(address=cluster.address, **quiet)
                found = ray.cluster_resources()
                actors = cluster.actors or _actors_there(found, request, len(ray.nodes()))
                _refuse_full(found, actors)
                tell(f"Ray runs at {cluster.address}, with {actors} actors")
            with _ended_by_signals():  # once more: Ray has put its own in place
                yield ray, actors
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            if isinstance(error, PipelineError) or ray.is_initialized():
                raise
            raise RayFailedError(
                f"Ray cannot be {'started' if cluster.address is None else f'reached at {cluster.address}'}:"
                f" {_first_line(error)}",
                fix="see that it runs there, in the same version" if cluster.address else "",
            ) from None
        finally:
            ray.shutdown()


def _gpus_here(request: Request) -> int:
    import torch

    return 0 if request.device == "cpu" else torch.cuda.device_count()


def _actors_there(found: dict[str, float], request: Request, nodes: int) -> int:
    gpus = 0 if request.device == "cpu" else int(found.get("GPU", 0))
    return gpus or nodes


def _refuse_full(found: dict[str, float], actors: int) -> None:
    cpus = int(found.get("CPU", 0))
    if cpus <= actors:
        raise SettingsError(
            f"the cluster has {cpus} CPUs for {actors} actors, and none is left that reads",
            fix=f"say --workers {max(1, cpus - SPARE_CPUS)}, or start Ray with more of them",
        )


def _score(ray: Any, task: BlockTask, source: Source, keyed: KeyedParts, *, cluster: Cluster, run: RayRun) -> None:
    """All blocks; whatever ends it, the rows that came are written."""
    pieces = pieces_left(source, keyed.are_done(source.ids.to_pylist()), cluster.block_rows)
    waiting = _Waiting(keyed, source.whole_ids, cluster.every_s)
    try:
        with Progress("scoring", run.rows - run.before, "battles") as progress:
            for table in _blocks(ray, task, pieces, min(run.actors, len(pieces))):
                _raise_failed(table)
                run.without += table.filter(_is_prior(table)).column(ID).to_pylist()
                waiting.take(table.drop_columns([FORECAST, FAILED]))
                progress.advance(table.num_rows)
    except ray.exceptions.RayError as error:
        raise RayFailedError(
            f"a block failed: {_last_line(error)}", fix="what is done is kept; the same command goes on"
        ) from None
    finally:
        waiting.write()


def _blocks(ray: Any, task: BlockTask, pieces: list[Piece], actors: int) -> Iterator[Any]:
    """The rows of the pieces as they come.

    Each piece is a block, so that every actor has work however few parts there are; the actor reads it, since Ray's
    own reader needs clients of services to list a directory.
    """
    from ray import data

    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    has_gpus = task.device != "cpu" and ray.cluster_resources().get("GPU", 0) >= actors
    scored = data.from_items([asdict(piece) for piece in pieces], override_num_blocks=len(pieces)).map_batches(
        BlockScorer,
        fn_constructor_args=(task,),
        batch_format="pyarrow",
        batch_size=1,
        compute=data.ActorPoolStrategy(size=actors),
        num_cpus=1,
        num_gpus=1 if has_gpus else 0,
    )
    yield from scored.iter_batches(batch_size=None, batch_format="pyarrow")


def _is_prior(table: Any) -> Any:
    from pyarrow import compute

    return compute.invert(table.column(FORECAST))


@dataclass(slots=True)
class _Waiting:
    """Rows that came and are in no part yet."""

    keyed: KeyedParts
    whole_ids: bool
    every_s: float
    clock: Callable[[], float] = time.monotonic
    _tables: list[Any] = field(default_factory=list)
    _rows: int = 0
    _written: float = field(init=False)

    def __post_init__(self) -> None:
        self._written = self.clock()

    def take(self, table: Any) -> None:
        """Rows more; a part where it is time."""
        if table.num_rows:
            self._tables.append(table)
            self._rows += table.num_rows
        if self._rows >= PART_ROWS or self.clock() - self._written >= self.every_s:
            self.write()

    def write(self) -> None:
        """What there is, as a part."""
        import pyarrow as pa

        tables, self._tables, self._rows, self._written = self._tables, [], 0, self.clock()
        if not tables:
            return
        table = pa.concat_tables(tables)
        if self.whole_ids:
            table = table.set_column(0, ID, table.column(ID).cast(pa.int64()))
        self.keyed.write(table)


def _raise_failed(table: Any) -> None:
    """The error of ours that a piece ended with, as it would have been raised here."""
    said = [each for each in table.column(FAILED).to_pylist() if each is not None]
    if said:
        code, message, fix = json.loads(said[0])
        error = RayFailedError(message, fix=fix)
        error.exit_code = code
        raise error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _last_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()[:300]


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM as KeyboardInterrupt, which passes through every `finally` above."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before: dict[signal.Signals, Any] = {}
    with suppress(ValueError):  # not the main thread: who runs there stops it in another way
        before = {each: signal.signal(each, interrupt) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
