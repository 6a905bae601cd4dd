"""Which options would make a run fit that does not; whoever asks says what fits."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from pipeline.training.estimate import largest_micro
from pipeline.training.plan import Plan

Turn = dict[str, Any]
SHORTEST: Final = 128  # tokens of a row, below which no advice goes
LEAST_RANK: Final = 8


def ways(plan: Plan, longest: int, fits: Callable[[Plan, int], bool], *, is_gpu: bool) -> Iterator[str]:
    """Of each knob the mildest turn that suffices, by itself; where none does, all of them together; a shorter row.

    Args:
        plan: that does not fit.
        longest: tokens of its longest row.
        fits: whether another plan would, with rows of so many tokens.
        is_gpu: whether weights can be packed there.

    Yields:
        Options as one types them.
    """
    together, found = plan, False
    for knob in _knobs(plan, longest, is_gpu=is_gpu):
        together = _changed(together, **knob[-1])
        fitting = next((turn for turn in knob if fits(_changed(plan, **turn), longest)), None)
        if fitting is not None:
            found = True
            yield _said(fitting)
    if not found and fits(together, longest):
        yield _said({key: value for key, value in together if value != getattr(plan, key)})
    shorter = next((each for each in _halves(longest) if fits(_shortened(plan, each), each)), None)
    if shorter is not None:
        yield f"--max-length {shorter} --batch-tokens {_shortened(plan, shorter).batch_tokens}"


def _knobs(plan: Plan, longest: int, *, is_gpu: bool) -> Iterator[list[Turn]]:
    """Turns of each knob, from mild to strong."""
    if not plan.checkpointing:
        yield [{"checkpointing": True}]
    if largest_micro(plan, longest)[1] > 1:
        yield [{"batch_tokens": longest}]
    if plan.tune == "full":
        yield [{"tune": "lora"}]
    elif plan.quantize == "none" and is_gpu:
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


def _said(turn: Turn) -> str:
    words = (f"--{key.replace('_', '-')}" + ("" if value is True else f" {value}") for key, value in turn.items())
    return " ".join(words)
