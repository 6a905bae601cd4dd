"""What the benchmark of scoring is given, and how it says that a way cannot be run."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
sys.path.append(str(BENCHMARKS))

from contest_rows import QUANTILES, lengths  # noqa: E402 - lies beside the scripts that use it


def test_the_lengths_are_those_of_the_quantiles_cut_at_the_limit() -> None:
    assert len(QUANTILES) == 101
    assert sorted(QUANTILES) == list(QUANTILES)
    found = lengths(1000, 2048)
    assert max(found) == 2048
    # Of the real file: 663 tokens in the mean, 40 of 983 rows longer than 2,048.
    assert sum(found) / 1000 == pytest.approx(663, rel=0.01)
    assert sum(length == 2048 for length in found) == pytest.approx(41, abs=3)


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vllm is installed here")
def test_without_vllm_its_way_says_why_it_is_left_out() -> None:
    asked = {"model": "m", "rows": [[1]], "max_length": 8, "rounds": 1, "dtype": "float32"}
    child = subprocess.run(
        [sys.executable, BENCHMARKS / "vllm_classify.py"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "vllm is not installed in" in json.loads(child.stdout)["unusable"]
