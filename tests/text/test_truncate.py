"""Every way of cutting keeps the length, the markers and both answers; what fits is never cut."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_classifier import battle, save_tokenizer

from pipeline.arena.battle import Battle, parse_turns
from pipeline.text.encode import Encoder
from pipeline.text.prompt import Frame, lay_out
from pipeline.text.truncate import MIN_ANSWER, WAYS, Truncation, in_proportion

FRAME = Frame(start=(1, 2), before_a=(3, 4), before_b=(5,), end=(6, 7), cut=(8, 8))
PROMPT, ANSWER_A, ANSWER_B = 100, 200, 300
LENGTHS = st.one_of(st.integers(0, 400), st.integers(0, 100_000))
CAPS = st.sampled_from((None, "1", "3", "256", "1%", "20%", "100%"))
TRUNCATIONS = st.builds(Truncation, st.sampled_from(WAYS), CAPS)
LONGEST = 120


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer

    path = tmp_path_factory.mktemp("tokenizer")
    save_tokenizer(path)
    return AutoTokenizer.from_pretrained(path, local_files_only=True)


@given(LENGTHS, LENGTHS, LENGTHS, st.integers(FRAME.shortest, 500), TRUNCATIONS)
def test_every_way_keeps_length_markers_and_both_answers(
    p: int, a: int, b: int, max_length: int, truncation: Truncation
) -> None:
    parts = ((PROMPT,) * p, (ANSWER_A,) * a, (ANSWER_B,) * b)
    row = lay_out(FRAME, parts, max_length, truncation)
    assert len(row) <= max_length
    assert [row.count(marker) for marker in range(1, 8)] == [1] * 7
    assert [row[0], row[1], *row[-2:]] == [1, 2, 6, 7]
    for token, whole in ((ANSWER_A, a), (ANSWER_B, b)):
        assert row.count(token) >= min(whole, MIN_ANSWER)
    room = max_length - FRAME.overhead
    if p + a + b <= room:
        assert row == FRAME.around(*parts)
    elif (cap := truncation.cap(room)) is not None:
        assert row.index(3) - 2 <= cap
    assert row == lay_out(FRAME, parts, max_length, truncation)


@given(st.lists(st.integers(0, 10_000), min_size=3, max_size=3), st.integers(10, 3000))
def test_proportional_cuts_all_parts_by_the_same_ratio(needs: list[int], room: int) -> None:
    widths = in_proportion(needs, (2, 4, 4), room)
    assert all(0 <= width <= need for width, need in zip(widths, needs, strict=True))
    assert min(sum(needs), room) - 2 <= sum(widths) <= room
    if sum(needs) > room:
        above = [(w - min(n, f), n - min(n, f)) for w, n, f in zip(widths, needs, (2, 4, 4), strict=True)]
        ratio = sum(w for w, _ in above) / max(1, sum(n for _, n in above))
        assert all(abs(w - ratio * n) <= 2 for w, n in above)


def test_head_and_tail_keep_the_side_that_they_are_named_for(tokenizer: Any) -> None:
    long = battle(prompt="P" * 300 + "p", a="A" * 300 + "a", b="B" * 300 + "b")
    texts = {way: text_of(tokenizer, long, Truncation(way)) for way in WAYS}
    assert "\nPPP" in texts["head"]
    assert "a\n\nAnswer B" not in texts["head"]
    assert "Answer A:\n [...] AAA" in texts["tail"]
    assert "Aa\n\nAnswer B:\n [...] B" in texts["tail"]
    assert "Bb\n\nBetter:" in texts["tail"]
    assert "AA [...] A" in texts["middle"]
    assert texts["rounds"] == texts["middle"]  # of one round


def text_of(tokenizer: Any, each: Battle, truncation: Truncation, max_length: int = LONGEST) -> str:
    row = Encoder(tokenizer, max_length, truncation=truncation).encode([each])[0]
    assert len(row) <= max_length
    return str(tokenizer.decode(row))


def conversation(*lengths: int) -> Battle:
    texts = {name: tuple(name * length for length in lengths) for name in "pxy"}
    return Battle("1", texts["p"], texts["x"], texts["y"])


def test_rounds_keep_the_last_ones_whole_and_cut_the_one_before(tokenizer: Any) -> None:
    text = text_of(tokenizer, conversation(90, 40, 5, 6), Truncation("rounds"), 180)
    assert "(1)" not in text
    assert "(2) p" in text
    assert "(2) " + "p" * 40 not in text
    for letter in "pxy":
        assert f"(3) {letter * 5}\n(4) {letter * 6}\n" in text


def test_a_last_round_that_is_too_long_alone_is_cut_and_the_others_are_gone(tokenizer: Any) -> None:
    text = text_of(tokenizer, conversation(5, 5, 300), Truncation("rounds"))
    assert "(1)" not in text
    assert "(2)" not in text
    assert all(f"(3) {letter}" in text for letter in "pxy")


def test_rounds_without_an_answer_at_their_end_still_show_both_answers(tokenizer: Any) -> None:
    """The last round is long and has no answers, as null turns are: the parts are cut by their middles instead."""
    each = Battle("1", ("p", "q" * 500), ("x" * 50, ""), ("y" * 50, ""))
    text = text_of(tokenizer, each, Truncation("rounds"))
    assert "xxxx" in text
    assert "yyyy" in text


def test_a_conversation_that_fits_is_the_same_whichever_way_it_would_be_cut(tokenizer: Any) -> None:
    rows = {tuple(Encoder(tokenizer, 500, truncation=Truncation(way)).encode([conversation(3, 4)])[0]) for way in WAYS}
    assert len(rows) == 1


TURNS = st.lists(st.one_of(st.just(""), st.text("ab \n", max_size=60), st.text(max_size=8)), max_size=5).map(tuple)


@settings(deadline=None)
@given(st.builds(Battle, st.just("1"), TURNS, TURNS, TURNS), st.integers(80, 200), TRUNCATIONS)
def test_conversations_of_any_turns_keep_length_and_markers(
    tokenizer: Any, each: Battle, max_length: int, truncation: Truncation
) -> None:
    row = Encoder(tokenizer, max_length, truncation=truncation).encode([each])[0]
    assert len(row) <= max_length
    text = tokenizer.decode(row)
    assert text.startswith("<s>Prompt:\n")
    assert text.index("\n\nAnswer A:\n") < text.index("\n\nAnswer B:\n")
    assert text.endswith("\n\nBetter:</s>")


@pytest.mark.parametrize("way", WAYS)
def test_a_row_of_a_million_characters_and_null_turns_go_through(tokenizer: Any, way: Any) -> None:
    draw = random.Random(0)  # noqa: S311 - made-up text
    long = "".join(draw.choices("abcd \n", k=1_000_000))
    nulls = parse_turns("[null, null]")
    battles = [
        battle(a=long, b="short"),
        Battle("2", ("p", "q" * 999), ("x" * 999, "x"), nulls),
        Battle("3", nulls, nulls, ()),
        Battle("4", (), (), ()),
    ]
    encoder = Encoder(tokenizer, LONGEST, truncation=Truncation(way, "20%"))
    rows = encoder.encode(battles)
    assert [len(row) <= LONGEST for row in rows] == [True] * 4
    assert ("shot" if way == "proportional" else "short") + "\n\nBetter" in tokenizer.decode(rows[0])
    assert rows[1:] == encoder.encode(battles[1:])


@pytest.mark.parametrize("cap", ["", "0", "-1", "20 %", "101%", "1.5", "abc", "٣"])
def test_what_is_no_cap_is_refused(cap: str) -> None:
    with pytest.raises(ValueError, match="a prompt cap is a number of tokens"):
        Truncation("middle", cap)


def test_a_way_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="no way of cutting 'left'; there are middle, head"):
        Truncation("left")  # type: ignore[arg-type]
