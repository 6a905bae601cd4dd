"""What a run would take and whether it fits, said before anything is loaded: `arena train --dry-run`.

The resolver judges the model for the machine; the model's parts are counted on the meta device; the rest is arithmetic
(`estimate`). Rows are encoded where there is a tokenizer, else each is taken to be as long as it may be.
"""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from pipeline.arena.battle import Battle
from pipeline.model.load import NO_LIMIT, choose_length, load_text_side, quiet, refused_as_model
from pipeline.preflight import Judged, Machine, judge_for_training, machine_of
from pipeline.scoring.preparation import make_encoder
from pipeline.text.truncate import Truncation
from pipeline.training.census import Census, take_census
from pipeline.training.estimate import (
    Load,
    Memory,
    Work,
    largest_micro,
    memory_of,
    seconds_of,
    work_of,
)
from pipeline.training.micro import plan_micros
from pipeline.training.order import Order
from pipeline.training.plan import Plan

SAMPLE: Final = 512  # battles that are encoded for the lengths of all
SHORTEST: Final = 128  # tokens of a row, below which no advice goes
LEAST_RANK: Final = 8
PROBE_S: Final = 0.3  # that a CPU is measured for


@dataclass(frozen=True, slots=True)
class Asked:
    """A run that nobody has begun.

    Attributes:
        model: a reference.
        plan: how it is trained.
        battles, held_out: to train and to evaluate on.
        labels: columns of the head.
        max_length: tokens of a row; None for what the model and the default allow.
        truncation: how a longer one is cut.
        dtype: of the base, "auto" for what the machine has units for.
        accelerator: the machine's profile.
        roots, config: where models are searched, and the settings.
    """

    model: str
    plan: Plan
    battles: Sequence[Battle]
    held_out: Sequence[Battle]
    labels: int
    max_length: int | None
    truncation: Truncation
    dtype: str
    accelerator: str
    roots: Sequence[Path] = ()
    config: Path | None = None


@dataclass(frozen=True, slots=True)
class DryRun:
    """What came of it.

    Attributes:
        judged: the resolver's word.
        machine, census, load, memory, work: what was counted and reckoned.
        max_length: tokens of a row.
        dtype: of the base.
        seconds: the shortest and the longest time; None where no peak rate is known.
        ways: what would make it fit, each by itself; none where it fits or nothing does.
    """

    judged: Judged
    machine: Machine
    plan: Plan
    census: Census
    load: Load
    memory: Memory
    work: Work
    max_length: int
    dtype: str
    seconds: tuple[float, float] | None
    ways: tuple[str, ...]

    @property
    def fits(self) -> bool | None:
        """Whether a device holds it, on a TPU where the model is sharded; None where its memory is not known."""
        return _fits(self.memory, self.machine)

    @property
    def is_good(self) -> bool:
        """Whether the resolver has no error and nothing says that it does not fit."""
        return not self.judged.errors and self.fits is not False


def dry_run(asked: Asked) -> DryRun:
    """Judge, count and reckon.

    Raises:
        SettingsError: as `judge_for_training`; a length that the model is not made for, or the template has no room in.
        ModelMissingError: no directory answers to the reference; the report is the trail.
        ModelUnusableError: the config is none of a classifier that transformers knows.
    """
    machine = machine_of(asked.accelerator, config=asked.config)
    dtype = _dtype(asked.dtype, machine)
    found = _judged(asked, dtype, rows=1, width=SHORTEST)
    census = take_census(found.path, asked.plan, labels=asked.labels, dtype=dtype)
    context = _process_bytes() if machine.kind == "cpu" else None
    load, length = _load(asked, found)
    _, rows, width = largest_micro(asked.plan, load.longest)
    work = work_of(census, asked.plan, load)
    made = DryRun(
        judged=_judged(asked, dtype, rows=rows, width=width),
        machine=machine,
        plan=asked.plan,
        census=census,
        load=load,
        memory=memory_of(census, asked.plan, machine, longest=load.longest, context=context),
        work=work,
        max_length=length,
        dtype=dtype,
        seconds=seconds_of(work, machine, _peak(census, machine, dtype)),
        ways=(),
    )
    return made if made.fits is not False else replace(made, ways=tuple(_ways(asked, made, context)))


def _judged(asked: Asked, dtype: str, *, rows: int, width: int) -> Judged:
    return judge_for_training(
        asked.model,
        accelerator=asked.accelerator,
        labels=asked.labels,
        max_length=width,
        batch_size=rows,
        dtype=dtype,
        quantised=None if asked.plan.quantize == "none" else asked.plan.quantize,
        roots=asked.roots,
        config=asked.config,
    )


def _peak(census: Census, machine: Machine, dtype: str) -> float | None:
    if machine.kind == "cpu":
        return _measured_peak(census, dtype)
    return machine.peak_32 if dtype == "float32" else machine.peak_16


def _dtype(asked: str, machine: Machine) -> str:
    if asked != "auto":
        return asked
    if machine.kind == "cpu":
        return "float32"
    return "bfloat16" if machine.has_bfloat16 else "float16"


def _fits(memory: Memory, machine: Machine) -> bool | None:
    if machine.memory_bytes is None:
        return None
    taken = memory.sharded(machine.devices) if machine.kind == "tpu" else memory.total
    return taken <= machine.memory_bytes


