import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.arena.battle import Battle, parse_turns
from pipeline.arena.outcome import for_contest, without_tie
from pipeline.arena.post_rules import RULE_SETS, WINNERS, apply_rules

MODEL = (0.5, 0.3, 0.2)
EMPTY = ("[null]", "[]", "[ ]", "[  ]", '[""]', '["",""]', "[null, null]", "")
TURNS = st.lists(st.sampled_from(("", "x", "y", " ")), max_size=3).map(tuple)


def battle(a: str, b: str) -> Battle:
    return Battle("1", ("p",), parse_turns(a), parse_turns(b))


def ruled(a: str, b: str, row: tuple[float, ...] = MODEL) -> tuple[float, ...]:
    return apply_rules(WINNERS, [battle(a, b)], [row]).probabilities[0]


@pytest.mark.parametrize("empty", EMPTY)
def test_the_published_numbers_stand_for_every_spelling_of_empty(empty: str) -> None:
    assert ruled(empty, '["x"]') == (0.04, 0.88, 0.08)
    assert ruled('["x"]', empty) == (0.88, 0.04, 0.08)


def test_identical_answers_are_a_tie() -> None:
    assert ruled('["x", "y"]', '["x", "y"]') == (0.06, 0.06, 0.88)
    assert ruled('["x", null]', '["x", ""]') == (0.06, 0.06, 0.88)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ('["x"]', '["y"]'),
        ('[" "]', '["x"]'),  # a blank is a letter
        ('["x"]', '["x "]'),
        ('["x"]', '["x", ""]'),
        ('["x", null]', '["y"]'),  # one empty turn of several
        ("[null]", "[null]"),  # both empty: the model's
        ("[]", '["", ""]'),
    ],
)
def test_nothing_else_is_touched(a: str, b: str) -> None:
    assert ruled(a, b) == MODEL


def test_without_rules_nothing_is_touched_and_nothing_counted() -> None:
    done = apply_rules(RULE_SETS["none"], [battle("[]", '["x"]')], [MODEL])
    assert (done.probabilities, dict(done.decided)) == ((MODEL,), {})


def test_where_nobody_ties_an_empty_answer_loses_and_identical_ones_are_the_models() -> None:
    assert ruled("[]", '["x"]', (0.6, 0.4)) == pytest.approx((0.04 / 0.92, 0.88 / 0.92))
    assert ruled('["x"]', '["x"]', (0.6, 0.4)) == (0.6, 0.4)


def test_every_rule_counts_what_it_decided() -> None:
    battles = [battle("[]", '["x"]'), battle('["x"]', "[]"), battle('["x"]', "[]"), battle('["x"]', '["y"]')]
    decided = apply_rules(WINNERS, battles, [MODEL] * 4).decided
    assert dict(decided) == {"answer A is empty": 1, "answer B is empty": 2, "the answers are identical": 0}


@given(TURNS, TURNS)
def test_rules_are_blind_to_the_sides_and_rows_still_sum_to_one(a: tuple[str, ...], b: tuple[str, ...]) -> None:
    each = Battle("1", ("p",), a, b)
    one = apply_rules(WINNERS, [each], [MODEL]).probabilities[0]
    other = apply_rules(WINNERS, [each.swapped()], [(MODEL[1], MODEL[0], MODEL[2])]).probabilities[0]
    assert one == (other[1], other[0], other[2])
    assert math.fsum(one) == pytest.approx(1)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda row: sum(row) > 1e-9))
def test_without_the_tie_the_two_sum_to_one_and_keep_their_order(row: list[float]) -> None:
    total = sum(row)
    three = tuple(each / total for each in row)
    two = without_tie(three)
    assert math.fsum(two) == pytest.approx(1)
    assert (two[0] >= two[1]) == (three[0] >= three[1]) or two[0] == pytest.approx(two[1])


def test_a_contest_with_ties_needs_a_column_for_them() -> None:
    assert for_contest("wsdm", [(0.375, 0.125, 0.5), (0.5, 0.5)]) == ((0.75, 0.25), (0.5, 0.5))
    assert for_contest("lmsys", [MODEL]) == (MODEL,)
    with pytest.raises(ValueError, match="without a column for the tie"):
        for_contest("lmsys", [(0.5, 0.5)])
