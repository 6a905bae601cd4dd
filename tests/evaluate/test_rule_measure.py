import math

import pytest

from pipeline.arena.battle import Battle
from pipeline.arena.metric import log_loss
from pipeline.arena.post_rules import WINNERS
from pipeline.evaluate.rule_measure import as_text, fit_rule, measure_rules

MODEL = (0.4, 0.4, 0.2)
BATTLES = [
    Battle("1", ("p",), (), ("x",), 1),
    Battle("2", ("p",), ("",), ("x",), 2),
    Battle("3", ("p",), ("x",), ("x",), 2),
    Battle("4", ("p",), ("x",), ("y",), 0),
]
CAME = (1, 2, 2, 0)


def test_the_figures_are_those_of_the_rules_battles_alone() -> None:
    measured = measure_rules(WINNERS, BATTLES, [MODEL] * 4, CAME)
    a_empty, b_empty, identical = measured.rules
    assert (a_empty.battles, b_empty.battles, identical.battles) == (2, 0, 1)
    assert a_empty.without == pytest.approx(-(math.log(0.4) + math.log(0.2)) / 2)
    assert a_empty.with_rule == pytest.approx(-(math.log(0.88) + math.log(0.08)) / 2)
    assert (b_empty.without, b_empty.with_rule) == (None, None)
    ruled = [(0.04, 0.88, 0.08), (0.04, 0.88, 0.08), (0.06, 0.06, 0.88), MODEL]
    assert measured.with_rules == pytest.approx(log_loss(ruled, CAME))
    assert measured.without == pytest.approx(log_loss([MODEL] * 4, CAME))


def test_a_fit_begins_at_the_rule_and_ends_at_the_labels() -> None:
    rule = WINNERS[0]
    assert fit_rule(rule, [], 3) == pytest.approx(rule.row)
    assert fit_rule(rule, [2] * 100_000, 3) == pytest.approx((0, 0, 1), abs=1e-3)
    assert math.fsum(fit_rule(rule, [0, 1, 2, 2], 3)) == pytest.approx(1)
    assert fit_rule(WINNERS[2], [0], 2) == pytest.approx((6 / 11, 5 / 11))


def test_the_text_says_without_and_with_for_each() -> None:
    lines = as_text(measure_rules(WINNERS, BATTLES, [MODEL] * 4, CAME)).splitlines()
    assert lines[0].startswith("rules     log loss 1.2629 without, 0.9244 with (-0.3384)")
    assert "answer A is empty              2 battles, log loss 1.2629 without, 1.3268 with; fitted here" in lines[1]
    assert lines[2].endswith("0 battles, none")


def test_two_columns_are_measured_too() -> None:
    measured = measure_rules(WINNERS, BATTLES[:1], [(0.5, 0.5)], (1,))
    assert measured.rules[0].with_rule == pytest.approx(-math.log(0.88 / 0.92))
