"""`--members`: several models in one run, blended by weight, the later ones where those before were uncertain."""

import csv
import json
import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tiny_classifier import battle, save_classifier, write_lmsys

from pipeline.cli import run
from resolver.own_accelerators import read_profiles

BATTLES = [battle(str(n), f"p{n}", "first " * (n % 5), "second " * (n % 3), winner=n % 3) for n in range(20)]
FILE = """
temperature = 1.5
[[members]]
model = "./bert"
weight = 3
[[members]]
model = "./llama"
max_length = 60
truncate = "tail"
share = 0.35
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models of different families, a test file, and the members file beside them."""
    import torch

    torch.set_num_threads(1)
    found = tmp_path_factory.mktemp("members")
    save_classifier(found / "bert")
    save_classifier(found / "llama", family="llama")
    for name, scale in (("bert", 8.0), ("llama", 30.0)):
        louder(found / name, scale)
    write_lmsys(found / "test.csv", BATTLES)
    (found / "members.toml").write_text(FILE)
    return found


def louder(path: Path, scale: float) -> None:
    """Random heads say nearly the same of every battle; a louder one tells them apart."""
    from safetensors.torch import load_file, save_file

    weights = load_file(path / "model.safetensors")
    heads = ("classifier.weight", "score.weight")
    save_file(
        {name: each * (scale if name in heads else 1) for name, each in weights.items()},
        path / "model.safetensors",
        {"format": "pt"},
    )


def score(place: Path, output: Path, *more: str, members: str = "members.toml") -> int:
    arguments = ["--members", str(place / members), "--test", str(place / "test.csv"), "--output", str(output)]
    return run(["score", *arguments, *more])


def rows_of(path: Path) -> list[list[float]]:
    with path.open(encoding="utf-8") as file:
        return [[float(cell) for cell in row[1:]] for row in list(csv.reader(file))[1:]]


