"""The plots of an evaluation: what lies on which axis."""

import math
from collections.abc import Sequence
from typing import Final

from pipeline.evaluate.calibration import WIDTHS, Reliability
from pipeline.evaluate.length import LengthBias
from pipeline.evaluate.plot import Axis, Plot, shares

# Where the axis of ratios ends at least, and its ticks.
WIDEST: Final = 8.0
DOUBLINGS: Final = 2
STEPS: Final = (1, 2, 5)


def reliability(told: Reliability) -> Plot:
    """How often it came true, against how often that was forecast."""
    what = "the favourite" if told.label == "favourite" else f"outcome {told.label}"
    plot = Plot(
        slug=f"reliability-{told.label.lower()}",
        title=f"Reliability of {what}",
        description=(
            f"Observed share against mean forecast in {len(told.bins)} bins; on the dashed line both are equal."
            f" Off by {told.error:.3f} in the mean. The numbers stand in the table below."
        ),
        x=shares("forecast"),
        y=shares("came true"),
    )
    plot.line([(0, 0), (1, 1)], "ideal")
    for each in told.bins:
        if each.observed.low is not None and each.observed.high is not None:
            plot.whisker(each.forecast, each.observed.low, each.observed.high, "came")
    for each in told.bins:
        plot.dot(each.forecast, each.observed.value, "came")
    return plot


def sureness(histogram: Sequence[int]) -> Plot:
    """How many favourites have which probability."""
    top = _round_up(max(histogram))
    plot = Plot(
        slug="sureness",
        title="How sure the forecasts are",
        description=f"Battles by the probability of their favourite, {sum(histogram):,} in all.",
        x=shares("probability of the favourite"),
        y=Axis("battles", 0, top, tuple((top * step / 4, f"{top * step / 4:,g}") for step in range(5))),
    )
    for place, count in enumerate(histogram):
        if count:
            plot.bar(place / WIDTHS, (place + 1) / WIDTHS, count, "said")
    return plot


def _round_up(count: int) -> int:
    """The least of 4, 8, 20, 40, 80, 200 ... that a count does not exceed: its quarters are whole.

    >>> _round_up(3), _round_up(21), _round_up(480)
    (4, 40, 800)
    """
    power = 4
    while True:
        for step in STEPS:
            if count <= power * step:
                return power * step
        power *= 10


def by_length(told: LengthBias) -> Plot:
    """A's share by how much longer it is: forecast and observed."""
    ratios = [each.ratio for each in told.bins]
    widest = max([WIDEST, *ratios, *(1 / ratio for ratio in ratios)])
    reach = math.ceil(math.log2(widest) / DOUBLINGS) * DOUBLINGS
    ticks = tuple((2.0**power, f"{2**power:,}" if power >= 0 else f"1/{2**-power:,}") for power in _powers(reach))
    plot = Plot(
        slug="length",
        title="A's share of decided battles by ratio of length",
        description="Observed shares with intervals, and forecast shares. The numbers stand in the table below.",
        x=Axis("characters of A to those of B", 2.0**-reach, 2.0**reach, ticks, math.log2),
        y=shares("A's share"),
    )
    plot.line([(2.0**-reach, 0.5), (2.0**reach, 0.5)], "ideal")
    said = [(each.ratio, each.forecast) for each in told.bins if each.forecast is not None]
    plot.line(said, "said")
    for each in told.bins:
        if each.observed is not None:
            if each.observed.low is not None and each.observed.high is not None:
                plot.whisker(each.ratio, each.observed.low, each.observed.high, "came")
            plot.dot(each.ratio, each.observed.value, "came")
    for ratio, share in said:
        plot.square(ratio, share, "said")
    return plot


def _powers(reach: int) -> range:
    """At most nine powers of two, 0 in their middle."""
    step = max(1, math.ceil(reach / 4))
    return range(-(reach // step) * step, reach + 1, step)
