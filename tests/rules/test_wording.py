"""C312 and C314: what the real library makes of the words in config.json."""

import pytest
from model_factory import edit_json, model_dir
from rule_driver import TRIED, judge

from resolver.rules import wording
from resolver.rules.rule import Intent
from resolver.rules.wording import FLOATING, OTHER


def load(root, **options):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(str(root), local_files_only=True, **options)


def of(root, code, **options):
    return [each.severity for each in judge(root, rules=wording.RULES, **options).of(code)]


def with_dtype(root, name, key="dtype"):
    model_dir(root, tokenizer=False)
    edit_json(root / "config.json", lambda value: {**{k: v for k, v in value.items() if k != "dtype"}, key: name})
    return root


# --- C312 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "installed", "severities"),
    [
        ("5.2.0", "4.57.6", ["info"]),
        ("4.42.0.dev0", "4.41.2", ["info"]),
        ("4.41.9", "4.41.2", []),
        ("4.41.2", "5.23.0", []),
        ("5.24.0", "5.23.0", ["info"]),
    ],
)
def test_c312_newer_than_the_reader_is_worth_knowing(tmp_path, written, installed, severities):
    root = model_dir(tmp_path / "m", config={"transformers_version": written})
    assert of(root, "C312", packages={**TRIED, "transformers": installed}) == severities


def test_c312_written_by_newer_loads_in_the_installed_library(tmp_path):
    root = model_dir(tmp_path / "m", config={"transformers_version": "99.0.0"}, tokenizer=False)
    load(root)
    assert of(root, "C312") == ["info"]


@pytest.mark.parametrize(("config", "packages"), [({}, TRIED), ({"transformers_version": "5.0"}, {})])
def test_c312_near_miss_what_cannot_be_compared_is_said_so(tmp_path, config, packages):
    root = model_dir(tmp_path / "m", config=config)
    assert judge(root, rules=wording.RULES, packages=packages).skipped["C312"]


# --- C314 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fp16", "bf16", "torch.float16", "F16", "auto", "floaty16"])
@pytest.mark.parametrize("key", ["dtype", "torch_dtype"])
def test_c314_dtype_that_torch_does_not_have_is_an_error_as_in_transformers(tmp_path, name, key):
    root = with_dtype(tmp_path / "m", name, key)
    with pytest.raises(AttributeError):
        load(root)
    assert of(root, "C314") == ["error"]
    assert of(root, "C314", packages={**TRIED, "transformers": "4.57.6"}) == ["error"]  # run by hand


def test_c314_says_the_name_that_was_meant(tmp_path):
    (finding,) = judge(with_dtype(tmp_path / "m", "fp16"), rules=wording.RULES).of("C314")
    assert finding.fix.text == 'write "float16"'


def test_c314_dtype_that_the_caller_gives_makes_it_a_warning(tmp_path):
    import torch

    root = with_dtype(tmp_path / "m", "fp16")
    load(root, dtype=torch.float32)
    assert of(root, "C314", intent=Intent(dtype="float32")) == ["warning"]


@pytest.mark.parametrize("name", sorted(FLOATING))
def test_c314_near_miss_torch_s_own_names_load(tmp_path, name):
    root = with_dtype(tmp_path / "m", name)
    load(root)
    assert of(root, "C314") == []


@pytest.mark.parametrize("name", ["int8", "uint8", "float8_e4m3fn"])
def test_c314_unquantised_model_cannot_be_built_in_whole_numbers(tmp_path, name):
    root = with_dtype(tmp_path / "m", name)
    with pytest.raises((ValueError, TypeError)):
        load(root)
    assert of(root, "C314") == ["error"]
    assert of(root, "C314", packages={**TRIED, "transformers": "4.57.6"}) == []  # loads as float32 there, by hand


def test_c314_names_of_the_table_are_torch_s():
    import torch

    assert all(isinstance(getattr(torch, name), torch.dtype) for name in FLOATING)
    assert all(isinstance(getattr(torch, name), torch.dtype) for name in OTHER if hasattr(torch, name))
    assert {name for name in vars(torch) if isinstance(getattr(torch, name), torch.dtype)} >= FLOATING


def test_c314_key_that_stands_twice_is_taken_from_the_end(tmp_path):
    root = model_dir(tmp_path / "m", tokenizer=False)
    text = (root / "config.json").read_text().rstrip().rstrip("}") + ', "hidden_act": "gelu"}'
    (root / "config.json").write_text(text)
    assert load(root).config.hidden_act == "gelu"
    (finding,) = judge(root, rules=wording.RULES).of("C314")
    assert (finding.severity, finding.evidence["met"]) == ("warning", ["duplicate key 'hidden_act'"])


def test_c314_nan_that_is_used_makes_every_answer_nan(tmp_path):
    import torch

    root = model_dir(tmp_path / "m", tokenizer=False)
    (root / "config.json").write_text((root / "config.json").read_text().replace("1e-05", "NaN"))
    assert load(root)(torch.tensor([[1, 5]])).logits.isnan().all()
    assert of(root, "C314") == ["error"]


def test_c314_generation_config_is_named(tmp_path):
    root = model_dir(tmp_path / "m", tokenizer=False)
    (root / "generation_config.json").write_text('{"top_k": 1, "top_k": 2}')
    (finding,) = judge(root, rules=wording.RULES).of("C314")
    assert "generation_config.json" in finding.message
