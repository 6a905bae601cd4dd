"""`calibration.json`: the last layer of a forecast, over the network's log odds and the surface of the battle.

    forecast = softmax(side, -side, tie)
    side = sum over antisymmetric terms of coefficient * x / scale
    tie  = bias + sum over symmetric terms of coefficient * (x - center) / scale

Exchanging the answers negates every antisymmetric x and leaves every symmetric one, so the forecast is exchanged with
them, to the last bit. Without ties the forecast is softmax(side, -side).

What it does not know: how the coefficients were found (`pipeline/evaluate`).
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.arena.battle import A_WINS, B_WINS, TIE, Battle
from pipeline.arena.metric import EPSILON
from pipeline.arena.outcome import TWO_WAY, Row, softmax
from pipeline.arena.surface import MEASURES, SHARED, VERSION, Surface, surface_of
from pipeline.errors import SettingsError
from pipeline.preflight import harmless

NAME: Final = "calibration.json"
MAX_BYTES: Final = 1_000_000

NETWORK_SIDE: Final = "network log A/B"
NETWORK_TIE: Final = "network log tie/sqrt(A*B)"

Outcomes = Literal[2, 3]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(gt=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Term(_Part):
    """One feature and what it is worth; beyond what the fit saw, `low` to `high`, it counts as the furthest seen."""

    name: str
    center: Finite
    scale: Positive
    low: Finite
    high: Finite
    coefficient: Finite

    @model_validator(mode="after")
    def _has_a_range(self) -> "Term":
        if self.low > self.high:
            raise ValueError(f"{self.name}: low {self.low} is above high {self.high}")
        return self

    def worth(self, value: float) -> float:
        """What this value adds."""
        return self.coefficient * ((min(max(value, self.low), self.high) - self.center) / self.scale)


class Fitted(_Part):
    """What the coefficients were fitted on, and what that was worth on folds that they had not seen.

    Attributes:
        labelled: the name of the file of battles.
        predictions: the names of the files of forecasts; none for a calibration without a network.
        battles: how many were fitted on.
        sha256: over ids, texts and winners, in order, as in `training.json`.
        folds: that share no prompt.
        log_loss_before: of the forecasts as they were; without a network, of the other folds' outcomes as a constant.
        log_loss: of the calibrated forecasts of battles whose fold was not fitted on, the ridge chosen without it too.
        change: log_loss less log_loss_before; below 0 where calibrating helps.
        change_error: standard error of the mean change over battles.
    """

    labelled: str
    predictions: tuple[str, ...]
    battles: Count
    sha256: str
    folds: Count
    log_loss_before: Finite
    log_loss: Finite
    change: Finite
    change_error: Finite


class Calibration(_Part):
    """The whole layer.

    Attributes:
        surface: the version of the surface features, None where none is used.
        network: whether the network's log odds are terms.
        outcomes: 3 with ties, 2 without.
        side: the antisymmetric terms, the network's first.
        tie: the symmetric terms likewise; none without ties.
        bias: of the tie; 0 without ties.
        ridge: the penalty on the surface's coefficients, in battles.
        fitted: on what.
    """

    schema_version: Literal[1] = 1
    surface: Count | None
    network: bool
    outcomes: Outcomes
    side: tuple[Term, ...]
    tie: tuple[Term, ...]
    bias: Finite
    ridge: Positive
    fitted: Fitted

    @model_validator(mode="after")
    def _is_consistent(self) -> "Calibration":
        if self.surface not in (None, VERSION):
            raise ValueError(f"its surface features are of version {self.surface}, and these of {VERSION}")
        side, tie = term_names(network=self.network, surface=self.surface is not None, outcomes=self.outcomes)
        for given, needed, kind in ((self.side, side, "side"), (self.tie, tie, "tie")):
            if tuple(term.name for term in given) != needed:
                raise ValueError(f"its {kind} terms are not those of a calibration of this kind")
        if any(term.center != 0 or term.low != -term.high for term in self.side):
            raise ValueError("a side term has a center or a lopsided range: exchanged answers would not be mirrored")
        if self.outcomes == TWO_WAY and self.bias != 0:
            raise ValueError("it has a bias for ties and no ties")
        for terms, bias in ((self.side, 0.0), (self.tie, self.bias)):
            if not math.isfinite(
                abs(bias) + sum(abs(term.worth(end)) for term in terms for end in (term.low, term.high))
            ):
                raise ValueError("its terms may add up to more than a number holds")
        return self

    def says(self) -> str:
        """What it is and what it was worth, in a line."""
        terms = [name for name, used in (("log odds", self.network), ("surface", self.surface is not None)) if used]
        fitted = self.fitted
        return (
            f"{' and '.join(terms)}, fitted on {fitted.battles:,} battles of {harmless(fitted.labelled)}; log loss"
            f" {fitted.log_loss_before:.4f} before, {fitted.log_loss:.4f} after, held out"
        )

    def digest(self) -> str:
        """Of all of it: calibrations with the same digest forecast the same."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:32]

    def forecast(self, surface: Surface | None, row: Row) -> Row:
        """The calibrated forecast of a battle.

        Args:
            surface: the battle's, None where the calibration does not use it.
            row: the network's probabilities, as many as `outcomes`; not looked at without a network.

        Raises:
            ValueError: the row has not the calibration's columns, or a surface is missing or too many.
        """
        if self.network and len(row) != self.outcomes:
            raise ValueError(f"a forecast of {len(row)} outcomes; the calibration was fitted on {self.outcomes}")
        side_values, tie_values = term_values(surface, row if self.network else None, self.outcomes)
        side = math.fsum(term.worth(value) for term, value in zip(self.side, side_values, strict=True))
        if self.outcomes == TWO_WAY:
            return softmax((side, -side))
        tie = self.bias + math.fsum(term.worth(value) for term, value in zip(self.tie, tie_values, strict=True))
        return softmax((side, -side, tie))


