"""What a run would take and whether it fits, said before anything is loaded: `arena train --dry-run`.

The resolver judges the model for the machine, its parts are counted on the meta device (`census`), the rows that go
through it on a sample (`workload`), and the rest is arithmetic (`estimate`).
"""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pipeline.preflight import Judged, Machine, judge_for_training, machine_of
from pipeline.training.advice import SHORTEST, ways
from pipeline.training.census import Census, take_census
from pipeline.training.curriculum import Curriculum
from pipeline.training.estimate import Memory, Work, largest_micro, memory_of, seconds_of, work_of
from pipeline.training.plan import Plan
from pipeline.training.request import Request
from pipeline.training.workload import Load, load_of

PROBE_S: Final = 0.3  # that a CPU is measured for
PROBE_ROWS: Final = 1024


@dataclass(frozen=True, slots=True)
class DryRun:
    """What came of it.

    Attributes:
        judged: the resolver's word.
        machine, plan, census, load, memory, work: what was asked, counted and reckoned.
        dtype: that is computed in.
        is_sharded: whether every device holds a share of the model: on a TPU, and where it was asked for.
        seconds: the shortest and the longest time; None where no peak rate is known.
        ways: options that would make it fit, each by itself; none where it fits or nothing does.
    """

    judged: Judged
    machine: Machine
    plan: Plan
    census: Census
    load: Load
    memory: Memory
    work: Work
    dtype: str
    is_sharded: bool
    seconds: tuple[float, float] | None
    ways: tuple[str, ...] = ()

    @property
    def device_bytes(self) -> int:
        """What it takes of one device."""
        return self.memory.sharded(self.machine.devices) if self.is_sharded else self.memory.total

    @property
    def fits(self) -> bool | None:
        """Whether a device holds it; None where its memory is not known."""
        limit = self.machine.memory_bytes
        return None if limit is None else self.device_bytes <= limit

    @property
    def is_good(self) -> bool:
        """Whether the resolver has no error and nothing says that it does not fit."""
        return not self.judged.errors and self.fits is not False


def dry_run(request: Request, curriculum: Curriculum, accelerator: str) -> DryRun:
    """Judge, count and reckon.

    Args:
        request: what the run would be asked to do; what it writes does not matter here.
        curriculum: what it would learn from.
        accelerator: the profile of the machine that it is meant for.

    Raises:
        SettingsError: the reference is none, the accelerator is not known, the settings file cannot be used, or the
            model is not made for the length.
        ModelMissingError: no directory answers to the reference; the report is the trail.
        ModelUnusableError: the config is none of a classifier that transformers knows.
    """
    machine, plan = machine_of(accelerator, config=request.config), request.plan
    dtype = _dtype(request.dtype, machine)
    found = _judged(request, curriculum, machine, dtype, rows=1, width=SHORTEST)
    census = take_census(found.path, plan, labels=curriculum.labels, dtype=dtype)
    context = _process_bytes() if machine.kind == "cpu" else machine.context_bytes
    load = load_of(
        curriculum,
        plan,
        found.path,
        max_length=request.max_length,
        truncation=request.truncation,
        readable=not any(code.startswith("T") for code in found.errors),
    )
    _, rows, width = largest_micro(plan, load.longest)
    work = work_of(census, plan, load)
    made = DryRun(
        judged=_judged(request, curriculum, machine, dtype, rows=rows, width=width),
        machine=machine,
        plan=plan,
        census=census,
        load=load,
        memory=memory_of(census, plan, machine, longest=load.longest, context=context),
        work=work,
        dtype=dtype,
        is_sharded=_is_sharded(request, machine),
        seconds=seconds_of(work, machine, _peak(census, machine, dtype)),
    )
    return made if made.fits is not False else replace(made, ways=_ways(made, curriculum.labels))


def _dtype(asked: str, machine: Machine) -> str:
    """As `choose_dtype`, for a machine that one need not be on."""
    if asked != "auto":
        return asked
    if machine.kind == "cpu":
        return "float32"
    return "bfloat16" if machine.has_bfloat16 else "float16"


def _is_sharded(request: Request, machine: Machine) -> bool:
    return machine.devices > 1 and (machine.kind == "tpu" or request.parallel == "shard")


def _judged(request: Request, curriculum: Curriculum, machine: Machine, dtype: str, *, rows: int, width: int) -> Judged:
    unjudged = None if request.plan.quantize == "none" else f"the weights are loaded as {request.plan.quantize}"
    if machine.kind == "cuda" and _is_sharded(request, machine):
        unjudged = f"the model is divided over {machine.devices} devices"
    return judge_for_training(
        request.model,
        accelerator=machine.accelerator,
        labels=curriculum.labels,
        max_length=width,
        batch_size=rows,
        dtype=dtype,
        unjudged=unjudged,
        roots=request.roots,
        config=request.config,
    )


def _peak(census: Census, machine: Machine, dtype: str) -> float | None:
    if machine.kind == "cpu":
        return _measured_peak(census, dtype)
    return machine.peak_32 if dtype == "float32" else machine.peak_16


def _measured_peak(census: Census, dtype: str) -> float:
    """Operations a second of this CPU, as busy as it is now, in the product that the model does most."""
    import torch

    with torch.no_grad():
        left = torch.ones(PROBE_ROWS, census.hidden, dtype=getattr(torch, dtype))
        right = torch.ones(census.hidden, census.inner, dtype=getattr(torch, dtype))
        torch.mm(left, right)
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < PROBE_S:
            torch.mm(left, right)
            done += 1
        spent = time.perf_counter() - began
    return 2.0 * left.numel() * census.inner * done / spent


def _process_bytes() -> int:
    """What this process takes, with the libraries loaded and no model: as a run does before it has one."""
    with Path("/proc/self/statm").open("rb") as stream:
        return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _ways(made: DryRun, labels: int) -> tuple[str, ...]:
    counted: dict[tuple[Any, ...], Census] = {}

    def fits(plan: Plan, longest: int) -> bool:
        key = (plan.tune, plan.rank, plan.quantize)
        if key not in counted:
            counted[key] = take_census(made.judged.path, plan, labels=labels, dtype=made.dtype)
        memory = memory_of(counted[key], plan, made.machine, longest=longest, context=made.memory.context)
        return replace(made, memory=memory).fits is True

    return tuple(ways(made.plan, made.load.longest, fits, is_gpu=made.machine.kind == "cuda"))
