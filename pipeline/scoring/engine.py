"""From battles to probabilities: encode, batch by a token budget, run, and put the rows back in order.

What it does not know: files, contests and how the model came to be loaded.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.arena.battle import Battle
from pipeline.errors import PipelineError
from pipeline.model.runner import Runner
from pipeline.scoring.swap import Row, Swap, mean_with, to_swap
from pipeline.text.batch import restore
from pipeline.text.encode import Encoder
from pipeline.text.prompt import Ids

# On a CPU large batches are slower than small ones; a GPU wants them large.
CPU_BATCH_TOKENS: Final = 2048
GPU_BATCH_TOKENS: Final = 16384

Count = Callable[[int], None]


class NotFiniteError(PipelineError, ArithmeticError):
    """A battle whose logits are not numbers: a precision that overflowed, or damaged weights."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What came out of a run.

    Attributes:
        probabilities: one row a battle, in order; columns as the model's labels.
        swapped: how many battles were scored a second time.
        moved: mean absolute change that the second look made to a column; 0 where none was taken.
        tokens: that the model read, without padding.
        padding: share of what it computed that was padding.
        seconds: of encoding and running.
    """

    probabilities: tuple[Row, ...]
    swapped: int
    moved: float
    tokens: int
    padding: float
    seconds: float


def default_batch_tokens(device_type: str) -> int:
    """The token budget of a batch where none was asked for."""
    return CPU_BATCH_TOKENS if device_type == "cpu" else GPU_BATCH_TOKENS


def score_battles(
    runner: Runner,
    encoder: Encoder,
    battles: Sequence[Battle],
    *,
    batch_tokens: int,
    swap: Swap = "none",
    expect: Count = lambda _: None,
    advance: Count = lambda _: None,
) -> Scored:
    """Probabilities for every battle.

    Args:
        runner: the model, and how its rows are put together.
        encoder: the template and length it was trained with.
        battles: in any order; the result keeps it.
        batch_tokens: of a batch, with its padding where it has any.
        swap: which battles are looked at a second time with A and B exchanged.
        expect: told how many second looks there will be, once that is known.
        advance: told how many battles are done; a second look counts as a battle.

    Raises:
        NotFiniteError: names the first battle without a forecast.
    """
    began = time.perf_counter()
    rows = encoder.encode(battles)
    probabilities = score_rows(runner, rows, batch_tokens=batch_tokens, advance=advance)
    _require_finite(battles, probabilities)
    again = to_swap(swap, probabilities)
    expect(len(again))
    swapped_rows = encoder.encode([battles[place].swapped() for place in again])
    second = score_rows(runner, swapped_rows, batch_tokens=batch_tokens, advance=advance)
    _require_finite([battles[place] for place in again], second)
    merged = list(probabilities)
    for place, row in zip(again, second, strict=True):
        merged[place] = mean_with(probabilities[place], row)
    return Scored(
        probabilities=tuple(merged),
        swapped=len(again),
        moved=_mean_change(probabilities, merged, again),
        tokens=sum(map(len, rows)) + sum(map(len, swapped_rows)),
        padding=padding_share(runner, [*map(len, rows)], batch_tokens),
        seconds=time.perf_counter() - began,
    )


def score_rows(runner: Runner, rows: Sequence[Ids], *, batch_tokens: int, advance: Count = lambda _: None) -> list[Row]:
    """Probabilities of encoded rows, in order; softmax in float64 of float32 logits, so each row sums to 1."""
    import torch

    batches = runner.plan([len(row) for row in rows], batch_tokens)
    results: list[list[Row]] = []
    with torch.inference_mode():
        for batch in batches:
            logits_BC = runner.logits([rows[place] for place in batch])
            results.append([tuple(row) for row in logits_BC.double().softmax(dim=-1).cpu().tolist()])
            advance(len(batch))
    return restore(zip(batches, results, strict=True), len(rows))


def padding_share(runner: Runner, lengths: Sequence[int], batch_tokens: int) -> float:
    """The share of computed positions that is padding, in [0, 1)."""
    batches = runner.plan(lengths, batch_tokens)
    computed = sum(runner.computed([lengths[place] for place in batch]) for batch in batches)
    return 1 - sum(lengths) / computed if computed else 0.0


def _require_finite(battles: Sequence[Battle], probabilities: Sequence[Row]) -> None:
    for battle, row in zip(battles, probabilities, strict=True):
        if not all(map(math.isfinite, row)):
            raise NotFiniteError(f"the model has no finite forecast for battle {battle.id}", fix="say --dtype float32")


def _mean_change(before: Sequence[Row], after: Sequence[Row], places: Sequence[int]) -> float:
    changes = [abs(new - old) for place in places for old, new in zip(before[place], after[place], strict=True)]
    return math.fsum(changes) / len(changes) if changes else 0.0
