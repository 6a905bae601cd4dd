"""`arena calibrate`, and `score` and `evaluate` with what it wrote."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from calibration_factory import calibration, drawn
from tiny_classifier import battle, save_classifier, write_lmsys

from pipeline.arena.battle import Battle
from pipeline.arena.calibration import NAME, Calibration, read_calibration
from pipeline.arena.outcome import without_tie
from pipeline.arena.surface import surface_of
from pipeline.arena.table import SUBMISSION_COLUMNS, read_table
from pipeline.cli import run
from pipeline.scoring.delivery import prior_of
from pipeline.scoring.fingerprint import directory_digest

BATTLES = [battle(str(n), f"p{n}", "first " * (n % 5), "second " * (n % 3)) for n in range(12)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train.csv, held_out.csv of a network that is too sure of itself, test.csv, and a model."""
    import torch

    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("calibrate")
    battles, _, forecasts = drawn(150, sharpness=3.0)
    write_lmsys(root / "train.csv", battles)
    submission(root / "held_out.csv", {each.id: row for each, row in zip(battles, forecasts, strict=True)})
    write_lmsys(root / "test.csv", BATTLES)
    save_classifier(root / "model")
    return root


def submission(path: Path, rows: dict[str, Any]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([SUBMISSION_COLUMNS["lmsys"], *((each, *row) for each, row in rows.items())])
    return path


def rows_of(path: Path) -> dict[str, tuple[float, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row[0]: tuple(map(float, row[1:])) for row in list(csv.reader(file))[1:]}


def calibrate(place: Path, output: Path, *more: str, predictions: tuple[str, ...] = ("held_out.csv",)) -> int:
    given = ["--predictions", *(str(place / name) for name in predictions)] if predictions else []
    return run(
        ["calibrate", *given, "--labelled", str(place / "train.csv"), "--output", str(output), "--folds", "3", *more]
    )


def score(place: Path, output: Path, *more: str, model: str = "model") -> int:
    return run(
        ["score", "--model", str(place / model), "--test", str(place / "test.csv"), "--output", str(output), *more]
    )


def stored(path: Path, layer: Calibration) -> Path:
    path.write_text(layer.model_dump_json())
    return path


def model_with(tmp_path: Path, layer: Calibration) -> str:
    save_classifier(tmp_path / "calibrated")
    stored(tmp_path / "calibrated" / NAME, layer)
    return str(tmp_path / "calibrated")


def test_a_network_that_is_too_sure_is_made_less_sure(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(place, tmp_path / "c.json", "--features", "none", "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["output"] == str(tmp_path / "c.json")
    assert told["calibration"] == json.loads((tmp_path / "c.json").read_text())
    found = read_calibration(tmp_path / "c.json")
    assert found.fitted.change < 0
    assert (found.fitted.labelled, found.fitted.predictions) == ("train.csv", ("held_out.csv",))
    assert found.fitted.battles == 150
    assert found.surface is None


def test_without_predictions_the_surface_alone_is_fitted(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(place, tmp_path / "c.json", predictions=()) == 0
    assert "held out in 3 folds; a constant" in capsys.readouterr().out
    assert not read_calibration(tmp_path / "c.json").network


def test_several_files_are_several_folds_and_the_order_of_rows_is_nothing(place: Path, tmp_path: Path) -> None:
    rows = list(rows_of(place / "held_out.csv").items())
    submission(tmp_path / "first.csv", dict(reversed(rows[:70])))
    submission(tmp_path / "second.csv", dict(rows[70:]))
    assert calibrate(place, tmp_path / "whole.json") == 0
    assert (
        calibrate(place, tmp_path / "c.json", predictions=(str(tmp_path / "second.csv"), str(tmp_path / "first.csv")))
        == 0
    )
    whole, parts = (read_calibration(tmp_path / name) for name in ("whole.json", "c.json"))
    assert (whole.side, whole.tie) == (parts.side, parts.tie)


def test_battles_without_a_forecast_are_left_out_and_said(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    submission(tmp_path / "some.csv", dict(list(rows_of(place / "held_out.csv").items())[:120]))
    assert calibrate(place, tmp_path / "c.json", predictions=(str(tmp_path / "some.csv"),)) == 0
    assert "120 of 150 battles" in capsys.readouterr().err
    assert read_calibration(tmp_path / "c.json").fitted.battles == 120


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: rows | {"stranger": (0.2, 0.3, 0.5)}, (2, "1 of its 151 forecasts are of battles")),
        (lambda rows: rows | {"7": (0.2, 0.3, 0.4)}, (1, "no probabilities")),
        (lambda rows: rows | {"7": ("a", "b", "c")}, (1, "no probabilities")),
        (lambda rows: dict(list(rows.items())[:99]), (2, "99 battles are too few")),
        (lambda _: {}, (2, "0 battles are too few")),
    ],
)
def test_forecasts_that_cannot_be_joined_or_fitted_are_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any, told: tuple[int, str]
) -> None:
    submission(tmp_path / "p.csv", change(rows_of(place / "held_out.csv")))
    assert calibrate(place, tmp_path / "c.json", predictions=(str(tmp_path / "p.csv"),)) == told[0]
    assert told[1] in capsys.readouterr().err
    assert not (tmp_path / "c.json").exists()


def test_a_battle_forecast_twice_an_absent_file_and_one_fold_are_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(place, tmp_path / "c.json", predictions=("held_out.csv", "held_out.csv")) == 2
    assert "in a file before it" in capsys.readouterr().err
    assert calibrate(place, tmp_path / "c.json", predictions=("absent.csv",)) == 1
    assert calibrate(place, tmp_path / "c.json", "--folds", "1") == 2
    assert "no split" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_calibration_is_replaced_only_by_force(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "c.json"
    target.write_text("mine")
    assert calibrate(place, target) == 2
    assert "no calibration" in capsys.readouterr().err
    assert target.read_text() == "mine"
    assert calibrate(place, target, "--force") == 0
    assert calibrate(place, target, "--features", "none") == 0
    assert read_calibration(target).surface is None


def test_what_is_read_is_not_replaced_even_by_force(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (place / "train.csv").read_bytes()
    assert calibrate(place, place / "train.csv", "--force") == 2
    assert "--output and --labelled name the same file" in capsys.readouterr().err
    assert (place / "train.csv").read_bytes() == before


def test_a_directory_is_one_that_something_is_loaded_from(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(place, tmp_path) == 2
    assert "no adapter's or model's" in capsys.readouterr().err
    save_classifier(tmp_path / "model")
    assert calibrate(place, tmp_path / "model") == 0
    assert read_calibration(tmp_path / "model" / NAME).network


def test_score_applies_what_lies_beside_the_weights_and_says_so(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = calibration(network=0.5, words=0.2, turns=-0.1, bias=0.4)
    model = model_with(tmp_path, layer)
    assert score(place, tmp_path / "c.csv", "--swap", "all", model=model) == 0
    assert "calibration: log odds and surface, fitted on 999 battles of train.csv" in capsys.readouterr().out
    assert (
        score(place, tmp_path / "plain.csv", "--swap", "all", "--no-calibration", "--format", "json", model=model) == 0
    )
    assert json.loads(capsys.readouterr().out)["calibration"] is None
    plain, found = rows_of(tmp_path / "plain.csv"), rows_of(tmp_path / "c.csv")
    for each in BATTLES:
        assert found[each.id] == pytest.approx(layer.forecast(surface_of(each), plain[each.id]), abs=1e-12)
        assert found[each.id] != plain[each.id]
    assert run(["validate", str(tmp_path / "c.csv"), "--test", str(place / "test.csv")]) == 0


def test_a_swapped_table_gives_swapped_forecasts(place: Path, tmp_path: Path) -> None:
    model = model_with(tmp_path, calibration(network=0.5, words=0.2, bias=0.4))
    swapped = write_lmsys(tmp_path / "swapped.csv", [each.swapped() for each in BATTLES])
    assert score(place, tmp_path / "c.csv", "--swap", "all", model=model) == 0
    assert score(place, tmp_path / "s.csv", "--swap", "all", "--test", str(swapped), model=model) == 0
    there, here = rows_of(tmp_path / "s.csv"), rows_of(tmp_path / "c.csv")
    for identifier, (a, b, tie) in here.items():
        # the network's own float32 sums are the only difference: both looks stand in other places of a pack
        assert there[identifier] == pytest.approx((b, a, tie), abs=1e-6)


def test_a_named_calibration_goes_before_the_one_beside_the_weights(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = model_with(tmp_path, calibration(network=0.5))
    named = stored(tmp_path / "named.json", calibration(network=None, bias=9.0))
    assert score(place, tmp_path / "c.csv", "--calibration", str(named), model=model) == 0
    assert all(row[2] > 0.99 for row in rows_of(tmp_path / "c.csv").values())
    assert score(place, tmp_path / "d.csv", "--calibration", str(named), "--no-calibration", model=model) == 2
    assert score(place, tmp_path / "e.csv", "--calibration", str(tmp_path / "absent"), model=model) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "e.csv").exists()


def test_a_broken_calibration_is_refused_before_anything_is_written(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = model_with(tmp_path, calibration())
    (Path(model) / NAME).write_text("{}")
    assert score(place, tmp_path / "c.csv", model=model) == 2
    assert "no calibration of version 1" in capsys.readouterr().err
    assert not (tmp_path / "c.csv").exists()
    assert score(place, tmp_path / "c.csv", "--no-calibration", model=model) == 0


def test_the_rules_come_after_the_calibration(place: Path, tmp_path: Path) -> None:
    named = stored(tmp_path / "named.json", calibration(network=None, bias=9.0))
    assert score(place, tmp_path / "c.csv", "--calibration", str(named), "--rules", "winners") == 0
    found = rows_of(tmp_path / "c.csv")
    assert found["5"] == (0.04, 0.88, 0.08)  # A is empty
    assert found["1"][2] > 0.99


def test_a_run_goes_on_from_its_journal_with_another_calibration(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The journal keeps what the network said, and the calibration comes after it."""
    model = model_with(tmp_path, calibration(network=0.5))
    before = directory_digest(Path(model))
    assert score(place, tmp_path / "c.csv", "--keep-journal", model=model) == 0
    first = rows_of(tmp_path / "c.csv")
    layer = calibration(network=0.25, words=0.3)
    stored(Path(model) / NAME, layer)
    assert directory_digest(Path(model)) == before
    capsys.readouterr()
    assert score(place, tmp_path / "c.csv", model=model) == 0
    assert "packs are done" in capsys.readouterr().err
    assert score(place, tmp_path / "plain.csv", "--no-calibration", model=model) == 0
    plain, found = rows_of(tmp_path / "plain.csv"), rows_of(tmp_path / "c.csv")
    assert found != first
    for each in BATTLES:
        assert found[each.id] == pytest.approx(layer.forecast(surface_of(each), plain[each.id]), abs=1e-12)


def test_battles_that_the_deadline_leaves_hold_the_prior(place: Path, tmp_path: Path) -> None:
    model = model_with(tmp_path, calibration(network=0.5, bias=3.0))
    assert score(place, tmp_path / "c.csv", "--deadline", "1s", model=model) == 0
    assert run(["validate", str(tmp_path / "c.csv"), "--test", str(place / "test.csv")]) == 0
    found = set(rows_of(tmp_path / "c.csv").values())
    assert found == {prior_of(3)}  # a process is older than a second before the first battle


def test_evaluate_measures_the_calibrated_forecasts(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled = write_lmsys(
        tmp_path / "solution.csv",
        [Battle(each.id, each.prompts, each.answers_a, each.answers_b, n % 3) for n, each in enumerate(BATTLES)],
    )
    model = model_with(tmp_path, calibration(network=None, bias=30.0))
    arguments = ["evaluate", "--model", model, "--labelled", str(labelled), "--format", "json"]
    assert run(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["metrics"]["accuracy"] == pytest.approx(4 / 12)
    assert told["metrics"]["log_loss"] > 10
    assert told["calibration"]["bias"] == 30.0
    assert run([*arguments, "--no-calibration"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["log_loss"] < 2


def test_a_submission_is_not_calibrated_once_more(place: Path, tmp_path: Path) -> None:
    named = stored(tmp_path / "named.json", calibration())
    labelled = ["--labelled", str(place / "train.csv"), "--calibration", str(named)]
    for given in (["--predictions", str(place / "held_out.csv")], ["--blend", *[str(place / "held_out.csv")] * 2]):
        assert run(["evaluate", *given, *labelled]) == 2


def test_a_contest_without_ties_names_the_winner_of_the_calibrated_forecast(place: Path, tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"id": ["1", "2"], "prompt": ["p"] * 2, "response_a": ["x", "x y z v w"], "response_b": ["x y z v", "x"]}
    parquet.write_table(pa.table(columns), tmp_path / "test.parquet")
    layer = calibration(network=0.01, words=2.0)
    named = stored(tmp_path / "named.json", layer)
    test = ("--labels", "3", "--test", str(tmp_path / "test.parquet"), "--calibration", str(named))
    assert score(place, tmp_path / "c.csv", *test) == 0
    with (tmp_path / "c.csv").open() as file:
        assert list(csv.reader(file))[1:] == [["1", "model_b"], ["2", "model_a"]]
    table = read_table(tmp_path / "test.parquet")
    row = layer.forecast(surface_of(table.battles[0]), (1 / 3, 1 / 3, 1 / 3))
    assert without_tie(row)[1] > 0.9


def test_a_calibration_of_other_outcomes_is_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = stored(tmp_path / "named.json", calibration(outcomes=2))
    assert score(place, tmp_path / "c.csv", "--calibration", str(named)) == 2
    assert "of 2 outcomes and the head of 3" in capsys.readouterr().err


def test_names_of_winners_are_not_calibrated(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"id": ["1"], "prompt": ["p"], "response_a": ["x"], "response_b": ["y"], "winner": ["model_a"]}
    parquet.write_table(pa.table(columns), tmp_path / "train.parquet")
    assert calibrate(place, tmp_path / "c.json", "--labelled", str(tmp_path / "train.parquet")) == 2
    assert "hold names" in capsys.readouterr().err


def test_a_blend_takes_a_named_calibration_and_none_of_its_members(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = model_with(tmp_path, calibration(network=None, bias=9.0))
    (tmp_path / "members.toml").write_text(
        f'[[members]]\nmodel = "{model}"\n[[members]]\nmodel = "{place / "model"}"\n'
    )
    arguments = ["score", "--members", str(tmp_path / "members.toml"), "--test", str(place / "test.csv"), "--output"]
    assert run([*arguments, str(tmp_path / "c.csv")]) == 0
    assert "not applied to their blend" in capsys.readouterr().err
    assert all(row[2] < 0.9 for row in rows_of(tmp_path / "c.csv").values())
    assert run([*arguments, str(tmp_path / "d.csv"), "--calibration", str(Path(model) / NAME)]) == 0
    assert all(row[2] > 0.99 for row in rows_of(tmp_path / "d.csv").values())


def test_the_surface_alone_is_scored_with_without_a_model(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(place, tmp_path / "c.json", predictions=()) == 0
    arguments = ["--test", str(place / "test.csv"), "--output", str(tmp_path / "s.csv")]
    command = ["score", "--calibration", str(tmp_path / "c.json"), *arguments]
    assert run(command) == 0
    layer = read_calibration(tmp_path / "c.json")
    expected = {each.id: layer.forecast(surface_of(each), (1 / 3,) * 3) for each in BATTLES}
    written = rows_of(tmp_path / "s.csv")
    assert written.keys() == expected.keys()
    assert all(row == pytest.approx(expected[each]) for each, row in written.items())
    assert run(["validate", str(tmp_path / "s.csv"), "--test", str(place / "test.csv")]) == 0
    capsys.readouterr()
    assert run(command) == 2
    assert "is there already" in capsys.readouterr().err
    assert run([*command, "--force", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == len(BATTLES)


def test_a_networks_calibration_does_not_stand_alone(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(place, tmp_path / "c.json") == 0
    arguments = ["--test", str(place / "test.csv"), "--output", str(tmp_path / "s.csv")]
    assert run(["score", "--calibration", str(tmp_path / "c.json"), *arguments]) == 2
    assert "calibrates the forecasts of a network, and there is no model" in capsys.readouterr().err
    assert run(["score", *arguments]) == 2
    assert "there is no model to score with" in capsys.readouterr().err
    assert not (tmp_path / "s.csv").exists()
