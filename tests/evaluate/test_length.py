"""Length: the slope is the one that was put in, and the baseline is scikit-learn's on both orders of the answers."""

import numpy as np
import pytest
from made_up_forecasts import made_up, swapped

from pipeline.arena.battle import Battle
from pipeline.arena.folds import fold_of_each
from pipeline.evaluate.length import forecast_by_length, log_ratios, measure_length
from pipeline.evaluate.resampling import Resampling
from pipeline.evaluate.sample import Sample


def measured(battles, rows):
    sample = Sample.of(battles, rows)
    return measure_length(sample, Resampling(sample.groups, draws=500))


def test_the_slopes_are_those_that_were_put_in() -> None:
    """Two columns and no noise of the forecasts: the slope of what came true is 2 * length, within its interval."""
    battles, _ = made_up(4000, columns=2, length=0.4)
    x = log_ratios(Sample.of(battles, [(0.5, 0.5)] * 4000))
    ordered = Sample.of(battles, [(0.5, 0.5)] * 4000).battles
    shares = 1 / (1 + np.exp(-1.3 * x))
    found = measured(list(ordered), [(float(share), 1 - float(share)) for share in shares])
    assert found.forecast.value == pytest.approx(1.3, abs=0.01)
    assert found.observed.low < found.observed.value < found.observed.high
    assert found.excess.sign == 1
    assert found.excess.value == pytest.approx(found.forecast.value - found.observed.value)


def test_a_calibrated_forecast_is_not_told_to_favour_length_and_a_bent_one_is() -> None:
    assert measured(*made_up(3000, length=0.5)).excess.sign == 0
    assert measured(*made_up(3000, length=0.5, said_length=1.0)).excess.sign == 1
    assert measured(*made_up(3000, length=0.5, said_length=0.0)).excess.sign == -1


def test_exchanging_the_sides_leaves_the_slopes_and_turns_the_bins() -> None:
    battles, rows = made_up(500, side=0.7)
    one, other = measured(battles, rows), measured(*swapped(battles, rows))
    for name in ("forecast", "observed", "excess"):
        assert getattr(one, name).value == pytest.approx(getattr(other, name).value, abs=1e-9)
    for here, there in zip(one.bins, reversed(other.bins), strict=True):
        assert (here.battles, here.decided) == (there.battles, there.decided)
        assert here.ratio == pytest.approx(1 / there.ratio)
        assert here.forecast == pytest.approx(1 - there.forecast)
        assert here.observed.value == pytest.approx(1 - there.observed.value)
        assert (here.low or 0) == pytest.approx(0 if there.high is None else 1 / there.high)


def test_bins_hold_every_battle_and_their_ratio_lies_inside() -> None:
    bins = measured(*made_up(700)).bins
    assert sum(each.battles for each in bins) == 700
    for each in bins:
        assert each.ratio >= (each.low or 0)
        assert each.ratio <= (each.high or float("inf"))


def test_the_baseline_is_scikit_learns_on_the_battles_and_their_mirror_image() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    battles, rows = made_up(400, prompts=150)
    sample = Sample.of(battles, rows)
    found = forecast_by_length(sample)
    x = log_ratios(sample)
    folds = np.array(fold_of_each(sample.battles, 5))
    for fold in range(5):
        own = folds == fold
        there, came = x[~own], sample.winners[~own]
        mirrored = np.where(came == 2, 2, 1 - came)
        # The battle that is made up counts a third for each outcome, in both orders.
        both = np.concatenate([there, -there, np.zeros(3)])
        labels = np.concatenate([came, mirrored, [0, 1, 2]])
        weights = np.concatenate([np.ones(2 * len(there)), np.full(3, 2 / 3)])
        model = linear_model.LogisticRegression(tol=1e-10, max_iter=5000)
        model.fit(np.stack([both, np.abs(both)], axis=1), labels, sample_weight=weights)
        theirs = model.predict_proba(np.stack([x[own], np.abs(x[own])], axis=1))
        assert found[own] == pytest.approx(theirs, abs=1e-4)


def test_the_baseline_of_a_battle_does_not_know_how_its_prompt_came_out() -> None:
    battles, rows = made_up(120, prompts=40)
    sample = Sample.of(battles, rows)
    before = forecast_by_length(sample)
    key = sample.battles[0].prompt_key()
    own = np.array([each.prompt_key() == key for each in sample.battles])
    changed = [
        Battle(each.id, each.prompts, each.answers_a, each.answers_b, (each.winner + 1) % 3 if mine else each.winner)
        for each, mine in zip(sample.battles, own, strict=True)
    ]
    after = forecast_by_length(Sample.of(changed, [tuple(row) for row in sample.rows]))
    assert after[own] == pytest.approx(before[own])
    assert np.abs(after[~own] - before[~own]).max() > 0


def test_exchanging_the_sides_exchanges_the_baselines_columns_and_one_prompt_has_none() -> None:
    battles, rows = made_up(200)
    one = forecast_by_length(Sample.of(battles, rows))
    other = forecast_by_length(Sample.of(*swapped(battles, rows)))
    assert one == pytest.approx(other[:, [1, 0, 2]])
    assert one.sum(axis=1) == pytest.approx(1)
    same = [Battle(each.id, ("p",), each.answers_a, each.answers_b, each.winner) for each in battles]
    assert forecast_by_length(Sample.of(same, rows)) is None
