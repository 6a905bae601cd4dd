import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_factory import LLAMA_CONFIG, tiny_model

from resolver.inspection.config import ConfigFacts, read_config
from resolver.inspection.files import list_files
from resolver.inspection.model_types import FIRST_SEEN, GONE, NEWEST, installed_model_types, known_since

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = (
    *LLAMA_CONFIG, "id2label", "num_labels", "auto_map", "quantization_config", "quantization", "rope_parameters",
    "rope_scaling", "text_config", "transformers_version", "transformers_weights", "torch_dtype", "n_embd",
)  # fmt: skip


def read(root: Path, config: object = None, **files: object) -> ConfigFacts:
    for name, value in {"config": config, **files}.items():
        if value is not None:
            (root / f"{name}.json").write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return read_config(list_files(root))


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_saved_config_reads_as_transformers_reads_it(tmp_path, family):
    from transformers import AutoConfig

    root = tiny_model(tmp_path, family=family, classifier=True, labels=5)
    facts, real = read(root), AutoConfig.from_pretrained(root)
    for name in ("model_type", "hidden_size", "num_hidden_layers", "vocab_size", "num_attention_heads",
                 "intermediate_size", "max_position_embeddings", "num_labels", "transformers_version"):  # fmt: skip
        assert getattr(facts, name) == getattr(real, name), name
    assert facts.label_names == real.id2label
    assert facts.architectures == tuple(real.architectures)
    assert not facts.faults
    assert facts.opened[0] == "config.json"


def test_numbers_are_found_in_a_nested_text_config(tmp_path):
    facts = read(tmp_path, {"model_type": "gemma3", "vision_config": {"hidden_size": 9},
                            "text_config": {"hidden_size": 5376, "num_hidden_layers": 62, "vocab_size": 262208}})  # fmt: skip
    assert (facts.model_type, facts.hidden_size, facts.num_hidden_layers, facts.vocab_size) == (
        "gemma3", 5376, 62, 262208)  # fmt: skip


def test_numbers_are_found_under_their_older_names(tmp_path):
    facts = read(tmp_path, {"n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024})
    assert (facts.hidden_size, facts.num_hidden_layers, facts.num_attention_heads) == (768, 12, 12)
    assert facts.max_position_embeddings == 1024


def test_absent_config_is_absent_and_no_fault(tmp_path):
    facts = read(tmp_path)
    assert (facts.present, facts.readable, facts.faults, facts.opened) == (False, False, (), ())


def test_bad_json_has_line_and_column(tmp_path):
    (fault,) = read(tmp_path, b'{"model_type": "llama",\n "a": }').faults
    assert (fault.file, fault.line, fault.column) == ("config.json", 2, 7)


@pytest.mark.parametrize("data", [b"[]", b"null", b'"x"', b"\xff", b"", b'{"a":' * 200_000])
def test_what_is_no_object_is_a_fault(tmp_path, data):
    facts = read(tmp_path, data)
    assert facts.present
    assert not facts.readable
    assert facts.faults


def test_byte_order_mark_is_a_fault_beside_the_value(tmp_path):
    facts = read(tmp_path, b'\xef\xbb\xbf{"model_type": "llama"}')
    assert facts.model_type == "llama"
    assert facts.faults[0].message == "begins with a byte order mark"


def test_number_as_text_is_a_fault_with_its_pointer(tmp_path):
    facts = read(tmp_path, {"hidden_size": "8", "text_config": {"vocab_size": True}})
    assert facts.hidden_size is None
    assert {(fault.pointer, fault.met) for fault in facts.faults} == {
        ("/hidden_size", "a string"), ("/text_config/vocab_size", "true")}  # fmt: skip


def test_eos_list_stays_a_list_and_generation_config_is_read_apart(tmp_path):
    facts = read(tmp_path, {"eos_token_id": [1, 2]}, generation_config={"eos_token_id": 7, "pad_token_id": None})
    assert facts.special_ids == {"eos_token_id": (1, 2)}
    assert facts.generation_ids == {"eos_token_id": (7,)}
    assert facts.generation


def test_rope_of_transformers_5_is_read(tmp_path):
    facts = read(tmp_path, {"rope_parameters": {"rope_theta": 500000, "rope_type": "llama3"}})
    assert (facts.rope_theta, facts.rope_type, facts.has_rope_parameters) == (500000.0, "llama3", True)


def test_auto_map_lists_are_joined(tmp_path):
    facts = read(tmp_path, {"auto_map": {"AutoConfig": "a.B", "AutoTokenizer": ["o/r--t.T", None]}})
    assert facts.auto_map == {"AutoConfig": "a.B", "AutoTokenizer": "o/r--t.T"}


@settings(max_examples=300, deadline=None)
@given(config=st.dictionaries(st.sampled_from(FIELDS), ANY_JSON) | ANY_JSON)
def test_any_json_in_any_field_never_raises(config):
    with tempfile.TemporaryDirectory() as place:
        facts = read(Path(place), {} if config is None else config, generation_config=config)
    assert facts.present


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=60))
def test_any_bytes_never_raise(data):
    with tempfile.TemporaryDirectory() as place:
        read(Path(place), data or b" ")


def test_table_of_model_types_is_that_of_the_installed_transformers():
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    if tuple(map(int, transformers.__version__.split(".")[:3])) != NEWEST:
        pytest.skip(f"transformers {transformers.__version__} is not the newest version of the table")
    assert {name for names in FIRST_SEEN.values() for name in names.split()} - set(GONE) == set(CONFIG_MAPPING_NAMES)


@pytest.mark.parametrize(
    ("model_type", "known_in", "unknown_in"),
    [("gemma2", (4, 42, 4), (4, 41, 2)), ("qwen3", (4, 51, 3), (4, 50, 3)), ("llama", (4, 35, 2), None)],
)
def test_table_has_the_versions_that_the_failures_were_seen_with(model_type, known_in, unknown_in):
    assert known_since(model_type) == known_in
    assert unknown_in is None or unknown_in < known_in


def test_installed_list_is_read_as_text_and_agrees_with_the_library():
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    assert installed_model_types(Path(transformers.__file__).parent) == set(CONFIG_MAPPING_NAMES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('CONFIG_MAPPING_NAMES = OrderedDict([("bert", "B"), ("gpt2", "G")])', {"bert", "gpt2"}),
        ('CONFIG_MAPPING_NAMES: dict = OrderedDict({"bert": "B"})\nOTHER = {"x": 1}', {"bert"}),
        ('CONFIG_MAPPING_NAMES = {"x": "B"}', None),
        ("def (", None),
        ("", None),
    ],
)
def test_installed_list_of_any_form_is_read_or_said_to_be_unknown(tmp_path, text, expected):
    (tmp_path / "models" / "auto").mkdir(parents=True)
    (tmp_path / "models" / "auto" / "configuration_auto.py").write_text(text)
    assert installed_model_types(tmp_path) == expected


def test_no_installed_list_is_unknown(tmp_path):
    assert installed_model_types(tmp_path) is None
