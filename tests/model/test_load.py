import shutil
from pathlib import Path

import pytest
from tiny_classifier import load, save_classifier

from pipeline.errors import ModelUnusableError, SettingsError
from pipeline.model.load import choose_length, load_classifier

FAMILIES = ("bert", "roberta", "distilbert", "llama", "gpt2")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    for family in FAMILIES:
        save_classifier(root / family, family=family)
    save_classifier(root / "llama-no-pad", family="llama", pad=False)
    save_classifier(root / "encoder", head=False)
    return root


@pytest.mark.parametrize("family", [*FAMILIES, "llama-no-pad"])
def test_a_batch_gives_the_logits_of_its_rows_one_by_one(models: Path, family: str) -> None:
    """Where the model looks for its last token, and where positions count, must not depend on the padding."""
    import torch

    classifier = load(models / family)
    rows = [tuple(range(10, 10 + length)) for length in (3, 30, 17, 8)]
    rows.append((*rows[1][:5], 1, 1))  # ends in the end-of-text token
    with torch.inference_mode():
        together = classifier.logits(rows)
        alone = torch.cat([classifier.logits([row]) for row in rows])
    assert torch.allclose(together, alone, atol=1e-5)
    assert together.std() > 1e-4  # not a constant, which would agree with itself in any order


def test_a_random_head_is_refused_unless_it_is_about_to_be_learned(models: Path) -> None:
    with pytest.raises(ModelUnusableError, match=r"lacks 2 weights that would be random: classifier.bias"):
        load(models / "encoder")
    assert load(models / "encoder", new_head=True).missing == ("classifier.bias", "classifier.weight")


def test_weights_that_are_absent_are_refused_also_for_training(models: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = tmp_path / "model"
    shutil.copytree(models / "bert", path)
    tensors = load_file(path / "model.safetensors")
    save_file(
        {k: v for k, v in tensors.items() if "layer.1.attention" not in k}, path / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(ModelUnusableError, match="weights that would be random"):
        load(path, new_head=True)


def test_what_the_library_refuses_is_one_line(tmp_path: Path) -> None:
    import torch

    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelUnusableError, match="cannot be loaded") as caught:
        load_classifier(tmp_path, labels=3, dtype=torch.float32, device=torch.device("cpu"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("family", "limit"), [("bert", 256), ("roberta", 253), ("llama", 256)])
def test_the_length_stays_within_the_positions_of_the_model(models: Path, family: str, limit: int) -> None:
    classifier = load(models / family)
    assert choose_length(None, classifier.tokenizer, classifier.model.config) == limit
    assert choose_length(64, classifier.tokenizer, classifier.model.config) == 64
    with pytest.raises(SettingsError, match=f"the model is made for {limit}"):
        choose_length(limit + 1, classifier.tokenizer, classifier.model.config)
    classifier.logits([tuple([10] * limit)])


def test_the_verbosity_of_the_library_is_put_back(models: Path) -> None:
    from transformers.utils import logging

    before = logging.get_verbosity()
    load(models / "bert")
    assert logging.get_verbosity() == before
