"""arena evaluate: what it says as text, as JSON and as a page, and what it refuses."""

import csv
import json
from pathlib import Path

import pytest
from made_up_forecasts import made_up
from tiny_classifier import battle, learnable, save_classifier, write_lmsys

from pipeline.cli import run

COUNT = 120


def write_forecasts(path: Path, rows: list[tuple[float, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "winner_model_a", "winner_model_b", "winner_tie"))
        writer.writerows((f"{number:05}", *map(repr, row)) for number, row in enumerate(rows))
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with solution.csv, right.csv and sure.csv."""
    root = tmp_path_factory.mktemp("evaluate")
    battles, rows = made_up(COUNT)
    write_lmsys(root / "solution.csv", battles)
    write_forecasts(root / "right.csv", rows)
    write_forecasts(root / "sure.csv", made_up(COUNT, sharpness=3.0)[1])
    return root


def evaluate(place: Path, *more: str, name: str = "right.csv") -> int:
    arguments = ["--predictions", str(place / name), "--labelled", str(place / "solution.csv"), "--draws", "100"]
    return run(["evaluate", *arguments, *more])


def test_the_text_says_how_sure_each_figure_is(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(place, "--against", str(place / "sure.csv")) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"battles   {COUNT}\nlog loss  ")
    for words in (
        f"intervals of 95% from 100 draws of {COUNT} prompts",
        "  ahead of best constant by +",
        "  ahead of length only ",
        "sure.csv: better",
        "calibration: off by, and by chance alone",
        "position  A less B: forecast ",
        "length    slope of the log odds on the log ratio: forecast ",
        "by turns (turns of the prompt)",
        "by script (of most letters of the prompts, by Unicode; not the language)",
    ):
        assert words in out


def test_json_has_all_of_it_and_twice_the_same(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for _ in range(2):
        assert evaluate(place, "--format", "json", "--against", str(place / "sure.csv")) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    values = json.loads(told[0])
    found = values["evaluation"]
    assert found["log_loss"]["value"] == pytest.approx(values["metrics"]["log_loss"])
    assert found["log_loss"]["low"] < found["log_loss"]["value"] < found["log_loss"]["high"]
    assert found["accuracy"]["value"] == values["metrics"]["accuracy"]
    assert [each["name"] for each in found["baselines"]] == ["uniform", "best constant", "length only"]
    assert found["against"]["difference"]["high"] < 0
    assert (found["draws"], found["seed"], found["prompts"]) == (100, 0, COUNT)
    assert {each["name"] for each in found["slices"]} == {"turns", "length", "script"}
    assert evaluate(place, "--format", "json", "--draws", "50") == 0
    assert json.loads(capsys.readouterr().out)["evaluation"]["draws"] == 50


def test_the_page_is_written_whole_and_the_result_is_told_as_ever(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    assert evaluate(place, "--html", str(page), "--format", "json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["command"] == "evaluate"
    assert f"page written to {page}" in err
    assert page.read_text("ascii").endswith("</html>\n")
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize("other", ["solution.csv", "right.csv", "report.txt"])
def test_a_page_is_not_written_over_what_is_read_or_reported(
    place: Path, other: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {each.name: each.read_bytes() for each in place.iterdir()}
    assert evaluate(place, "--html", str(place / other), "--report", str(place / "report.txt")) == 2
    assert "name the same file" in capsys.readouterr().err
    assert {each.name: each.read_bytes() for each in place.iterdir()} == before


def test_a_page_that_cannot_be_written_is_refused_before_the_work(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(place, "--html", str(tmp_path / "absent" / "page.html")) == 2
    assert "it cannot be written" in capsys.readouterr().err


def test_another_run_that_is_no_submission_for_these_battles_is_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = write_forecasts(tmp_path / "short.csv", made_up(3)[1])
    assert evaluate(place, "--against", str(short)) == 1
    assert "short.csv is no valid submission" in capsys.readouterr().err
    assert evaluate(place, "--against", str(tmp_path / "absent.csv")) == 1
    assert evaluate(place, "--draws", "0") == 2


def test_rules_are_applied_to_both_runs(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    battles = [battle(f"{n:05}", f"p{n}", "same", "same", winner=2) for n in range(40)]
    write_lmsys(tmp_path / "solution.csv", battles)
    for name, row in (("right.csv", (0.4, 0.4, 0.2)), ("sure.csv", (0.2, 0.4, 0.4))):
        write_forecasts(tmp_path / name, [row] * 40)
    arguments = ("--against", str(tmp_path / "sure.csv"), "--rules", "winners", "--format", "json")
    assert evaluate(tmp_path, *arguments) == 0
    against = json.loads(capsys.readouterr().out)["evaluation"]["against"]
    assert (against["equal"], against["difference"]["value"]) == (40, 0.0)


def test_names_are_measured_by_accuracy_and_sliced_by_what_the_table_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    count = 40
    columns = {
        "id": [str(n) for n in range(count)],
        "prompt": [f"p{n}" for n in range(count)],
        "response_a": ["x" * (1 + n % 7) for n in range(count)],
        "response_b": ["y" * (1 + n % 5) for n in range(count)],
        "winner": ["model_a" if n % 3 else "model_b" for n in range(count)],
        "model_a": ["gpt-4"] * count,
        "model_b": ["\x1b[2Jclaude-2<b>"] * count,
        "language": ["English" if n % 2 else "Russian" for n in range(count)],
    }
    parquet.write_table(pa.table(columns), tmp_path / "solution.csv")
    for name, named in (("right.csv", columns["winner"]), ("sure.csv", ["model_a"] * count)):
        (tmp_path / name).write_text("id,winner\n" + "".join(f"{n},{each}\n" for n, each in enumerate(named)))
    page = tmp_path / "page.html"
    more = ("--against", str(tmp_path / "sure.csv"), "--html", str(page))
    assert evaluate(tmp_path, *more) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "note: the forecasts are names and not probabilities" in out
    assert "log loss" not in out.partition("note: ")[0]
    assert "<b>" not in page.read_text()
    assert evaluate(tmp_path, *more, "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)["evaluation"]
    assert (found["log_loss"], found["calibration"], found["accuracy"]["value"]) == (None, None, 1.0)
    assert (found["against"]["metric"], found["against"]["worse"]) == ("accuracy", 0)
    assert [each["name"] for each in found["slices"]] == ["turns", "length", "language", "model family"]


def test_a_model_that_looks_twice_is_compared_with_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    torch.set_num_threads(1)
    model = save_classifier(tmp_path / "model")
    solution = write_lmsys(tmp_path / "solution.csv", learnable(12))
    arguments = ["evaluate", "--model", str(model), "--labelled", str(solution), "--draws", "20", "--format", "json"]
    assert run([*arguments, "--swap", "all"]) == 0
    told = json.loads(capsys.readouterr().out)
    swap = told["evaluation"]["position"]["swap"]
    assert swap["battles"] == 12
    assert swap["agree"]["value"] == pytest.approx(told["checks"]["agree"])
    assert swap["apart"]["value"] == pytest.approx(told["checks"]["apart"])
    assert run(arguments) == 0
    assert json.loads(capsys.readouterr().out)["evaluation"]["position"]["swap"] is None


def test_without_numpy_it_says_what_to_install(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipeline.cli.evaluate.find_spec", lambda _name: None)
    assert evaluate(place) == 4
    assert "numpy is not installed" in capsys.readouterr().err


def test_a_part_is_measured_on_its_own_battles(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    battles, rows = made_up(COUNT)
    write_forecasts(tmp_path / "part.csv", rows[:40])
    write_lmsys(tmp_path / "part_solution.csv", battles[:40])
    part = ["--predictions", str(tmp_path / "part.csv"), "--draws", "50", "--format", "json"]
    assert run(["evaluate", *part, "--labelled", str(place / "solution.csv"), "--part"]) == 0
    told = capsys.readouterr()
    assert f"measured on 40 of {COUNT} battles" in told.err
    assert run(["evaluate", *part, "--labelled", str(tmp_path / "part_solution.csv")]) == 0
    assert json.loads(told.out)["evaluation"] == json.loads(capsys.readouterr().out)["evaluation"]
    assert run(["evaluate", *part, "--labelled", str(place / "solution.csv")]) == 1  # who says nothing means all of it


def test_a_part_of_something_else_is_refused(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lmsys(tmp_path / "few.csv", made_up(COUNT)[0][:100])
    arguments = ["--predictions", str(place / "right.csv"), "--part"]
    assert run(["evaluate", *arguments, "--labelled", str(tmp_path / "few.csv")]) == 2
    assert "forecasts 00100 and 19 more, which" in capsys.readouterr().err
    assert run(["evaluate", "--model", "m", "--part", "--labelled", str(tmp_path / "few.csv")]) == 2
    assert "--part is of a submission" in capsys.readouterr().err
