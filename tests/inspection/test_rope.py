"""The rotary numbers are read as they stand, in either way of writing them."""

import json

import pytest

from resolver.inspection.config import read_config
from resolver.inspection.files import list_files


def rope(root, **config):
    (root / "config.json").write_text(json.dumps({"model_type": "llama", **config}))
    return read_config(list_files(root)).rope


def test_both_ways_are_kept_apart(tmp_path):
    facts = rope(tmp_path, rope_theta=10000, rope_scaling={"type": "linear"}, rope_parameters={"rope_theta": 5.0})
    assert facts.numbers == {"rope_theta": 10000.0}
    assert facts.scaling == {"type": "linear"}
    assert facts.parameters == {"": {"rope_theta": 5.0}}
    assert (facts.pointer, facts.model_type) == ("", "llama")


def test_kinds_of_layers_are_told_apart(tmp_path):
    kinds = {"full_attention": {"rope_theta": 1.0}, "sliding_attention": {"rope_theta": 2.0}, "none": None}
    assert set(rope(tmp_path, rope_parameters=kinds).parameters) == {"full_attention", "sliding_attention"}


def test_nested_text_comes_before_the_top(tmp_path):
    facts = rope(tmp_path, rope_theta=1.0, text_config={"model_type": "qwen2", "rope_theta": 2.0})
    assert (facts.pointer, facts.model_type, facts.numbers) == ("/text_config", "qwen2", {"rope_theta": 2.0})
    facts = rope(tmp_path, rope_theta=1.0, text_config={"model_type": "qwen2"})
    assert (facts.pointer, facts.numbers) == ("", {"rope_theta": 1.0})


@pytest.mark.parametrize(
    "config",
    [{}, {"rope_theta": "10000"}, {"rope_scaling": None}, {"rope_parameters": []}, {"rope_theta": True}],
    ids=["nothing", "text", "null", "an array", "true"],
)
def test_what_is_no_number_and_no_object_is_none(tmp_path, config):
    assert rope(tmp_path, **config) is None


def test_hundreds_of_kinds_are_one(tmp_path):
    facts = rope(tmp_path, rope_parameters={str(number): {} for number in range(500)})
    assert list(facts.parameters) == [""]


def test_kind_without_a_name_is_none(tmp_path):
    assert list(rope(tmp_path, rope_parameters={"": {"rope_theta": 1.0}, "full_attention": {}}).parameters) == [""]
