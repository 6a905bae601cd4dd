import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from light_engine import BUDGET, LENGTH, LightRunner, battles, encode

from pipeline.arena.outcome import softmax
from pipeline.scoring.work import Look, Planner, Stage, chosen_by, forecasts, longest_first, packs_of, waves

lengths = st.lists(st.integers(1, 300), min_size=1, max_size=60)
PRIOR = (0.5, 0.25, 0.25)


@settings(max_examples=200, deadline=None)
@given(lengths, st.integers(1, 900), st.booleans(), st.none() | st.integers(1, 300))
def test_packs_hold_every_look_once_within_the_budget(
    rows: list[int], budget: int, padded: bool, split_at: int | None
) -> None:
    planner = Planner(padded, split_at)
    looks = [Look(place) for place in range(len(rows))]
    made = [(place,) * length for place, length in enumerate(rows)]
    packs = packs_of(looks, made, planner, budget)
    assert sorted(look.place for pack in packs for look in pack.looks) == list(range(len(rows)))
    for pack in packs:
        assert [row[0] for row in pack.rows] == [look.place for look in pack.looks]
        assert len(pack.looks) == 1 or planner.computed([len(row) for row in pack.rows]) <= budget
    assert packs == packs_of(looks, made, planner, budget)
    assert len({pack.key for pack in packs}) == len(packs)


def test_a_key_tells_apart_rows_budget_place_stage_and_side() -> None:
    rows = [(1, 2, 3)]
    variants = [
        packs_of([look], some, Planner(), budget)[0].key
        for look in (Look(0), Look(1), Look(0, 1), Look(0, 0, swapped=True))
        for some in (rows, [(1, 2, 4)])
        for budget in (10, 20)
    ]
    assert len(set(variants)) == 16


@given(st.lists(st.integers(0, 10_000), unique=True, max_size=1000))
def test_waves_are_the_places_in_order(places: list[int]) -> None:
    assert [place for wave in waves(places) for place in wave] == places
    assert all(waves(places))


def test_the_longest_battles_come_first_and_equals_in_order() -> None:
    some = battles(200)
    order = longest_first(some)
    sizes = [sum(map(len, (*some[at].prompts, *some[at].answers_a, *some[at].answers_b))) for at in order]
    assert sizes == sorted(sizes, reverse=True)
    assert all(
        one < other
        for (one, a), (other, b) in zip(
            zip(order, sizes, strict=True), zip(order[1:], sizes[1:], strict=True), strict=False
        )
        if a == b
    )


def test_the_planner_of_a_runner_is_its_own() -> None:
    assert Planner.of(LightRunner()) == Planner()  # type: ignore[arg-type]
    rows = encode(battles(30), LENGTH)
    sizes = [len(row) for row in rows]
    assert Planner().plan(sizes, BUDGET) == LightRunner().plan(sizes, BUDGET)


def test_forecasts_blend_stages_turn_second_looks_and_fall_back_to_the_prior() -> None:
    ln = math.log
    looks = {
        Look(0): (ln(0.6), ln(0.3), ln(0.1)),
        Look(0, swapped=True): (ln(0.5), ln(0.4), ln(0.1)),
        Look(0, 1): (ln(0.2), ln(0.2), ln(0.6)),
        Look(2): (0.0, 0.0, 0.0),
    }
    found = forecasts(looks, 3, [3.0, 1.0], PRIOR)
    blended = [(3 * 0.5 + 0.2) / 4, (3 * 0.4 + 0.2) / 4, (3 * 0.1 + 0.6) / 4]
    assert all(abs(one - other) < 1e-12 for one, other in zip(found[0], blended, strict=True))
    assert found[1] == PRIOR
    assert found[2] == softmax((0.0, 0.0, 0.0))
    assert forecasts(looks, 3, [3.0, 1.0], PRIOR, lambda at, row: row if at else (1.0, 0.0, 0.0))[0] == (1.0, 0.0, 0.0)


@given(st.lists(st.tuples(*[st.floats(-50, 50)] * 3), min_size=1, max_size=20), st.floats(0.1, 9))
def test_every_forecast_sums_to_one(rows: list[tuple[float, float, float]], weight: float) -> None:
    looks = {Look(at, at % 2, swapped=False): row for at, row in enumerate(rows)}
    looks |= {Look(at, at % 2, swapped=True): row[::-1] for at, row in enumerate(rows)}
    for row in forecasts(looks, len(rows), [1.0, weight], PRIOR):
        assert abs(math.fsum(row) - 1) < 1e-12
        assert all(0 <= value <= 1 for value in row)


def test_the_most_uncertain_share_is_taken_most_uncertain_first() -> None:
    rows = [(0.9, 0.05, 0.05), (0.4, 0.35, 0.25), (0.6, 0.3, 0.1), (0.3, 0.3, 0.4)]
    assert chosen_by(stage(0.5), rows, [0, 1, 2, 3]) == (3, 1)
    assert chosen_by(stage(1.0), rows, [0, 2]) == (2, 0)
    assert chosen_by(stage(1.0, 0.31), rows, [0, 1, 2, 3]) == (3, 1, 2)
    assert chosen_by(stage(0.35), [(0.5, 0.5)] * 20, range(20)) == tuple(range(7))


def stage(share: float, below: float | None = None) -> Stage:
    return Stage(lambda _battles, _length: (), 100, share=share, below=below)


def test_the_temperature_is_of_the_mean_and_not_of_the_prior() -> None:
    looks = {Look(0): (math.log(0.9), math.log(0.05), math.log(0.05))}
    (known, unknown) = forecasts(looks, 2, [1.0], PRIOR, temperature=2.0)
    powers = [0.9**0.5, 0.05**0.5, 0.05**0.5]
    assert known == pytest.approx([each / sum(powers) for each in powers])
    assert unknown == PRIOR


def test_a_calibration_is_of_looked_at_battles_after_the_temperature_and_before_the_end() -> None:
    looks = {Look(0): (math.log(0.9), math.log(0.05), math.log(0.05))}
    met: list[tuple[float, ...]] = []

    def calibrate(_place: int, row: tuple[float, ...]) -> tuple[float, ...]:
        met.append(row)
        return (0.2, 0.3, 0.5)

    found = forecasts(
        looks, 2, [1.0], PRIOR, lambda _, row: (*row[:2], row[2] + 1), temperature=2.0, calibrate=calibrate
    )
    assert met == [forecasts(looks, 2, [1.0], PRIOR, temperature=2.0)[0]]
    assert found == ((0.2, 0.3, 1.5), (*PRIOR[:2], PRIOR[2] + 1))
