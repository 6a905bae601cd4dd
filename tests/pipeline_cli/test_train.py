"""`arena train` end to end: what it writes, what it refuses before a model is loaded, and how it is gone on with."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tiny_classifier import battle, learnable, save_classifier, write_lmsys

from pipeline.cli import run
from pipeline.errors import OutputError

KILLS = int(os.environ.get("KILLS", "3"))
OPTIONS = ("--epochs", "2", "--batch-size", "6", "--rate", "5e-3", "--rank", "4", "--max-length", "90")
# In a process of its own and on one thread, as the runs are that it is compared with.
ARENA = "import torch; torch.set_num_threads(1); import sys; from pipeline.cli import run; sys.exit(run(sys.argv[1:]))"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("base")
    save_classifier(root / "model", head=False)
    write_lmsys(root / "train.csv", learnable(60))
    return root


def train(base: Path, output: Path, *more: str, options: tuple[str, ...] = OPTIONS) -> int:
    return run(["train", *command(base, output, *more, options=options)])


def command(base: Path, output: Path, *more: str, options: tuple[str, ...] = OPTIONS) -> list[str]:
    files = ["--model", str(base / "model"), "--train", str(base / "train.csv"), "--output", str(output)]
    return [*files, *options, *more]


def digest(directory: Path) -> dict[str, str]:
    """Of every file but the record, which tells how long it took."""
    return {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest()
        for each in sorted(directory.iterdir())
        if each.name != "training.json"
    }


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_run_tells_its_story(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(base, tmp_path / "adapter", "--format", "json", "--evaluate-every", "5") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ended"] == "done"
    directory = tmp_path / "adapter-run"
    assert told["run"] == str(directory)
    assert {"run.json", "sittings.jsonl", "base.json", "metrics.jsonl", "held_out.csv"} <= {
        each.name for each in directory.iterdir()
    }
    assert not (directory / "checkpoints").exists()
    assert json.loads((directory / "run.json").read_text())["plan"]["rank"] == 4
    assert json.loads((directory / "base.json").read_text())["reports"][0]["verdict"] == "usable"
    (sitting,) = lines(directory / "sittings.jsonl")
    assert sitting["versions"]["torch"]
    metrics = lines(directory / "metrics.jsonl")
    steps = [line["step"] for line in metrics if line["kind"] == "step"]
    assert steps == list(range(1, told["record"]["metrics"]["steps"] + 1))
    assert metrics[-1]["loss"] == told["record"]["metrics"]["log_loss"]
    assert run(["validate", str(directory / "held_out.csv"), "--sample", str(directory / "held_out.csv")]) == 0


@pytest.mark.parametrize("tune", ["lora", "head", "full"])
def test_what_was_trained_is_checked_and_scored_with_as_it_was_trained(base: Path, tmp_path: Path, tune: str) -> None:
    from resolver import check_model

    output = tmp_path / "trained"
    assert train(base, output, "--tune", tune) == 0
    assert check_model(output, purpose="load").verdict == "usable"
    test = write_lmsys(tmp_path / "test.csv", [battle(str(n), f"p{n}", "aaa", "bbb") for n in range(5)])
    model = ["--model", str(output)] if tune == "full" else ["--model", str(base / "model"), "--adapter", str(output)]
    assert run(["score", *model, "--test", str(test), "--output", str(tmp_path / "s.csv")]) == 0


def test_an_output_is_replaced_only_by_force(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(base, tmp_path / "adapter") == 0
    before = digest(tmp_path / "adapter")
    assert train(base, tmp_path / "adapter", "--seed", "5") == 2
    assert "holds an adapter already" in capsys.readouterr().err
    assert digest(tmp_path / "adapter") == before
    assert train(base, tmp_path / "adapter", "--seed", "5", "--force") == 0
    assert digest(tmp_path / "adapter") != before


def test_another_run_in_the_same_directory_is_refused(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(base, tmp_path / "one", "--run", str(tmp_path / "run")) == 0
    assert train(base, tmp_path / "two", "--run", str(tmp_path / "run"), "--smoothing", "0.1") == 2
    assert "holds another run: smoothing, examples_sha256 differ" in capsys.readouterr().err
    assert not (tmp_path / "two").exists()
    assert train(base, tmp_path / "two", "--run", str(tmp_path / "run"), "--smoothing", "0.1", "--fresh") == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--folds", "5"), "--folds and --fold belong together"),
        (("--folds", "5", "--fold", "7"), "there is no fold 7 of 5"),
        (("--tune", "full", "--quantize", "int4"), "weights of int4 cannot be trained"),
        (("--weight-decay", "-1"), "--weight-decay: Input should be greater than or equal to 0"),
        (("--buckets", "90,30"), "do not rise"),
        (("--buckets", "30"), "fits no bucket"),
        (("--teacher", "absent.csv"), "a teacher's forecasts have the columns"),
        (("--folds", "1", "--fold", "0"), "1 fold is no split"),
        (("--folds", "5", "--fold", "0", "--holdout", "0.3"), "and so does --holdout"),
        (("--teacher-share", "0.5"), "there is no --teacher"),
        (("--seed", "99999999999999999999"), "--seed: Input should be less than"),
        (("--contest", "wsdm"), "have a winner that a head of 2 labels has no column for"),
    ],
)
def test_what_no_run_can_have_is_one_line(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], said: str
) -> None:
    assert train(base, tmp_path / "adapter", *more) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert said in errors[0]
    assert not (tmp_path / "adapter").exists()


def test_the_output_holds_neither_the_run_nor_the_base(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in ("adapter", "adapter/run"):
        assert train(base, tmp_path / "adapter", "--run", str(tmp_path / place)) == 2
        assert "the run would be told in the output" in capsys.readouterr().err
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "adapter_config.json").write_text("{}")
    test = write_lmsys(tmp_path / "data" / "test.csv", [battle("1", "another prompt")])
    assert train(base, tmp_path / "data", "--test", str(test), "--force") == 2
    assert f"{test} is read from there" in capsys.readouterr().err
    assert train(base, tmp_path / "model", "--tune", "full") == 0
    before = digest(tmp_path / "model")
    again = [
        "--model",
        str(tmp_path / "model"),
        "--train",
        str(base / "train.csv"),
        "--output",
        str(tmp_path / "model"),
    ]
    assert run(["train", *again, *OPTIONS, "--force"]) == 2
    assert "is read from there" in capsys.readouterr().err
    assert digest(tmp_path / "model") == before


def test_a_head_of_other_columns_is_told_as_that(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_classifier(tmp_path / "two", labels=2)
    files = [
        "--model",
        str(tmp_path / "two"),
        "--train",
        str(base / "train.csv"),
        "--output",
        str(tmp_path / "adapter"),
    ]
    assert run(["train", *files, *OPTIONS]) == 1
    said = capsys.readouterr().err
    assert "has a head of 2 columns, and one of 3 is trained" in said
    assert "ignore_mismatched_sizes" not in said


def test_an_option_without_effect_is_told(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(base, tmp_path / "adapter", "--tune", "head") == 0
    assert "note: without effect, because --tune head has no LoRA: --rank\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--buckets", "64,,90"), "argument --buckets: '' is no whole number"),
        (("--rank", "4.5"), "argument --rank: '4.5' is no whole number"),
        (("--rate", "fast"), "argument --rate: 'fast' is no number"),
        (("--extra", "more.csv=0"), "argument --extra: 0 is not above 0"),
    ],
)
def test_a_word_that_is_no_number_is_told_without_the_names_of_functions(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], said: str
) -> None:
    assert train(base, tmp_path / "adapter", *more) == 2
    assert capsys.readouterr().err.rstrip().endswith(said)


@pytest.mark.parametrize("holdout", ["0", "0.1"])
def test_a_run_whose_last_step_diverges_writes_nothing(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], holdout: str
) -> None:
    wild = ("--epochs", "1", "--batch-size", "1000", "--rate", "1e30", "--weight-decay", "1e30", "--holdout", holdout)
    assert train(base, tmp_path / "adapter", *wild) == 2
    assert "is no number\n  = fix: say --rate with a tenth of it" in capsys.readouterr().err
    assert not (tmp_path / "adapter").exists()


@pytest.mark.parametrize("read", ["--test", "--extra", "--train"])
def test_a_report_does_not_take_the_place_of_what_is_read(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], read: str
) -> None:
    file = write_lmsys(tmp_path / "more.csv", learnable(4))
    before = file.read_bytes()
    weight = "=0.3" if read == "--extra" else ""
    assert train(base, tmp_path / "adapter", read, f"{file}{weight}", "--report", str(file)) == 2
    assert f"--report and {read} name the same file" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_a_full_disk_at_the_very_end_costs_no_step(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OutputError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.training.run.save_trained", full)
        assert train(base, tmp_path / "adapter") == 2
    steps = lines(tmp_path / "adapter-run" / "metrics.jsonl")[-1]["step"]
    assert train(base, tmp_path / "adapter") == 0
    assert f"going on from the checkpoint of step {steps}\n" in capsys.readouterr().err
    assert train(base, tmp_path / "whole") == 0
    assert digest(tmp_path / "adapter") == digest(tmp_path / "whole")


def test_bad_data_is_refused_before_a_model_is_asked_for(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = write_lmsys(tmp_path / "test.csv", [battle("x", "p7", "bbbbbb", "bbbbbb")])
    arguments = ["--train", str(base / "train.csv"), "--test", str(test), "--output", str(tmp_path / "adapter")]
    assert run(["train", "--model", "nobody/has-this", *arguments]) == 2
    said = capsys.readouterr().err
    assert "battle 7 has the texts of a test battle" in said
    assert "nobody/has-this" not in said


def test_a_deadline_ends_with_what_there_is_and_more_time_ends_the_run(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The process of the tests began long ago, so that time is up after the first step."""
    output = tmp_path / "adapter"
    assert train(base, output, "--deadline", "1s", "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ended"], told["record"]["metrics"]["steps"]) == ("out of time", 1)
    assert train(base, output, "--format", "json") == 0
    again = capsys.readouterr()
    assert "going on from the checkpoint of step 1" in again.err
    assert json.loads(again.out)["ended"] == "done"
    assert train(base, tmp_path / "whole") == 0
    assert digest(output) == digest(tmp_path / "whole")
    assert len(lines(tmp_path / "adapter-run" / "sittings.jsonl")) == 2


