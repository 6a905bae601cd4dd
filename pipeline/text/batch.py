"""Put rows of different lengths into batches or packs by a token budget, longest first, and results back in order.

Longest first, so that a batch that does not fit in memory is the first one and not the one after eight hours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pipeline.text.prompt import Ids

if TYPE_CHECKING:
    import torch

Batch = tuple[int, ...]
T = TypeVar("T")


def plan_batches(lengths: Sequence[int], token_budget: int) -> tuple[Batch, ...]:
    """Places of the rows of each batch: its longest row times its rows is at most the budget.

    A row that is longer than the whole budget gets a batch to itself.

    Raises:
        ValueError: the budget is not positive.

    >>> plan_batches([3, 9, 4, 8], 18)
    ((1, 3), (2, 0))
    """
    if token_budget < 1:
        raise ValueError(f"a budget of {token_budget} tokens holds no row")
    batches: list[Batch] = []
    current: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: (-lengths[place], place)):
        if current and (len(current) + 1) * lengths[current[0]] > token_budget:
            batches.append(tuple(current))
            current = []
        current.append(place)
    if current:
        batches.append(tuple(current))
    return tuple(batches)


def plan_packs(lengths: Sequence[int], token_budget: int, split_at: int | None = None) -> tuple[Batch, ...]:
    """Places of the rows of each pack: its rows together have at most the budget; longest first.

    A row that is longer than the whole budget gets a pack to itself.

    Args:
        lengths: tokens of each row.
        token_budget: tokens of a pack.
        split_at: a row that is longer never shares a pack with one that is not.

    Raises:
        ValueError: the budget is not positive.

    >>> plan_packs([3, 9, 4, 8], 18)
    ((1, 3), (2, 0))
    >>> plan_packs([3, 9, 4, 8], 99, split_at=8)
    ((1,), (3, 2, 0))
    """
    if token_budget < 1:
        raise ValueError(f"a budget of {token_budget} tokens holds no row")
    packs: list[list[int]] = []
    room, was_long = 0, False
    for place in sorted(range(len(lengths)), key=lambda place: (-lengths[place], place)):
        is_long = split_at is not None and lengths[place] > split_at
        if not packs or lengths[place] > room or is_long != was_long:
            packs.append([])
            room, was_long = token_budget, is_long
        packs[-1].append(place)
        room -= lengths[place]
    return tuple(map(tuple, packs))


def restore(batches: Iterable[tuple[Batch, Sequence[T]]], rows: int) -> list[T]:
    """Results in the order of the rows, from the batches and what came out of each.

    Raises:
        ValueError: a row without a result, or a batch with another number of results than rows.
    """
    placed: dict[int, T] = {}
    for batch, results in batches:
        placed.update(zip(batch, results, strict=True))
    if sorted(placed) != list(range(rows)):
        raise ValueError(f"{rows} rows, but results for {len(placed)}")
    return [placed[place] for place in range(rows)]


def pad_id(rows: Sequence[Ids], preferred: int | None, vocab_size: int) -> int:
    """An id to pad these rows with that stands in none of them.

    A decoder's classifier looks for the last id that is not the pad id. Where the tokenizer has no pad token, or uses
    the end-of-text token that rows may contain, that finds the wrong place; an id that no row contains cannot.

    Raises:
        ValueError: the rows use the whole vocabulary.
    """
    used = {token for row in rows for token in row}
    if preferred is not None and preferred not in used:
        return preferred
    free = next((token for token in range(vocab_size) if token not in used), None)
    if free is None:
        raise ValueError(f"a batch uses all {vocab_size} ids of the vocabulary; none is left to pad with")
    return free


@dataclass(frozen=True, slots=True)
class Collated:
    """A batch as tensors [rows, longest], padded on the right: ids, mask (1 text, 0 padding), the id padded with."""

    ids_BT: "torch.Tensor"  # noqa: N815 - carries its shape
    mask_BT: "torch.Tensor"  # noqa: N815 - carries its shape
    pad: int


def collate(
    rows: Sequence[Ids], preferred_pad: int | None, vocab_size: int, *, height: int = 0, width: int = 0
) -> Collated:
    """The rows as tensors, of at least so many rows and tokens; rows that fill up are one token long."""
    import torch

    pad = pad_id(rows, preferred_pad, vocab_size)
    filling = [(int(pad == 0),)] * (height - len(rows))
    width = max(width, *(len(row) for row in rows), 1)
    ids_BT = torch.full((len(rows) + len(filling), width), pad, dtype=torch.long)
    mask_BT = torch.zeros_like(ids_BT)
    for place, row in enumerate((*rows, *filling)):
        ids_BT[place, : len(row)] = torch.tensor(row, dtype=torch.long)
        mask_BT[place, : len(row)] = 1
    return Collated(ids_BT, mask_BT, pad)
