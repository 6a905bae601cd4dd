import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.prompt import Frame, lay_out
from pipeline.text.truncate import MIN_ANSWER, Truncation, allot

FRAME = Frame(start=(1, 2), before_a=(3, 4), before_b=(5,), end=(6, 7), cut=(8, 8))
# Ids by part, so that a row tells where each of its ids came from.
PROMPT, ANSWER_A, ANSWER_B = 100, 200, 300
LENGTHS = st.integers(0, 400)


@given(LENGTHS, LENGTHS, LENGTHS, st.integers(FRAME.shortest, 500))
def test_both_answers_stay_visible_and_the_length_is_kept(p: int, a: int, b: int, max_length: int) -> None:
    row = lay_out(FRAME, ((PROMPT,) * p, (ANSWER_A,) * a, (ANSWER_B,) * b), max_length)
    assert len(row) <= max_length
    for marker in (1, 2, 3, 4, 5, 6, 7):
        assert row.count(marker) == 1
    for token, whole in ((ANSWER_A, a), (ANSWER_B, b)):
        assert row.count(token) >= min(whole, MIN_ANSWER)
    at_a, at_b, end = row.index(3), row.index(5), row.index(6)
    assert set(row[2:at_a]) <= {PROMPT, 8}
    assert set(row[at_a + 2 : at_b]) <= {ANSWER_A, 8}
    assert set(row[at_b + 1 : end]) <= {ANSWER_B, 8}


@given(LENGTHS, LENGTHS, LENGTHS)
def test_nothing_is_cut_where_all_fits(p: int, a: int, b: int) -> None:
    parts = ((PROMPT,) * p, (ANSWER_A,) * a, (ANSWER_B,) * b)
    row = lay_out(FRAME, parts, FRAME.overhead + max(p + a + b, 10))
    assert row == (1, 2, *parts[0], 3, 4, *parts[1], 5, *parts[2], 6, 7)


@given(st.tuples(LENGTHS, LENGTHS, LENGTHS), st.integers(0, 900))
def test_room_is_used_as_far_as_it_is_needed(needs: tuple[int, int, int], room: int) -> None:
    given_room = allot(needs, (20, 40, 40), room)
    assert all(0 <= width <= need for width, need in zip(given_room, needs, strict=True))
    # Rounding down may leave at most one token a part.
    assert min(sum(needs), room) - 2 <= sum(given_room) <= room


@given(st.integers(0, 60), st.integers(0, 60))
def test_what_is_cut_keeps_its_beginning_and_its_end(length: int, width: int) -> None:
    ids = tuple(range(length))
    short = Truncation().shorten(ids, width, (-1, -1))
    assert len(short) == min(length, width)
    if width >= 6:
        assert short[:2] == ids[:2]
        assert short[-1:] == ids[-1:]


def test_the_longer_answer_gives_way_first() -> None:
    row = lay_out(FRAME, ((PROMPT,), (ANSWER_A,) * 500, (ANSWER_B,) * 20), 100)
    assert row.count(ANSWER_B) == 20
    assert len(row) == 100


def test_a_length_without_room_for_both_answers_is_refused() -> None:
    with pytest.raises(ValueError, match=f"at least {FRAME.shortest} are needed"):
        lay_out(FRAME, ((), (), ()), FRAME.shortest - 1)
