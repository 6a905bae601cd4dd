import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pipeline.arena.battle
import pipeline.arena.cascade
import pipeline.arena.metric
import pipeline.arena.mixture
import pipeline.arena.outcome
import pipeline.arena.post_rules
import pipeline.arena.surface
import pipeline.evaluate.evaluation_text
import pipeline.evaluate.facets
import pipeline.evaluate.figures
import pipeline.evaluate.plot
import pipeline.evaluate.rule_measure
import pipeline.evaluate.sentences
import pipeline.progress
import pipeline.scoring.swap
import pipeline.text.batch
import pipeline.text.script
import pipeline.text.truncate
import pipeline.training.examples
import pipeline.training.micro
import pipeline.training.schedule
import resolver.inspection.submission
from pipeline.arena.metric import log_loss

MODULES = (
    pipeline.arena.battle,
    pipeline.arena.cascade,
    pipeline.arena.metric,
    pipeline.arena.mixture,
    pipeline.arena.outcome,
    pipeline.arena.post_rules,
    pipeline.evaluate.evaluation_text,
    pipeline.evaluate.facets,
    pipeline.evaluate.figures,
    pipeline.evaluate.plot,
    pipeline.arena.surface,
    pipeline.evaluate.rule_measure,
    pipeline.evaluate.sentences,
    pipeline.progress,
    pipeline.scoring.swap,
    pipeline.text.batch,
    pipeline.text.script,
    pipeline.text.truncate,
    pipeline.training.examples,
    pipeline.training.micro,
    pipeline.training.schedule,
    resolver.inspection.submission,
)
ROW = st.tuples(*[st.floats(0.001, 1)] * 3).map(lambda row: tuple(each / math.fsum(row) for each in row))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_examples_in_the_docstrings_are_true(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert result.attempted > 0
    assert result.failed == 0


@given(st.lists(st.tuples(ROW, st.integers(0, 2)), min_size=1, max_size=20))
def test_log_loss_agrees_with_scikit_learn(cases: list[tuple[tuple[float, ...], int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rows, winners = [row for row, _ in cases], [winner for _, winner in cases]
    assert log_loss(rows, winners) == pytest.approx(metrics.log_loss(winners, rows, labels=[0, 1, 2]), abs=1e-9)


def test_a_certain_mistake_costs_36_nats_and_not_infinity() -> None:
    assert log_loss([[1, 0, 0]], [1]) == pytest.approx(52 * math.log(2))


@pytest.mark.parametrize("rows", [[], [[0.5, 0.5, 0.1]], [[math.nan, 0.5, 0.5]], [[1 / 3] * 3] * 2])
def test_what_is_no_forecast_is_refused(rows: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="row"):
        log_loss(rows, [0] if rows else [])
