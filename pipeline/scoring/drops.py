"""What a deadline would leave out of a run that was rehearsed, decided as the run itself decides."""

import math
from collections.abc import Sequence

from pipeline.scoring.deadline import Deadline
from pipeline.scoring.journal import NoJournal
from pipeline.scoring.rehearsed import ModelTime
from pipeline.scoring.sampling import STABLE, Samples
from pipeline.scoring.schedule import Phase, Schedule
from pipeline.scoring.work import size_of


def drops_of(samples: Samples, models: Sequence[ModelTime], deadline: Deadline) -> tuple[str, ...]:
    """A sentence for each thing that is left out; none where there is no deadline, or everything fits.

    Args:
        samples: of the run's models.
        models: what each of them takes.
        deadline: of the run; when it began does not count, since the real one will begin anew.
    """
    return _Drops(samples, models, deadline).sentences() if math.isfinite(deadline.limit_s) else ()


class _Drops:
    """What a deadline would leave out, in the order of the run, which gives up what is worth least."""

    def __init__(self, samples: Samples, models: Sequence[ModelTime], deadline: Deadline) -> None:
        self._samples, self._models = samples, models
        self._sizes = [size_of(each) for each in samples.job.battles]
        # At its very start, and with the time that is left once its own head-room is taken off.
        at_start = Deadline(deadline.limit_s, 0.0, clock=lambda: models[0].load_s)
        self._schedule = Schedule(at_start, samples.meter, NoJournal(), scales=samples.scales[0])
        self._left_s = at_start.left_s()
        self._devices = samples.devices.count

    def sentences(self) -> tuple[str, ...]:
        """A sentence for each thing that is left out."""
        if self._models[0].first_s > self._left_s:
            return (*(_without(phase, 1.0) for phase, seconds in self._later() if seconds), *self._shortened())
        self._left_s -= self._models[0].first_s
        told = []
        for phase, seconds in self._later():
            if phase.stage and not phase.swapped:
                self._left_s -= self._models[phase.stage].load_s
            room_s = max(0.0, self._left_s - self._reserve_s(phase))
            if seconds > room_s:
                told.append(_without(phase, 1 - room_s / seconds))
            self._left_s -= min(seconds, room_s)
        return tuple(told)

    def _later(self) -> list[tuple[Phase, float]]:
        """All looks but the first model's first ones, and how long they take."""
        return [
            (Phase(number, swapped), seconds)
            for number, each in enumerate(self._models)
            for swapped, seconds in ((False, each.first_s), (True, each.second_s))
            if number or swapped
        ]

    def _reserve_s(self, phase: Phase) -> float:
        if not phase.swapped:
            return 0.0
        return self._schedule.reserve_s(self._samples.job.stages, phase.stage, self._sizes, self._devices)

    def _shortened(self) -> tuple[str, ...]:
        """Of rows that are too many at their full length."""
        stage, scales, needed_s = self._samples.job.stages[0], self._samples.scales[0], self._models[0].first_s
        length = self._schedule.length(stage, 0, self._sizes, stage.length, self._devices)
        cut, whole = (sum(scales.tokens(size, each) for size in self._sizes) for each in (length, stage.length))
        told = f"rows are cut to about {length} tokens instead of {stage.length}"
        without = 1 - max(0.0, self._left_s) / (needed_s * cut / whole)
        return (told, f"{without:.0%} of the rows hold the prior") if without > STABLE else (told,)


def _without(phase: Phase, share: float) -> str:
    if share >= 1:
        return f"all {phase.text()} are left out"
    return f"{math.ceil(share * 100)}% of the {phase.text()} are left out, those at the most certain battles"
