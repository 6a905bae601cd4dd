"""Kinds of battles: told by what the table says, and named so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_forecasts import made_up

from pipeline.arena.battle import Battle
from pipeline.arena.table import Origin
from pipeline.evaluate.facets import NAMED, OTHERS, facets_of, family_of


def facet(name, battles, origins=None):
    return next(each for each in facets_of(battles, origins or [Origin()] * len(battles)) if each.name == name)


def test_turns_and_characters_are_told_in_steps() -> None:
    battles = [Battle(str(n), ("p",) * n, ("x" * 400,), ("y" * 400 * n,), 0) for n in (1, 2, 3, 4, 5, 0)]
    turns = facet("turns", battles)
    assert turns.kinds == ("1", "2", "3 to 4", "5 and more")
    assert [kinds[0] for kinds in turns.kinds_of] == ["1", "2", "3 to 4", "3 to 4", "5 and more", "1"]
    length = facet("length", battles)
    assert [kinds[0] for kinds in length.kinds_of] == [
        "501 to 1,000", "1,001 to 2,000", "1,001 to 2,000", "1,001 to 2,000", "2,001 to 4,000", "0 to 500",
    ]  # fmt: skip


def test_without_a_language_there_is_the_script_and_with_one_there_is_not() -> None:
    battles = [Battle(str(n), (text,), (), (), 0) for n, text in enumerate(("Hello", "Привет", "你好", "42", "hi"))]
    assert facet("script", battles).kinds == ("Latin", "Cyrillic", "Han", "none")
    told = [Origin(language=language) for language in ("English", "Russian", "Chinese", None, "English")]
    names = [each.name for each in facets_of(battles, told)]
    assert "script" not in names
    language = facet("language", battles, told)
    assert language.kinds == ("English", "Chinese", "Russian")
    assert language.kinds_of[3] == ()


def test_a_battle_counts_for_the_families_of_both_models_and_once_for_one() -> None:
    battles = [Battle(str(n), ("p",), (), (), 0) for n in range(3)]
    origins = [Origin(("gpt-4-0613", "gpt-3.5-turbo")), Origin(("gpt-4-0613", "claude-2.1")), Origin()]
    found = facet("model family", battles, origins)
    assert found.kinds == ("gpt", "claude")
    assert found.kinds_of == (("gpt",), ("gpt", "claude"), ())
    assert "model family" not in [each.name for each in facets_of(battles, [Origin()] * 3)]


def test_rare_names_are_one_kind() -> None:
    battles = [Battle(str(n), ("p",), (), (), 0) for n in range(100)]
    origins = [Origin(language=f"language {n % 40}") for n in range(100)]
    found = facet("language", battles, origins)
    assert len(found.kinds) == NAMED + 1
    assert found.kinds[-1] == OTHERS
    assert sum(kinds == (OTHERS,) for kinds in found.kinds_of) == 40


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-3.5-turbo-0613", "gpt"), ("RWKV-4-Raven-14B", "rwkv"), ("chatglm3-6b", "chatglm"), ("llama2-70b", "llama"),
        ("gpt4all-13b-snoozy", "gpt4all"), ("meta/llama-3-8b", "llama"), ("7b", "7b"), ("123", "123"), ("-x", "-x"),
    ],
)  # fmt: skip
def test_a_family_is_the_first_word(model: str, family: str) -> None:
    assert family_of(model) == family


@given(st.text(min_size=1, max_size=30))
def test_every_name_has_a_family(model: str) -> None:
    assert family_of(model)


def test_every_battle_has_a_kind_among_those_that_are_told() -> None:
    battles, _ = made_up(80)
    for each in facets_of(battles, [Origin()] * 80):
        assert {kind for kinds in each.kinds_of for kind in kinds} == set(each.kinds)
        assert len(each.kinds_of) == 80
