"""Bad input: one clear line, the right exit code, and nothing half-written. Every command runs in its own process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_classifier import battle, learnable, save_classifier, write_lmsys

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = "id,winner_model_a,winner_model_b,winner_tie\n1,0.4,0.3,0.3\n"


def arena(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment.pop("HF_HUB_OFFLINE", None)
    command = [sys.executable, "-m", "pipeline", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_classifier(tmp_path_factory.mktemp("cli") / "model")


def files(directory: Path) -> set[str]:
    return {each.name for each in directory.iterdir()}


def refused(result: subprocess.CompletedProcess[str], code: int, words: str) -> None:
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result.stderr
    assert words in errors[0]
    assert result.stdout == ""


COMMANDS = {
    "score": ("score", "--model", "M", "--test", "bad", "--output", "out.csv"),
    "train": ("train", "--model", "M", "--train", "bad", "--output", "out"),
    "evaluate": ("evaluate", "--predictions", "sub.csv", "--labelled", "bad"),
    "validate": ("validate", "sub.csv", "--test", "bad"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"id,prompt,response_a,winner_model_a,winner_model_b,winner_tie\n", "column response_b is missing"),
        (b"PAR1" + b"\0" * 50, "the parquet file is damaged or cut"),
        (b"id,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie\n" + b"1,[],[],[],1,0,0\n" * 2, "stands already in row 1"),
        (b"id,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie\n1,\xff,[],[],1,0,0\n", "it is not UTF-8"),
        (None, "there is no such file"),
    ],
    ids=["empty", "missing column", "cut parquet", "repeated id", "not utf-8", "absent"],
)  # fmt: skip
def test_a_bad_table_is_one_line_from_every_command(
    tmp_path: Path, command: str, content: bytes | None, words: str
) -> None:
    (tmp_path / "sub.csv").write_text(SAMPLE)
    if content is not None:
        (tmp_path / "bad").write_bytes(content)
    before = files(tmp_path)
    refused(arena(*COMMANDS[command], cwd=tmp_path), 2, words)
    assert files(tmp_path) == before


@pytest.mark.parametrize("command", ["score", "train"])
@pytest.mark.parametrize(("reference", "code"), [("", 2), ("no-such/model", 3), ("/no/such/directory", 3)])
def test_a_model_that_is_not_there_is_refused(tmp_path: Path, command: str, reference: str, code: int) -> None:
    write_lmsys(tmp_path / "bad", learnable(6))
    before = files(tmp_path)
    result = arena(*[reference if each == "M" else each for each in COMMANDS[command]], cwd=tmp_path)
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    assert "error: " in result.stderr
    assert files(tmp_path) == before


def test_an_unusable_model_is_refused_before_torch_is_loaded(tmp_path: Path, model: Path) -> None:
    """A file named torch.py on the path would be imported instead of the real one, and ends the process with 77."""
    import shutil

    write_lmsys(tmp_path / "test.csv", [battle()])
    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    fakes = tmp_path / "fakes"
    fakes.mkdir()
    for name in ("torch", "transformers", "peft"):
        (fakes / f"{name}.py").write_text("import os\nos._exit(77)\n")
    environment = os.environ | {"PYTHONPATH": f"{fakes}{os.pathsep}{ROOT}"}
    command = [
        sys.executable,
        "-m",
        "pipeline",
        "score",
        "--model",
        str(broken),
        "--test",
        "test.csv",
        "--output",
        "s.csv",
    ]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1, result.stderr
    assert "error[W1" in result.stderr
    assert files(tmp_path) == {"test.csv", "broken", "fakes"}


def test_a_model_without_a_head_is_refused_for_scoring(tmp_path: Path) -> None:
    write_lmsys(tmp_path / "test.csv", [battle()])
    save_classifier(tmp_path / "encoder", head=False)
    result = arena("score", "--model", "encoder", "--test", "test.csv", "--output", "s.csv", cwd=tmp_path)
    assert result.returncode == 1
    assert "error[C307]" in result.stderr
    assert not (tmp_path / "s.csv").exists()


@pytest.mark.parametrize("output", ["file/s.csv", "absent/s.csv", "directory", "notes.txt"])
def test_an_output_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path, model: Path, output: str) -> None:
    """Below a regular file even root cannot write."""
    write_lmsys(tmp_path / "test.csv", [battle()])
    (tmp_path / "file").write_text("a file")
    (tmp_path / "directory").mkdir()
    (tmp_path / "notes.txt").write_text("notes, and no submission")
    before = files(tmp_path)
    refused(arena("score", "--model", model, "--test", "test.csv", "--output", output, cwd=tmp_path), 2, output)
    assert files(tmp_path) == before
    assert (tmp_path / "notes.txt").read_text() == "notes, and no submission"
    assert files(tmp_path / "directory") == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_report_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path, command: str) -> None:
    (tmp_path / "file").write_text("a file")
    refused(arena(*COMMANDS[command], "--report", "file/report.json", cwd=tmp_path), 2, "file/report.json")
    assert files(tmp_path) == {"file"}


def test_an_adapter_directory_below_a_file_is_refused(tmp_path: Path, model: Path) -> None:
    write_lmsys(tmp_path / "train.csv", learnable(6))
    result = arena("train", "--model", model, "--train", "train.csv", "--output", "train.csv/adapter", cwd=tmp_path)
    refused(result, 2, "train.csv/adapter")
    assert files(tmp_path) == {"train.csv"}


def test_a_length_beyond_the_model_is_refused(tmp_path: Path, model: Path) -> None:
    write_lmsys(tmp_path / "test.csv", [battle()])
    result = arena(
        "score", "--model", model, "--test", "test.csv", "--output", "s.csv", "--max-length", "9999", cwd=tmp_path
    )
    refused(result, 2, "the model is made for 256")
    assert files(tmp_path) == {"test.csv"}


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("score",),
        ("nothing",),
        ("score", "--swap", "time"),
        ("train", "--epochs", "0"),
        ("validate", "s.csv"),
        ("evaluate", "--labelled", "x"),
    ],
)
def test_a_wrong_command_line_is_exit_code_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = arena(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", [*COMMANDS, "merge"])
def test_every_command_has_help_with_an_example(tmp_path: Path, command: str) -> None:
    result = arena(command, "--help", cwd=tmp_path)
    assert result.returncode == 0
    assert f"arena {command} " in result.stdout.split("examples:")[1]
    assert "exit codes:" in result.stdout


def interrupted(tmp_path: Path, model: Path, number: int, *more: str) -> tuple[int, str]:
    """Start `arena score`, send a signal once battles are being scored, and return exit code and stderr."""
    command = [sys.executable, "-m", "pipeline", "score", "--model", str(model), "--test", "test.csv", *more]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*command, "--output", "s.csv"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        journal = tmp_path / ".s.csv.journal"
        while process.poll() is None and not (journal.exists() and journal.stat().st_size > 20_000):
            time.sleep(0.05)
        process.send_signal(number)
        rest = process.stderr.read()
        return process.wait(60), rest


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_writes_what_there_is_and_the_next_run_goes_on(
    tmp_path: Path, model: Path, number: int, code: int
) -> None:
    write_lmsys(tmp_path / "test.csv", [battle(str(n), a="x" * (n % 90), b="y" * 90) for n in range(4000)])
    found, told = interrupted(tmp_path, model, number, "--workers", "0")
    assert (found, "Traceback" in told) == (code, False), told
    assert "of 4,000 battles are forecast in s.csv, the others hold the prior" in told
    assert files(tmp_path) == {"test.csv", "s.csv", ".s.csv.journal"}
    assert arena("validate", "s.csv", "--test", "test.csv", cwd=tmp_path).returncode == 0
    result = arena("score", "--model", model, "--test", "test.csv", "--output", "s.csv", "--workers", "0", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "going on from .s.csv.journal" in result.stderr
    assert files(tmp_path) == {"test.csv", "s.csv"}


def test_an_interrupt_with_workers_ends_them_too(tmp_path: Path, model: Path) -> None:
    write_lmsys(tmp_path / "test.csv", [battle(str(n), a="x" * 90, b="y" * 90) for n in range(4000)])
    found, told = interrupted(tmp_path, model, signal.SIGINT, "--workers", "1")
    assert (found, "Traceback" in told) == (130, False), told
    assert arena("validate", "s.csv", "--test", "test.csv", cwd=tmp_path).returncode == 0


def test_somebody_elses_submission_is_not_touched(tmp_path: Path, model: Path) -> None:
    write_lmsys(tmp_path / "test.csv", [battle()])
    (tmp_path / "s.csv").write_text(SAMPLE)
    result = arena("score", "--model", model, "--test", "test.csv", "--output", "s.csv", cwd=tmp_path)
    refused(result, 2, "no unfinished submission of these rows")
    assert (tmp_path / "s.csv").read_text() == SAMPLE
    assert files(tmp_path) == {"test.csv", "s.csv"}
