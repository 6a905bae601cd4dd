"""How long would it take? The whole path on as many rows as the contest has, for as short a time as gives a figure.

The rows are the visible ones, repeated: their lengths are what the hidden ones will have. Of a blend or cascade
every model is loaded and run, one after the other as in the run itself, and where a later one would look is told from
what those before it forecast for the battles of the sample.
"""

import time
from collections.abc import Sequence
from typing import Final

from pipeline.arena.battle import Battle
from pipeline.errors import PipelineError
from pipeline.scoring.deadline import Clock, Deadline
from pipeline.scoring.device import Devices
from pipeline.scoring.drops import drops_of
from pipeline.scoring.engine import BREATH_S
from pipeline.scoring.job import Job
from pipeline.scoring.rehearsed import ModelTime, Rehearsal
from pipeline.scoring.sampling import Samples
from pipeline.scoring.swap import MARGIN, Row, margin
from pipeline.scoring.work import Stage

ROWS: Final = 25_000

# Places of battles of the sample, each with how many battles of the run it stands for.
Weighted = tuple[tuple[int, float], ...]


class NothingRanError(PipelineError, RuntimeError):
    """No pack of a rehearsal was run."""


def enlarged(battles: Sequence[Battle], rows: int) -> list[Battle]:
    """That many battles, the visible ones over and over."""
    return [battles[at % len(battles)] for at in range(rows)]


def rehearse(
    job: Job, devices: Devices, deadline: Deadline, *, load_s: float, clock: Clock = time.perf_counter
) -> Rehearsal:
    """Measure each model until its speed is stable, three minutes at the most.

    Args:
        job: with as many battles as the contest has.
        devices: the ones of the real run.
        deadline: the one of the real run.
        load_s: what loading the first model took.
        clock: seconds, rising.

    Raises:
        NothingRanError: too few packs of a model could be run to tell its speed.
    """
    began, samples = clock(), Samples(job, devices, clock)
    models: list[ModelTime] = []
    chosen: Weighted = ()
    for number, stage in enumerate(job.stages):
        turned = clock()
        while not devices.turn_to(number, BREATH_S):
            pass
        loaded_s = clock() - turned if number else load_s
        samples.take(number)
        base = tuple(samples.weights.items())
        # The means of the models before it, although it has run by now on the same battles.
        chosen = base if number == 0 else most_uncertain(base, _means(samples, number), stage)
        models.append(_model_time(samples, number, chosen, base, loaded_s))
    return Rehearsal(
        rows=len(job.battles),
        models=tuple(models),
        peak_bytes=samples.meter.peak_bytes,
        budget=samples.budget,
        seconds=clock() - began,
        limit_s=deadline.limit_s,
        drops=drops_of(samples, models, deadline),
    )


def most_uncertain(base: Weighted, means: dict[int, Row], stage: Stage) -> Weighted:
    """Where a later model looks, as `work.chosen_by` says, in a sample whose battles stand for others.

    The last battle stands for as many as are left of the share.

    >>> rows = {0: (0.5, 0.5), 1: (0.9, 0.1), 2: (0.6, 0.4)}
    >>> most_uncertain(((0, 4.0), (1, 4.0), (2, 2.0)), rows, Stage(lambda battles, length: (), 64, share=0.5))
    ((0, 4.0), (2, 1.0))
    """
    left = stage.share * sum(weight for _, weight in base)
    found = []
    for place, weight in sorted(base, key=lambda each: (margin(means[each[0]]), each[0])):
        if left <= 0 or (stage.below is not None and margin(means[place]) >= stage.below):
            break
        found.append((place, min(weight, left)))
        left -= weight
    return tuple(found)


def _means(samples: Samples, number: int) -> dict[int, Row]:
    """What the models before this one forecast, by the place of a battle of the sample."""
    before = {look: row for look, row in samples.logits.items() if look.stage < number}
    rows = samples.job.means(before)
    return {place: rows[place] for place in samples.weights}


def _model_time(samples: Samples, number: int, chosen: Weighted, base: Weighted, load_s: float) -> ModelTime:
    rate = samples.rate(number)
    if rate is None or not base:
        raise NothingRanError(
            "too few packs could be run to tell the speed", fix="say a smaller --max-length, or more --rows"
        )
    rows = len(samples.job.battles)
    every = sum(samples.tokens(number, place) for place in range(rows))
    again = _second_looks(samples, chosen)
    tokens, second = (every * _share(samples, number, some, base) for some in (chosen, again))
    battles = sum(weight for _, weight in base)
    return ModelTime(
        looks=rows * sum(weight for _, weight in chosen) / battles,
        tokens=tokens,
        tokens_per_second=rate,
        load_s=load_s,
        first_s=tokens / rate,
        second_looks=rows * sum(weight for _, weight in again) / battles,
        second_s=second / rate,
    )


def _share(samples: Samples, number: int, some: Weighted, base: Weighted) -> float:
    """Of all tokens those of some battles."""
    of_some, of_all = (sum(weight * samples.tokens(number, place) for place, weight in each) for each in (some, base))
    return of_some / of_all


def _second_looks(samples: Samples, chosen: Weighted) -> Weighted:
    """As `swap.to_swap`, of the battles that the model looks at."""
    swap = samples.job.swap
    if swap != "uncertain":
        return () if swap == "none" else chosen
    rows = samples.job.probabilities(samples.logits)
    return tuple((place, weight) for place, weight in chosen if margin(rows[place]) < MARGIN)
