import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.arena.cascade import margin, most_uncertain
from pipeline.arena.mixture import at_temperature, blend_rows, mix

SHARE = st.floats(0.001, 1)
ROW = st.tuples(SHARE, SHARE, SHARE).map(lambda row: tuple(each / math.fsum(row) for each in row))
ROWS = st.lists(ROW, max_size=40)
WEIGHTS = st.lists(st.floats(0, 10), min_size=3, max_size=3)


@given(ROWS, st.floats(0.001, 1), st.none() | st.floats(0, 1))
def test_the_most_uncertain_come_first_and_no_more_than_the_share(
    rows: list, share: float, below: float | None
) -> None:
    places = most_uncertain(rows, share=share, below=below)
    margins = [margin(rows[place]) for place in places]
    assert margins == sorted(margins)
    assert len(set(places)) == len(places) <= share * len(rows) + 1e-6
    assert below is None or all(each < below for each in margins)
    left = [margin(row) for place, row in enumerate(rows) if place not in places]
    if below is None and margins and left:
        assert max(margins) <= min(left)


@pytest.mark.parametrize(("share", "rows", "expected"), [(0.35, 20, 7), (0.15, 1000, 150), (0.4, 3, 1), (0.1, 3, 0)])
def test_a_share_is_rounded_down_but_not_below_what_is_meant(share: float, rows: int, expected: int) -> None:
    assert len(most_uncertain([(0.5, 0.5)] * rows, share=share)) == expected
    assert most_uncertain([(0.5, 0.5)] * rows, share=1.0) == tuple(range(rows))


@pytest.mark.parametrize("share", [0, -1, 1.1, math.nan])
def test_no_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="is not above 0 and at most 1"):
        most_uncertain([], share=share)


@given(ROW, ROW, ROW, WEIGHTS)
def test_a_mixture_sums_to_one_lies_between_its_members_and_ignores_the_scale_of_weights(
    a: tuple, b: tuple, c: tuple, weights: list[float]
) -> None:
    mixed = mix([a, b, c], weights)
    assert math.fsum(mixed) == pytest.approx(1, abs=1e-12)
    for column, share in enumerate(mixed):
        assert min(a[column], b[column], c[column]) - 1e-12 <= share <= max(a[column], b[column], c[column]) + 1e-12
    assert mix([a, b, c], [7 * weight for weight in weights]) == pytest.approx(mixed)


@given(ROW, ROW)
def test_a_member_that_did_not_look_has_no_say(a: tuple, b: tuple) -> None:
    assert mix([a, None, b], (1, 100, 3)) == pytest.approx(mix([a, b], (1, 3)))
    assert mix([a, None], (0, 1)) == pytest.approx(a)


def test_a_battle_that_nobody_looked_at_and_negative_weights_are_refused() -> None:
    for rows, weights in (([None, None], (1, 1)), ([(0.5, 0.5)], (-1,)), ([(0.5, 0.5)], (math.nan,))):
        with pytest.raises(ValueError, match="no member has a forecast"):
            mix(rows, weights)
    with pytest.raises(ValueError, match="argument 2 is"):
        mix([(0.5, 0.5), (0.4, 0.3, 0.3)], (1, 1))


@given(ROW, st.floats(0.1, 10))
def test_a_temperature_keeps_the_order_and_the_sum(row: tuple, temperature: float) -> None:
    tempered = at_temperature(row, temperature)
    assert math.fsum(tempered) == pytest.approx(1)
    order = sorted(range(3), key=lambda column: row[column])
    assert all(tempered[low] <= tempered[high] + 1e-12 for low, high in pairwise(order))
    assert at_temperature(row, 1.0) == row
    assert (max(tempered) <= max(row) + 1e-12) == (temperature >= 1) or max(row) == pytest.approx(max(tempered))


def test_certain_rows_have_a_temperature_too_and_cold_is_refused() -> None:
    assert at_temperature((1.0, 0.0, 0.0), 2.0)[0] == pytest.approx(1, abs=1e-7)
    with pytest.raises(ValueError, match="is not above 0"):
        at_temperature((0.5, 0.5), 0)
    assert blend_rows([[(0.8, 0.2)], [(0.4, 0.6)]], (1, 1)) == [pytest.approx((0.6, 0.4))]
