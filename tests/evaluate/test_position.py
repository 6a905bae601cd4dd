"""Position: a side that is favoured is seen, in the mean and between two looks."""

import pytest
from made_up_forecasts import made_up, swapped

from pipeline.evaluate.position import measure_position
from pipeline.evaluate.resampling import Resampling
from pipeline.evaluate.sample import Sample


def measured(battles, rows, looks=None):
    sample = Sample.of(battles, rows)
    return measure_position(sample, Resampling(sample.groups, draws=500), looks)


def test_a_side_that_is_favoured_is_told_and_one_that_is_not_is_not() -> None:
    assert measured(*made_up(2000)).excess.sign == 0
    assert measured(*made_up(2000, side=0.6)).excess.sign == 1
    assert measured(*swapped(*made_up(2000, side=0.6))).excess.sign == -1


def test_exchanging_the_sides_exchanges_the_sign() -> None:
    battles, rows = made_up(200, side=0.3)
    one, other = measured(battles, rows), measured(*swapped(battles, rows))
    for name in ("forecast", "observed", "excess"):
        assert getattr(one, name).value == pytest.approx(-getattr(other, name).value)


def test_two_looks_that_are_the_same_favour_no_side() -> None:
    battles, rows = made_up(100)
    looks = {each.id: (row, row) for each, row in zip(battles, rows, strict=True)}
    swap = measured(battles, rows, looks).swap
    assert (swap.battles, swap.agree.value, swap.apart.value, swap.to_first.value) == (100, 1.0, 0.0, 0.0)


def test_looks_that_follow_the_side_are_told_by_how_much() -> None:
    """Half of the battles are looked at twice; what is read first gets 0.2 more each time."""
    battles, rows = made_up(100)
    looks = {each.id: ((0.5, 0.3, 0.2), (0.3, 0.5, 0.2)) for each in battles[:50]}
    swap = measured(battles, rows, looks).swap
    assert (swap.battles, swap.agree.value) == (50, 0.0)
    assert swap.apart.value == pytest.approx(0.4 / 3)
    assert swap.to_first.value == pytest.approx(0.2)
    assert swap.to_first.sign == 1