@dataclass(slots=True)
class Calibrating:
    """A calibration for the battles of a run; each battle's surface is read once, however often forecasts are told."""

    calibration: Calibration
    battles: Sequence[Battle]
    _seen: dict[int, Surface] = field(default_factory=dict, init=False)

    def __call__(self, place: int, row: Row) -> Row:
        """The calibrated forecast of the battle at a place."""
        if self.calibration.surface is None:
            return self.calibration.forecast(None, row)
        if place not in self._seen:
            self._seen[place] = surface_of(self.battles[place])
        return self.calibration.forecast(self._seen[place], row)


def term_names(*, network: bool, surface: bool, outcomes: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the terms of side and tie, in order."""
    side = (NETWORK_SIDE,) * network + tuple(measure.name for measure in MEASURES) * surface
    tie = (NETWORK_TIE,) * network + tuple(shared.name for shared in SHARED) * surface
    return side, () if outcomes == TWO_WAY else tie


def term_values(surface: Surface | None, row: Row | None, outcomes: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The values of the terms of side and tie, in the order of `term_names`; None is what is not used.

    Probabilities are held above the contest's epsilon, where a logarithm is finite.
    """
    side: tuple[float, ...] = ()
    tie: tuple[float, ...] = ()
    if row is not None:
        logs = [math.log(max(value, EPSILON)) for value in row]
        side += (logs[A_WINS] - logs[B_WINS],)
        tie += () if outcomes == TWO_WAY else (logs[TIE] - (logs[A_WINS] + logs[B_WINS]) / 2,)
    if surface is not None:
        side += surface.antisymmetric
        tie += surface.symmetric
    return side, () if outcomes == TWO_WAY else tie


def calibration_in(directories: Iterator[Path]) -> Calibration | None:
    """The calibration of the first directory that has one, None where none has.

    Raises:
        SettingsError: as `read_calibration`.
    """
    found = next((path / NAME for path in directories if (path / NAME).is_file()), None)
    return None if found is None else read_calibration(found)


def read_calibration(path: Path) -> Calibration:
    """Read one.

    Raises:
        SettingsError: it cannot be read, is no calibration, or is of another version of the features; names the field.
    """
    fix = "fit it again: arena calibrate"
    try:
        with path.open("rb") as file:
            return Calibration.model_validate_json(file.read(MAX_BYTES))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SettingsError(f"{path}: it is no calibration of version 1: {place}: {first['msg']}", fix=fix) from None
    except OSError as error:
        raise SettingsError(f"{path}: it cannot be read: {error.strerror or error}", fix=fix) from None
