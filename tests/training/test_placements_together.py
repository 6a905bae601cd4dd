"""Two processes of torchrun, over gloo, against one: `arena train` as a user starts it, sharing rows or weights too.

Losses would look alike if gradients were averaged instead of summed, since AdamW and clipping do not see a factor; the
norms of the gradients would not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_classifier import learnable, save_classifier, write_lmsys

from pipeline.cli import run

ROOT = Path(__file__).resolve().parents[2]
# A row has a micro-batch to itself: five a step, so that one of two processes goes without in the last round.
HOW = ("--epochs", "2", "--batch-size", "5", "--batch-tokens", "60", "--max-length", "60", "--dropout", "0",
       "--rank", "4", "--alpha", "8", "--rate", "5e-3")  # fmt: skip
STEPS = 10


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, battles, and what one process makes of them."""
    root = tmp_path_factory.mktemp("together")
    save_classifier(root / "base", family="llama", head=False)
    write_lmsys(root / "train.csv", learnable(25))
    assert run(train(root, "one")) == 0
    return root


def train(place: Path, output: str, *more: str) -> list[str]:
    files = ["--model", place / "base", "--train", place / "train.csv", "--output", place / output]
    return ["train", *map(str, files), *HOW, "--device", "cpu", *more]


def steps(place: Path, output: str) -> tuple[list[float], list[float]]:
    """The losses and the norms of the gradients."""
    lines = (place / f"{output}-run" / "metrics.jsonl").read_text().splitlines()
    taken = [line for line in map(json.loads, lines) if line["kind"] == "step"]
    return [line["loss"] for line in taken], [line["norm"] for line in taken]


@pytest.mark.slow
@pytest.mark.parametrize("parallel", ["data", "shard"])
def test_two_processes_train_what_one_does(place: Path, parallel: str) -> None:
    from safetensors.torch import load_file

    torchrun = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "pipeline",
    ]
    command = [*torchrun, *train(place, parallel, "--parallel", parallel)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=600)
    assert done.stdout.count(f"{place / parallel}: {STEPS} of {STEPS} steps") == 1  # the first process speaks alone
    (losses, norms), (alone_losses, alone_norms) = steps(place, parallel), steps(place, "one")
    assert len(losses) == STEPS
    assert losses == pytest.approx(alone_losses, abs=1e-5)
    assert norms == pytest.approx(alone_norms, abs=1e-5)
    ours, alone = (load_file(place / name / "adapter_model.safetensors") for name in (parallel, "one"))
    assert ours.keys() == alone.keys()
    assert max(float((ours[name] - alone[name]).abs().max()) for name in alone) < 1e-5
