import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.inspection.files import Listing, list_files
from resolver.inspection.quantization import QuantizationFacts, read_quantization


@pytest.mark.parametrize(
    ("config", "method", "bits"),
    [
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "gptq", 4),
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}, "bitsandbytes", 4),
        ({"quantization_config": {"_load_in_8bit": True}}, "bitsandbytes", 8),
        ({"quantization_config": {"quant_method": "AWQ", "w_bit": 4}}, "awq", 4),
        ({"quantization_config": {"quant_method": "fp8"}}, "fp8", None),
        ({"quantization": {"group_size": 64, "bits": 4}}, "mlx", 4),
        (
            {"quantization": {"group_size": 64, "bits": 4}, "quantization_config": {"group_size": 64, "bits": 4}},
            "mlx",
            4,
        ),
        ({"text_config": {"quantization_config": {"quant_method": "mxfp4"}}}, "mxfp4", None),
        ({"quantization_config": {"bits": 3}}, None, 3),
    ],
)
def test_declared_method_and_bits_are_read(config, method, bits, tmp_path):
    facts = read_quantization(config, Listing(tmp_path))
    assert (facts.method, facts.bits, facts.file) == (method, bits, "config.json")


def test_older_gptq_file_is_read_where_the_config_says_nothing(tmp_path):
    (tmp_path / "quantize_config.json").write_text(json.dumps({"bits": 4, "group_size": 128}))
    assert read_quantization({}, list_files(tmp_path)) == QuantizationFacts("gptq", 4, "quantize_config.json")


@pytest.mark.parametrize(
    "config", [{}, {"quantization_config": None}, {"quantization_config": {}}, {"quantization": {}}]
)
def test_nothing_declared_is_none(config, tmp_path):
    assert read_quantization(config, Listing(tmp_path)) is None


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
KEYS = st.sampled_from(["quant_method", "bits", "w_bit", "load_in_4bit", "group_size", "_load_in_8bit"])


@given(inner=st.dictionaries(KEYS, VALUES) | VALUES, key=st.sampled_from(["quantization_config", "quantization"]))
def test_any_value_never_raises(inner, key):
    from pathlib import Path

    facts = read_quantization({key: inner, "text_config": {key: inner}}, Listing(Path()))
    assert facts is None or facts.file == "config.json"
