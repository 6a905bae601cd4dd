"""An evaluation as lines of plain text."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pipeline.evaluate.interval import Estimate
from pipeline.preflight import harmless

if TYPE_CHECKING:
    from pipeline.evaluate.calibration import Calibration
    from pipeline.evaluate.comparison import Comparison
    from pipeline.evaluate.evaluation import Evaluation
    from pipeline.evaluate.length import LengthBias
    from pipeline.evaluate.position import PositionBias
    from pipeline.evaluate.slices import Slice, SlicedBy

WIDEST: Final = 24


def as_text(evaluation: "Evaluation") -> str:
    """All figures but those of bins, which are for the page."""
    return "\n".join(_lines(evaluation))


def _lines(told: "Evaluation") -> Iterator[str]:
    yield f"intervals of {told.level:.0%} from {told.draws:,} draws of {told.prompts:,} prompts"
    if told.log_loss is not None:
        yield f"log loss  {interval(told.log_loss)}"
    yield f"accuracy  {interval(told.accuracy)}"
    for each in told.baselines:
        own = each.accuracy if each.log_loss is None else each.log_loss
        has = "" if own is None else f", which has {own.value:.4f}"
        yield f"  ahead of {each.name:<13} by {interval(each.gain, signed=True)}{has}"
    if told.against is not None:
        yield from _against(told.against)
    if told.calibration is not None:
        yield from _calibration(told.calibration)
    yield from _position(told.position)
    yield from _length(told.length)
    for sliced in told.slices:
        yield from _sliced(sliced)
    yield from (f"note: {note}" for note in told.notes)


def interval(estimate: Estimate, *, signed: bool = False) -> str:
    """A figure with its interval.

    >>> interval(Estimate(0.5, 0.25, 0.75)), interval(Estimate(0.5), signed=True)
    ('0.5000 [0.2500, 0.7500]', '+0.5000')
    """
    form = "+.4f" if signed else ".4f"
    ends = "" if estimate.low is None else f" [{estimate.low:{form}}, {estimate.high:{form}}]"
    return f"{estimate.value:{form}}{ends}"


def _against(told: "Comparison") -> Iterator[str]:
    yield f"against   {harmless(told.against)}: {told.verdict}"
    difference = interval(told.difference, signed=True)
    yield f"  {told.metric} {told.value.value:.4f} against {told.other.value:.4f}: {difference}"
    drawn = "" if told.draws_better is None else f"; better in {told.draws_better:.1%} of the draws"
    yield f"  better on {told.better:,} battles, worse on {told.worse:,}, equal on {told.equal:,}{drawn}"


def _calibration(told: "Calibration") -> Iterator[str]:
    yield "calibration: off by, and by chance alone"
    for each in (told.favourite, *told.outcomes):
        yield f"  {each.label:<9} {each.error:.4f}   {each.by_chance:.4f}, seldom above {each.by_chance_high:.4f}"
    yield f"  outcomes  {told.class_wise:.4f} in the mean"
    temperature = told.temperature
    bound = ", the end of what is tried" if temperature.is_at_bound else ""
    yield f"  temperature {temperature.value:.3f}{bound}: log loss {temperature.seen:.4f} on these battles"
    if temperature.gain is not None:
        yield (
            f"  on prompts that it has not seen {temperature.held_out:.4f},"
            f" a gain of {interval(temperature.gain, signed=True)}"
        )


def _position(told: "PositionBias") -> Iterator[str]:
    yield (
        f"position  A less B: forecast {interval(told.forecast, signed=True)},"
        f" came {interval(told.observed, signed=True)}, excess {interval(told.excess, signed=True)}"
    )
    if told.swap is not None:
        swap = told.swap
        yield (
            f"  swapped: {swap.battles:,} battles, same favourite in {interval(swap.agree)}, a column apart by"
            f" {interval(swap.apart)}, towards the first {interval(swap.to_first, signed=True)}"
        )


def _length(told: "LengthBias") -> Iterator[str]:
    yield (
        f"length    slope of the log odds on the log ratio: forecast {interval(told.forecast, signed=True)},"
        f" came {interval(told.observed, signed=True)}, excess {interval(told.excess, signed=True)}"
    )


def _sliced(told: "SlicedBy") -> Iterator[str]:
    yield f"by {told.name} ({told.note})"
    names = [shortened(harmless(each.name)) for each in told.slices]
    width = max(map(len, names), default=0)
    yield from (f"  {name:<{width}}  {_slice(each)}" for name, each in zip(names, told.slices, strict=True))


def shortened(name: str) -> str:
    """A name of anybody's in the width of a table."""
    return name if len(name) <= WIDEST else f"{name[: WIDEST - 1]}…"


def _slice(each: "Slice") -> str:
    loss = ""
    if each.log_loss is not None and each.log_loss_prior is not None:
        loss = f", log loss {interval(each.log_loss)}, best constant {each.log_loss_prior:.4f}"
    small = ", few" if each.is_small else ""
    return f"{each.battles:>6,} battles{small}{loss}, accuracy {interval(each.accuracy)}"
