"""What was trained as a directory: it scores as it did, it is whole or not there, and it replaces nothing by accident."""

from pathlib import Path
from typing import Any

import pytest
from adapter_factory import record_of
from tiny_classifier import learnable, load, save_classifier
from training_runs import LENGTH, plan, run

from pipeline.errors import ModelUnusableError, OutputError, SettingsError
from pipeline.model.adapter import attach_adapter
from pipeline.model.runner import Padded, runner_of
from pipeline.scoring.partition import score_rows
from pipeline.scoring.work import encode_with
from pipeline.text.encode import Encoder
from pipeline.training.loop import Trained
from pipeline.training.record import (
    contradictions,
    read_record,
)
from pipeline.training.saving import check_directory, save_trained

FAMILIES = ("bert", "roberta", "distilbert", "llama", "gpt2")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_classifier(tmp_path_factory.mktemp("base") / "model", head=False)


def save(target: Path, trained: Trained, base: Path, **more: Any) -> None:
    save_trained(target, trained.classifier, trained.weights, record_of(base, **({"settings": {}} | more)), base)


def forecast(runner: Any, encoder: Encoder) -> Any:
    encode = encode_with(encoder)
    return score_rows(runner, encode, learnable(6), length=LENGTH, batch_tokens=300).probabilities


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("tune", ["lora", "head"])
def test_a_saved_adapter_scores_as_it_did_when_it_was_trained(tmp_path: Path, family: str, tune: str) -> None:
    base = save_classifier(tmp_path / "base", family=family, head=False)
    trained = run(base, plan(tune=tune, epochs=1, rate=1e-2, rank=2), battles=12)
    save(tmp_path / "adapter", trained, base)
    encoder = Encoder(trained.classifier.tokenizer, LENGTH)
    before = forecast(Padded(trained.classifier), encoder)
    again = attach_adapter(load(base, new_head=True), tmp_path / "adapter")
    after = forecast(Padded(again), encoder)
    assert before == after
    packed = forecast(runner_of(again), encoder)
    assert [each for row in packed for each in row] == pytest.approx([each for row in after for each in row], abs=1e-6)
    assert len(set(after)) > 1
    assert {each.name for each in (tmp_path / "adapter").iterdir()} == {
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "training.json",
    }
    assert {each.name for each in tmp_path.iterdir()} == {"base", "adapter"}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_that_was_trained_whole_stands_alone(tmp_path: Path, family: str) -> None:
    import torch

    base = save_classifier(tmp_path / "base", family=family, head=False)
    trained = run(base, plan(tune="full", epochs=1, rate=1e-2), battles=12)
    save(tmp_path / "model", trained, base)
    encoder = Encoder(trained.classifier.tokenizer, LENGTH)
    again = load(tmp_path / "model")
    stored, had = again.model.state_dict(), trained.classifier.model.state_dict()
    assert stored.keys() == had.keys()
    assert all(torch.equal(each, had[name]) for name, each in stored.items())
    before, after = forecast(Padded(trained.classifier), encoder), forecast(Padded(again), encoder)
    assert [each for row in after for each in row] == pytest.approx([each for row in before for each in row], abs=1e-6)
    assert again.model.config.id2label == {0: "A", 1: "B", 2: "tie"}
    assert (tmp_path / "model" / "tokenizer.json").read_bytes() == (base / "tokenizer.json").read_bytes()
    assert read_record(tmp_path / "model") is not None


def test_an_adapter_of_another_shape_of_model_is_refused(base: Path, tmp_path: Path) -> None:
    other = save_classifier(tmp_path / "llama", family="llama", head=False)
    save(tmp_path / "adapter", run(base), base)
    with pytest.raises(ModelUnusableError, match="adapter"):
        attach_adapter(load(other, new_head=True), tmp_path / "adapter")


@pytest.mark.parametrize("lose", ["classifier", "layer.1.attention.self.query.lora_A"])
def test_an_adapter_that_lost_a_tensor_is_refused(base: Path, tmp_path: Path, lose: str) -> None:
    from safetensors.torch import load_file, save_file

    save(tmp_path / "adapter", run(base), base)
    file = tmp_path / "adapter" / "adapter_model.safetensors"
    tensors = load_file(file)
    kept = {name: tensor for name, tensor in tensors.items() if lose not in name}
    assert len(kept) < len(tensors)
    save_file(kept, file, {"format": "pt"})
    with pytest.raises(ModelUnusableError, match=r"does not fit the model|cannot be laid over the model"):
        attach_adapter(load(base, new_head=True), tmp_path / "adapter")


def test_the_record_is_read_back_and_names_what_contradicts_it(base: Path, tmp_path: Path) -> None:
    record = record_of(base)
    (tmp_path / "training.json").write_text(record.model_dump_json())
    assert read_record(tmp_path) == record
    assert contradictions(record, base, max_length=None) == ()
    other = save_classifier(tmp_path / "other", family="llama")
    said = contradictions(record, other, max_length=128)
    assert [each for each in said if "weight headers are not those of" in each]
    assert "rows of 96 tokens, not 128" in said[-1]


@pytest.mark.parametrize("text", ["", "{}", '{"schema_version": 2}', "[]", '{"schema_version": 1, "extra": 0}'])
def test_a_record_that_cannot_be_read_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "training.json").write_text(text)
    with pytest.raises(SettingsError, match="no training record of version 1") as caught:
        read_record(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_adapter_without_a_record_has_none(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None


def test_a_directory_that_is_no_adapter_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="other things than an adapter"):
        check_directory(tmp_path, force=True)
    with pytest.raises(OutputError, match="not a directory"):
        check_directory(tmp_path / "thesis.txt", force=True)
    with pytest.raises(OutputError, match="cannot be written"):
        check_directory(tmp_path / "thesis.txt" / "adapter", force=False)
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_adapter_is_replaced_only_when_that_was_said(base: Path, tmp_path: Path) -> None:
    target = tmp_path / "adapter"
    trained = run(base)
    save(target, trained, base)
    with pytest.raises(OutputError, match="holds an adapter already"):
        check_directory(target, force=False)
    check_directory(target, force=True)
    save(target, trained, base, seed=7)
    found = read_record(target)
    assert found is not None
    assert found.seed == 7
    assert [each.name for each in tmp_path.iterdir()] == ["adapter"]


def test_checking_a_deep_place_leaves_no_directory_behind(tmp_path: Path) -> None:
    check_directory(tmp_path / "a" / "b" / "adapter", force=False)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_no_training_wrote_is_never_replaced(base: Path, tmp_path: Path) -> None:
    """`--output` beside `--model` is one slip away from the base itself."""
    copy = save_classifier(tmp_path / "copy")
    with pytest.raises(OutputError, match="other things than an adapter"):
        check_directory(copy, force=True)
    save(tmp_path / "model", run(base, plan(tune="full", epochs=1)), base)
    with pytest.raises(OutputError, match="holds a trained model already"):
        check_directory(tmp_path / "model", force=False)
    check_directory(tmp_path / "model", force=True)