def _load(asked: Asked, judged: Judged) -> tuple[Load, int]:
    """What goes through the model, and the length of a row."""
    with quiet(), refused_as_model(judged.path, "--for train"):
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(judged.path, local_files_only=True, trust_remote_code=False)
    is_exact = not any(code.startswith("T") for code in judged.errors)
    tokenizer = load_text_side(judged.path)[0] if is_exact else SimpleNamespace(model_max_length=NO_LIMIT)
    length = choose_length(asked.max_length, tokenizer, config)
    if is_exact:
        encoder = make_encoder(tokenizer, length, None, asked.truncation)
        lengths = [len(row) for row in encoder.encode(_sample(asked.battles))]
    else:
        lengths = [length] * len(_sample(asked.battles))
    order = Order(len(asked.battles), asked.plan)
    micros = _micros(lengths, asked.plan)
    return Load(
        battles=len(asked.battles),
        held_out=len(asked.held_out),
        rows=len(asked.battles) * asked.plan.epochs * (2 if asked.plan.swap == "both" else 1),
        steps=order.steps,
        evaluations=_evaluations(order, asked.plan) if asked.held_out else 0,
        width=sum(each.height * each.width for each in micros) / len(lengths),
        longest=max(lengths),
        shapes=len(asked.plan.buckets) or len({(each.height, each.width) for each in micros}),
        is_exact=is_exact,
    ), length


def _sample(battles: Sequence[Battle]) -> Sequence[Battle]:
    return battles[:: max(1, len(battles) // SAMPLE)][:SAMPLE]


def _micros(lengths: Sequence[int], plan: Plan) -> list[Any]:
    """The micro-batches of the sample's steps."""
    steps = (lengths[first : first + plan.batch_size] for first in range(0, len(lengths), plan.batch_size))
    return [micro for step in steps for micro in plan_micros(step, plan.batch_tokens, plan.buckets)]


def _evaluations(order: Order, plan: Plan) -> int:
    between = order.steps // plan.evaluate_every if plan.evaluate_every else 0
    return plan.epochs + between


def _process_bytes() -> int:
    """What this process takes, with the libraries loaded and no model: as a run does before it has one."""
    with Path("/proc/self/statm").open("rb") as stream:
        return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _measured_peak(census: Census, dtype: str) -> float:
    """Operations a second of this CPU in the product that the model does most."""
    import torch

    with torch.no_grad():
        left = torch.ones(1024, census.hidden, dtype=getattr(torch, dtype))
        right = torch.ones(census.hidden, census.inner, dtype=getattr(torch, dtype))
        torch.mm(left, right)
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < PROBE_S:
            torch.mm(left, right)
            done += 1
        spent = time.perf_counter() - began
    return 2.0 * left.numel() * census.inner * done / spent


def _ways(asked: Asked, made: DryRun, context: int | None) -> Iterator[str]:
    """What makes it fit: of each knob the mildest turn, by itself; where none does, all of them together."""
    counted: dict[tuple[Any, ...], Census] = {}

    def fits(plan: Plan, longest: int) -> bool:
        key = (plan.tune, plan.rank, plan.quantize)
        if key not in counted:
            counted[key] = take_census(made.judged.path, plan, labels=asked.labels, dtype=made.dtype)
        memory = memory_of(counted[key], plan, made.machine, longest=longest, context=context)
        return _fits(memory, made.machine) is True

    longest, turned, found = made.load.longest, asked.plan, False
    for knob in _knobs(asked.plan, made):
        fitting = next((turn for turn in knob if fits(_changed(asked.plan, **turn), longest)), None)
        turned = _changed(turned, **knob[-1])
        if fitting is not None:
            found = True
            yield _said(fitting)
    if not found and fits(turned, longest):
        yield _said({key: value for key, value in turned.model_dump().items() if value != getattr(asked.plan, key)})
    shorter = next((each for each in _halves(longest) if fits(_shortened(asked.plan, each), each)), None)
    if shorter is not None:
        yield f"--max-length {shorter} --batch-tokens {shorter}"


def _knobs(plan: Plan, made: DryRun) -> Iterator[list[dict[str, Any]]]:
    """Turns of each knob, from mild to strong."""
    if not plan.checkpointing:
        yield [{"checkpointing": True}]
    if largest_micro(plan, made.load.longest)[1] > 1:
        yield [{"batch_tokens": made.load.longest}]
    if plan.tune == "full":
        yield [{"tune": "lora"}]
    elif plan.quantize == "none" and made.machine.kind == "cuda":
        yield [{"quantize": "int8"}, {"quantize": "int4"}]
    if plan.tune == "lora" and plan.rank > LEAST_RANK:
        yield [{"rank": rank} for rank in (64, 16, LEAST_RANK) if rank < plan.rank]


def _halves(longest: int) -> Iterator[int]:
    while (longest := longest // 2) >= SHORTEST:
        yield longest


def _shortened(plan: Plan, longest: int) -> Plan:
    return _changed(plan, batch_tokens=min(plan.batch_tokens, longest), buckets=())


def _changed(plan: Plan, **changes: Any) -> Plan:
    return Plan.model_validate(plan.model_dump() | changes)


def _said(turn: dict[str, Any]) -> str:
    """The options that say it."""
    words = (f"--{key.replace('_', '-')}" + ("" if value is True else f" {value}") for key, value in turn.items())
    return " ".join(words)
