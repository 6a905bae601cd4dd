"""`--head tokens` end to end: a generative model is asked through its chat template, packed like a classifier."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from families import build, lora
from tiny_classifier import battle, write_lmsys

from pipeline.cli import run

pytestmark = pytest.mark.slow  # every run judges the chat template at the standard level, in processes of its own

BATTLES = [battle(str(n), "which one", "first " * (n % 5), "second " * (n % 3)) for n in range(7)]


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny llama with a chat template and room for the question."""
    return roomy(build(tmp_path_factory.mktemp("generator") / "model", "llama"))


def roomy(path: Path) -> Path:
    for name, key in (("config.json", "max_position_embeddings"), ("tokenizer_config.json", "model_max_length")):
        values = json.loads((path / name).read_text())
        (path / name).write_text(json.dumps(values | {key: 1024}))
    return path


def score(model: Path, test: Path, output: Path, *more: str) -> int:
    arguments = ["--model", str(model), "--head", "tokens", "--test", str(test), "--output", str(output)]
    return run(["score", *arguments, *more])


def by_hand(model: Path, each: Any, adapter: Path | None = None) -> list[float]:
    """Forecasts as the libraries alone give them."""
    import peft
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from pipeline.text.chat import question_of

    tokenizer = AutoTokenizer.from_pretrained(model)
    question = question_of(tokenizer, 3)
    row = question.encoder(tokenizer, 1024).encode([each])[0]
    language = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    if adapter is not None:
        language = peft.PeftModel.from_pretrained(language, adapter).eval()
    with torch.inference_mode():
        logits = language(input_ids=torch.tensor([row])).logits[0, -1, list(question.letters)]
    return list(logits.double().softmax(-1).tolist())


def test_letters_make_a_valid_submission_of_the_librarys_numbers(
    generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = write_lmsys(tmp_path / "test.csv", BATTLES)
    assert score(generator, test, tmp_path / "s.csv", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["padding"] == 0
    assert run(["validate", str(tmp_path / "s.csv"), "--test", str(test)]) == 0
    with (tmp_path / "s.csv").open(encoding="utf-8") as file:
        rows = [[float(cell) for cell in row[1:]] for row in list(csv.reader(file))[1:]]
    for each, row in zip(BATTLES, rows, strict=True):
        assert row == pytest.approx(by_hand(generator, each), abs=1e-6)
    assert score(generator, test, tmp_path / "swapped.csv", "--swap", "all", "--truncate", "tail") == 0


def test_a_causal_adapter_is_laid_over_the_model(generator: Path, tmp_path: Path) -> None:
    test = write_lmsys(tmp_path / "test.csv", BATTLES)
    adapter = lora(tmp_path / "adapter", generator)
    assert score(generator, test, tmp_path / "s.csv", "--adapter", str(adapter)) == 0
    with (tmp_path / "s.csv").open(encoding="utf-8") as file:
        rows = [[float(cell) for cell in row[1:]] for row in list(csv.reader(file))[1:]]
    for each, row in zip(BATTLES[:2], rows, strict=False):
        assert row == pytest.approx(by_hand(generator, each, adapter), abs=1e-6)
        assert row != pytest.approx(by_hand(generator, each), abs=1e-4)


def test_wsdm_is_asked_for_two_letters(generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"id": ["5", "6"], "prompt": ["p", "q"], "response_a": ["a", "b"], "response_b": ["c", "d"]}
    parquet.write_table(pa.table(columns | {"winner": ["model_a", "model_b"]}), tmp_path / "test.parquet")
    assert score(generator, tmp_path / "test.parquet", tmp_path / "s.csv") == 0
    assert (tmp_path / "s.csv").read_text().splitlines()[0] == "id,winner"
    labelled = ["--labelled", str(tmp_path / "test.parquet"), "--format", "json"]
    capsys.readouterr()
    assert run(["evaluate", "--model", str(generator), "--head", "tokens", *labelled]) == 0
    assert [each["label"] for each in json.loads(capsys.readouterr().out)["metrics"]["classes"]] == ["A", "B"]


def test_a_model_without_a_chat_template_is_refused(
    generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(generator, bare)
    (bare / "chat_template.jinja").unlink(missing_ok=True)
    values = json.loads((bare / "tokenizer_config.json").read_text())
    values.pop("chat_template", None)
    (bare / "tokenizer_config.json").write_text(json.dumps(values))
    test = write_lmsys(tmp_path / "test.csv", BATTLES)
    assert score(bare, test, tmp_path / "s.csv") == 1
    assert "no chat template" in capsys.readouterr().err
    assert not (tmp_path / "s.csv").exists()


def test_a_template_that_does_not_end_is_refused_by_the_preflight(
    generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is rendered in a process that is watched before it is rendered in this one."""
    hostile = tmp_path / "hostile"
    shutil.copytree(generator, hostile)
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    (hostile / "chat_template.jinja").write_text(endless)
    test = write_lmsys(tmp_path / "test.csv", BATTLES)
    assert score(hostile, test, tmp_path / "s.csv") == 1
    assert "error[T213]" in capsys.readouterr().err


def test_a_classifier_and_a_classifiers_adapter_are_refused(
    generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = write_lmsys(tmp_path / "test.csv", BATTLES)
    classifier = roomy(build(tmp_path / "classifier", "llama", classifier=True))
    assert score(classifier, test, tmp_path / "s.csv") == 1
    assert "C320" in capsys.readouterr().err
    tied = roomy(build(tmp_path / "tied", "llama", classifier=True, tied=True))
    assert score(tied, test, tmp_path / "s.csv") == 1
    assert "a LlamaForSequenceClassification, which answers with no letters" in capsys.readouterr().err
    adapter = tmp_path / "adapter"
    train = write_lmsys(tmp_path / "train.csv", [battle(str(n), f"p{n}", winner=n % 3) for n in range(6)])
    options = ["--epochs", "1", "--max-length", "128", "--holdout", "0"]
    assert run(["train", "--model", str(classifier), "--train", str(train), "--output", str(adapter), *options]) == 0
    assert score(generator, test, tmp_path / "s.csv", "--adapter", str(adapter)) == 2
    assert "it knows no letters" in capsys.readouterr().err
    assert not (tmp_path / "s.csv").exists()
