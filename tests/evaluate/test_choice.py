"""The regression beside scikit-learn's, and its draws beside fits anew."""

import numpy as np
import pytest

from pipeline.evaluate.choice import fit_choice, shares_of
from pipeline.evaluate.resampling import Resampling


def features(x):
    made = np.zeros((len(x), 2, 2))
    made[:, 0] = np.stack([np.ones_like(x), x], axis=1)
    return made


MADE_UP, PENALTY = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([0.0, 1.0])


def drawn_battles(count, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=count)
    came = random.random(count) < 1 / (1 + np.exp(-(0.4 + 0.8 * x)))
    return x, np.stack([came, ~came], axis=1).astype(float)


@pytest.mark.parametrize("count", [5, 40, 2000])
def test_the_fit_is_that_of_scikit_learn(count: int) -> None:
    """With the made-up battle as two halves at 0, and its default penalty."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, targets = drawn_battles(count)
    ours = fit_choice(features(x), targets, MADE_UP, PENALTY).theta
    rows = np.concatenate([x, [0.0, 0.0]])[:, None]
    labels = np.concatenate([targets[:, 0], [1, 0]])
    weights = np.concatenate([np.ones(count), [0.5, 0.5]])
    theirs = linear_model.LogisticRegression(tol=1e-10, max_iter=1000).fit(rows, labels, sample_weight=weights)
    assert ours == pytest.approx([theirs.intercept_[0], theirs.coef_[0, 0]], abs=1e-4)


def test_shares_are_fitted_as_outcomes_are_and_rows_of_nothing_are_left_out() -> None:
    x, targets = drawn_battles(300)
    fit = fit_choice(features(x), targets, MADE_UP, PENALTY)
    theta = np.array([0.3, -1.2])
    far = np.linspace(-3, 3, 20_000)
    again = fit_choice(features(far), shares_of(features(far), theta), MADE_UP, PENALTY).theta
    assert again == pytest.approx(theta, abs=2e-3)
    padded = np.concatenate([targets, np.zeros((50, 2))])
    with_nothing = fit_choice(features(np.concatenate([x, np.full(50, 9.0)])), padded, MADE_UP, PENALTY)
    assert with_nothing.theta == pytest.approx(fit.theta)


def test_what_can_be_told_apart_without_fail_and_what_never_comes_stay_finite() -> None:
    x = np.array([-2.0, -1.0, 1.0, 2.0] * 20)
    apart = np.stack([x > 0, x < 0], axis=1).astype(float)
    never = np.stack([np.ones(80), np.zeros(80)], axis=1)
    for targets in (apart, never):
        theta = fit_choice(features(x), targets, MADE_UP, PENALTY).theta
        assert np.isfinite(theta).all()
        assert np.abs(theta).max() < 10


def test_a_step_from_the_fit_is_as_good_as_a_fit_anew() -> None:
    x, targets = drawn_battles(1500, seed=3)
    resampling = Resampling(np.arange(1500), draws=60)
    fit = fit_choice(features(x), targets, MADE_UP, PENALTY)
    drawn = fit.drawn(resampling)
    counts = resampling.totals(np.eye(1500))
    anew = np.array([fit_choice(features(x), targets * each[:, None], MADE_UP, PENALTY).theta for each in counts])
    spread = anew.std(axis=0)
    assert np.abs(drawn - anew).max(axis=0) == pytest.approx([0, 0], abs=0.15 * spread.min())
    assert drawn.std(axis=0) == pytest.approx(spread, rel=0.05)