def start(*arguments: str) -> "subprocess.Popen[bytes]":
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", ARENA, "train", *arguments],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )


def wait_for(process: "subprocess.Popen[bytes]", metrics: Path, steps: int) -> bool:
    """Until so many steps are told; False where the run ended before."""
    while process.poll() is None:
        if metrics.exists() and metrics.read_bytes().count(b'"step", "step"') >= steps:
            return True
        time.sleep(0.005)
    return False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_and_the_same_command_goes_on(base: Path, tmp_path: Path, number: int, code: int) -> None:
    options = (*OPTIONS, "--epochs", "40")
    arguments = command(base, tmp_path / "adapter", options=options)
    process = start(*arguments)
    assert wait_for(process, tmp_path / "adapter-run" / "metrics.jsonl", 10)
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code, errors.decode()
    assert b"Traceback" not in errors
    assert not (tmp_path / "adapter").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["adapter-run"]
    taken = json.loads(next((tmp_path / "adapter-run" / "checkpoints").glob("*/state.json")).read_text())["progress"]
    assert taken["step"] >= 10
    going_on = start(*arguments)
    _, errors = going_on.communicate(timeout=300)
    assert going_on.returncode == 0, errors.decode()
    assert f"going on from the checkpoint of step {taken['step']}" in errors.decode()
    whole = start(*command(base, tmp_path / "whole", options=options))
    _, errors = whole.communicate(timeout=300)
    assert whole.returncode == 0, errors.decode()
    assert digest(tmp_path / "adapter") == digest(tmp_path / "whole")


