"""What was changed after the training is refused by every command that scores, each thing by its own sentence."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from adapter_factory import copied, peft_adapter, record_of, write_record
from tiny_classifier import battle, learnable, save_classifier, write_lmsys

from pipeline.cli import run
from pipeline.training.agreement import contradictions_of_adapter, contradictions_of_merged, read_merged
from pipeline.training.record import Merged, contradictions, file_sha256


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """base/, an adapter/ of it with its record, test.csv and solution.csv."""
    root = tmp_path_factory.mktemp("agreement")
    base = save_classifier(root / "base", family="llama", head=False)
    write_record(peft_adapter(base, root / "adapter"), record_of(base))
    write_lmsys(root / "test.csv", [battle(each.id, "p", each.answers_a[0], "x") for each in learnable(3)])
    write_lmsys(root / "solution.csv", learnable(3))
    return root


def edit(path: Path, change: Callable[[Any], None]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def config(**values: Any) -> Callable[[Path], None]:
    return lambda root: edit(root / "adapter" / "adapter_config.json", lambda each: each.update(values))


def record(**values: Any) -> Callable[[Path], None]:
    return lambda root: edit(root / "adapter" / "training.json", lambda each: each.update(values))


def other_tokenizer(root: Path) -> None:
    edit(root / "base" / "tokenizer.json", lambda each: each.update({"truncation": None, "version": "1.1"}))


def no_tokenizer_json(root: Path) -> None:
    edit(root / "adapter" / "training.json", lambda each: each["base"].update({"tokenizer_sha256": "0" * 64}))


def other_headers(root: Path) -> None:
    shutil.rmtree(root / "base")
    save_classifier(root / "base", family="llama", labels=3)  # the same body, saved with a head


CHANGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "alpha": (config(lora_alpha=16), "trained with alpha 8, and adapter_config.json says lora_alpha 16"),
    "scale": (config(use_rslora=True), "adapter_config.json says use_rslora True"),
    "alpha of some": (config(alpha_pattern={"q_proj": 64}), "adapter_config.json has a alpha_pattern"),
    "label order": (record(labels=["B", "A", "tie"]), "its columns are B, A, tie"),
    "labels": (record(labels=["A", "B"]), "a head with 2 labels"),
    "template": (record(template="battle-v9"), "there is no template 'battle-v9'"),
    "prompt cap": (record(prompt_cap="ten"), "no training record of version 1: prompt_cap"),
    "tokenizer": (other_tokenizer, "it was trained with another tokenizer.json"),
    "tokenizer's hash": (no_tokenizer_json, "it was trained with another tokenizer.json"),
    "base": (other_headers, "whose weight headers are not those of"),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("command", ["score", "evaluate"])
def test_what_was_changed_after_the_training_is_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str, command: str
) -> None:
    root = copied(place, tmp_path / "root")
    full = {"rslora": False, "dora": False, "rank": 4, "alpha": 8}
    record(settings=full)(root)
    change, said = CHANGES[what]
    change(root)
    rows = ["--labelled", str(root / "solution.csv")] if command == "evaluate" else [
        "--test", str(root / "test.csv"), "--output", str(root / "s.csv")]  # fmt: skip
    given = ["--model", str(root / "base"), "--adapter", str(root / "adapter")]
    assert run([command, *given, *rows]) == 2
    assert said in capsys.readouterr().err
    assert not (root / "s.csv").exists()


def test_a_rank_that_was_changed_is_refused_before_anything_is_loaded(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The resolver sees it in the shapes (A404); the record would too."""
    root = copied(place, tmp_path / "root")
    config(r=8)(root)
    given = ["--model", str(root / "base"), "--adapter", str(root / "adapter"), "--test", str(root / "test.csv")]
    assert run(["score", *given, "--output", str(root / "s.csv")]) == 1
    assert "A404" in capsys.readouterr().err
    said = contradictions_of_adapter(record_of(root / "base"), root / "adapter")
    assert said == ("it was trained with rank 4, and adapter_config.json says r 8",)


def test_what_agrees_says_nothing(place: Path) -> None:
    made = record_of(place / "base")
    assert contradictions_of_adapter(made, place / "adapter") == ()
    assert contradictions(made, place / "base", max_length=96, way="middle") == ()


def test_a_record_that_names_no_scale_is_not_held_against_the_adapter(place: Path) -> None:
    """Records of other tools, and of trainings without a LoRA."""
    assert contradictions_of_adapter(record_of(place / "base", settings={}), place / "adapter") == ()


def test_force_turns_a_refusal_into_a_note(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = copied(place, tmp_path / "root")
    config(lora_alpha=16)(root)
    given = ["--model", str(root / "base"), "--adapter", str(root / "adapter"), "--test", str(root / "test.csv")]
    assert run(["score", *given, "--output", str(root / "s.csv"), "--force"]) == 0
    assert "note: it was trained with alpha 8" in capsys.readouterr().err


def test_a_foreign_training_json_beside_a_model_is_nothing_of_ours(place: Path, tmp_path: Path) -> None:
    root = copied(place, tmp_path / "root")
    for text in ('{"epochs": 3}', "[1]", "no JSON"):
        (root / "base" / "training.json").write_text(text)
        assert read_merged(root / "base") is None
    given = ["--model", str(root / "base"), "--adapter", str(root / "adapter"), "--test", str(root / "test.csv")]
    assert run(["score", *given, "--output", str(root / "s.csv")]) == 0


def test_an_adapter_over_a_merged_model_counts_twice_unless_it_was_trained_over_that(
    place: Path, tmp_path: Path
) -> None:
    base, adapter = place / "base", place / "adapter"
    weights = file_sha256(adapter / "adapter_model.safetensors")
    made = Merged(headers_sha256="0" * 64, adapter_sha256=weights, dtype="auto")
    merged = record_of(base, merged=made)
    twice = "an adapter of the same base is merged"
    (tmp_path / "config.json").write_text('{"id2label": {"0": "A", "1": "B", "2": "tie"}}')
    own = contradictions_of_merged(merged, tmp_path, adapter=adapter)
    assert [each[: len(twice)] for each in own] == [twice]
    other = peft_adapter(base, tmp_path / "other", settings={"r": 2})
    assert len(contradictions_of_merged(merged, tmp_path, adapter=other, trained=record_of(base))) == 1
    over_it = record_of(base, base=merged.base.model_copy(update={"reference": str(tmp_path)}))
    assert contradictions_of_merged(merged, tmp_path, adapter=other, trained=over_it) == ()


def test_a_record_whose_json_is_nested_without_end_is_none_of_a_merged_model(tmp_path: Path) -> None:
    (tmp_path / "training.json").write_text("[" * 200_000)
    assert read_merged(tmp_path) is None


def test_a_record_that_contradicts_cannot_forge_a_line(place: Path, tmp_path: Path, capsys: Any) -> None:
    for each in ("base", "adapter"):
        shutil.copytree(place / each, tmp_path / each)
    other = {"reference": "x\x1b[2J\nvalid: all is well", "headers_sha256": "0" * 64}
    edit(tmp_path / "adapter" / "training.json", lambda value: value["base"].update(other))
    command = ["score", "--model", str(tmp_path / "base"), "--adapter", str(tmp_path / "adapter"), "--test"]
    command += [str(place / "test.csv"), "--output", str(tmp_path / "out.csv")]
    assert run(command) == 2
    refused = capsys.readouterr().err
    assert run([*command, "--force"]) == 0
    for said in (refused, capsys.readouterr().err):
        assert "\x1b" not in said
        assert "\nvalid: all is well" not in said
        assert r"x\x1b[2J\nvalid: all is well" in said
