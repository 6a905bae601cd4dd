import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.arena.folds import holdout
from pipeline.arena.table import read_table

ROOT = Path(__file__).resolve().parents[2]
BATTLES = ROOT / "examples" / "battles"
NAMES = ("train.csv", "test.csv", "solution.csv", "sample_submission.csv")


def test_the_generator_writes_exactly_what_is_committed(tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "examples" / "make_battles.py"), "--output", str(tmp_path)]
    code = f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv = {script[1:]!r}; runpy.run_path({script[1]!r}, run_name='__main__')"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert {each.name for each in tmp_path.iterdir()} == set(NAMES)
    for name in NAMES:
        assert (tmp_path / name).read_bytes() == (BATTLES / name).read_bytes(), name


def test_there_are_enough_battles_of_every_outcome_and_quirk() -> None:
    battles = read_table(BATTLES / "train.csv", labelled=True).battles
    assert len(battles) >= 300
    counts = [sum(each.winner == column for each in battles) for column in range(3)]
    assert min(counts) > 0.2 * len(battles)
    assert sum(len(each.prompts) > 1 for each in battles) > 20
    assert sum("" in (*each.answers_a, *each.answers_b) for each in battles) > 20
    with (BATTLES / "train.csv").open(encoding="utf-8", newline="") as file:
        cells = [json.loads(row[name]) for row in csv.DictReader(file) for name in ("response_a", "response_b")]
    assert any(None in cell for cell in cells)
    assert any(not letter.isascii() for each in battles for letter in each.prompts[0])


def test_identical_answers_tie_and_an_empty_answer_never_wins() -> None:
    for each in read_table(BATTLES / "train.csv", labelled=True).battles:
        if each.answers_a == each.answers_b:
            assert each.winner == 2
        for answers, loses in ((each.answers_a, 0), (each.answers_b, 1)):
            if "" in answers:
                assert each.winner != loses


def test_test_solution_and_sample_are_of_the_same_battles() -> None:
    test, solution = read_table(BATTLES / "test.csv"), read_table(BATTLES / "solution.csv", labelled=True)
    with (BATTLES / "sample_submission.csv").open(encoding="utf-8", newline="") as file:
        ids = [row["id"] for row in csv.DictReader(file)]
    assert ids == [each.id for each in test.battles] == [each.id for each in solution.battles]
    assert not set(ids) & {each.id for each in read_table(BATTLES / "train.csv").battles}


def test_the_examples_can_be_split_by_prompt() -> None:
    battles = read_table(BATTLES / "train.csv", labelled=True).battles
    kept, held = holdout(battles, 0.1)
    assert len(held) == pytest.approx(90, abs=10)
    assert len(kept) + len(held) == len(battles)
