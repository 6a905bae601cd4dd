"""The directory of a run: one run's alone, told whole, and nobody else's files are touched."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import OutputError, SettingsError
from pipeline.training.hooks import StepFacts
from pipeline.training.plan import Plan
from pipeline.training.run_directory import RunIdentity, claimed
from pipeline.training.state import Evaluation
from pipeline.training.story import Story, draw_curves, read_metrics


def identity(**more: Any) -> RunIdentity:
    values: dict[str, Any] = {
        "plan": Plan(),
        "base": "o/m",
        "base_headers_sha256": "0" * 64,
        "base_tokenizer_sha256": None,
        "examples_sha256": "1" * 64,
        "held_out_sha256": "2" * 64,
        "template": "battle-v1",
        "max_length": 96,
        "truncation": "middle",
        "prompt_cap": None,
        "dtype": "float32",
        "labels": 3,
    }
    return RunIdentity(**(values | more))


def claim(directory: Path, which: RunIdentity, *, fresh: bool = False) -> None:
    with claimed(directory, which, fresh=fresh):
        pass


def test_a_run_is_gone_on_with_by_itself_alone(tmp_path: Path) -> None:
    target = tmp_path / "run"
    claim(target, identity())
    (target / "checkpoints").mkdir()
    claim(target, identity())
    assert (target / "checkpoints").is_dir()
    with pytest.raises(SettingsError, match="holds another run: rate, seed, max_length differ"):
        claim(target, identity(plan=Plan(rate=1e-5, seed=3), max_length=128))
    claim(target, identity(max_length=128), fresh=True)
    assert not (target / "checkpoints").exists()
    assert json.loads((target / "run.json").read_text())["max_length"] == 128


def test_two_processes_do_not_share_a_run(tmp_path: Path) -> None:
    refused = pytest.raises(SettingsError, match="another process trains there")
    with claimed(tmp_path / "run", identity(), fresh=False), refused:
        claim(tmp_path / "run", identity())
    claim(tmp_path / "run", identity())


def test_a_directory_of_something_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    for fresh in (False, True):
        with pytest.raises(SettingsError, match=r"holds thesis\.txt, which no run wrote"):
            claim(tmp_path, identity(), fresh=fresh)
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(OutputError, match="cannot be written"):
        claim(tmp_path / "thesis.txt" / "run", identity())


def test_what_is_called_as_ours_is_not_touched_where_no_run_began(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "epoch-3.pt").write_text("of another tool")
    for fresh in (False, True):
        with pytest.raises(SettingsError, match="holds checkpoints, which no run wrote"):
            claim(tmp_path, identity(), fresh=fresh)
    assert (tmp_path / "checkpoints" / "epoch-3.pt").is_file()


def test_a_directory_whose_clearing_was_killed_can_be_cleared_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim(tmp_path, identity())
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "metrics.jsonl").write_text("")

    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.training.run_directory.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            claim(tmp_path, identity(), fresh=True)
    claim(tmp_path, identity(max_length=128), fresh=True)
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"version": 1, "plan": {"rate": -1}}'])
def test_a_run_file_that_cannot_be_read_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(SettingsError, match="cannot be read, so nobody knows") as caught:
        claim(tmp_path, identity())
    assert "\n" not in str(caught.value)


def test_every_part_of_a_run_is_in_its_fingerprint() -> None:
    other: dict[str, Any] = {
        "plan": Plan(seed=1),
        "base": "o/n",
        "base_headers_sha256": None,
        "base_tokenizer_sha256": "3" * 64,
        "examples_sha256": "4" * 64,
        "held_out_sha256": "5" * 64,
        "template": "t",
        "max_length": 97,
        "truncation": "head",
        "prompt_cap": "20%",
        "dtype": "bfloat16",
        "labels": 2,
    }
    assert {*other, "version"} == set(RunIdentity.model_fields)
    prints = {identity(**{name: value}).fingerprint for name, value in other.items()}
    assert len(prints | {identity().fingerprint}) == len(other) + 1


def tell(story: Story, *steps: int) -> None:
    for step in steps:
        story.stepped(StepFacts(step, 1.0 / step, 1e-3, 0.5))
    story.evaluated(Evaluation(step=steps[-1], epoch=1, loss=1.0, accuracy=0.5, loss_prior=1.1, battles=9))


def test_a_resumed_run_tells_every_step_once(tmp_path: Path) -> None:
    with Story(tmp_path) as story:
        story.begin(0)
        tell(story, *range(1, 8))
    with Story(tmp_path) as story:
        story.begin(4)
        tell(story, *range(5, 10))
    lines = read_metrics(tmp_path / "metrics.jsonl")
    assert [line["step"] for line in lines if line["kind"] == "step"] == list(range(1, 10))
    assert [line["step"] for line in lines if line["kind"] == "evaluation"] == [9]


def test_tensorboard_reads_what_was_told(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with Story(tmp_path) as story:
        story.begin(0)
        tell(story, 1, 2, 3, 4)
        story.begin(2)
        tell(story, 3, 4)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(each.step, each.value) for each in events.Scalars("training/loss")] == [
        (step, pytest.approx(1 / step)) for step in (1, 2, 3, 4)
    ]
    assert {"training/rate", "training/norm", "held_out/loss", "held_out/accuracy"} <= set(events.Tags()["scalars"])


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    with Story(tmp_path) as story:
        tell(story, 1, 2)
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert [line["step"] for line in read_metrics(path)] == [1, 2]
    with Story(tmp_path) as story:
        story.begin(2)
        tell(story, 3)
    assert [line["step"] for line in read_metrics(path)] == [1, 2, 3, 3]


def test_curves_are_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    with Story(tmp_path) as story:
        tell(story, *range(1, 30))
    assert draw_curves(tmp_path)
    data = (tmp_path / "curves.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert len(data) > 5000
