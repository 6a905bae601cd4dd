"""What winners do around a model, from the command line: rules, two outcomes or three, blends."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tiny_classifier import battle, save_classifier, write_lmsys

from pipeline.arena.battle import Battle
from pipeline.cli import run

BATTLES = [battle("1", a=""), battle("2", b=""), battle("3", a="z", b="z"), battle("4"), battle("5", a="", b="")]
RULED = {"1": (0.04, 0.88, 0.08), "2": (0.88, 0.04, 0.08), "3": (0.06, 0.06, 0.88)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Classifiers with two and with three labels."""
    import torch

    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("models")
    return {labels: save_classifier(root / str(labels), labels=labels) for labels in (2, 3)}


def rows_of(path: Path) -> dict[str, list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row[0]: row[1:] for row in list(csv.reader(file))[1:]}


def labelled(path: Path, winners: tuple[int, ...] = (1, 0, 2, 0, 2)) -> Path:
    battles = [
        Battle(each.id, each.prompts, each.answers_a, each.answers_b, winner)
        for each, winner in zip(BATTLES, winners, strict=True)
    ]
    return write_lmsys(path, battles)


def write_wsdm(path: Path, **more: list[Any]) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"id": ["1", "2", "3"], "prompt": ["p"] * 3, "response_a": ["", "x", "z"], "response_b": ["y", "", "z"]}
    parquet.write_table(pa.table(columns | more), path)
    return path


