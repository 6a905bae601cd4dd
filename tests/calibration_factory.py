"""Calibrations without a fit, and battles whose truth is known, for whatever tests need one."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

from pipeline.arena.battle import Battle
from pipeline.arena.calibration import Calibration, Fitted, Term, term_names
from pipeline.arena.outcome import softmax
from pipeline.arena.surface import VERSION

if TYPE_CHECKING:
    from pipeline.arena.outcome import Row

FITTED = Fitted(
    labelled="train.csv",
    predictions=("held_out.csv",),
    battles=999,
    sha256="0" * 64,
    folds=10,
    log_loss_before=1.1,
    log_loss=1.05,
    change=-0.05,
    change_error=0.01,
)


def calibration(
    *, network: float | None = 1.0, surface: bool = True, outcomes: int = 3, bias: float = 0.0, **worth: float
) -> Calibration:
    """`network` is what its log odds are multiplied with, None without; `worth` the coefficients of features by name."""
    side, tie = term_names(network=network is not None, surface=surface, outcomes=outcomes)
    values: dict[str, Any] = {
        "surface": VERSION if surface else None,
        "network": network is not None,
        "outcomes": outcomes,
        # d is half of the log odds of A over B, where t is nothing: softmax(d, -d, t)
        "side": [term(name, (network or 0) / 2 if name.startswith("network") else worth.get(name, 0)) for name in side],
        "tie": [term(name, (network or 0) if name.startswith("network") else worth.get(name, 0)) for name in tie],
        "bias": bias,
        "ridge": 100.0,
        "fitted": FITTED,
    }
    return Calibration.model_validate(values)


def term(name: str, coefficient: float, most: float = 1e6) -> Term:
    return Term(name=name, center=0.0, scale=1.0, low=-most, high=most, coefficient=coefficient)


def drawn(count: int, *, sharpness: float = 1.0, seed: int = 0) -> tuple[list[Battle], list[Row], list[Row]]:
    """Battles whose outcomes are drawn from probabilities, those, and forecasts that are too sharp by a factor."""
    draw = random.Random(seed)  # noqa: S311 - made-up outcomes, not secrets
    battles, truth, forecasts = [], [], []
    for number in range(count):
        scores = (draw.gauss(0, 1), draw.gauss(0, 1), draw.gauss(0, 0.7))
        row = softmax(scores)
        winner = draw.choices(range(3), row)[0]
        text = " ".join("word" * draw.randrange(1, 3) for _ in range(draw.randrange(30)))
        battles.append(Battle(str(number), (f"prompt {number}",), (text,), (text[::-1],), winner))
        truth.append(row)
        forecasts.append(softmax(tuple(sharpness * score for score in scores)))
    return battles, truth, forecasts


def entropy(truth: list[Row], battles: list[Battle]) -> float:
    """The log loss of the truth on these battles."""
    return math.fsum(-math.log(row[each.winner or 0]) for row, each in zip(truth, battles, strict=True)) / len(battles)
