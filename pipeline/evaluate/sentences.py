"""What the figures say, a sentence each: only what an interval bears out is called so, and nothing where there is none.

That no bias is seen is no proof that there is none: such a sentence has no colour.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pipeline.evaluate.interval import Estimate

if TYPE_CHECKING:
    from pipeline.evaluate.baselines import Baseline
    from pipeline.evaluate.calibration import Calibration
    from pipeline.evaluate.comparison import Comparison
    from pipeline.evaluate.evaluation import Evaluation
    from pipeline.evaluate.length import LengthBias
    from pipeline.evaluate.position import PositionBias

Tone = Literal["usable", "doubtful", "unusable", "plain"]
Sentence = tuple[Tone, str]


def sentences_of(told: "Evaluation") -> tuple[Sentence, ...]:
    """The sentences, the most important first."""
    return tuple(_sentences(told))


def _sentences(told: "Evaluation") -> Iterator[Sentence]:
    metric = "accuracy" if told.log_loss is None else "log loss"
    for each in told.baselines:
        if each.name != "uniform" and each.gain.low is not None:
            yield _beside(each, metric)
    if told.against is not None and told.against.difference.low is not None:
        yield _against(told.against)
    if told.calibration is not None:
        yield _calibrated(told.calibration)
        yield from _temperature(told.calibration)
    if told.position.excess.low is not None:
        yield _sided(told.position)
    if told.length.excess.low is not None:
        yield _lengthy(told.length)
    yield from (("plain", f"{note[0].upper()}{note[1:]}.") for note in told.notes)


def _beside(told: "Baseline", metric: str) -> Sentence:
    name = "length alone" if told.name == "length only" else f"the {told.name}"
    is_lower = (metric == "log loss") == (told.gain.value > 0)
    by = f"{metric} {'lower' if is_lower else 'higher'} by {size(told.gain)}"
    if told.gain.sign > 0:
        return "usable", f"Better than {name}: {by}."
    if told.gain.sign < 0:
        return "unusable", f"Worse than {name}: {by}."
    return "doubtful", f"Not told apart from {name}: ahead by {span(told.gain)}."


def _against(told: "Comparison") -> Sentence:
    tones: dict[str, Tone] = {"better": "usable", "worse": "unusable", "not told apart": "doubtful"}
    words = {"better": "Better than", "worse": "Worse than", "not told apart": "Not told apart from"}
    difference = f"{told.metric} {told.value.value:.4f} against {told.other.value:.4f}, {span(told.difference)}"
    return tones[told.verdict], f"{words[told.verdict]} {told.against}: {difference}."


def _calibrated(told: "Calibration") -> Sentence:
    favourite = told.favourite
    off = f"off by {favourite.error:.3f}, where chance alone gives {favourite.by_chance:.3f}"
    if favourite.error > favourite.by_chance_high:
        return "doubtful", f"The favourites' probabilities are not how often they win: {off}."
    return "plain", f"The favourites' probabilities are not seen to differ from how often they win: {off}."


def _temperature(told: "Calibration") -> Iterator[Sentence]:
    temperature = told.temperature
    if temperature.gain is not None and temperature.gain.sign > 0:
        how = "Too sure" if temperature.value > 1 else "Not sure enough"
        yield (
            "doubtful",
            f"{how}: a temperature of {temperature.value:.2f} lowers the log loss by {size(temperature.gain)}.",
        )


def _sided(told: "PositionBias") -> Sentence:
    side = "A" if told.excess.value > 0 else "B"
    amount = span(told.excess)
    if told.excess.sign == 0:
        return "plain", f"No side is seen to be favoured: A less B is {amount} off."
    return "doubtful", f"Side {side} is favoured more than it wins: A less B is {amount} off."


def _lengthy(told: "LengthBias") -> Sentence:
    amount = f"the slope is {span(told.excess)} off"
    if told.excess.sign == 0:
        return "plain", f"Length is not seen to count for more or less than it does for people: {amount}."
    which = "Longer" if told.excess.value > 0 else "Shorter"
    return "doubtful", f"{which} answers are favoured more than people favour them: {amount}."


def size(estimate: Estimate) -> str:
    """A difference that has a sign, without it, with its interval.

    >>> size(Estimate(-0.25, -0.5, -0.125))
    '0.2500 (0.1250 to 0.5000)'
    """
    if estimate.low is None or estimate.high is None:
        return f"{abs(estimate.value):.4f}"
    low, high = sorted((abs(estimate.low), abs(estimate.high)))
    return f"{abs(estimate.value):.4f} ({low:.4f} to {high:.4f})"


def span(estimate: Estimate) -> str:
    """A difference with its interval, in words.

    >>> span(Estimate(0.25, 0.125, 0.5)), span(Estimate(-1.0))
    ('+0.2500 (+0.1250 to +0.5000)', '-1.0000')
    """
    ends = "" if estimate.low is None else f" ({estimate.low:+.4f} to {estimate.high:+.4f})"
    return f"{estimate.value:+.4f}{ends}"
