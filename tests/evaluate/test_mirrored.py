"""The regression against the libraries: scikit-learn where it has the same model, scipy where it has none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evaluate.mirrored import Design, NotFittedError, fit, losses, probabilities

BATTLES = 300


def design(seed: int, side: int = 4, tie: int = 3, *, ties: bool = True) -> tuple[Design, np.ndarray]:
    """Battles with drawn features, a constant, and outcomes drawn from known coefficients."""
    draw = np.random.default_rng(seed)
    ones = [np.ones((BATTLES, 1)), draw.normal(size=(BATTLES, tie))] if ties else [np.empty((BATTLES, 0))]
    made = Design(draw.normal(size=(BATTLES, side)), np.hstack(ones), 1, 1)
    truth = draw.normal(size=side + made.tie.shape[1]) / 2
    shares = probabilities(made, truth)
    return made, np.array([draw.choice(shares.shape[1], p=row) for row in shares])


def objective(made: Design, winners: np.ndarray, ridge: float, weights: np.ndarray) -> float:
    """Written out once more, from the formula of the docstring."""
    d = made.side @ weights[: made.side.shape[1]]
    t = made.tie @ weights[made.side.shape[1] :]
    scores = np.stack([d, -d, t], axis=1) if made.tie.shape[1] else np.stack([d, -d], axis=1)
    norm = np.log(np.exp(scores).sum(axis=1))
    penalised = np.concatenate([weights[1 : made.side.shape[1]], weights[made.side.shape[1] + 1 :]])
    return float((norm - scores[np.arange(len(winners)), winners]).sum() + ridge / 2 * (penalised**2).sum())


@pytest.mark.parametrize("ridge", [0.5, 20.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_general_minimiser_finds_less(seed: int, ridge: float) -> None:
    from scipy.optimize import minimize

    made, winners = design(seed)
    found = fit(made, winners, ridge)
    best = minimize(lambda weights: objective(made, winners, ridge, weights), np.zeros_like(found), method="BFGS")
    assert objective(made, winners, ridge, found) <= best.fun + 1e-6
    assert found == pytest.approx(best.x, abs=1e-3)


def test_without_ties_it_is_the_logistic_regression_of_scikit_learn() -> None:
    """softmax(d, -d) is a logistic regression on 2 d."""
    from sklearn.linear_model import LogisticRegression

    made, winners = design(3, ties=False)
    made = Design(made.side, made.tie, 0, 0)
    theirs = LogisticRegression(C=1 / 5.0, fit_intercept=False, tol=1e-10).fit(2 * made.side, winners == 0)
    assert fit(made, winners, 5.0) == pytest.approx(theirs.coef_[0], abs=1e-5)


@given(st.integers(0, 50), st.floats(0.1, 1000))
@settings(max_examples=15)
def test_exchanged_battles_fit_the_same_coefficients(seed: int, ridge: float) -> None:
    made, winners = design(seed)
    exchanged = Design(-made.side, made.tie, made.side_free, made.tie_free)
    flipped = np.where(winners == 2, 2, 1 - winners)
    assert fit(exchanged, flipped, ridge) == pytest.approx(fit(made, winners, ridge), abs=1e-9)


def test_a_ridge_without_end_leaves_what_is_free_as_if_nothing_else_were_there() -> None:
    made, winners = design(4)
    whole = fit(made, winners, 1e9)
    alone = fit(Design(made.side[:, :1], made.tie[:, :1], 1, 1), winners, 1.0)
    assert whole[[0, 4]] == pytest.approx(alone, abs=1e-4)
    assert np.abs(whole[[1, 2, 3, 5, 6, 7]]).max() < 1e-5 < np.abs(fit(made, winners, 1.0)[[1, 2, 3, 5, 6, 7]]).max()


def test_forecasts_that_separate_the_outcomes_have_a_finite_fit() -> None:
    winners = np.array([0, 1] * 50)
    made = Design(np.where(winners == 0, 1.0, -1.0)[:, None], np.empty((100, 0)), 1, 0)
    found = fit(made, winners, 1.0)
    assert np.isfinite(found).all()
    assert losses(probabilities(made, found), winners).max() < 1e-3


def test_numbers_that_are_none_are_told() -> None:
    made, winners = design(5)
    broken = made.side.copy()
    broken[0, 0] = np.nan
    with pytest.raises(NotFittedError):
        fit(Design(broken, made.tie, 1, 1), winners, 1.0)
