import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_classifier import battle

from pipeline.arena.battle import Battle
from pipeline.arena.folds import fold_of_each, holdout

PROMPTS = st.lists(st.sampled_from(["hi", "Hi ", "hello", "a", "b", "c", "d", ""]), min_size=1, max_size=60)


def battles_of(prompts: list[str]) -> list[Battle]:
    return [battle(str(number), prompt) for number, prompt in enumerate(prompts)]


@given(PROMPTS, st.integers(2, 6), st.integers(0, 5))
def test_a_prompt_never_sits_in_two_folds(prompts: list[str], folds: int, seed: int) -> None:
    battles = battles_of(prompts)
    assigned = fold_of_each(battles, folds, seed=seed)
    where = {(each.prompt_key(), fold) for each, fold in zip(battles, assigned, strict=True)}
    assert len(where) == len({each.prompt_key() for each in battles})
    assert set(assigned) <= set(range(folds))


@given(PROMPTS, st.floats(0.05, 0.95), st.integers(0, 5))
def test_a_prompt_never_sits_on_both_sides_of_a_holdout(prompts: list[str], share: float, seed: int) -> None:
    battles = battles_of(prompts)
    try:
        kept, held = holdout(battles, share, seed=seed)
    except ValueError:
        return
    assert sorted((*kept, *held)) == list(range(len(battles)))
    assert not {battles[n].prompt_key() for n in kept} & {battles[n].prompt_key() for n in held}
    assert kept
    assert held


@given(PROMPTS, st.integers(0, 99))
def test_the_order_of_the_rows_does_not_matter(prompts: list[str], shuffle: int) -> None:
    battles = battles_of(prompts)
    mixed = random.Random(shuffle).sample(battles, len(battles))  # noqa: S311 - an order, not a secret
    folds = dict(zip([each.id for each in battles], fold_of_each(battles, 3), strict=True))
    assert folds == dict(zip([each.id for each in mixed], fold_of_each(mixed, 3), strict=True))


def test_different_prompts_are_dealt_evenly() -> None:
    assigned = fold_of_each(battles_of([f"p{n}" for n in range(100)]), 5)
    assert [assigned.count(fold) for fold in range(5)] == [20] * 5


def test_a_holdout_meets_its_share_and_follows_its_seed() -> None:
    battles = battles_of([f"p{n}" for n in range(100)])
    assert len(holdout(battles, 0.1)[1]) == 10
    assert holdout(battles, 0.1, seed=1) != holdout(battles, 0.1, seed=2)


@pytest.mark.parametrize(("prompts", "share"), [(["a"] * 9, 0.5), (["a", "b"], 0.0), (["a", "b"], 1.0), (["a"], 0.5)])
def test_what_cannot_be_split_is_refused(prompts: list[str], share: float) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        holdout(battles_of(prompts), share)
