"""The parts of a step: order, micro-batches, targets, loss and plan. Properties, with torch as the oracle."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tiny_classifier import battle, learnable

from pipeline.errors import SettingsError
from pipeline.training.examples import examples_of, examples_sha256
from pipeline.training.loss import cross_entropy_share
from pipeline.training.micro import deal, plan_micros
from pipeline.training.order import Order
from pipeline.training.plan import SWAPS, Plan
from pipeline.training.schedule import FLOOR, rate_factor

LENGTHS = st.lists(st.integers(1, 64), min_size=1, max_size=40)
ROWS = st.lists(st.floats(0.01, 1), min_size=3, max_size=3).map(lambda row: tuple(each / sum(row) for each in row))


@given(examples=st.integers(1, 40), size=st.integers(1, 9), epochs=st.integers(1, 3), swap=st.sampled_from(SWAPS))
def test_every_epoch_shows_every_example_and_a_step_depends_on_its_number_alone(
    examples: int, size: int, epochs: int, swap: str
) -> None:
    plan = Plan(batch_size=size, epochs=epochs, swap=swap)
    order = Order(examples, plan)
    steps = [order.step(number) for number in range(order.steps)]
    assert steps[::-1] == [Order(examples, plan).step(number) for number in reversed(range(order.steps))]
    for epoch in range(epochs):
        seen = [each for step in steps[epoch * order.per_epoch : (epoch + 1) * order.per_epoch] for each in step]
        assert Counter(each.place for each in seen) == dict.fromkeys(range(examples), 2 if swap == "both" else 1)
        assert len(set(seen)) == len(seen)
    assert {len(step) for step in steps} <= {size, len(steps[-1])}


def test_alternating_shows_the_other_side_the_next_time() -> None:
    order = Order(20, Plan(epochs=2, swap="alternate", batch_size=20))
    first, second = ({each.place: each.swapped for each in order.step(number)} for number in (0, 1))
    assert all(first[place] != second[place] for place in range(20))
    assert 0 < sum(first.values()) < 20
    assert not any(each.swapped for each in Order(20, Plan(swap="none", batch_size=20)).step(0))


@given(lengths=LENGTHS, tokens=st.integers(1, 300), processes=st.integers(1, 5), fixed=st.booleans())
def test_micro_batches_hold_every_row_once_in_whatever_process(
    lengths: list[int], tokens: int, processes: int, fixed: bool
) -> None:
    buckets = (16, 32, 64) if fixed else ()
    micros = plan_micros(lengths, tokens, buckets)
    dealt = [deal(micros, rank, processes) for rank in range(processes)]
    assert len({len(each) for each in dealt}) == 1
    places = [place for mine in dealt for micro in mine for place in micro.places]
    assert sorted(places) == list(range(len(lengths)))
    for micro in micros:
        assert len(micro.places) <= micro.height
        assert max(lengths[place] for place in micro.places) <= micro.width
        assert micro.height == 1 or micro.height * micro.width <= tokens
    if fixed:
        assert {micro.width for micro in micros} <= set(buckets)
        assert len({(micro.height, micro.width) for micro in micros}) <= len(buckets)


def test_a_row_that_fits_no_bucket_is_refused() -> None:
    with pytest.raises(SettingsError, match="a row of 65 tokens fits no bucket of 16, 64"):
        plan_micros([3, 65], 128, (16, 64))


@given(st.lists(st.tuples(ROWS, ROWS, st.floats(0.1, 5)), min_size=1, max_size=8), st.integers(0, 3))
def test_the_loss_is_the_weighted_cross_entropy_however_it_is_cut(
    rows: list[tuple[tuple[float, ...], tuple[float, ...], float]], padding: int
) -> None:
    import torch

    total = sum(weight for _, _, weight in rows)
    expected = (
        -sum(
            weight * sum(t * math.log(p) for t, p in zip(target, shares, strict=True))
            for shares, target, weight in rows
        )
        / total
    )
    found = 0.0
    for part in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
        logits = torch.tensor([[math.log(p) for p in shares] for shares, _, _ in part] + [[7.0, 0.0, 0.0]] * padding)
        target = torch.tensor([target for _, target, _ in part] + [(0.0,) * 3] * padding)
        weight = torch.tensor([weight / total for _, _, weight in part] + [0.0] * padding)
        found += float(cross_entropy_share(logits.view(-1, 3), target.view(-1, 3), weight))
    assert found == pytest.approx(expected, rel=1e-4)


@given(
    winner=st.sampled_from([0, 1, 2, None]), taught=ROWS | st.none(), smoothing=st.floats(0, 0.5), share=st.floats(0, 1)
)
def test_targets_are_distributions_and_turn_with_the_sides(
    winner: int | None, taught: tuple[float, ...] | None, smoothing: float, share: float
) -> None:
    plan = Plan(smoothing=smoothing, teacher_share=share)
    one, teacher = battle("1", winner=winner), {} if taught is None else {"1": taught}
    if winner is None and taught is None:
        with pytest.raises(SettingsError, match="battle 1 has no winner and no forecast of a teacher"):
            examples_of([one], plan, labels=3, teacher=teacher)
        return
    (example,) = examples_of([one], plan, labels=3, teacher=teacher)
    assert sum(example.target) == pytest.approx(1)
    assert min(example.target) >= 0
    a, b, tie = example.target
    assert example.swapped().target == (b, a, tie)
    assert example.swapped().battle == one.swapped()
    assert example.swapped().swapped() == example


def test_a_target_is_what_the_formula_says() -> None:
    plan = Plan(smoothing=0.1, teacher_share=0.5)
    (example,) = examples_of([battle("1", winner=0)], plan, labels=3, teacher={"1": (0.2, 0.3, 0.5)})
    assert example.target == pytest.approx((0.9 * 0.6 + 0.1 / 3, 0.9 * 0.15 + 0.1 / 3, 0.9 * 0.25 + 0.1 / 3))


def test_many_battles_without_a_winner_are_counted_and_some_named() -> None:
    bad = [battle(str(n)) for n in range(12)]
    with pytest.raises(SettingsError, match=r"12 battles \(0, 1, 2, 3, 4, \.\.\.\) have no winner"):
        examples_of(bad, Plan(), labels=3)
    with pytest.raises(SettingsError, match="battle 2 has a winner that a head of 2 labels"):
        examples_of(learnable(3), Plan(), labels=2)


def test_the_fingerprint_sees_texts_targets_weights_and_order() -> None:
    examples = examples_of(learnable(4), Plan(), labels=3)
    others = [
        examples_of(learnable(4), Plan(smoothing=0.1), labels=3),
        examples_of(learnable(4), Plan(), labels=3, weight=2.0),
        examples[::-1],
        examples[:3],
        examples_of([*learnable(3), battle("3", "p3", "aaaaaa", "aaaaab", winner=0)], Plan(), labels=3),
    ]
    assert len({examples_sha256(each) for each in (examples, *others)}) == 6
    assert examples_sha256(examples) == examples_sha256(examples_of(learnable(4), Plan(), labels=3))


@given(steps=st.integers(1, 200), warmup=st.integers(1, 50), schedule=st.sampled_from(["cosine", "linear", "constant"]))
def test_the_rate_climbs_then_falls_and_never_leaves_its_bounds(steps: int, warmup: int, schedule: str) -> None:
    factors = [rate_factor(step, steps, warmup, schedule) for step in range(steps)]  # type: ignore[arg-type]
    assert all(0 < each <= 1 for each in factors)
    climb, fall = factors[:warmup], factors[warmup:]
    assert climb == sorted(climb)
    assert fall == sorted(fall, reverse=True)
    if fall:
        assert fall[-1] == pytest.approx(1.0 if schedule == "constant" else FLOOR)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"buckets": (64, 32)}, "do not rise"),
        ({"tune": "full", "quantize": "int4"}, "cannot be trained"),
        ({"rate": float("nan")}, "rate"),
        ({"smoothing": 1.0}, "smoothing"),
        ({"epochs": 0}, "epochs"),
        ({"learning": 1}, "learning"),
    ],
)
def test_a_plan_that_no_run_can_have_is_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Plan(**values)
