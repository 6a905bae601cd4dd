"""Whatever the rows, the disk and the clock are like: a valid submission, or one clear error."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tiny_classifier import battle, learnable, save_classifier, write_lmsys

from pipeline.cli import run

HEADER = "id,prompt,response_a,response_b\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    torch.set_num_threads(1)
    return save_classifier(tmp_path_factory.mktemp("robust") / "model")


def score(model: Path, place: Path, *more: str) -> int:
    return run(
        ["score", "--model", str(model), "--test", str(place / "test.csv"), "--output", str(place / "s.csv"), *more]
    )


def is_valid(place: Path) -> bool:
    return run(["validate", str(place / "s.csv"), "--test", str(place / "test.csv")]) == 0


ROWS: dict[str, str] = {
    "a million characters": '1,"[""p""]","[""%s""]","[""b""]"\n' % ("x" * 1_000_000) + '2,"[]","[]","[]"\n',
    "lone surrogates": '1,"[""\\ud83d""]","[""a\\udc00""]","[""\\ud83d\\ude00""]"\n',
    "null turns": '1,"[null]","[null, null]","[""b"", null]"\n2,null,null,null\n3,,,\n',
    "fifty equal rows": "".join(f'{n},"[""p""]","[""a""]","[""b""]"\n' for n in range(50)),
    "one row": '1,"[""p""]","[""a""]","[""b""]"\n',
    "ids that are words": '"x-1","[""p""]","[""a""]","[""b""]"\n007,"[""p""]","[""a""]","[""b""]"\n7,"[]","[]","[]"\n',
    "large whole ids": '18446744073709551616,"[""p""]","[""a""]","[""b""]"\n-5,"[""p""]","[""a""]","[""b""]"\n',
}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("swap", ["none", "all"])
def test_odd_rows_make_a_valid_submission(model: Path, tmp_path: Path, rows: str, swap: str) -> None:
    (tmp_path / "test.csv").write_text(HEADER + ROWS[rows], encoding="utf-8")
    assert score(model, tmp_path, "--swap", swap) == 0
    assert is_valid(tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == {"test.csv", "s.csv"}


def test_whole_numbers_of_a_parquet_file_are_ids_as_they_stand(model: Path, tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    texts = {name: ["a", "b"] for name in ("prompt", "response_a", "response_b")}
    parquet.write_table(pa.table({"id": [5, 60], **texts}), tmp_path / "test.csv")
    two = save_classifier(tmp_path / "two", labels=2)
    assert score(two, tmp_path) == 0
    assert [line.split(",")[0] for line in (tmp_path / "s.csv").read_text().splitlines()] == ["id", "5", "60"]


def test_a_file_of_a_header_alone_is_one_error(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "test.csv").write_text(HEADER)
    assert score(model, tmp_path) == 2
    assert "there is no row below the header" in capsys.readouterr().err
    assert {each.name for each in tmp_path.iterdir()} == {"test.csv"}


def test_a_forecast_that_is_surely_wrong_is_said_loudly(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fifty equal rows have fifty equal forecasts: a submission that nobody means."""
    (tmp_path / "test.csv").write_text(HEADER + ROWS["fifty equal rows"])
    assert score(model, tmp_path, "--batch-tokens", "1") == 0
    told = capsys.readouterr().err
    assert "warning[P004]" in told
    assert "WARNING: the submission is valid and surely not meant" in told


def test_a_deadline_that_is_over_still_delivers_every_row(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lmsys(tmp_path / "test.csv", [battle(str(n), a="x" * 50) for n in range(300)])
    assert score(model, tmp_path, "--deadline", "0.01s", "--swap", "time", "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["without_forecast"] > 0
    assert any("left out for want of time" in each for each in told["dropped"])
    assert is_valid(tmp_path)


def test_swapping_as_time_allows_needs_a_time(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lmsys(tmp_path / "test.csv", [battle()])
    assert score(model, tmp_path, "--swap", "time") == 2
    assert "--swap time needs a time" in capsys.readouterr().err
    assert not (tmp_path / "s.csv").exists()
    assert score(model, tmp_path, "--swap", "time", "--deadline", "contest") == 0


def test_the_journal_stays_when_asked_and_another_length_is_refused_by_it(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lmsys(tmp_path / "test.csv", [battle(str(n)) for n in range(9)])
    assert score(model, tmp_path, "--keep-journal") == 0
    before = (tmp_path / "s.csv").read_bytes()
    assert score(model, tmp_path, "--max-length", "80") == 2
    assert "it is the journal of another run: length differs" in capsys.readouterr().err
    assert (tmp_path / "s.csv").read_bytes() == before
    assert score(model, tmp_path, "--max-length", "80", "--fresh") == 0
    assert {each.name for each in tmp_path.iterdir()} == {"test.csv", "s.csv"}


def test_a_rehearsal_tells_and_writes_nothing_but_what_is_asked(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lmsys(tmp_path / "test.csv", learnable(40))
    options = [
        "--rehearse",
        "--rows",
        "600",
        "--deadline",
        "9h",
        "--record",
        str(tmp_path / "p.toml"),
        "--workers",
        "0",
    ]
    arguments = ["score", "--model", str(model), "--test", str(tmp_path / "test.csv"), *options]
    assert run([*arguments, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["drops"], told["limit_s"]) == (600, [], 32400)
    assert told["tokens_per_second"] > 0
    assert "throughput" in next(iter(tomllib.loads((tmp_path / "p.toml").read_text())["accelerators"].values()))
    assert {each.name for each in tmp_path.iterdir()} == {"test.csv", "p.toml"}


def test_a_score_without_an_output_is_refused(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lmsys(tmp_path / "test.csv", [battle()])
    assert run(["score", "--model", str(model), "--test", str(tmp_path / "test.csv")]) == 2
    assert "there is no --output" in capsys.readouterr().err


def on_a_small_disk(place: Path, model: Path, most_bytes: int) -> Any:
    """A limit on the size of a file stands for the disk that is full."""
    code = (
        "import resource, sys\nfrom pipeline.cli import run\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most_bytes}, {most_bytes}))\n"
        "sys.exit(run(sys.argv[1:]))"
    )
    arguments = ["score", "--model", str(model), "--test", "test.csv", "--output", "s.csv", "--workers", "0"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, *arguments, "--swap", "all", "--batch-tokens", "64"]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)


def test_a_disk_that_is_full_at_once_is_one_error(model: Path, tmp_path: Path) -> None:
    write_lmsys(tmp_path / "test.csv", [battle(str(n), a="x" * n) for n in range(120)])
    done = on_a_small_disk(tmp_path, model, 2000)
    assert done.returncode == 2, done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("error: ")]) == 1
    assert "it cannot be written" in done.stderr
    assert {each.name for each in tmp_path.iterdir()} == {"test.csv"}


def test_a_disk_that_fills_up_costs_the_journal_and_not_the_submission(model: Path, tmp_path: Path) -> None:
    write_lmsys(tmp_path / "test.csv", [battle(str(n), a="x" * n) for n in range(120)])
    done = on_a_small_disk(tmp_path, model, 12_000)
    assert done.returncode == 0, done.stderr
    assert "cannot be written any more (File too large); the run goes on without it" in done.stderr
    assert is_valid(tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == {"test.csv", "s.csv"}
