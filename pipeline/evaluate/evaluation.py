"""Everything that can be said of forecasts on labelled battles, as one value.

Shapes: B battles, C columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.arena.outcome import Row
from pipeline.arena.table import Table
from pipeline.evaluate.baselines import Baseline, measure_baselines
from pipeline.evaluate.calibration import Calibration, measure_calibration
from pipeline.evaluate.comparison import Comparison, compare
from pipeline.evaluate.interval import DRAWS, LEVEL, SEED, Estimate
from pipeline.evaluate.length import LengthBias, measure_length
from pipeline.evaluate.position import PositionBias, measure_position
from pipeline.evaluate.resampling import Resampling
from pipeline.evaluate.sample import Looks, Sample
from pipeline.evaluate.slices import SlicedBy, measure_slices


@dataclass(frozen=True, slots=True)
class Other:
    """Another run to compare with: its name, its forecasts in the order of the table, and whether they are no names."""

    name: str
    rows: Sequence[Row]
    are_probabilities: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """The battles that came out one way.

    Attributes:
        label: how.
        battles: how many.
        forecast: how many had each outcome as their favourite, in the order of the columns.
        mean: their mean forecast.
    """

    label: str
    battles: int
    forecast: tuple[int, ...]
    mean: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of a set of forecasts; log losses in nats, intervals of 95 %.

    Attributes:
        battles: how many.
        prompts: how many different ones, which is what is drawn for intervals.
        draws, seed, level: of the intervals.
        log_loss: None where the forecasts are names.
        accuracy: share of battles whose favourite won.
        baselines: forecasts without a model.
        confusion: one row an outcome.
        calibration: None where the forecasts are names.
        position: which side is favoured.
        length: which length is favoured.
        slices: the figures of kinds of battles.
        against: beside another run.
        notes: what could not be told, and why.
    """

    battles: int
    prompts: int
    draws: int
    seed: int
    level: float
    log_loss: Estimate | None
    accuracy: Estimate
    baselines: tuple[Baseline, ...]
    confusion: tuple[Outcome, ...]
    calibration: Calibration | None
    position: PositionBias
    length: LengthBias
    slices: tuple[SlicedBy, ...]
    against: Comparison | None
    notes: tuple[str, ...]


def evaluate(
    table: Table,
    rows: Sequence[Row],
    *,
    are_probabilities: bool = True,
    looks: Looks | None = None,
    other: Other | None = None,
    draws: int = DRAWS,
) -> Evaluation:
    """Measure forecasts in every way.

    Args:
        table: labelled battles.
        rows: their forecasts, in the order of the table, with the columns that the contest scores.
        are_probabilities: False where each row only marks the favourite with a 1.
        looks: both looks at the battles that have two, by id.
        other: forecasts of another run to compare with.
        draws: of the intervals.

    Raises:
        ValueError: no battles, a battle without winner, or unequal lengths.
    """
    sample = Sample.of(table.battles, rows, origins=table.origins, are_probabilities=are_probabilities)
    resampling = Resampling(sample.groups, draws=draws)
    loss, accuracy = resampling.means(np.stack([sample.losses, sample.hits], axis=1))
    against = None
    if other is not None:
        rival = Sample.of(table.battles, other.rows, are_probabilities=other.are_probabilities)
        against = compare(sample, rival, other.name, resampling)
    return Evaluation(
        battles=len(sample.battles),
        prompts=sample.prompts,
        draws=draws,
        seed=SEED,
        level=LEVEL,
        log_loss=loss if are_probabilities else None,
        accuracy=accuracy,
        baselines=measure_baselines(sample, resampling),
        confusion=_confusion(sample),
        calibration=measure_calibration(sample, resampling) if are_probabilities else None,
        position=measure_position(sample, resampling, looks),
        length=measure_length(sample, resampling),
        slices=measure_slices(sample, resampling),
        against=against,
        notes=_notes(sample),
    )


def _confusion(sample: Sample) -> tuple[Outcome, ...]:
    found = []
    for column, label in enumerate(sample.labels):
        came_B = sample.winners == column
        said = np.bincount(sample.favourites[came_B], minlength=len(sample.labels))
        mean = tuple(map(float, sample.rows[came_B].mean(axis=0))) if came_B.any() else None
        found.append(Outcome(label, int(came_B.sum()), tuple(map(int, said)), mean))
    return tuple(found)


def _notes(sample: Sample) -> tuple[str, ...]:
    notes = []
    if not sample.are_probabilities:
        notes.append(
            "the forecasts are names and not probabilities: there is accuracy, and neither log loss nor calibration"
        )
    if sample.prompts == 1:
        notes.append("all battles have one prompt: there are no intervals, and nothing can be held out")
    absent = [label for column, label in enumerate(sample.labels) if not (sample.winners == column).any()]
    if absent:
        notes.append(f"no battle came out as {', '.join(absent)}")
    return tuple(notes)
