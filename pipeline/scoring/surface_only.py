"""Forecast from the surface of battles alone, by a calibration that asks for no network: no model is loaded.

It is what can be had where there is no model, and what a model has to beat.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.arena.battle import Battle
from pipeline.arena.calibration import Calibrating, Calibration, read_calibration
from pipeline.arena.outcome import Row
from pipeline.errors import SettingsError


def read_surface_calibration(path: Path) -> Calibration:
    """A calibration that stands alone.

    Raises:
        SettingsError: it cannot be read, or is one of a network's forecasts.
    """
    found = read_calibration(path)
    if found.network:
        raise SettingsError(
            f"{path} calibrates the forecasts of a network, and there is no model",
            fix="say --model or --adapter, or fit one without --predictions: arena calibrate",
        )
    return found


def forecast_surface(
    calibration: Calibration, battles: Sequence[Battle], advance: Callable[[int], None] = lambda _: None
) -> tuple[Row, ...]:
    """Probabilities of each battle, in order: A and B, and tie where the calibration knows ties.

    Args:
        calibration: one that stands alone.
        battles: in any order.
        advance: told of every battle.
    """
    calibrated = Calibrating(calibration, battles)
    nothing: Row = (1 / calibration.outcomes,) * calibration.outcomes
    found: list[Row] = []
    for place in range(len(battles)):
        found.append(calibrated(place, nothing))
        advance(1)
    return tuple(found)
