"""Blending weights beside scipy's optimiser, and what must hold of any blend."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_classifier import battle

from pipeline.arena.metric import log_loss
from pipeline.arena.mixture import at_temperature, blend_rows
from pipeline.evaluate.blend import as_text, fit_blend, measure_cascade
from pipeline.evaluate.weights import GAP, fit_temperature, fit_weights

SHARE = st.floats(1e-6, 1)
ROW = st.tuples(SHARE, SHARE, SHARE).map(lambda row: tuple(each / math.fsum(row) for each in row))
CASES = st.integers(1, 30).flatmap(
    lambda battles: st.tuples(
        st.lists(st.lists(ROW, min_size=battles, max_size=battles), min_size=2, max_size=4),
        st.lists(st.integers(0, 2), min_size=battles, max_size=battles),
    )
)


def made_up(battles: int, skills: tuple[float, ...], seed: int = 0) -> tuple[list[Any], list[int]]:
    """Members that know the truth more or less, each with noise of its own."""
    draw = random.Random(seed)  # noqa: S311 - made-up forecasts
    winners = [draw.randrange(3) for _ in range(battles)]
    members = []
    for skill in skills:
        rows = []
        for winner in winners:
            logits = [draw.gauss(0, 1) + (skill if column == winner else 0) for column in range(3)]
            total = sum(map(math.exp, logits))
            rows.append(tuple(math.exp(each) / total for each in logits))
        members.append(rows)
    return members, winners


def least(members: Any, winners: Any) -> float:
    """The least log loss of convex weights, as scipy finds it from several starts."""
    optimize = pytest.importorskip("scipy.optimize")
    import numpy as np

    came = np.clip([[row[w] for row, w in zip(rows, winners, strict=True)] for rows in members], 2.0**-52, 1)
    found = []
    for start in (np.full(len(came), 1 / len(came)), *np.eye(len(came)) * 0.9 + 0.1 / len(came)):
        done = optimize.minimize(
            lambda w: -np.log(np.maximum(w @ came, 1e-300)).mean(),
            start / start.sum(),
            jac=lambda w: -(came / np.maximum(w @ came, 1e-300)).mean(axis=1),
            bounds=[(0, 1)] * len(came),
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
            method="SLSQP",
            options={"ftol": 1e-13, "maxiter": 500},
        )
        weights = np.clip(done.x, 0, 1)
        found.append(float(-np.log((weights / weights.sum()) @ came).mean()))
    return min(found)


@settings(deadline=None, max_examples=60)
@given(CASES)
def test_no_weights_are_better_than_the_fitted_ones(case: tuple[Any, list[int]]) -> None:
    members, winners = case
    fit = fit_weights(members, winners)
    assert math.fsum(fit.weights) == pytest.approx(1)
    assert min(fit.weights) >= 0
    assert fit.gap <= GAP
    loss = log_loss(blend_rows(members, fit.weights), winners)
    assert loss <= least(members, winners) + GAP + 1e-9
    assert loss <= min(log_loss(rows, winners) for rows in members) + GAP + 1e-9
    assert fit_weights(members, winners) == fit


@pytest.mark.parametrize(
    "came",
    [
        [[8.68e-07, 0.545], [0.421, 0.139], [8.68e-06, 0.545]],
        [[0.374, 7.79e-07, 2.02e-06], [0.374, 7.79e-07, 1.11e-05], [7.88e-07, 0.639, 0.561]],
    ],
)
def test_members_that_nearly_say_the_same_make_the_loss_flat_and_are_fitted_all_the_same(came: Any) -> None:
    """After 20,000 EM steps, longer ones tried, these missed the least by 5e-7 and by 4e-6."""
    members = [[(share, (1 - share) / 2, (1 - share) / 2) for share in row] for row in came]
    fit = fit_weights(members, [0] * len(came[0]))
    assert fit.gap <= GAP
    least_there_is = least(members, [0] * len(came[0]))
    assert log_loss(blend_rows(members, fit.weights), [0] * len(came[0])) <= least_there_is + GAP


@pytest.mark.parametrize("gap", [1e-3, 1e-5, 1e-7, 1e-9])
def test_a_fit_is_as_near_as_was_asked(gap: float) -> None:
    assert fit_weights(*made_up(200, (1.5, 1.4, 0.5)), gap=gap).gap <= gap


@pytest.mark.parametrize("skills", [(1.0, 1.0), (1.5, 0.5), (1.2, 1.0, 0.8, 0.0), (2.0, -1.0)])
def test_a_thousand_battles_are_fitted_as_scipy_does(skills: tuple[float, ...]) -> None:
    members, winners = made_up(1000, skills)
    fit = fit_weights(members, winners)
    assert fit.gap <= GAP
    assert log_loss(blend_rows(members, fit.weights), winners) <= least(members, winners) + GAP


def test_members_that_say_the_same_are_a_blend_too() -> None:
    members, winners = made_up(50, (1.0,))
    assert fit_weights([members[0], members[0]], winners).weights == pytest.approx((0.5, 0.5))


def test_a_useless_member_gets_no_weight_and_a_member_that_is_sure_and_wrong_costs_no_infinity() -> None:
    members, winners = made_up(400, (2.0, -2.0))
    assert fit_weights(members, winners).weights[1] < 1e-3
    certain = [tuple(float(column == (winner + 1) % 3) for column in range(3)) for winner in winners]
    fit = fit_weights([members[0], certain], winners)
    assert fit.weights[1] < 1e-3
    assert fit.gap <= GAP


@pytest.mark.parametrize("made_with", [0.5, 1.0, 1.7, 3.0])
def test_a_temperature_is_found_again(made_with: float) -> None:
    """Rows that are right on average, made colder or hotter: the fit turns them back."""
    draw = random.Random(3)  # noqa: S311 - made-up forecasts
    rows, winners = [], []
    for _ in range(20_000):
        logits = [draw.gauss(0, 1) for _ in range(3)]
        total = sum(map(math.exp, logits))
        row = tuple(math.exp(each) / total for each in logits)
        winners.append(draw.choices(range(3), row)[0])
        rows.append(at_temperature(row, 1 / made_with))
    assert fit_temperature(rows, winners) == pytest.approx(made_with, rel=0.05)


def test_no_temperature_nearby_is_better() -> None:
    members, winners = made_up(300, (1.0,))
    best = fit_temperature(members[0], winners)
    losses = [log_loss([at_temperature(row, best * by) for row in members[0]], winners) for by in (0.99, 1.0, 1.01)]
    assert losses[1] == min(losses)


def test_a_blend_is_judged_on_prompts_that_it_has_not_seen() -> None:
    members, winners = made_up(600, (1.2, 1.0))
    battles = [battle(str(n), f"prompt {n % 90}", winner=winner) for n, winner in enumerate(winners)]
    blend, held_out = fit_blend(battles, members, winners)
    assert blend.held_out == pytest.approx(log_loss(held_out, winners))
    assert blend.seen <= blend.held_out < min(blend.alone)
    assert blend.folds == len(blend.fold_weights) == 5
    assert [share for share, _ in blend.cascade] == [0.15, 0.25, 0.35, 0.5, 1.0]
    assert blend.cascade[-1][1] == pytest.approx(blend.seen)
    assert fit_blend(battles, members, winners) == (blend, held_out)
    order = list(reversed(range(len(battles))))
    turned, _ = fit_blend([battles[n] for n in order], [[m[n] for n in order] for m in members], winners[::-1])
    assert turned.weights == pytest.approx(blend.weights, abs=1e-9)
    text = as_text(blend, ["a.csv", "b.csv"])
    assert f"weight = {blend.weights[1]:.4f}" in text
    assert "b.csv" in text


def test_held_out_rows_come_from_weights_of_the_other_folds() -> None:
    members, winners = made_up(200, (1.0, 0.2))
    battles = [battle(str(n), f"prompt {n % 2}") for n in range(200)]
    _, before = fit_blend(battles, members, winners, folds=2)
    weights = fit_weights([rows[1::2] for rows in members], winners[1::2]).weights
    plain = blend_rows([rows[0::2] for rows in members], weights)
    temperature = fit_temperature(blend_rows([rows[1::2] for rows in members], weights), winners[1::2])
    tempered = blend_rows([rows[0::2] for rows in members], weights, temperature)
    assert before[0::2] in (plain, tempered)


def test_a_cascade_of_all_is_the_blend_and_of_none_the_first() -> None:
    members, winners = made_up(100, (1.0, 1.0))
    (all_, none) = measure_cascade(members, winners, (0.6, 0.4), shares=(1.0, 0.001))
    assert all_[1] == pytest.approx(log_loss(blend_rows(members, (0.6, 0.4)), winners))
    assert none[1] == pytest.approx(log_loss(members[0], winners))


def test_what_is_no_blend_is_refused() -> None:
    members, winners = made_up(6, (1.0, 1.0))
    with pytest.raises(ValueError, match="1 members are no blend"):
        fit_weights(members[:1], winners)
    with pytest.raises(ValueError, match="6, 5 forecasts for 6 winners"):
        fit_weights([members[0], members[1][:5]], winners)
    with pytest.raises(ValueError, match="0 forecasts for 0 winners"):
        fit_temperature([], [])
    with pytest.raises(ValueError, match="all battles have the same prompt"):
        fit_blend([battle(str(n)) for n in range(6)], members, winners)
