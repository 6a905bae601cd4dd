import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_factory import header_bytes, tiny_model, write_safetensors

from resolver.inspection.adapter import AdapterFacts, read_adapter
from resolver.inspection.files import list_files
from resolver.inspection.heads import find_head

LORA = {
    "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": ("F32", (4, 16), None),
    "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight": ("F32", (16, 4), None),
}
SETTINGS = {"peft_type": "LORA", "task_type": "SEQ_CLS", "base_model_name_or_path": "a/b", "r": 4, "lora_alpha": 8}


def read(root: Path) -> AdapterFacts | None:
    return read_adapter(list_files(root))


def test_directory_without_an_adapter_has_none(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert read(tmp_path) is None


def test_adapter_is_read_whole(tmp_path):
    (tmp_path / "adapter_config.json").write_text(
        json.dumps({**SETTINGS, "target_modules": ["q_proj"], "modules_to_save": ["score"]})
    )
    head = {"base_model.model.score.weight": ("F32", (3, 16), None)}
    write_safetensors(tmp_path / "adapter_model.safetensors", {**LORA, **head})
    facts = read(tmp_path)
    assert (facts.base_model_name_or_path, facts.task_type, facts.r, facts.lora_alpha) == ("a/b", "SEQ_CLS", 4, 8)
    assert (facts.target_modules, facts.modules_to_save) == (("q_proj",), ("score",))
    assert (facts.head.rows, len(facts.tensors)) == (3, 3)
    assert facts.tensors["base_model.model.score.weight"].dtype == "F32"
    assert facts.opened == ("adapter_config.json", "adapter_model.safetensors")
    assert not facts.beside_model


def test_real_adapter_of_peft_is_read_as_peft_wrote_it(tmp_path):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    base = AutoModelForSequenceClassification.from_pretrained(tiny_model(tmp_path / "base"), num_labels=3)
    wanted = LoraConfig(task_type="SEQ_CLS", r=4, lora_alpha=8, target_modules=["q_proj"])
    get_peft_model(base, wanted).save_pretrained(tmp_path / "adapter")
    facts = read(tmp_path / "adapter")
    assert (facts.r, facts.lora_alpha, facts.peft_type, facts.task_type) == (4, 8, "LORA", "SEQ_CLS")
    assert facts.base_model_name_or_path == str(tmp_path / "base")
    assert (facts.head.tensor, facts.head.rows) == ("base_model.model.score.weight", 3)


def test_pickle_is_named_and_not_opened(tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps(SETTINGS))
    (tmp_path / "adapter_model.bin").write_bytes(b"\x80\x04cos\nsystem\n.")
    facts = read(tmp_path)
    assert (facts.weights_file, facts.tensors, facts.head) == ("adapter_model.bin", None, None)


def test_safetensors_win_over_the_pickle_as_in_peft(tmp_path):
    write_safetensors(tmp_path / "adapter_model.safetensors", LORA)
    (tmp_path / "adapter_model.bin").write_bytes(b"")
    facts = read(tmp_path)
    assert (facts.weights_file, facts.config_present, facts.head) == ("adapter_model.safetensors", False, None)


def test_broken_weights_are_a_fault_of_the_header(tmp_path):
    (tmp_path / "adapter_model.safetensors").write_bytes(
        header_bytes({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})
    )
    assert read(tmp_path).weights_fault.kind == "coverage"


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("score.weight", 3),
        ("classifier.weight", 3),
        ("classifier.out_proj.weight", 3),
        ("classification_head.out_proj.weight", 3),
        ("base_model.model.score.modules_to_save.default.weight", 3),
        ("base_model.model.classifier.modules_to_save.weight", 3),
        ("base_model.model.score.lora_A.weight", None),
        ("classifier.dense.weight", None),
        ("pre_classifier.weight", None),
        ("scores.weight", None),
        ("lm_head.weight", None),
    ],
)
def test_a_head_is_known_by_its_last_layer(name, rows):
    head = find_head({name: (3, 8)})
    assert (head.rows if head else None) == rows


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(value=st.dictionaries(st.sampled_from([*SETTINGS, "target_modules", "modules_to_save"]), ANY) | ANY)
def test_any_json_in_adapter_config_never_raises(value):
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "adapter_config.json").write_text(json.dumps(value))
        facts = read(Path(place))
    assert facts.config_present
    assert bool(facts.faults) == (not isinstance(value, dict))
