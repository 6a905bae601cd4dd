"""Forecasts that need no model, and how far the model's are ahead of each.

Shapes: B battles, C columns, K figures.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.evaluate.interval import Estimate
from pipeline.evaluate.length import forecast_by_length
from pipeline.evaluate.resampling import Resampling
from pipeline.evaluate.sample import Numbers, Sample, hits_of, losses_of


@dataclass(frozen=True, slots=True)
class Baseline:
    """Forecasts without a model.

    Attributes:
        name: which.
        log_loss: its own; None where the model's forecasts are names.
        accuracy: its own; None where it has no favourite.
        gain: by how much the model's log loss is lower, or of names its accuracy higher; above 0 the model is better.
    """

    name: str
    log_loss: Estimate | None
    accuracy: Estimate | None
    gain: Estimate


def measure_baselines(sample: Sample, resampling: Resampling) -> tuple[Baseline, ...]:
    """Equal probabilities (not of names), the best constant of these very battles, and length alone, held out.

    Length alone is left out where all battles have one prompt.
    """
    shape = sample.rows.shape
    constant_BC = np.tile(sample.came.mean(axis=0), (shape[0], 1))
    by_length_BC = forecast_by_length(sample)
    found = [_measured("best constant", constant_BC, sample, resampling)]
    if sample.are_probabilities:
        uniform = _measured("uniform", np.full(shape, 1 / shape[1]), sample, resampling)
        found.insert(0, Baseline(uniform.name, uniform.log_loss, None, uniform.gain))
    if by_length_BC is not None:
        found.append(_measured("length only", by_length_BC, sample, resampling))
    return tuple(found)


def _measured(name: str, rows_BC: Numbers, sample: Sample, resampling: Resampling) -> Baseline:
    losses_B, hits_B = losses_of(rows_BC, sample.winners), hits_of(rows_BC, sample.winners)
    gain_B = losses_B - sample.losses if sample.are_probabilities else sample.hits - hits_B
    loss, accuracy, gain = resampling.means(np.stack([losses_B, hits_B, gain_B], axis=1))
    return Baseline(name, loss if sample.are_probabilities else None, accuracy, gain)