def by_hand(path: Path, each: Any, length: int, way: str) -> list[float]:
    """Forecasts as the library's own forward gives them."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from pipeline.text.encode import Encoder
    from pipeline.text.truncate import Truncation

    encoder = Encoder(AutoTokenizer.from_pretrained(path), length, truncation=Truncation(way))  # type: ignore[arg-type]
    (row,) = encoder.encode([each])
    with torch.inference_mode():
        logits = AutoModelForSequenceClassification.from_pretrained(path).eval()(input_ids=torch.tensor([row])).logits
    return list(logits[0].double().softmax(-1).tolist())


def expected(place: Path) -> list[list[float]]:
    """The blend and cascade, reckoned without the engine."""
    firsts = [by_hand(place / "bert", each, 256, "middle") for each in BATTLES]
    order = sorted(range(len(BATTLES)), key=lambda at: abs(firsts[at][0] - firsts[at][1]))
    blended = list(firsts)
    for at in order[:7]:
        second = by_hand(place / "llama", BATTLES[at], 60, "tail")
        blended[at] = [(3 * one + other) / 4 for one, other in zip(firsts[at], second, strict=True)]
    powers = [[value ** (1 / 1.5) for value in row] for row in blended]
    return [[value / math.fsum(row) for value in row] for row in powers]


def test_two_models_make_the_blend_that_the_library_and_a_pencil_make(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(place, tmp_path / "s.csv", "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [(each["battles"], each["max_length"], each["weight"]) for each in told["models"]] == [
        (20, 256, 3),
        (7, 60, 1),
    ]
    assert len(told["reports"]) == 2
    for found, wanted in zip(rows_of(tmp_path / "s.csv"), expected(place), strict=True):
        assert found == pytest.approx(wanted, abs=1e-5)
    assert score(place, tmp_path / "t.csv") == 0
    assert f"{place / 'llama'}: looked at 7 battles" in capsys.readouterr().out


def test_workers_change_models_and_a_run_goes_on_to_the_same_bits(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--swap", "all", "--batch-tokens", "128", "--workers", "2", "--keep-journal")
    assert score(place, tmp_path / "s.csv", *options) == 0
    whole, journal = (tmp_path / "s.csv").read_bytes(), tmp_path / ".s.csv.journal"
    data = journal.read_bytes()
    journal.write_bytes(data[: len(data) * 2 // 3])
    assert score(place, tmp_path / "s.csv", *options) == 0
    assert (tmp_path / "s.csv").read_bytes() == whole
    assert "packs are done" in capsys.readouterr().err
    # Weights are no part of what was computed; the models are.
    (place / "weights.toml").write_text(FILE.replace("weight = 3", "weight = 2"))
    assert score(place, tmp_path / "s.csv", *options, members="weights.toml") == 0
    assert "packs are done" in capsys.readouterr().err
    (place / "lengths.toml").write_text(FILE.replace("max_length = 60", "max_length = 61"))
    assert score(place, tmp_path / "s.csv", *options, members="lengths.toml") == 2
    assert "another run: length of member 2 differs" in capsys.readouterr().err


def test_all_members_that_cannot_be_used_are_told_together(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_classifier(place / "two", labels=2)
    save_classifier(place / "five", labels=5)
    entries = "".join(f'[[members]]\nmodel = "./{name}"\n' for name in ("two", "bert", "five"))
    (place / "bad.toml").write_text(entries)
    assert score(place, tmp_path / "s.csv", members="bad.toml") == 1
    told = capsys.readouterr().err
    assert "2 of 3 members cannot be used" in told
    assert told.count("error[") >= 2
    assert "two" in told
    assert "five" in told
    (place / "absent.toml").write_text(entries + '[[members]]\nmodel = "./absent"\n')
    assert score(place, tmp_path / "s.csv", members="absent.toml") == 3
    assert "3 of 4 members cannot be used" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_rehearsal_and_its_record_are_of_the_whole_cascade(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--rehearse", "--rows", "600", "--swap", "all", "--workers", "0", "--deadline", "9h", "--format", "json"]
    record = tmp_path / "speed.toml"
    assert score(place, tmp_path / "s.csv", *options, "--record", str(record)) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["looks"] for each in told["models"]] == [600, pytest.approx(0.35 * 600)]
    assert all(each["first_s"] > 0 and each["load_s"] > 0 for each in told["models"])
    assert told["peak_bytes"] > 0
    assert told["drops"] == []
    made = read_profiles(record, tomllib.loads(record.read_text())["accelerators"])
    (profile,) = (each for name, each in made.items() if name.startswith("measured-"))
    assert profile.throughput is not None
    assert profile.throughput.rows == 2 * (600 + 210)
    seconds = profile.throughput.rows * profile.throughput.tokens_per_row / profile.throughput.tokens_per_second
    assert seconds == pytest.approx(told["first_s"] + told["second_s"], rel=0.02)
    assert [each.name for each in tmp_path.iterdir()] == ["speed.toml"]


def test_the_record_of_a_run_counts_what_its_journal_had(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "speed.toml"
    again = ["--record", str(record), "--keep-journal", "--force"]
    assert score(place, tmp_path / "s.csv", *again) == 0
    (throughput,) = (each["throughput"] for each in tomllib.loads(record.read_text())["accelerators"].values())
    assert throughput["rows"] == 20 + 7
    record.unlink()
    assert score(place, tmp_path / "s.csv", *again) == 0
    assert f"no speed was measured and {record} is not written" in capsys.readouterr().err
    assert not record.exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--model", "m"), "not allowed with argument"),
        (("--adapter", "a"), "--adapter and --head belong to one model"),
        (("--head", "tokens"), "--adapter and --head belong to one model"),
    ],
)
def test_what_is_of_one_model_is_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], words: str
) -> None:
    assert score(place, tmp_path / "s.csv", *more) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_blend_is_evaluated(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    members = ["--members", str(place / "members.toml"), "--labelled", str(place / "test.csv")]
    assert run(["evaluate", *members, "--format", "json"]) == 0
    loss = json.loads(capsys.readouterr().out)["metrics"]["log_loss"]
    wanted = [-math.log(row[each.winner]) for row, each in zip(expected(place), BATTLES, strict=True)]  # type: ignore[index]
    assert loss == pytest.approx(math.fsum(wanted) / len(wanted), abs=1e-5)
