"""A whole scoring run: preflight, the adapter's record, devices, journal, engine, delivery, checks.

`arena score` is one use of it, `arena evaluate` another, without files.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pipeline.arena.table import Table
from pipeline.errors import OutputError
from pipeline.progress import Progress
from pipeline.scoring.checks import Checks, check
from pipeline.scoring.deadline import FOREVER, Deadline, process_start
from pipeline.scoring.delivery import Delivery, check_place, prior_of
from pipeline.scoring.device import Devices, Inline
from pipeline.scoring.engine import Engine
from pipeline.scoring.job import Hooks, Rows, Scored
from pipeline.scoring.journal import FileJournal, Journal, NoJournal, is_of, journal_of
from pipeline.scoring.preparation import Prepared, Request, prepare
from pipeline.scoring.stopping import Stopping
from pipeline.scoring.throughput import Facts, Meter, Throughput, share_of_matmul
from pipeline.scoring.workers import Workers
from pipeline.training.record import data_sha256

# Tables with fewer battles are run in this process: another one takes longer to start than they take to be read.
SMALL: Final = 1000

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a submission goes.

    Attributes:
        output: the submission; the journal lies beside it.
        force: replace what is there, whatever it is.
        fresh: forget what an earlier run left in the journal.
        keep_journal: leave the journal when the run ends well.
    """

    output: Path
    force: bool = False
    fresh: bool = False
    keep_journal: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is done, or stopped: with what, how it ran, what came out.

    Attributes:
        prepared: all that was settled before the first battle.
        scored: the forecasts.
        checks: what the forecasts look like.
        throughput: how fast it was.
        facts: the devices.
        exit_code: 0, or as shells give it for the signal that stopped the run.
        verdict: what the P rules say of the submission; "" where none was written.
    """

    prepared: Prepared
    scored: Scored
    checks: Checks
    throughput: Throughput
    facts: tuple[Facts, ...]
    exit_code: int = 0
    verdict: str = ""


def score_table(request: Request, table: Table, tell: Tell) -> Run:
    """Score every battle of a table, into no file.

    Args:
        request: with which model and how.
        table: the battles.
        tell: given a line about each thing that is known before the long part begins.

    Raises:
        PipelineError: of the kind that says what was wrong; the model is refused before torch is imported.
    """
    prepared = prepare(request, table, tell)
    with devices_of(prepared, len(table.battles), tell) as devices:
        return _run(prepared, table, devices, tell)


def score_file(request: Request, table: Table, place: Place, tell: Tell) -> Run:
    """Score every battle of a table into a submission, which is valid from before the first battle on.

    Args:
        request: with which model and how.
        table: the battles.
        place: where it goes.
        tell: given a line about each thing that is known before the long part begins, and about what is dropped.

    Raises:
        PipelineError: of the kind that says what was wrong; a model that cannot be used is refused before anything is
            written. What was done until then is in the submission and in the journal.
    """
    rows_digest = data_sha256(table.battles)
    check_place(place.output, table, rows_digest, force=place.force)
    prepared = prepare(request, table, tell)
    was_ours = is_of(journal_of(place.output), rows_digest) and not place.fresh
    journal = FileJournal(journal_of(place.output), tell)
    journal.open(prepared.fingerprint(rows_digest), fresh=place.fresh)
    is_done = False
    try:
        if journal.packs:
            tell(f"going on from {journal.path}: {journal.packs:,} packs are done")
        delivery = Delivery(place.output, table)
        delivery.begin(prior_of(prepared.labels), keep=was_ours)
        with devices_of(prepared, len(table.battles), tell) as devices:
            run = _run(prepared, table, devices, tell, journal=journal, delivery=delivery)
        is_done = run.exit_code == 0
        return run
    finally:
        # Without a pack there is nothing to go on from.
        journal.close(remove=journal.packs == 0 or (is_done and not place.keep_journal))


@contextmanager
def devices_of(prepared: Prepared, battles: int, tell: Tell) -> Iterator[Devices]:
    """The devices of a run: one process each, or this process for a small table on a CPU; let go of at the end."""
    workers = prepared.request.workers
    is_inline = workers == 0 or (workers is None and prepared.device == "cpu" and battles <= SMALL)
    devices: Devices
    if is_inline:
        devices = Inline(lambda stage: prepared.loads[stage](prepared.names[0]))
    else:
        patience_s = prepared.request.patience_s
        devices = Workers(prepared.loads, prepared.names, prepared.threads, tell, patience_s).start()
    try:
        yield devices
    finally:
        devices.close()


def deadline_of(request: Request) -> Deadline:
    """The deadline of a run, counted from the start of this process."""
    return Deadline(FOREVER if request.deadline_s is None else request.deadline_s, process_start())


def _run(
    prepared: Prepared,
    table: Table,
    devices: Devices,
    tell: Tell,
    *,
    journal: Journal | None = None,
    delivery: Delivery | None = None,
) -> Run:
    models = f" with {len(prepared.models)} models" if len(prepared.models) > 1 else ""
    tell(
        f"scoring {len(table.battles):,} battles{models} on {prepared.device}, {prepared.dtype},"
        f" rows of at most {prepared.length} tokens"
    )
    job = prepared.job(table.battles)
    # A model that cannot be loaded is told before the bar, and an interrupt meanwhile is an ordinary one.
    devices.planner(0)
    with Stopping() as stopping, Progress("scoring", len(table.battles), "battles") as progress:
        hooks = Hooks(
            tell=tell,
            expect=progress.expect,
            advance=progress.advance,
            deliver=_delivering(delivery, tell),
            stop=lambda: bool(stopping),
        )
        engine = Engine(job, devices, journal or NoJournal(), deadline_of(prepared.request), hooks)
        try:
            scored = engine.run()
        except BaseException:
            if delivery is not None and engine.any_known():
                delivery.write(engine.probabilities())
            raise
        verdict = "" if delivery is None else delivery.write(scored.probabilities)
        facts = _facts_of(prepared, devices)
        _tell_absent(scored, table, tell)
        return Run(
            prepared,
            scored,
            check(scored.probabilities, scored.logits, table.battles),
            throughput_of(scored.meter, facts, scored, write_s=0.0 if delivery is None else delivery.seconds),
            facts,
            exit_code=stopping.exit_code if scored.stopped else 0,
            verdict=verdict,
        )


def _facts_of(prepared: Prepared, devices: Devices) -> tuple[Facts, ...]:
    """What the devices know; of several models they know the last one only, so nothing is reckoned with its size."""
    facts = tuple(devices.facts())
    return facts if len(prepared.models) == 1 else tuple(replace(each, flops=0.0) for each in facts)


def _delivering(delivery: Delivery | None, tell: Tell) -> Callable[[Rows], None]:
    def deliver(probabilities: Rows) -> None:
        if delivery is None:
            return
        try:
            delivery.refresh(probabilities)
        except OutputError as error:
            delivery.postpone()
            tell(f"warning: {error}; what was written before stays, and the run goes on")

    return deliver


def _tell_absent(scored: Scored, table: Table, tell: Tell) -> None:
    if scored.too_large:
        names = ", ".join(table.battles[place].id for place in scored.too_large[:5])
        why = "do not fit in memory, or end every worker"
        tell(f"warning: {len(scored.too_large):,} battles {why}, and hold the prior: {names}")
    others = len(set(scored.without) - set(scored.too_large))
    if others and not scored.stopped:
        tell(f"warning: {others:,} battles have no forecast of the model and hold the prior")


def throughput_of(meter: Meter, facts: tuple[Facts, ...], scored: Scored, *, write_s: float) -> Throughput:
    """The figures of a run."""
    busy_s = (meter.forward_s + meter.waited_s) / max(1, len(facts))
    return Throughput(
        tokens=meter.tokens,
        rows=meter.rows,
        tokens_per_second=meter.tokens / busy_s if busy_s else 0.0,
        padding=meter.padding(),
        matmul_share=share_of_matmul(facts, meter),
        seconds=scored.seconds,
        tokenise_s=scored.tokenise_s,
        wait_s=meter.waited_s,
        forward_s=meter.forward_s,
        write_s=write_s,
        peak_bytes=meter.peak_bytes,
        devices=tuple(each.device for each in facts),
    )
