"""C311 and C313: ids and generation settings that the real library stops at, and those that it lets pass."""

import json

import pytest
from model_factory import edit_json, model_dir, tiny_model
from rule_driver import TRIED, judge

from resolver.rules import ids
from resolver.rules.ids import LENIENT, STRICT
from resolver.rules.rule import Intent

OLD = {**TRIED, "transformers": "4.57.6"}


def load(root, auto="AutoModelForCausalLM"):
    import transformers

    return getattr(transformers, auto).from_pretrained(str(root), local_files_only=True)


def of(root, code, **options):
    return [(each.severity, each.place.pointer if each.place else None)
            for each in judge(root, rules=ids.RULES, **options).of(code)]  # fmt: skip


# --- C311 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pad", [64, 10**6, -65])
def test_c311_pad_without_a_row_is_an_error_as_in_transformers(tmp_path, pad):
    root = model_dir(tmp_path / "m", config={"pad_token_id": pad}, tokenizer=False)
    with pytest.raises(AssertionError, match="Padding_idx must be within num_embeddings"):
        load(root)
    assert of(root, "C311") == [("error", "/pad_token_id")]


@pytest.mark.parametrize("pad", [63, 0, -1, -64, None])
def test_c311_near_miss_pad_with_a_row_and_negative_ones_load(tmp_path, pad):
    root = model_dir(tmp_path / "m", config={"pad_token_id": pad}, tokenizer=False)
    load(root)
    assert of(root, "C311") == []


def test_c311_pad_of_a_bert_is_an_error_as_in_transformers(tmp_path):
    root = tiny_model(tmp_path / "m", family="bert")
    edit_json(root / "config.json", lambda value: value.update(pad_token_id=value["vocab_size"]))
    with pytest.raises(AssertionError):
        load(root, "AutoModel")
    assert of(root, "C311") == [("error", "/pad_token_id")]


@pytest.mark.parametrize("model_type", ["gpt2", "gpt_neox", "t5", "bloom", "llama", "bert", "roberta", "qwen2"])
def test_c311_families_that_look_at_the_pad_id_are_those_of_the_table(tmp_path, model_type):
    from transformers import AutoModel
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4, vocab_size=100)
    config = CONFIG_MAPPING[model_type](**sizes, pad_token_id=100)
    assert (model_type in STRICT) != (model_type in LENIENT)
    if model_type in STRICT:
        with pytest.raises(AssertionError):
            AutoModel.from_config(config)
    else:
        AutoModel.from_config(config)
    config.save_pretrained(tmp_path)
    wanted = "error" if model_type in STRICT else "warning"
    assert (wanted, "/pad_token_id") in of(tmp_path, "C311")


@pytest.mark.parametrize("changes", [{"eos_token_id": 64}, {"bos_token_id": 999}, {"eos_token_id": [2, 64]}])
def test_c311_bos_and_eos_without_a_row_load_and_are_a_warning(tmp_path, changes):
    root = model_dir(tmp_path / "m", config=changes, tokenizer=False)
    load(root)
    assert of(root, "C311") == [("warning", f"/{next(iter(changes))}")]


def test_c311_near_miss_a_negative_eos_means_unset(tmp_path):
    root = model_dir(tmp_path / "m", config={"eos_token_id": -1, "bos_token_id": -1}, tokenizer=False)
    load(root)
    assert of(root, "C311") == []


def test_c311_generation_config_is_looked_into(tmp_path):
    root = model_dir(tmp_path / "m", tokenizer=False)
    (root / "generation_config.json").write_text('{"eos_token_id": [2, 500]}')
    load(root)
    (finding,) = judge(root, rules=ids.RULES).of("C311")
    assert (finding.severity, finding.path) == ("warning", str(root / "generation_config.json"))


