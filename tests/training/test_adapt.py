"""What is made trainable, and what is not."""

from pathlib import Path
from typing import Any

import pytest
from tiny_classifier import load, save_classifier

from pipeline.errors import SettingsError
from pipeline.training.adapt import groups, lora_targets, modules_to_save, prepare, trainables
from pipeline.training.plan import Plan

FAMILIES = ("bert", "roberta", "distilbert", "llama", "gpt2")


def prepared(path: Path, family: str, **more: Any) -> Any:
    import torch

    classifier = load(save_classifier(path, family=family))
    torch.manual_seed(0)
    return prepare(classifier, Plan(**({"rank": 2, "alpha": 4, "dropout": 0.0} | more)))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_linear_layer_of_the_encoder_gets_a_lora_and_the_head_none(tmp_path: Path, family: str) -> None:
    model = load(save_classifier(tmp_path, family=family)).model
    saved, count = modules_to_save(model), len(lora_targets(model))
    assert saved
    adapted = prepared(tmp_path / "again", family).model
    names = [name for name, _ in adapted.named_parameters() if "lora_A" in name]
    assert len(names) == count >= 8
    assert not any(f".{head}." in name for name in names for head in saved)


@pytest.mark.parametrize("family", FAMILIES)
def test_targets_are_found_in_every_family_by_its_own_names(tmp_path: Path, family: str) -> None:
    model = load(save_classifier(tmp_path, family=family)).model
    everything, attention = set(lora_targets(model)), set(lora_targets(model, "attention"))
    assert set() < attention < everything
    assert all("att" in name for name in attention)
    output_value = set(lora_targets(model, "output-value"))
    assert output_value < attention
    # Two layers each; GPT-2 has queries, keys and values in one projection.
    assert len(output_value) == (0 if family == "gpt2" else 4)


def test_targets_that_a_family_does_not_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="has no layers that --targets output-value names"):
        prepared(tmp_path, "gpt2", targets="output-value")


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_trained_is_what_was_asked_for(tmp_path: Path, family: str) -> None:
    whole = prepared(tmp_path / "full", family, tune="full").model
    assert all(parameter.requires_grad for parameter in whole.parameters())
    head = trainables(prepared(tmp_path / "head", family, tune="head").model)
    assert head
    assert all(each.is_head for each in head)
    lora = trainables(prepared(tmp_path / "lora", family).model)
    assert {each.name for each in lora if not each.is_head} == {each.name for each in lora if "lora_" in each.name}
    assert [each.name for each in lora if each.is_head]


def test_what_is_trained_is_float32_over_a_base_of_half_precision(tmp_path: Path) -> None:
    import torch

    classifier = load(save_classifier(tmp_path, family="llama"))
    classifier.model.to(torch.bfloat16)
    adapted = prepare(classifier, Plan(rank=2, alpha=4)).model
    assert {each.dtype for each in adapted.parameters() if each.requires_grad} == {torch.float32}
    assert {each.dtype for each in adapted.parameters() if not each.requires_grad} == {torch.bfloat16}


def test_the_head_has_a_rate_of_its_own_and_vectors_do_not_decay(tmp_path: Path) -> None:
    plan = Plan(tune="full", rate=1e-5, head_rate=1e-3, weight_decay=0.1)
    parts = trainables(prepared(tmp_path, "bert", tune="full").model)
    found = groups(parts, plan)
    assert sum(len(group["params"]) for group in found) == len(parts)
    assert [(group["peak"], group["weight_decay"]) for group in found] == [
        (1e-5, 0.1),
        (1e-5, 0.0),
        (1e-3, 0.1),
        (1e-3, 0.0),
    ]
    assert all(each.dim() > 1 for group in found if group["weight_decay"] for each in group["params"])


def test_a_head_that_the_checkpoint_has_is_gone_on_with(tmp_path: Path) -> None:
    import torch

    before = load(save_classifier(tmp_path, family="llama")).model.score.weight.clone()
    adapted = prepare(load(tmp_path), Plan(rank=2, alpha=4)).model
    (head,) = [each.parameter for each in trainables(adapted) if each.is_head]
    assert torch.equal(head.detach(), before)
