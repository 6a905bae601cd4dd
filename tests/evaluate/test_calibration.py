"""Calibration beside scikit-learn's curve, on forecasts that are known to be right, and on bent ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_forecasts import made_up

from pipeline.arena.battle import Battle
from pipeline.arena.mixture import at_temperature
from pipeline.evaluate.calibration import BINS, bins_of, calibration_error, measure_calibration, tempered
from pipeline.evaluate.resampling import Resampling
from pipeline.evaluate.sample import Sample


def measured(battles, rows):
    sample = Sample.of(battles, rows)
    return measure_calibration(sample, Resampling(sample.groups, draws=300))


def test_the_bins_are_those_of_scikit_learns_curve() -> None:
    calibration = pytest.importorskip("sklearn.calibration")
    sample = Sample.of(*made_up(1000))
    found = measured(*made_up(1000)).outcomes[0].bins
    observed, forecast = calibration.calibration_curve(
        sample.winners == 0, sample.rows[:, 0], n_bins=BINS, strategy="quantile"
    )
    assert [each.battles for each in found] == [100] * 10
    # Its bins end at interpolated quantiles, ours at ranks: a battle may stand on the other side.
    assert [each.forecast for each in found] == pytest.approx(list(forecast), abs=2e-3)
    assert [each.observed.value for each in found] == pytest.approx(list(observed), abs=0.011)


def test_forecasts_that_are_right_are_off_as_chance_has_it_and_bent_ones_are_not() -> None:
    right = measured(*made_up(3000))
    for each in (right.favourite, *right.outcomes):
        assert each.error <= 1.3 * each.by_chance_high
    assert right.temperature.value == pytest.approx(1.0, abs=0.08)
    assert right.temperature.gain.sign <= 0
    sure = measured(*made_up(3000, sharpness=2.0))
    assert sure.favourite.error > 2 * sure.favourite.by_chance_high
    assert sure.temperature.value == pytest.approx(2.0, abs=0.2)
    assert sure.temperature.gain.sign == 1
    assert sure.temperature.seen < sure.temperature.held_out + 1e-3
    assert measured(*made_up(3000, sharpness=0.5)).temperature.value == pytest.approx(0.5, abs=0.06)


def test_the_error_is_the_mean_distance_of_a_bin() -> None:
    said, came = np.array([0.1, 0.1, 0.9, 0.9]), np.array([0.0, 1.0, 1.0, 1.0])
    assert calibration_error(said, came, bins_of(said, 2)) == pytest.approx((0.4 + 0.1) / 2)
    assert calibration_error(said, said, bins_of(said)) == 0


@given(
    st.lists(st.sampled_from([0.1, 0.2, 0.25, 0.5, 0.9, 1.0]) | st.floats(0, 1), min_size=1, max_size=60), st.randoms()
)
def test_equal_forecasts_share_a_bin_in_any_order_and_bins_rise(values: list[float], random) -> None:
    places = bins_of(np.array(values))
    assert places.min() == 0
    assert places.max() < BINS
    by_value = dict(zip(values, places, strict=True))
    assert all(by_value[value] == place for value, place in zip(values, places, strict=True))
    assert sorted(by_value.values()) == [by_value[value] for value in sorted(by_value)]
    shuffled = random.sample(values, len(values))
    assert list(bins_of(np.array(shuffled))) == [by_value[value] for value in shuffled]


def test_equal_forecasts_are_one_bin_and_of_temperature_one() -> None:
    battles, _ = made_up(50)
    found = measured(battles, [(1 / 3, 1 / 3, 1 / 3)] * 50)
    assert len(found.favourite.bins) == 1
    assert (found.temperature.value, found.temperature.is_at_bound) == (1.0, False)
    assert found.histogram[6] == 50


def test_forecasts_that_are_always_right_ask_for_more_than_is_tried() -> None:
    battles, _ = made_up(60)
    found = measured(battles, [tuple(0.6 if c == each.winner else 0.2 for c in range(3)) for each in battles])
    assert found.temperature.is_at_bound
    assert found.temperature.value < 0.2


@given(st.lists(st.floats(0, 1), min_size=2, max_size=3).filter(lambda row: sum(row) > 0), st.floats(0.2, 5))
def test_rows_at_a_temperature_are_those_of_the_mixture(row: list[float], temperature: float) -> None:
    row = [each / sum(row) for each in row]
    assert tempered(np.array([row]), temperature)[0] == pytest.approx(at_temperature(tuple(row), temperature), abs=1e-9)


def test_one_prompt_has_no_held_out_temperature() -> None:
    battles, rows = made_up(40)
    same = [Battle(each.id, ("p",), each.answers_a, each.answers_b, each.winner) for each in battles]
    found = measured(same, rows)
    assert (found.temperature.held_out, found.temperature.gain) == (None, None)