def test_rules_decide_their_battles_and_no_other(
    models: dict[int, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = write_lmsys(tmp_path / "test.csv", BATTLES)
    score = ["score", "--model", str(models[3]), "--test", str(test), "--output"]
    assert run([*score, str(tmp_path / "plain.csv")]) == 0
    assert "rules:" not in capsys.readouterr().out
    assert run([*score, str(tmp_path / "ruled.csv"), "--rules", "winners", "--swap", "all"]) == 0
    assert "rules: answer A is empty: 1 battles, answer B is empty: 1 battles" in capsys.readouterr().out
    assert run([*score, str(tmp_path / "swapped.csv"), "--swap", "all", "--rules", "none"]) == 0
    ruled, swapped = rows_of(tmp_path / "ruled.csv"), rows_of(tmp_path / "swapped.csv")
    for identifier, row in ruled.items():
        expected = RULED.get(identifier, tuple(map(float, swapped[identifier])))
        assert tuple(map(float, row)) == expected
    assert run(["validate", str(tmp_path / "ruled.csv"), "--test", str(test)]) == 0


def test_evaluate_prints_the_log_loss_without_and_with_the_rules(
    models: dict[int, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", "--model", str(models[3]), "--labelled", str(labelled(tmp_path / "s.csv"))]
    assert run(arguments) == 0
    text = capsys.readouterr().out
    assert "rules     log loss " in text
    assert "answer A is empty              1 battles" in text
    told = {}
    for rules in ("none", "winners"):
        assert run([*arguments, "--rules", rules, "--format", "json"]) == 0
        told[rules] = json.loads(capsys.readouterr().out)
    measured = told["none"]["rules"]
    assert told["winners"]["rules"] == measured
    assert told["none"]["metrics"]["log_loss"] == pytest.approx(measured["without"])
    assert told["winners"]["metrics"]["log_loss"] == pytest.approx(measured["with_rules"])
    assert measured["with_rules"] < measured["without"]


def test_a_three_way_head_names_winners_on_wsdm(
    models: dict[int, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = write_wsdm(tmp_path / "test.parquet", winner=["model_b", "model_a", "model_b"])
    score = ["score", "--model", str(models[3]), "--labels", "3", "--test", str(test), "--output"]
    assert run([*score, str(tmp_path / "s.csv"), "--rules", "winners"]) == 0
    rows = rows_of(tmp_path / "s.csv")
    assert rows["1"] == ["model_b"]
    assert rows["2"] == ["model_a"]
    assert run(["validate", str(tmp_path / "s.csv"), "--test", str(test)]) == 0
    capsys.readouterr()
    options = ["--labels", "3", "--labelled", str(test), "--rules", "winners", "--format", "json"]
    assert run(["evaluate", "--model", str(models[3]), *options]) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    assert [each["label"] for each in metrics["classes"]] == ["A", "B"]
    assert metrics["accuracy"] >= 2 / 3
    assert run(["evaluate", "--predictions", str(tmp_path / "s.csv"), "--labelled", str(test), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["metrics"]["accuracy"] == metrics["accuracy"]
    assert told["metrics"]["log_loss"] is None
    assert "rules" not in told


def test_a_two_way_head_is_scored_on_wsdm_and_refused_on_lmsys(
    models: dict[int, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = write_wsdm(tmp_path / "test.parquet")
    assert run(["score", "--model", str(models[2]), "--test", str(test), "--output", str(tmp_path / "s.csv")]) == 0
    assert {row[0] for row in rows_of(tmp_path / "s.csv").values()} <= {"model_a", "model_b"}
    lmsys = write_lmsys(tmp_path / "test.csv", BATTLES)
    score = ["score", "--model", str(models[2]), "--test", str(lmsys), "--output", str(tmp_path / "l.csv")]
    assert run([*score, "--labels", "2"]) == 2
    assert "a head with 2 labels cannot forecast" in capsys.readouterr().err
    assert run(score) == 1
    assert not (tmp_path / "l.csv").exists()


def test_a_three_way_head_on_wsdm_is_not_taken_for_a_two_way_one(
    models: dict[int, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = write_wsdm(tmp_path / "test.parquet")
    assert run(["score", "--model", str(models[3]), "--test", str(test), "--output", str(tmp_path / "s.csv")]) == 1
    assert "3" in capsys.readouterr().err
    assert not (tmp_path / "s.csv").exists()


def write_forecasts(path: Path, rows: list[tuple[float, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "winner_model_a", "winner_model_b", "winner_tie"))
        writer.writerows((str(number), *row) for number, row in enumerate(rows))
    return path


def test_evaluate_fits_the_weights_of_a_blend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    winners = [n % 3 for n in range(60)]
    solution = write_lmsys(
        tmp_path / "solution.csv", [battle(str(n), f"p{n}", winner=w) for n, w in enumerate(winners)]
    )
    right = [tuple(0.8 if column == winner else 0.1 for column in range(3)) for winner in winners]
    good = write_forecasts(tmp_path / "good.csv", [row if n % 5 else row[1:] + row[:1] for n, row in enumerate(right)])
    flat = write_forecasts(tmp_path / "flat.csv", [(0.4, 0.3, 0.3)] * 60)
    arguments = ["evaluate", "--labelled", str(solution), "--blend"]
    assert run([*arguments, str(good), str(flat)]) == 0
    text = capsys.readouterr().out
    assert "blend     log loss " in text
    assert text.index("weight = ") < text.index("held out:") < text.index("battles   60")
    assert run([*arguments, str(good), str(flat), "--folds", "3", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["members"] == [str(good), str(flat)]
    assert sum(told["blend"]["weights"]) == pytest.approx(1)
    assert told["blend"]["weights"][0] > told["blend"]["weights"][1]
    assert told["metrics"]["log_loss"] == pytest.approx(told["blend"]["held_out"])
    assert len(told["blend"]["fold_weights"]) == told["blend"]["folds"] == 3


def test_what_cannot_be_blended_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    solution = labelled(tmp_path / "solution.csv")
    one = write_forecasts(tmp_path / "one.csv", [(0.4, 0.3, 0.3)] * 6)
    arguments = ["evaluate", "--labelled", str(solution)]
    assert run([*arguments, "--blend", str(one), str(one)]) == 1  # ids 0 to 5 instead of 1 to 5
    right = tmp_path / "right.csv"
    right.write_text("".join(line for line in one.read_text().splitlines(keepends=True) if line[0] != "0"))
    capsys.readouterr()
    assert run([*arguments, "--blend", str(right)]) == 2
    assert "--blend: 1 members are no blend" in capsys.readouterr().err
    assert run([*arguments, "--blend", str(right), str(right)]) == 2
    assert "all battles have the same prompt" in capsys.readouterr().err
    assert run([*arguments, "--blend", str(right), str(right), "--predictions", str(right)]) == 2
    assert "say one of --predictions, --model, --members and --blend" in capsys.readouterr().err
    assert run([*arguments, "--blend", str(right), str(right), "--folds", "1"]) == 2
    assert "1 folds are no split" in capsys.readouterr().err
    names = write_wsdm(tmp_path / "w.parquet", winner=["model_a"] * 3)
    (tmp_path / "w.csv").write_text("id,winner\n1,model_a\n2,model_a\n3,model_b\n")
    assert run(["evaluate", "--labelled", str(names), "--blend", str(tmp_path / "w.csv"), str(tmp_path / "w.csv")]) == 2
    assert "submissions of this contest hold names" in capsys.readouterr().err


def test_an_adapter_carries_the_way_its_rows_were_cut_into_scoring(
    models: dict[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.text.encode import Encoder

    train = write_lmsys(tmp_path / "train.csv", [battle(str(n), f"p{n}", winner=n % 3) for n in range(6)])
    model = ["--model", str(models[3])]
    options = ["--truncate", "rounds", "--prompt-cap", "20%", "--epochs", "1", "--holdout", "0", "--max-length", "90"]
    assert run(["train", *model, "--train", str(train), "--output", str(tmp_path / "a"), *options]) == 0
    record = json.loads((tmp_path / "a" / "training.json").read_text())
    assert (record["truncation"], record["prompt_cap"]) == ("rounds", "20%")
    cut: list[str] = []
    encode = Encoder.encode
    monkeypatch.setattr(
        Encoder, "encode", lambda self, battles: (cut.append(str(self.truncation)), encode(self, battles))[1]
    )
    test = write_lmsys(tmp_path / "test.csv", BATTLES)
    adapter = ["--adapter", str(tmp_path / "a"), "--test", str(test), "--output", str(tmp_path / "s.csv")]
    assert run(["score", *model, *adapter]) == 0
    assert set(cut) == {"rounds, prompt at most 20%"}
    assert run(["score", *model, *adapter, "--truncate", "middle"]) == 2
    assert run(["score", *model, *adapter, "--truncate", "middle", "--force"]) == 0
    assert cut[-1] == "middle, prompt at most 20%"
