"""Weights of fewer bits, and adapters that are added into the weights; the libraries' own forward is the oracle."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from families import build, lora, quantised
from tiny_classifier import battle, write_lmsys

from pipeline.cli import run
from pipeline.model.runner import Packed
from pipeline.scoring.letters import LoadLetters
from pipeline.scoring.loading import LoadClassifier
from pipeline.scoring.throughput import facts_of

ROWS = [tuple(range(5, 5 + length)) for length in (30, 3, 17)]
BATTLES = [battle(str(n), f"p{n}", "first " * (n % 5), "second " * (n % 3)) for n in range(5)]
LETTERS = (7, 8, 9)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    torch.set_num_threads(1)
    return build(tmp_path_factory.mktemp("quantise") / "base", "llama_wide", classifier=True)


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("language") / "base", "llama_wide")


def logits(runner: Any, rows: Any = ROWS) -> Any:
    import torch

    with torch.inference_mode():
        return runner.logits(rows)


def oracle(auto: Any, path: Path, adapter: Path | None = None, how: str = "none", **more: Any) -> Any:
    """The model as transformers and PEFT make it, by their documentation."""
    import peft
    import torch
    from transformers import BitsAndBytesConfig

    heads = ["score", "lm_head"]
    if how == "int8":
        more["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=heads)
    if how == "int4":
        more["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=torch.float32,
            llm_int8_skip_modules=heads,
        )
    model = auto.from_pretrained(path, dtype=torch.float32, **more)
    return (model if adapter is None else peft.PeftModel.from_pretrained(model, adapter)).eval()


def alone(model: Any, columns: Any = None) -> Any:
    """Row by row, without padding."""
    import torch

    with torch.inference_mode():
        found = [model(input_ids=torch.tensor([row])).logits for row in ROWS]
    return torch.cat([each[:, -1, list(columns)] if columns else each for each in found])


@pytest.mark.parametrize("how", ["int8", "int4"])
def test_all_but_the_head_is_quantised_and_the_logits_are_the_librarys(base: Path, how: Any) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification as Auto

    runner = LoadClassifier(base, None, 3, "float32", how)("cpu")
    assert isinstance(runner, Packed)
    model: Any = runner.classifier.model
    kinds = Counter(type(module).__name__ for module in model.modules() if isinstance(module, torch.nn.Linear))
    assert kinds == {"Linear8bitLt" if how == "int8" else "Linear4bit": 14, "Linear": 1}
    assert type(model.score) is torch.nn.Linear
    wanted = alone(oracle(Auto, base, how=how, num_labels=3))
    torch.testing.assert_close(logits(runner), wanted, atol=2e-3 if how == "int8" else 1e-4, rtol=1e-3)
    assert not torch.equal(logits(runner), alone(oracle(Auto, base, num_labels=3)))


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2", "distilbert"])
def test_pooler_and_head_of_every_family_stay_as_they_are(tmp_path: Path, family: str) -> None:
    from tiny_classifier import save_classifier

    runner: Any = LoadClassifier(save_classifier(tmp_path / "model", family=family), None, 3, "float32", "int8")("cpu")
    model = runner.classifier.model
    kinds = {name: type(module).__name__ for name, module in model.named_modules() if hasattr(module, "weight")}
    head = {name: kind for name, kind in kinds.items() if name.split(".")[0] != model.base_model_prefix}
    poolers = {name: kind for name, kind in kinds.items() if "pooler" in name}
    assert set((head | poolers).values()) == {"Linear"}
    assert bool(poolers) is (family == "bert")
    assert "Linear8bitLt" in kinds.values()


def test_a_device_multiplies_as_many_elements_in_four_bits_as_before(base: Path) -> None:
    whole, small = (facts_of(LoadClassifier(base, None, 3, "float32", how)("cpu")) for how in ("none", "int4"))
    assert small.block_parameters == whole.block_parameters


def test_a_language_head_stays_as_it_is(language: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM as Auto

    runner = LoadLetters(language, None, LETTERS, "float32", "int4")("cpu")
    model: Any = runner.language.model  # type: ignore[attr-defined]
    assert type(model.lm_head) is torch.nn.Linear
    wanted = alone(oracle(Auto, language, how="int4"), LETTERS)
    torch.testing.assert_close(logits(runner), wanted, atol=1e-4, rtol=1e-3)


def test_a_classifiers_adapter_is_merged_and_its_head_kept(base: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification as Auto

    adapter = lora(tmp_path / "adapter", base, task="SEQ_CLS")
    runner = LoadClassifier(base, adapter, 3, "float32")("cpu")
    assert isinstance(runner, Packed)
    model: Any = runner.classifier.model
    assert not hasattr(model, "peft_config")
    assert {type(module).__module__.split(".")[0] for module in model.modules()} <= {"torch", "transformers"}
    unmerged = oracle(Auto, base, adapter, num_labels=3)
    torch.testing.assert_close(logits(runner), alone(unmerged), atol=1e-5, rtol=0)
    assert torch.equal(model.score.weight, unmerged.base_model.model.score.modules_to_save["default"].weight)
    assert not torch.allclose(logits(runner), alone(oracle(Auto, base, num_labels=3)), atol=1e-2)


def test_a_causal_adapter_is_merged(language: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM as Auto

    adapter = lora(tmp_path / "adapter", language)
    runner = LoadLetters(language, adapter, LETTERS, "float32")("cpu")
    assert not hasattr(runner.language.model, "peft_config")  # type: ignore[attr-defined]
    torch.testing.assert_close(logits(runner), alone(oracle(Auto, language, adapter), LETTERS), atol=1e-5, rtol=0)


def test_over_quantised_weights_an_adapter_stays_layers(base: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification as Auto

    adapter = lora(tmp_path / "adapter", base, task="SEQ_CLS")
    runner = LoadClassifier(base, adapter, 3, "float32", "int4")("cpu")
    assert isinstance(runner, Packed)
    assert hasattr(runner.classifier.model, "peft_config")
    wanted = alone(oracle(Auto, base, adapter, "int4", num_labels=3))
    torch.testing.assert_close(logits(runner), wanted, atol=1e-4, rtol=1e-3)


def test_a_checkpoint_that_is_quantised_is_loaded_as_it_is(language: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM as Auto

    stored = quantised(tmp_path / "packed", language, "nf4")
    adapter = lora(tmp_path / "adapter", language)
    for over in (None, adapter):
        runner = LoadLetters(stored, over, LETTERS, "float32")("cpu")
        assert runner.language.quantised  # type: ignore[attr-defined]
        torch.testing.assert_close(logits(runner), alone(oracle(Auto, stored, over), LETTERS), atol=1e-4, rtol=1e-3)


def score(model: Path, place: Path, *more: str) -> int:
    write_lmsys(place / "test.csv", BATTLES)
    arguments = ["--model", str(model), "--test", str(place / "test.csv"), "--output", str(place / "s.csv")]
    return run(["score", *arguments, *more])


def test_the_command_quantises_and_the_journal_says_so(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--keep-journal", "--max-length", "120")
    assert score(base, tmp_path, "--quantize", "int8", "--format", "json", *options) == 0
    told = capsys.readouterr()
    assert "MatMul8bitLt" not in told.err + told.out
    (report,) = json.loads(told.out)["reports"]
    reasons = {each["code"]: each["reason"] for each in report["checks"]["skipped"]}
    assert not any("ignored" in reason for reason in reasons.values())
    assert score(base, tmp_path, "--quantize", "int4", *options) == 2
    assert "another run: quantize differs" in capsys.readouterr().err
    assert score(base, tmp_path, "--quantize", "int4", "--fresh", "--force", *options) == 0


def test_what_is_quantised_already_is_not_quantised_again(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification as Auto
    from transformers import AutoTokenizer, BitsAndBytesConfig

    config = BitsAndBytesConfig(load_in_4bit=True, llm_int8_skip_modules=["score"])
    Auto.from_pretrained(base, dtype=torch.float32, quantization_config=config).save_pretrained(tmp_path / "packed")
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "packed")
    assert score(tmp_path / "packed", tmp_path, "--quantize", "int4", "--max-length", "120") == 1
    assert "error[C310] quantization-unsupported: --quantize int4: the weights are" in (told := capsys.readouterr().err)
    assert "quantised already (bitsandbytes)" in told
    assert not (tmp_path / "s.csv").exists()
    assert score(tmp_path / "packed", tmp_path, "--max-length", "120", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["rows"] == len(BATTLES)


def test_layers_too_odd_for_four_bits_on_a_cpu_are_refused_before_the_first_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tiny_classifier import save_classifier

    assert score(save_classifier(tmp_path / "model"), tmp_path, "--quantize", "int4") == 1
    assert "cannot be run in 4 bits on a CPU" in capsys.readouterr().err
