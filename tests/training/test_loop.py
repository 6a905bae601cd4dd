from pathlib import Path
from typing import Any

import pytest
from tiny_classifier import battle, learnable, load, save_classifier

from pipeline.errors import ModelUnusableError, OutputError, SettingsError
from pipeline.model.adapter import attach_adapter, lora_targets, modules_to_save, new_adapter
from pipeline.model.runner import Padded, runner_of
from pipeline.scoring.partition import score_rows
from pipeline.scoring.work import encode_with
from pipeline.text.encode import Encoder
from pipeline.training.checkpoint import check_directory, save_adapter
from pipeline.training.loop import DivergedError, Plan, Trained, train
from pipeline.training.record import (
    Base,
    Data,
    Metrics,
    TrainingRecord,
    contradictions,
    headers_sha256,
    read_record,
    tokenizer_sha256,
)

PLAN = Plan(epochs=2, batch_size=6, rate=5e-3, rank=4, alpha=8)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_classifier(tmp_path_factory.mktemp("base") / "model", head=False)


def run(base: Path, plan: Plan = PLAN, **more: Any) -> Trained:
    classifier = load(base, new_head=True)
    return train(classifier, Encoder(classifier.tokenizer, 96), learnable(24), learnable(6), plan, **more)


def forecast(runner: Any, encoder: Encoder) -> Any:
    encode = encode_with(encoder)
    return score_rows(runner, encode, learnable(6), length=encoder.max_length, batch_tokens=300).probabilities


def record_of(base: Path, **more: Any) -> TrainingRecord:
    values: dict[str, Any] = {
        "base": Base(
            reference=str(base),
            hub_id=None,
            headers_sha256=headers_sha256(base),
            tokenizer_sha256=tokenizer_sha256(base),
        ),
        "data": Data(name="t.csv", contest="lmsys", battles=24, held_out=6, sha256="0" * 64),
        "template": "battle-v1",
        "max_length": 96,
        "labels": ("A", "B", "tie"),
        "seed": 0,
        "settings": {},
        "versions": {},
        "metrics": Metrics(log_loss=1.0, log_loss_prior=1.1, accuracy=0.5, training_log_loss=1.0, steps=8, seconds=1.0),
    }
    return TrainingRecord(**(values | more))


def test_the_same_seed_gives_the_same_losses_to_the_last_bit(base: Path) -> None:
    import torch

    first = run(base)
    torch.manual_seed(99)  # whatever else drew numbers before
    second = run(base)
    assert first.losses == second.losses
    assert first.evaluations == second.evaluations
    assert run(base, Plan(epochs=2, batch_size=6, rate=5e-3, rank=4, alpha=8, seed=1)).losses != first.losses


def test_the_global_random_state_is_left_alone(base: Path) -> None:
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run(base)
    # Loading draws a head that is then drawn again from the seed; training itself draws nothing from outside.
    classifier = load(base, new_head=True)
    torch.manual_seed(5)
    train(classifier, Encoder(classifier.tokenizer, 96), learnable(6), (), Plan(epochs=1, rank=2))
    assert torch.equal(torch.rand(3), expected)


def test_micro_batches_change_the_memory_and_not_the_loss(base: Path) -> None:
    whole, parts = run(base, PLAN).losses, run(base, Plan(**{**PLAN_FIELDS, "batch_tokens": 100})).losses
    # Dropout draws differ once the micro-batches do; without it they agree.
    calm = {**PLAN_FIELDS, "dropout": 0.0}
    assert len(whole) == len(parts)
    without = [still(base, Plan(**{**calm, "batch_tokens": tokens})) for tokens in (4096, 100)]
    assert without[0] == pytest.approx(without[1], abs=1e-4)


PLAN_FIELDS: dict[str, Any] = {"epochs": 2, "batch_size": 6, "rate": 5e-3, "rank": 4, "alpha": 8}


def still(base: Path, plan: Plan) -> tuple[float, ...]:
    import torch

    classifier = load(base, new_head=True)
    for module in classifier.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    classifier.model.config.attention_probs_dropout_prob = 0.0
    for module in classifier.model.modules():
        if hasattr(module, "dropout_prob"):
            module.dropout_prob = 0.0
    return train(classifier, Encoder(classifier.tokenizer, 96), learnable(24), (), plan).losses


