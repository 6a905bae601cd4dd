"""The letters' logits of packed rows are those of the library's own forward of each row alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from families import build, lora

from pipeline.errors import ModelUnusableError
from pipeline.model.language import (
    LanguageModel,
    LettersOneByOne,
    PackedLetters,
    attach_to_language,
    letters_runner,
    load_language_model,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.model.runner import Runner

FAMILIES = ("llama", "mistral", "qwen2", "qwen3", "qwen3_moe", "gemma2", "phi3", "gpt2")
LETTERS = (40, 17, 99)
ROWS = [tuple((7 * place * length + 5) % 200 + 5 for place in range(length)) for length in (100, 1, 7, 64, 33, 90, 16)]
AGREE = 1e-5


def opened(path: Path) -> LanguageModel:
    import torch

    torch.set_num_threads(1)
    return load_language_model(path, dtype=torch.float32, device=torch.device("cpu"))


def alone(path: Path, adapter: Path | None = None) -> Any:
    """The library's logits of each row, by its plainest attention, for the whole vocabulary."""
    import peft
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, attn_implementation="eager").eval()
    if adapter is not None:
        model = peft.PeftModel.from_pretrained(model, adapter).eval()
    with torch.inference_mode():
        return torch.cat([model(input_ids=torch.tensor([row])).logits[:, -1, list(LETTERS)] for row in ROWS])


def logits(runner: Runner) -> Any:
    """As an engine does it: plan, run, put back."""
    import torch

    results: dict[int, Any] = {}
    with torch.inference_mode():
        for batch in runner.plan([len(row) for row in ROWS], 150):
            results |= dict(zip(batch, runner.logits([ROWS[place] for place in batch]), strict=True))
    return torch.stack([results[place] for place in range(len(ROWS))])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_packed_row_has_the_letters_logits_of_the_row_alone(tmp_path: Path, family: str) -> None:
    path = build(tmp_path / family, family)
    expected = alone(path)
    runner = letters_runner(opened(path), LETTERS)
    assert isinstance(runner, PackedLetters)
    assert runner.labels == 3
    assert (logits(runner) - expected).abs().max() < AGREE
    assert expected.std() > 1e-3


def test_gemmas_soft_cap_bends_the_logits(tmp_path: Path) -> None:
    """With a cap this low a logit without it would be far away."""
    import torch

    path = build(tmp_path / "m", "gemma2")
    model = opened(path)
    model.model.config.final_logit_softcapping = 0.5
    with torch.inference_mode():
        plain = torch.cat([model.model(input_ids=torch.tensor([row])).logits[:, -1, list(LETTERS)] for row in ROWS])
    assert plain.abs().max() < 0.5
    assert (logits(letters_runner(model, LETTERS)) - plain).abs().max() < AGREE


def test_the_language_head_sees_one_token_a_row(tmp_path: Path) -> None:
    model = opened(build(tmp_path / "m", "llama"))
    seen: list[tuple[int, ...]] = []
    model.model.lm_head.register_forward_pre_hook(lambda _, given: seen.append(tuple(given[0].shape)))
    runner = letters_runner(model, LETTERS)
    logits(runner)
    batches = runner.plan([len(row) for row in ROWS], 150)
    assert seen == [(len(batch), 32) for batch in batches]
    assert len(batches) < len(ROWS)


@pytest.mark.parametrize("rope", [None, "dynamic"], ids=["packed", "one by one"])
def test_an_adapter_over_the_language_model_counts(tmp_path: Path, rope: str | None) -> None:
    import json

    path = build(tmp_path / "m", "llama")
    if rope is not None:
        config = json.loads((path / "config.json").read_text())
        config["rope_parameters"] = {"rope_type": rope, "rope_theta": 10_000.0, "factor": 2.0}
        (path / "config.json").write_text(json.dumps(config))
    adapter = lora(tmp_path / "a", path)
    runner = letters_runner(attach_to_language(opened(path), adapter), LETTERS)
    assert isinstance(runner, LettersOneByOne if rope else PackedLetters)
    assert runner.labels == 3
    assert (logits(runner) - alone(path, adapter)).abs().max() < AGREE
    assert (alone(path) - alone(path, adapter)).abs().max() > 1e-3


def test_a_family_whose_head_is_not_known_is_run_by_its_own_forward(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.model import language

    path = build(tmp_path / "m", "qwen2")
    monkeypatch.setattr(language, "PLAIN_HEADS", frozenset({"llama"}))
    runner = letters_runner(opened(path), LETTERS)
    assert isinstance(runner, LettersOneByOne)
    assert runner.plan([3, 9, 5], 9) == ((1,), (2, 0))
    assert runner.computed([3]) == 3
    assert (logits(runner) - alone(path)).abs().max() < AGREE


def test_a_model_without_its_language_head_is_refused(tmp_path: Path) -> None:
    path = build(tmp_path / "m", "llama", classifier=True)
    with pytest.raises(ModelUnusableError, match=r"would be random: lm_head\.weight"):
        opened(path)


def test_a_classifiers_adapter_over_a_language_model_is_refused(tmp_path: Path) -> None:
    path = build(tmp_path / "m", "llama")
    adapter = lora(tmp_path / "a", path, task="SEQ_CLS")
    with pytest.raises(ModelUnusableError, match=r"cannot be laid over|does not fit"):
        attach_to_language(opened(path), adapter)
