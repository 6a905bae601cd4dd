import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.batch import collate, pad_id, plan_batches, plan_packs, restore

LENGTHS = st.lists(st.integers(1, 300), max_size=80)
BUDGET = st.integers(1, 2000)


@given(LENGTHS, BUDGET)
def test_unordering_the_batches_restores_the_input(lengths: list[int], budget: int) -> None:
    batches = plan_batches(lengths, budget)
    results = [(batch, [f"row {place}" for place in batch]) for batch in batches]
    assert restore(results, len(lengths)) == [f"row {place}" for place in range(len(lengths))]


@given(LENGTHS, BUDGET)
def test_no_batch_is_above_the_budget_but_a_single_row(lengths: list[int], budget: int) -> None:
    for batch in plan_batches(lengths, budget):
        assert len(batch) == 1 or max(lengths[place] for place in batch) * len(batch) <= budget


@given(LENGTHS, BUDGET)
def test_the_longest_row_comes_first(lengths: list[int], budget: int) -> None:
    order = [lengths[place] for batch in plan_batches(lengths, budget) for place in batch]
    assert order == sorted(lengths, reverse=True)


def test_a_row_that_got_no_result_is_noticed() -> None:
    with pytest.raises(ValueError, match="3 rows, but results for 2"):
        restore([((2, 0), ["c", "a"])], 3)


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="holds no row"):
        plan_batches([1], 0)


@given(
    st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=8), min_size=1, max_size=4),
    st.none() | st.integers(0, 20),
)
def test_the_pad_id_stands_in_no_row(rows: list[list[int]], preferred: int | None) -> None:
    pad = pad_id([tuple(row) for row in rows], preferred, 100)
    assert pad not in {token for row in rows for token in row}
    assert pad == preferred or preferred is None or preferred in {token for row in rows for token in row}


def test_a_vocabulary_without_a_free_id_is_refused() -> None:
    with pytest.raises(ValueError, match="none is left to pad with"):
        pad_id([(0, 1, 2)], 2, 3)


def test_rows_are_padded_on_the_right_and_masked() -> None:
    batch = collate([(5, 6, 7), (8,)], 0, 10)
    assert batch.ids_BT.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert batch.mask_BT.tolist() == [[1, 1, 1], [1, 0, 0]]


@given(LENGTHS, BUDGET, st.one_of(st.none(), st.integers(1, 60)))
def test_packs_hold_every_row_once_within_the_budget_and_on_one_side_of_the_split(
    lengths: list[int], budget: int, split_at: int | None
) -> None:
    packs = plan_packs(lengths, budget, split_at)
    assert sorted(place for pack in packs for place in pack) == list(range(len(lengths)))
    for pack in packs:
        assert len(pack) == 1 or sum(lengths[place] for place in pack) <= budget
        assert split_at is None or len({lengths[place] > split_at for place in pack}) == 1
    order = [lengths[place] for pack in packs for place in pack]
    assert order == sorted(order, reverse=True)
