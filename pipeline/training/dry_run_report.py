"""A dry run as text and as JSON values."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from pipeline.progress import duration
from pipeline.training.dry_run import DryRun
from pipeline.training.estimate import TIGHT, UTILISATION, disk_of, largest_micro

UNITS: Final = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))
COMPILING: Final = "each is compiled once, the first for up to 300 s on a TPU"


def values_of(run: DryRun) -> dict[str, Any]:
    """For the JSON object of a command; numbers are bytes, seconds, operations and counts."""
    tokens, rows, width = largest_micro(run.plan, run.load.longest)
    adapter, checkpoints = disk_of(run.census)
    return {
        "dry_run": {
            "fits": run.fits,
            "sharded": run.is_sharded,
            "ways": list(run.ways),
            "machine": asdict(run.machine),
            "dtype": run.dtype,
            "plan": run.plan.model_dump(mode="json"),
            "model": asdict(run.census),
            "load": asdict(run.load),
            "micro_batch": {"tokens": tokens, "rows": rows, "width": width},
            "memory": asdict(run.memory)
            | {"total": run.memory.total, "sharded": run.memory.sharded(run.machine.devices)},
            "memory_rules": dict(run.judged.memory),
            "operations": asdict(run.work),
            "seconds": None if run.seconds is None else list(run.seconds),
            "disk": {"result": adapter, "checkpoints": checkpoints},
        },
        "reports": run.judged.json["reports"],
    }


def text_of(run: DryRun) -> str:
    """For a terminal; the first line is the verdict."""
    rows = list(_rows(run))
    width = max(len(title) for title, _ in rows)
    return "\n".join([_verdict(run), *(f"{title:<{width}}  {words}" for title, words in rows)]) + "\n"


def _verdict(run: DryRun) -> str:
    place = run.machine.accelerator
    if run.fits is None:
        return f"not judged: the memory of {run.machine.device} is not known ({place})"
    if not run.fits:
        ways = f"; by itself would do: {', or '.join(run.ways)}" if run.ways else "; no option makes it fit"
        return f"does not fit on {place}{ways}"
    tight = run.device_bytes > TIGHT * (run.machine.memory_bytes or 0)
    sharded = f", sharded over its {run.machine.devices} devices" if run.is_sharded else ""
    judged = "" if not run.judged.errors else f"; but the model has errors: {', '.join(run.judged.errors)}"
    return f"fits on {place}{sharded}{', with little to spare' if tight else ''}{judged}"


def _rows(run: DryRun) -> Iterator[tuple[str, str]]:
    census, load, work = run.census, run.load, run.work
    yield (
        "model",
        (
            f"{census.family}, {census.elements:,} parameters, {census.trained:,} trained"
            f" ({census.trained / census.elements:.2%}), {run.dtype}"
            + ("" if run.plan.quantize == "none" else f" over {run.plan.quantize}")
        ),
    )
    yield from _memory(run)
    yield (
        "battles",
        (f"{load.battles:,} to train on, {load.held_out:,} held out; {load.steps:,} steps of {run.plan.batch_size}"),
    )
    yield (
        "tokens",
        (
            f"{load.width:,.0f} a row with its padding, "
            + (f"the longest {load.longest:,}" if load.is_exact else "every row taken as long as it may be")
        ),
    )
    shapes = f"{load.shapes} of micro-batches" + ("" if load.is_exact or run.plan.buckets else " at the least")
    yield "shapes", f"{shapes}; {COMPILING}" if run.machine.kind == "tpu" else shapes
    yield (
        "operations",
        (
            f"{work.run:.2e}: a token {work.forward / 1e9:.3g} GFLOP forward, {work.backward / 1e9:.3g} backward,"
            f" {work.again / 1e9:.3g} again; a step {work.step / 1e12:.3g} TFLOP"
        ),
    )
    yield "time", _time(run)
    adapter, checkpoints = disk_of(census)
    limit = "" if run.machine.disk_bytes is None else f" of {size(run.machine.disk_bytes)}"
    yield "disk", f"{size(adapter)} in the end, {size(checkpoints)}{limit} for checkpoints on the way"
    yield from run.judged.memory.items()


def _memory(run: DryRun) -> Iterator[tuple[str, str]]:
    machine, memory = run.machine, run.memory
    _, rows, width = largest_micro(run.plan, run.load.longest)
    limit = "" if machine.memory_bytes is None else f" of {size(machine.memory_bytes)}"
    at_once = f"{rows} row{'s' * (rows > 1)} of {width:,} tokens at once"
    device = machine.device if machine.devices == 1 else f"each {machine.device}"
    yield "memory", f"{size(run.device_bytes)}{limit} on {device}, {at_once}"
    parts = ", ".join(f"{part} {size(taken)}" for part, taken in asdict(memory).items() if taken)
    yield "", f"a whole copy: {parts}"
    if machine.devices > 1:
        other = memory.total if run.is_sharded else memory.sharded(machine.devices)
        yield "", f"{size(other)} on each where the model is {'not ' * run.is_sharded}sharded over {machine.devices}"


def _time(run: DryRun) -> str:
    machine = run.machine
    if run.seconds is None:
        return f"not known: no peak rate of {machine.device} in {run.dtype} is on record"
    low, high = (round(100 * each) for each in UTILISATION[machine.kind])
    peak = "a product of matrices measured here" if machine.kind == "cpu" else f"{machine.devices} peak rates"
    span = f"{duration(run.seconds[0])} to {duration(run.seconds[1])}" if run.seconds[1] >= 1 else "less than a second"
    text = f"{span}, at an assumed {high} to {low} % of {peak}"
    limit = machine.time_limit_s
    if limit is None:
        return text
    return f"{text}; the limit is {duration(limit)}" + ("" if run.seconds[1] <= limit else ", and may not be enough")


def size(count: int) -> str:
    """Bytes in words.

    >>> size(15_837_691_904), size(512)
    ('15.84 GB', '512 B')
    """
    for unit, scale in UNITS:
        if count >= scale:
            return f"{count / scale:.2f} {unit}"
    return f"{count} B"
