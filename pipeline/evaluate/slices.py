"""The figures of each kind of battles.

Shapes: B battles, S slices.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.evaluate.facets import Facet, facets_of
from pipeline.evaluate.interval import Estimate
from pipeline.evaluate.resampling import Resampling
from pipeline.evaluate.sample import Numbers, Sample, losses_of

# Fewer battles than this say little, and are marked.
FEW: Final = 30


@dataclass(frozen=True, slots=True)
class Slice:
    """One kind of battles.

    Attributes:
        name: of the kind.
        battles: how many.
        is_small: fewer than 30.
        log_loss: of the forecasts; None where they are names.
        log_loss_prior: of the best constant forecast of all battles, on these; None as above.
        accuracy: share of battles whose favourite won.
    """

    name: str
    battles: int
    is_small: bool
    log_loss: Estimate | None
    log_loss_prior: float | None
    accuracy: Estimate


@dataclass(frozen=True, slots=True)
class SlicedBy:
    """One way to tell battles apart, how it is told, and its kinds."""

    name: str
    note: str
    slices: tuple[Slice, ...]


def measure_slices(sample: Sample, resampling: Resampling) -> tuple[SlicedBy, ...]:
    """The figures of each kind of battles, for every way in which the table tells them apart."""
    return tuple(_sliced(facet, sample, resampling) for facet in facets_of(sample.battles, sample.origins))


def _sliced(facet: Facet, sample: Sample, resampling: Resampling) -> SlicedBy:
    inside_BS = np.array([[kind in kinds for kind in facet.kinds] for kinds in facet.kinds_of], dtype=np.float64)
    hits_BS = inside_BS * sample.hits[:, None]
    losses_BS = inside_BS * sample.losses[:, None]
    count = len(facet.kinds)
    figures = resampling.ratios(
        np.concatenate([losses_BS, hits_BS], axis=1), np.concatenate([inside_BS, inside_BS], axis=1)
    )
    priors_S = _priors(sample, inside_BS)
    slices = []
    for number, name in enumerate(facet.kinds):
        loss, accuracy = figures[number], figures[count + number]
        battles = int(inside_BS[:, number].sum())
        if accuracy is not None:
            is_scored = sample.are_probabilities
            prior = float(priors_S[number]) if is_scored else None
            slices.append(Slice(name, battles, battles < FEW, loss if is_scored else None, prior, accuracy))
    return SlicedBy(facet.name, facet.note, tuple(slices))


def _priors(sample: Sample, inside_BS: Numbers) -> Numbers:
    """The log loss of the best constant forecast of all battles, in each slice."""
    constant_BC = np.tile(sample.came.mean(axis=0), (len(inside_BS), 1))
    priors: Numbers = losses_of(constant_BC, sample.winners) @ inside_BS / inside_BS.sum(axis=0)
    return priors
