"""Two runs on the same battles: the difference is paired, and its sign is told only where it is sure."""

import pytest
from made_up_forecasts import made_up

from pipeline.evaluate.comparison import compare
from pipeline.evaluate.resampling import Resampling
from pipeline.evaluate.sample import Sample


def compared(battles, one, other, *, names=False):
    samples = [Sample.of(battles, rows, are_probabilities=not names) for rows in (one, other)]
    return compare(*samples, "other.csv", Resampling(samples[0].groups, draws=800))


def test_a_run_is_not_told_apart_from_itself() -> None:
    battles, rows = made_up(200)
    found = compared(battles, rows, rows)
    assert (found.difference.value, found.difference.low, found.difference.high) == (0.0, 0.0, 0.0)
    assert (found.better, found.worse, found.equal, found.draws_better) == (0, 0, 200, 0.0)
    assert found.verdict == "not told apart"


def test_the_better_run_is_better_and_the_other_worse() -> None:
    battles, rows = made_up(1500)
    _, bent = made_up(1500, sharpness=2.5)
    one, other = compared(battles, rows, bent), compared(battles, bent, rows)
    assert (one.verdict, other.verdict) == ("better", "worse")
    assert one.difference.value == pytest.approx(one.value.value - one.other.value)
    assert one.difference.value == pytest.approx(-other.difference.value)
    assert (one.better, one.worse, one.equal) == (other.worse, other.better, other.equal)
    assert one.draws_better == pytest.approx(1 - other.draws_better)


def test_a_difference_is_paired() -> None:
    """Both runs err on the same battles, so the difference is surer than either."""
    battles, rows = made_up(800)
    near = [tuple(0.97 * each + 0.01 for each in row) for row in rows]
    found = compared(battles, rows, near)
    assert found.difference.high - found.difference.low < 0.2 * (found.value.high - found.value.low)


def test_names_are_compared_by_how_often_they_are_right() -> None:
    battles, _ = made_up(400, columns=2)
    right = [(1.0, 0.0) if each.winner == 0 else (0.0, 1.0) for each in battles]
    half = [(1.0, 0.0)] * 400
    found = compared(battles, right, half, names=True)
    assert (found.metric, found.verdict, found.value.value) == ("accuracy", "better", 1.0)
    assert found.difference.value == pytest.approx(1 - found.other.value)
    assert (found.worse, found.better + found.equal) == (0, 400)