@pytest.mark.parametrize(
    ("changes", "old"),
    [({"pad_token_id": "3"}, ["error"]), ({"pad_token_id": [3]}, ["error"]), ({"eos_token_id": "2"}, ["warning"])],
)
def test_c311_what_is_no_id_stops_the_configuration(tmp_path, changes, old):
    root = model_dir(tmp_path / "m", config=changes, tokenizer=False)
    with pytest.raises(Exception, match="Validation error for field"):
        load(root)
    assert [severity for severity, _ in of(root, "C311")] == ["error"]
    assert [severity for severity, _ in of(root, "C311", packages=OLD)] == old  # run by hand with 4.57.6 and 4.41.2


def test_c311_rows_that_nobody_knows_are_said_so(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "llama", "pad_token_id": 7}')
    assert "not known" in judge(tmp_path, rules=ids.RULES).skipped["C311"]


# --- C313 --------------------------------------------------------------------------------------------------------

STOPS = {
    "no object": [1],
    "null": None,
    "nothing to generate": {"max_new_tokens": -1},
    "several answers of one": {"num_return_sequences": 3},
    "early stopping": {"early_stopping": "maybe"},
}
PASSES = {
    "plain": {"eos_token_id": 2, "do_sample": False},
    "sampling": {"do_sample": True, "temperature": 0.6, "top_p": 0.9},
    "unknown key": {"unheard_of": 1},
    "several beams": {"num_return_sequences": 2, "num_beams": 2},
    "never": {"early_stopping": "never", "num_beams": 2},
}


def generating(root, value):
    model_dir(root, tokenizer=False)
    (root / "generation_config.json").write_text(value if isinstance(value, str) else json.dumps(value))
    return root


@pytest.mark.parametrize("value", STOPS.values(), ids=STOPS)
def test_c313_setting_that_can_never_work_stops_the_load(tmp_path, value):
    root = generating(tmp_path / "m", value)
    with pytest.raises((ValueError, TypeError)):
        load(root)
    assert [severity for severity, _ in of(root, "C313")] == ["error"]


@pytest.mark.parametrize("value", STOPS.values(), ids=STOPS)
def test_c313_classifier_does_not_read_the_file(tmp_path, value):
    root = generating(tmp_path / "m", value)
    load(root, "AutoModelForSequenceClassification")
    assert [severity for severity, _ in of(root, "C313", intent=Intent("score"))] == ["warning"]
    assert [severity for severity, _ in of(root, "C313", intent=Intent("score", head="tokens"))] == ["error"]


@pytest.mark.parametrize("value", PASSES.values(), ids=PASSES)
def test_c313_near_miss_what_transformers_takes_is_quiet(tmp_path, value):
    root = generating(tmp_path / "m", value)
    load(root)
    assert of(root, "C313") == []


@pytest.mark.parametrize("text", ["{,", "", "\ufeff{}"], ids=["broken", "empty", "byte order mark"])
def test_c313_what_is_no_json_is_passed_over_and_its_stop_tokens_with_it(tmp_path, text):
    root = generating(tmp_path / "m", text)
    assert load(root).generation_config.eos_token_id == 2  # of config.json
    judged = judge(root, rules=ids.RULES)
    if text:
        assert [each.severity for each in judged.of("C313")] == ["warning"]
    else:
        assert judged.skipped["C313"].startswith("F004")


def test_c313_sampling_numbers_without_sampling_stop_version_4_when_it_saves(tmp_path):
    root = generating(tmp_path / "m", {"do_sample": False, "temperature": 0.6, "top_p": 0.9})
    load(root).save_pretrained(tmp_path / "saved")
    assert of(root, "C313") == []
    (finding,) = judge(root, rules=ids.RULES, packages=OLD).of("C313")  # 4.57.6: ValueError at save_pretrained, by hand
    assert (finding.severity, finding.evidence["unused"]) == ("warning", ["temperature", "top_p"])


def test_c313_near_miss_no_file_is_nothing_to_judge(tmp_path):
    assert "no generation_config.json" in judge(model_dir(tmp_path / "m"), rules=ids.RULES).skipped["C313"]
