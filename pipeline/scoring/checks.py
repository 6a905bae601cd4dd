"""Look at what came out, before somebody hands it in.

The mean stands beside the prior, the two looks at a battle beside each other, and the forecasts beside the truth where
it is known. That a submission is surely wrong is for rule P004 to say; this says why it may be.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.arena.battle import Battle
from pipeline.arena.metric import favourite, log_loss
from pipeline.arena.outcome import softmax
from pipeline.scoring.swap import Row, turn_back
from pipeline.scoring.work import Look

# Two looks of one model at one battle that differ by more than this in the mean are not two looks at one battle.
CONSISTENT: Final = 0.25
# Fewer second looks, or labelled battles, than this say nothing.
FEW: Final = 30
BINS: Final = 10
# A calibration that is off by more than this: the model is sure of what does not come.
CALIBRATED: Final = 0.15


@dataclass(frozen=True, slots=True)
class Checks:
    """Figures of a finished run; None where there was nothing to take them from.

    Attributes:
        mean: the mean forecast.
        moved: mean absolute change that the second look made to a column.
        apart: mean absolute difference between the two looks, turned back, in a column.
        agree: share of battles whose favourite is the same in both looks.
        loss: log loss, where winners are known.
        calibration: how far the favourites' probabilities are from how often they won, over ten bins.
    """

    mean: Row
    moved: float | None = None
    apart: float | None = None
    agree: float | None = None
    loss: float | None = None
    calibration: float | None = None
    pairs: int = 0
    labelled: int = 0

    def warnings(self) -> tuple[str, ...]:
        """What about them should not be so, a sentence each."""
        said: list[str] = []
        if self.apart is not None and self.pairs >= FEW and self.apart > CONSISTENT:
            said.append(
                f"the two looks at a battle differ by {self.apart:.3f} in the mean: the forecast follows the side and"
                " not the answer; was the model trained with this template?"
            )
        if self.calibration is not None and self.labelled >= FEW and self.calibration > CALIBRATED:
            said.append(f"the favourites' probabilities are off by {self.calibration:.3f} from how often they won")
        return tuple(said)

    def text(self, prior: Row) -> str:
        """In a line or two for people."""
        told = " ".join(f"{value:.3f}" for value in self.mean)
        lines = [f"mean forecast {told}, prior {' '.join(f'{value:.3f}' for value in prior)}"]
        if self.agree is not None:
            lines.append(
                f"swapped: {self.pairs:,} battles, which moved a column by {self.moved:.4f} in the mean;"
                f" both looks have the same favourite in {self.agree:.1%}"
            )
        if self.loss is not None:
            lines.append(f"labelled: log loss {self.loss:.4f}, calibration off by {self.calibration:.3f}")
        return "\n".join(lines)


def check(probabilities: Sequence[Row], logits: Mapping[Look, Row], battles: Sequence[Battle]) -> Checks:
    """The figures of a run; nothing is judged here."""
    mean = tuple(math.fsum(column) / len(probabilities) for column in zip(*probabilities, strict=True))
    pairs = list(pairs_of(logits).values())
    winners = [battle.winner for battle in battles if battle.winner is not None]
    labelled = len(winners) == len(battles) and all(winner < len(mean) for winner in winners)
    apart = _apart(pairs) if pairs else None
    return Checks(
        mean,
        moved=None if apart is None else apart / 2,
        apart=apart,
        agree=sum(favourite(one) == favourite(other) for one, other in pairs) / len(pairs) if pairs else None,
        loss=log_loss(probabilities, winners) if labelled else None,
        calibration=calibration(probabilities, winners) if labelled else None,
        pairs=len(pairs),
        labelled=len(winners) if labelled else 0,
    )


def pairs_of(logits: Mapping[Look, Row]) -> dict[int, tuple[Row, Row]]:
    """Both looks of the first model at a battle, by its place; the second is turned back."""
    looks = sorted(look for look in logits if look.swapped and look.stage == 0)
    return {look.place: (softmax(logits[Look(look.place)]), turn_back(softmax(logits[look]))) for look in looks}


def _apart(pairs: Sequence[tuple[Row, Row]]) -> float:
    changes = [abs(one - other) for pair in pairs for one, other in zip(*pair, strict=True)]
    return math.fsum(changes) / len(changes)


def calibration(probabilities: Sequence[Row], winners: Sequence[int]) -> float:
    """How far the favourites' probabilities are from how often they won, weighted over ten bins.

    >>> round(calibration([(0.75, 0.25)] * 4, [0, 0, 0, 1]), 3)
    0.0
    """
    bins: dict[int, list[tuple[float, bool]]] = {}
    for row, winner in zip(probabilities, winners, strict=True):
        best = favourite(row)
        bins.setdefault(min(BINS - 1, int(row[best] * BINS)), []).append((row[best], best == winner))
    gaps = [abs(math.fsum(said for said, _ in each) - sum(won for _, won in each)) for each in bins.values()]
    return math.fsum(gaps) / len(winners)
