import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_classifier import battle

from pipeline.arena.battle import Battle, clean, parse_turns, winners_of

TEXT = st.text(alphabet=st.characters(), max_size=30)  # surrogates included


@pytest.mark.parametrize(
    ("cell", "turns"),
    [
        ("[null]", ("",)),
        ("[]", ()),
        ("[ ]", ()),
        ("[  ]", ()),
        ('[""]', ("",)),
        ('["",""]', ("", "")),
        ('["a",null,"b"]', ("a", "", "b")),
        ("", ()),
        ("null", ()),
        ('["\\ud83d\\ude00"]', ("😀",)),
        ('["\\ud83d"]', ("\ufffd",)),
        ('["a\\r\\nb"]', ("a\r\nb",)),
        ('["a\nb"]', ("a\nb",)),
        ("[false, 42]", ("false", "42")),
    ],
)
def test_parse_turns_knows_every_spelling_of_the_contest(cell: str, turns: tuple[str, ...]) -> None:
    assert parse_turns(cell) == turns


@pytest.mark.parametrize(
    "cell", ["['a']", "hello", '{"a": 1}', '"text"', "[[1]]", '[{"a": 1}]', "[" * 100_000, "[1", "7"]
)
def test_parse_turns_refuses_what_is_no_list_of_text(cell: str) -> None:
    with pytest.raises(ValueError, match=r"JSON list of strings|not text"):
        parse_turns(cell)


def test_parse_turns_evaluates_nothing() -> None:
    with pytest.raises(ValueError, match="no JSON list"):
        parse_turns('[__import__("os").getcwd()]')


@given(st.lists(st.one_of(st.none(), TEXT), max_size=5))
def test_parse_turns_gives_back_what_json_wrote(turns: list[str | None]) -> None:
    assert parse_turns(json.dumps(turns)) == tuple(clean(json.loads(json.dumps(turn or ""))) for turn in turns)


@given(TEXT)
def test_clean_text_can_be_written_as_utf8_and_is_left_alone_otherwise(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return
    assert cleaned == text


def test_swapped_exchanges_answers_and_winner_and_keeps_a_tie() -> None:
    assert battle(winner=0).swapped() == battle(a="y", b="x", winner=1)
    assert battle(winner=2).swapped().winner == 2
    assert battle().swapped().winner is None


@given(st.sampled_from([None, 0, 1, 2]))
def test_swapping_twice_changes_nothing(winner: int | None) -> None:
    one = Battle("1", ("p", "q"), ("a",), ("b", "c", ""), winner)
    assert one.swapped().swapped() == one


def test_winners_of_names_the_battle_without_one() -> None:
    with pytest.raises(ValueError, match="battle 7 has no winner"):
        winners_of([battle("1", winner=0), battle("7")])
