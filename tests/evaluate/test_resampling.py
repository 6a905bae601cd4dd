"""Intervals: that they hold what they should, and that battles of one prompt count as one."""

import numpy as np
import pytest

from pipeline.evaluate.interval import Estimate
from pipeline.evaluate.resampling import Resampling


def means_of(values, groups, draws=400):
    return Resampling(np.array(groups), draws=draws).means(np.array(values, dtype=float)[:, None])[0]


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """300 samples with a known mean: 95 % would be 285, and less than 91 or more than 98 in a hundred were a fault."""
    random = np.random.default_rng(7)
    held = 0
    for _ in range(300):
        found = means_of(random.exponential(1.0, 120), range(120))
        held += found.low <= 1.0 <= found.high
    assert 0.91 <= held / 300 <= 0.98


def test_prompts_are_drawn_and_not_battles() -> None:
    """Each value stands ten times: an interval that took these for ten battles would hold the truth in a half."""
    random = np.random.default_rng(8)
    held = narrow = 0
    for _ in range(200):
        values = np.repeat(random.normal(0.0, 1.0, 60), 10)
        found = means_of(values, np.repeat(np.arange(60), 10))
        taken_for_ten = means_of(values, np.arange(600))
        held += found.low <= 0.0 <= found.high
        narrow += taken_for_ten.low <= 0.0 <= taken_for_ten.high
    assert held / 200 >= 0.89
    assert narrow / 200 <= 0.6


def test_the_width_is_that_of_the_standard_error() -> None:
    values = np.random.default_rng(9).normal(5.0, 2.0, 4000)
    found = means_of(values, range(4000), draws=2000)
    error = values.std() / np.sqrt(4000)
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_the_same_draws_come_again_and_all_columns_share_them() -> None:
    values = np.random.default_rng(1).normal(size=(50, 1))
    resampling = Resampling(np.arange(50), draws=300)
    assert (resampling.totals(values) == resampling.totals(values)).all()
    both = resampling.totals(np.concatenate([values, -values], axis=1))
    assert both[:, 0] == pytest.approx(-both[:, 1])
    (none,) = resampling.means(values - values)
    assert (none.low, none.high) == (0.0, 0.0)
    assert Resampling(np.arange(50), draws=300, seed=1).totals(values)[0, 0] != both[0, 0]


def test_many_draws_are_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = np.array([0, 0, 1, 2])
    whole = Resampling(groups, draws=100).totals(np.ones((4, 1)))
    monkeypatch.setattr("pipeline.evaluate.resampling.PIECE", 7)
    assert (Resampling(groups, draws=100).totals(np.ones((4, 1))) == whole).all()
    monkeypatch.setattr("pipeline.evaluate.resampling.KEPT", 7)
    unkept = Resampling(groups, draws=100)
    assert (unkept.totals(np.ones((4, 1))) == whole).all()
    assert (unkept.totals(np.ones((4, 1))) == whole).all()
    assert set(whole[:, 0]) <= set(range(3, 7))


def test_what_one_prompt_alone_has_gets_no_interval() -> None:
    assert means_of([0.0, 1.0], [0, 0]) == Estimate(0.5)
    inside = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    values = np.array([[0.0], [1.0], [1.0]])
    alone, shared, absent = Resampling(np.array([0, 0, 1]), draws=200).ratios(inside * values, inside)
    assert alone == Estimate(0.5)
    assert (shared.low, shared.high) == (0.5, 1.0)
    assert absent is None


def test_a_sign_is_what_the_whole_interval_has() -> None:
    assert [Estimate(0.1, *ends).sign for ends in ((0.05, 0.2), (-0.1, 0.2), (-0.3, -0.1), (None, None))] == [
        1,
        0,
        -1,
        0,
    ]