def test_a_run_that_is_killed_at_random_steps_ends_with_the_same_bytes(base: Path, tmp_path: Path) -> None:
    options = (*OPTIONS, "--epochs", "20", "--checkpoint-every", "0.05s", "--evaluate-every", "25")
    whole = start(*command(base, tmp_path / "whole", options=options))
    _, errors = whole.communicate(timeout=600)
    assert whole.returncode == 0, errors.decode()
    draw, kills, metrics = random.Random(7), 0, tmp_path / "adapter-run" / "metrics.jsonl"  # noqa: S311 - moments
    arguments = command(base, tmp_path / "adapter", options=options)
    while True:
        process = start(*arguments)
        told = metrics.read_bytes().count(b'"step", "step"') if metrics.exists() else 0
        if kills < KILLS and wait_for(
            process, metrics, min(told + 1, 175) if draw.random() < 0.5 else draw.randrange(1, 170)
        ):
            time.sleep(draw.uniform(0, 0.05))
            process.kill()
        _, errors = process.communicate(timeout=600)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, errors.decode()
        kills += 1
        assert not (tmp_path / "adapter").exists()
    assert kills == KILLS
    assert digest(tmp_path / "adapter") == digest(tmp_path / "whole")
    steps = [line["step"] for line in lines(metrics) if line["kind"] == "step"]
    assert steps == list(range(1, 181))
    assert {each.name for each in tmp_path.iterdir()} == {"adapter", "adapter-run", "whole", "whole-run"}
