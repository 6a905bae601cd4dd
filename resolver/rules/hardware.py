"""H: does one full copy of the model fit on the device, with what it computes, and in the time that there is?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from resolver.finding import Finding, Fix, Json, Severity
from resolver.host import HOST, Accelerator
from resolver.record import Record
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import quoted, size

if TYPE_CHECKING:
    from resolver.rules.memory import Demand, Plan

SHORT: Final = 128  # tokens of the one row that is judged where nothing was said: what fails then fails always
LONGEST: Final = 1_000_000
TIGHT: Final = 0.9
# What `Intent` calls it, what it is called, and what sets it; the smaller the later.
SMALLER: Final = (("int8", "int8", "load_in_8bit"), ("int4", "nf4", "load_in_4bit"))
PARTS: Final = ("weights", "activations", "cache", "adapter", "optimizer", "context")


class Fit(Record):
    """What is to run, and where: `limit_bytes` of each of `count` devices called `device`."""

    plan: "Plan"
    batch: int
    length: int
    needed: "Demand"
    device: str
    count: int
    limit_bytes: int

    @property
    def sharded_bytes(self) -> int:
        """What each device takes where the weights are split over all of them, at the least."""
        return self.needed.total_bytes - self.plan.weights_bytes + -(-self.plan.weights_bytes // self.count)


def _limit(evidence: Evidence) -> tuple[str, int, int] | str:
    """Device, count and bytes, or why they are not known."""
    host = evidence.host
    if host.accelerators:
        smallest = min(host.accelerators, key=lambda each: each.memory_bytes or 0)
        if smallest.memory_bytes is None:
            return f"the memory of {smallest.name} is not known here; --accelerator NAME judges for one that is"
        return smallest.name, len(host.accelerators), smallest.memory_bytes
    if host.accelerator == HOST:
        return Moot("no accelerator is known here; --accelerator NAME judges for one")
    if host.memory_bytes is None:
        return f"the memory of {host.accelerator} is not known"
    return "the CPU", 1, host.memory_bytes


def _reckonable(evidence: Evidence) -> str | None:
    limit = _limit(evidence)
    if isinstance(limit, str):
        return limit
    if not evidence.model.weights.tensors_known:
        return "what the weights take cannot be reckoned without a header of every file that is opened"
    return None


def _fit(evidence: Evidence) -> Fit:
    from resolver.rules.memory import CONTEXT_BYTES, demand  # noqa: PLC0415 - only where an accelerator is judged for
    from resolver.rules.memory_plan import plan_of  # noqa: PLC0415 - as above

    limit = _limit(evidence)
    assert not isinstance(limit, str)  # noqa: S101 - `applies` has asked
    device, count, limit_bytes = limit
    context = CONTEXT_BYTES if _is_gpu(evidence) else 0
    plan = plan_of(evidence, context_bytes=context)
    batch, length = evidence.intent.batch_size or 1, evidence.intent.max_length or SHORT
    return Fit(plan, batch, length, demand(plan, batch, length), device, count, limit_bytes)


def _is_gpu(evidence: Evidence) -> bool:
    return any(not _is_tpu(each) for each in evidence.host.accelerators)


def _is_tpu(device: Accelerator) -> bool:
    return device.name.startswith("TPU")


@rule(
    "H701",
    "memory-exceeded",
    severity="error",
    applies=_reckonable,
    consequence="the process dies for want of memory: while the weights are loaded, or at the first batch of that size",
)
def memory_exceeded(evidence: Evidence) -> Iterator[Finding]:
    """One full copy of the model, with what it computes, does not fit on the device.

    It shows after minutes of loading, and on a competition's rerun only as "Notebook Threw Exception":

        torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 112.00 MiB. GPU 0 has a total capacity of …

    Weights are reckoned from the headers in the dtype that is asked for, with --quantize the matrices of the layers in
    8 or 4 bits and embeddings, head and norms in that dtype; activations, cache, adapter and optimiser by
    one formula, which is a lower bound: what it says not to fit does fail. Without --max-length and --batch-size one
    row of 128 tokens is judged. Splitting the weights over the devices (device_map="auto") is another way to load and
    is said beside it; on a TPU, where it is the usual one, that is a warning. On a CPU weights in the dtype of the
    files are mapped from the disk and only make it crawl: a warning too.

    Example: Llama 3 8B in bfloat16, 16.06 GB, on a Tesla T4 of 15.84 GB; in int8 it takes 9.1 GB.

    To mend it, take the quantisation, the batch or the length that the fix names; they come from the same formula.
    """
    fit = _fit(evidence)
    if fit.needed.total_bytes <= fit.limit_bytes:
        return
    yield _finding(
        memory_exceeded,
        evidence,
        fit,
        f"one full copy does not fit on {fit.device}: it takes {size(fit.needed.total_bytes)}"
        f" of {size(fit.limit_bytes)}{_for(evidence, fit)}",
        _severity(evidence, fit),
    )


def _severity(evidence: Evidence, fit: Fit) -> Severity:
    if any(_is_tpu(each) for each in evidence.host.accelerators):
        return "warning" if fit.sharded_bytes <= fit.limit_bytes else "error"
    as_stored = evidence.intent.dtype is None and evidence.intent.quantize is None
    mapped = not evidence.host.accelerators and as_stored
    return "warning" if mapped and fit.needed.total_bytes - fit.plan.weights_bytes <= fit.limit_bytes else "error"


@rule(
    "H702",
    "memory-tight",
    severity="warning",
    applies=_reckonable,
    requires=("H701",),
    consequence="fragments of the allocator, a longer row or another process are enough for an out-of-memory error",
)
def memory_tight(evidence: Evidence) -> Iterator[Finding]:
    """One full copy fits, and less than a tenth of the device's memory is left.

    The reckoning is a lower bound: what libraries keep for themselves, the fragments of the allocator ("reserved by
    PyTorch but unallocated") and kernels that need space of their own are not in it. The longest rows die first.

    Example: a classifier on Llama 3 8B in float16 on a Tesla T4: 15.3 of 15.8 GB before the first long row.

    To mend it, do as for H701, or leave more room.
    """
    fit = _fit(evidence)
    if TIGHT * fit.limit_bytes < fit.needed.total_bytes <= fit.limit_bytes:
        left = size(fit.limit_bytes - fit.needed.total_bytes)
        yield _finding(
            memory_tight,
            evidence,
            fit,
            f"only {left} of {size(fit.limit_bytes)} are left on {fit.device}{_for(evidence, fit)}",
            "warning",
        )


def _for(evidence: Evidence, fit: Fit) -> str:
    rows = f"{fit.batch} row{'s' * (fit.batch > 1)} of {fit.length:,} tokens"
    said = evidence.intent.max_length or evidence.intent.batch_size
    return f" with {rows}" if said else f" even with one row of {fit.length} tokens"


def _finding(of: Rule, evidence: Evidence, fit: Fit, message: str, severity: Severity) -> Finding:
    from resolver.rules.memory_plan import dtype_of  # noqa: PLC0415 - as above

    parts: dict[str, Json] = {f"{part}_bytes": getattr(fit.needed, f"{part}_bytes") or None for part in PARTS}
    fix = _fix(evidence, fit)
    return of.finding(
        message,
        path=evidence.model.root,
        evidence={
            **{part: count for part, count in parts.items() if count is not None},
            "needed_bytes": fit.needed.total_bytes,
            "usable_bytes": fit.limit_bytes,
            "dtype": dtype_of(evidence),
            **({} if evidence.intent.quantize is None else {"quantized": evidence.intent.quantize}),
            "rows": fit.batch,
            "tokens_a_row": fit.length,
            **({"sharded_bytes": fit.sharded_bytes, "devices": fit.count} if fit.count > 1 else {}),
        },
        fix=fix.text,
        command=fix.command,
        severity=severity,
    )


def _fix(evidence: Evidence, fit: Fit) -> Fix:
    """What would fit, each way by itself; every number comes from the formula that said no."""
    ways = [*_halved(evidence, fit), *_quantised(evidence, fit), *_smaller(evidence, fit), *_sharded(fit)]
    fewer = _fewer(fit)
    if not ways:
        return Fix("no quantisation, batch or length fits on this device: choose a larger one, or a smaller model")
    return Fix(f"what leaves room: {'; '.join(ways)}", None if fewer is None else _again(evidence, *fewer))


def _room(fit: Fit) -> int:
    """What may be taken so that it is not tight."""
    return int(TIGHT * fit.limit_bytes)


def _quantised(evidence: Evidence, fit: Fit) -> Iterator[str]:
    if evidence.model.config.quantization is not None or not _is_gpu(evidence):
        return
    for name, told, setting in SMALLER[0 if evidence.intent.quantize is None else 1 :]:
        if evidence.intent.quantize != name:
            packed = evidence.replaced(intent=evidence.intent.replaced(quantize=name))
            yield from _with(f"{told} (BitsAndBytesConfig({setting}=True))", _fit(packed), _room(fit))


def _halved(evidence: Evidence, fit: Fit) -> Iterator[str]:
    from resolver.rules.memory_plan import dtype_of  # noqa: PLC0415 - as above

    if _is_gpu(evidence) and dtype_of(evidence) == "float32" and evidence.intent.quantize is None:
        half = evidence.replaced(intent=evidence.intent.replaced(dtype="float16"))
        yield from _with("float16 (--dtype float16)", _fit(half), _room(fit))


def _with(way: str, fit: Fit, room: int) -> Iterator[str]:
    """A way to take less: as many rows as were asked for, or as many as fit with it."""
    if fit.needed.total_bytes <= room:
        yield f"{way} takes {size(fit.needed.total_bytes)}"
        return
    fewer = _fewer(fit)
    if fewer is not None:
        yield f"{way} with {_rows(fewer)}"


def _rows(fewer: tuple[int, int]) -> str:
    return f"{fewer[0]} row{'s' * (fewer[0] > 1)} of {fewer[1]:,} tokens at once"


def _fewer(fit: Fit) -> tuple[int, int] | None:
    """Batch and length that fit where these do not; None where not even one short row does."""
    from resolver.rules.memory import largest_batch, largest_length  # noqa: PLC0415 - as above

    batch = largest_batch(fit.plan, fit.length, _room(fit))
    if 0 < batch < fit.batch:
        return batch, fit.length
    length = largest_length(fit.plan, _room(fit), min(LONGEST, fit.length))
    return (1, length) if batch < 1 and length >= SHORT else None


def _smaller(evidence: Evidence, fit: Fit) -> Iterator[str]:
    if not (evidence.intent.max_length or evidence.intent.batch_size):
        return
    fewer = _fewer(fit)
    if fewer is not None:
        yield _rows(fewer)


def _sharded(fit: Fit) -> Iterator[str]:
    if fit.count > 1 and fit.sharded_bytes <= _room(fit):
        yield f'the weights split over {fit.count} devices (device_map="auto") take {size(fit.sharded_bytes)} on each'


def _again(evidence: Evidence, batch: int, length: int) -> str:
    intent = evidence.intent
    words = ["resolver check", quoted(evidence.model.asked)]
    words += [f"--for {intent.purpose}"] if intent.purpose != "load" else []
    words += ["--head tokens"] if intent.head == "tokens" else []
    words += [f"--accelerator {quoted(evidence.host.accelerator)}"] if evidence.host.accelerator != HOST else []
    words += [f"--dtype {intent.dtype}"] if intent.dtype is not None else []
    words += [f"--quantize {intent.quantize}"] if intent.quantize is not None else []
    return " ".join([*words, f"--max-length {length} --batch-size {batch}"])


def _timed(evidence: Evidence) -> str | None:
    host = evidence.host
    if evidence.intent.purpose != "score":
        return Moot("only a scoring run has a limit that can be reckoned with")
    if host.time_limit_s is None:
        return f"no time limit of {host.accelerator} is known"
    if host.throughput is None:
        return f"no throughput of {host.accelerator} is known; [accelerators.NAME.throughput] in resolver.toml says it"
    return None


@rule(
    "H707",
    "time-exceeded",
    severity="warning",
    level="standard",
    applies=_timed,
    consequence='the run is stopped at the limit, and what it has not written is lost: "Notebook Timeout"',
)
def time_exceeded(evidence: Evidence) -> Iterator[Finding]:
    """At the throughput that was measured, the run takes longer than it may.

    Rows times tokens a row, divided by tokens a second; `[accelerators.NAME.throughput]` in resolver.toml says all
    three. A length limit below the average counts as the average. The time to load the model comes on top, and so
    does a second look at swapped rows where the profile does not count it as a row, as those do that `arena score
    --record` writes: plan with half an hour to spare.

    Example: 25,000 rows of 1,500 tokens at 900 tokens a second are 11.6 hours, and the limit is 9.

    To mend it, shorten the rows, score fewer of them twice, or take a faster machine.
    """
    limit, measured = evidence.host.time_limit_s, evidence.host.throughput
    if limit is None or measured is None:
        return
    length = min(measured.tokens_per_row, evidence.intent.max_length or measured.tokens_per_row)
    seconds = measured.rows * length / measured.tokens_per_second
    if seconds > limit:
        fits = int(limit * measured.tokens_per_second / measured.rows)
        yield time_exceeded.finding(
            f"the run takes {seconds / 3600:.1f} hours, and {limit / 3600:g} are allowed",
            path=evidence.model.root,
            evidence={
                "rows": measured.rows,
                "tokens_a_row": round(length),
                "tokens_a_second": measured.tokens_per_second,
                "seconds": round(seconds),
                "limit_seconds": limit,
            },
            fix=f"rows of {fits:,} tokens on average just fit; leave half an hour for loading",
        )


RULES: tuple[Rule, ...] = (memory_exceeded, memory_tight, time_exceeded)
