import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.arena.battle import Battle
from pipeline.arena.surface import MEASURES, SHARED, VERSION, Surface, surface_of

PIECES = st.sampled_from(
    ("", " ", "\n\n", "I'm sorry, but", "- a\n", "2. b\n", "**c**", "```", "# d\n", "?!", "Überall", "42", "me", "\x00")
)
TEXT = st.lists(PIECES | st.text(max_size=5), max_size=6).map("".join)
TURNS = st.lists(TEXT, max_size=3).map(tuple)
BATTLES = st.builds(Battle, st.just("1"), TURNS, TURNS, TURNS)


def side(name: str, a: str, b: str = "", prompt: str = "p") -> float:
    found = surface_of(Battle("1", (prompt,), (a,), (b,)))
    return found.antisymmetric[[measure.name for measure in MEASURES].index(name)]


def shared(name: str, a: str, b: str, prompt: str = "p") -> float:
    found = surface_of(Battle("1", (prompt,), (a,), (b,)))
    return found.symmetric[[each.name for each in SHARED].index(name)]


@given(BATTLES)
def test_exchanged_answers_negate_one_half_and_leave_the_other_to_the_last_bit(battle: Battle) -> None:
    found, exchanged = surface_of(battle), surface_of(battle.swapped())
    assert exchanged == Surface(tuple(-value for value in found.antisymmetric), found.symmetric)


@given(BATTLES)
def test_every_feature_of_any_text_is_finite(battle: Battle) -> None:
    found = surface_of(battle)
    assert all(math.isfinite(value) for value in (*found.antisymmetric, *found.symmetric))


@given(TURNS, TURNS)
def test_the_same_answer_twice_has_no_side(prompts: tuple[str, ...], answers: tuple[str, ...]) -> None:
    assert not any(surface_of(Battle("1", prompts, answers, answers)).antisymmetric)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("characters", "abc", math.log(4)),
        ("words", "one two, three", math.log(4)),
        ("lines", "a\n \n\nb", math.log(3)),
        ("paragraphs", "a\n\nb", math.log(2)),
        ("last", "abc", math.log(4)),
        ("bullets", "- a\n* b\n-c", math.log(3)),
        ("numbers", "1. a\n22) b\n3 c\n2024. d", math.log(3)),
        ("bold", "**a** and **b", math.log(2)),
        ("headers", "# a\n### b\n#c", math.log(3)),
        ("code", "```py\nx\n```", math.log(2)),
        ("refuses", "I\u2019m sorry, no", 1.0),
        ("refuses", "x" * 200 + " I'm sorry", 0.0),
        ("refusals", "x" * 200 + " I'm sorry, I cannot", math.log(3)),
        ("questions", "Why? Who?", math.log(3)),
        ("exclamations", "No!", math.log(2)),
        ("variety", "a b a b", 1.0),
        ("repeated", "a b c a b c", 0.25),
        ("word_length", "a bbb", 2.0),
        ("foreign", "a\u00fc", 0.5),
        ("digits", "a1b2", 0.5),
        ("self", "I think me not", 0.5),
        ("closing", "In conclusion, no", 1.0),
    ],
)
def test_a_measure_counts_what_its_name_says(name: str, text: str, value: float) -> None:
    assert side(name, text) == pytest.approx(value)


def test_an_answer_of_space_is_empty() -> None:
    assert side("empty", " \n", "x") == 1.0
    assert side("empty", " \n", "") == 0.0


def test_a_short_answer_is_one_below_forty_characters() -> None:
    assert side("short", "x" * 39, "x" * 40) == 1.0
    assert shared("any_short", "x" * 40, "x" * 40) == 0.0


def test_covered_is_of_the_prompts_own_words_and_not_of_the_common_ones() -> None:
    assert side("covered", "Bears sleep.", "What is it?", prompt="What do bears eat?") == 0.5


@pytest.mark.parametrize(
    ("name", "a", "b", "value"),
    [
        ("prompt", "", "", math.log(2)),
        ("turns", "", "", math.log(2)),
        ("alike", "a b c", "B C d", 0.5),
        ("alike", "", "", 0.0),
        ("identical", "a", "a", 1.0),
        ("identical", "a", "a ", 0.0),
        ("both_characters", "a", "abc", math.log(8)),
        ("fewer_characters", "a", "abc", math.log(2)),
        ("apart_characters", "a", "abc", math.log(2)),
        ("apart_items", "- a\n1. b", "", math.log(3)),
        ("both_refuse", "As an AI, no", "I cannot", 1.0),
        ("one_refuses", "As an AI, no", "yes", 1.0),
        ("both_empty", "", " ", 1.0),
        ("less_variety", "a b a b", "a b c d", 1.0),
    ],
)
def test_what_both_share_is_what_its_name_says(name: str, a: str, b: str, value: float) -> None:
    assert shared(name, a, b) == pytest.approx(value)


def test_the_features_of_a_version_are_frozen() -> None:
    """Coefficients are stored by version: another feature, order or measure has to be another version."""
    names = " ".join(each.name for each in (*MEASURES, *SHARED))
    assert VERSION == 1
    assert names == (
        "characters words lines paragraphs last bullets numbers bold headers code refuses refusals empty short questions"
        " exclamations variety repeated word_length foreign digits covered self closing prompt last_prompt turns alike"
        " identical both_characters fewer_characters apart_characters apart_items both_refuse one_refuses both_empty"
        " any_short less_variety"
    )


def test_every_feature_says_what_it_is() -> None:
    assert all(each.says for each in (*MEASURES, *SHARED))
    names = [each.name for each in (*MEASURES, *SHARED)]
    assert len(names) == len(set(names))