def test_what_can_be_learned_is_learned(base: Path) -> None:
    """A training that works leaves the prior far behind; one that does not stays at ln 3."""
    classifier = load(base, new_head=True)
    plan = Plan(epochs=12, batch_size=6, rate=1e-2, rank=8, alpha=16, dropout=0.0, swap=False)
    trained = train(classifier, Encoder(classifier.tokenizer, 96), learnable(48), learnable(12), plan)
    assert trained.losses[0] > 0.8
    assert trained.evaluations[-1].loss < 0.5 * trained.evaluations[-1].loss_prior


def test_every_epoch_is_evaluated_and_told(base: Path) -> None:
    said: list[str] = []
    steps: list[int] = []
    trained = run(base, Plan(**{**PLAN_FIELDS, "evaluate_every": 3}), tell=said.append, advance=steps.append)
    assert [each.step for each in trained.evaluations] == [3, 4, 6, 8]
    assert len(said) == 4
    assert "held out" in said[0]
    assert sum(steps) == 48


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "llama", "gpt2"])
def test_a_saved_adapter_scores_as_it_did_when_it_was_trained(tmp_path: Path, family: str) -> None:
    base = save_classifier(tmp_path / "base", family=family, head=False)
    classifier = load(base, new_head=True)
    encoder = Encoder(classifier.tokenizer, 96)
    trained = train(classifier, encoder, learnable(12), (), Plan(epochs=1, batch_size=4, rate=1e-2, rank=2))
    save_adapter(tmp_path / "adapter", trained.classifier, record_of(base))
    before = forecast(Padded(trained.classifier), encoder)
    again = attach_adapter(load(base, new_head=True), tmp_path / "adapter")
    after = forecast(Padded(again), encoder)
    assert before == after
    packed = forecast(runner_of(again), encoder)
    assert [each for row in packed for each in row] == pytest.approx([each for row in after for each in row], abs=1e-6)
    assert len(set(after)) > 1
    assert {each.name for each in (tmp_path / "adapter").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "training.json",
    }
    assert {each.name for each in tmp_path.iterdir()} == {"base", "adapter"}


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "llama", "gpt2"])
def test_every_linear_layer_of_the_encoder_gets_a_lora_and_the_head_none(tmp_path: Path, family: str) -> None:
    classifier = load(save_classifier(tmp_path, family=family))
    saved = modules_to_save(classifier)
    assert saved
    count = len(lora_targets(classifier.model, saved))
    adapted = new_adapter(classifier, rank=2, alpha=4, dropout=0.0).model
    names = [name for name, _ in adapted.named_parameters() if "lora_A" in name]
    assert len(names) == count >= 8
    assert not any(f".{head}." in name for name in names for head in saved)


def test_an_adapter_of_another_shape_of_model_is_refused(base: Path, tmp_path: Path) -> None:
    other = save_classifier(tmp_path / "llama", family="llama", head=False)
    trained = run(base)
    save_adapter(tmp_path / "adapter", trained.classifier, record_of(base))
    with pytest.raises(ModelUnusableError, match="adapter"):
        attach_adapter(load(other, new_head=True), tmp_path / "adapter")


@pytest.mark.parametrize("lose", ["classifier", "layer.1.attention.self.query.lora_A"])
def test_an_adapter_that_lost_a_tensor_is_refused(base: Path, tmp_path: Path, lose: str) -> None:
    from safetensors.torch import load_file, save_file

    save_adapter(tmp_path / "adapter", run(base).classifier, record_of(base))
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
    save_adapter(target, trained.classifier, record_of(base))
    with pytest.raises(OutputError, match="holds an adapter already"):
        check_directory(target, force=False)
    check_directory(target, force=True)
    save_adapter(target, trained.classifier, record_of(base, seed=7))
    found = read_record(target)
    assert found is not None
    assert found.seed == 7
    assert [each.name for each in tmp_path.iterdir()] == ["adapter"]


def test_checking_a_deep_place_leaves_no_directory_behind(tmp_path: Path) -> None:
    check_directory(tmp_path / "a" / "b" / "adapter", force=False)
    assert list(tmp_path.iterdir()) == []


def test_labels_that_the_head_has_no_column_for_are_refused(base: Path) -> None:
    classifier = load(base, new_head=True)
    encoder = Encoder(classifier.tokenizer, 96)
    with pytest.raises(SettingsError, match="battle 9 has no winner"):
        train(classifier, encoder, [battle("9")], (), PLAN)
    with pytest.raises(SettingsError, match=r"nothing to train on|no battle to train on"):
        train(classifier, encoder, (), (), PLAN)


def test_a_loss_that_is_no_number_stops_the_run(base: Path) -> None:
    with pytest.raises(DivergedError, match="the loss of step"):
        run(base, Plan(**{**PLAN_FIELDS, "rate": 1e30}))
