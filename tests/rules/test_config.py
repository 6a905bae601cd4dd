"""Each rule of family C: the real library fails where we speak, and loads where we are quiet."""

import json
import shutil

import pytest
from model_factory import edit_json, lfs_pointer, tiny_model, write_safetensors
from rule_driver import TRIED, judge

from resolver.host import Host
from resolver.rules import adapter, config, heads, tokenizer
from resolver.rules.rule import Intent

RULES = (*config.RULES, *heads.RULES)
SCORING = Intent(purpose="score")


def auto_config(root):
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(str(root), local_files_only=True)


def classifier(root, **options):
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_pretrained(str(root), local_files_only=True, **options)


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_whole_model_is_quiet(tmp_path, family):
    root = tiny_model(tmp_path, family=family)
    assert auto_config(root).model_type == family
    assert judge(root, rules=RULES).codes() == []


# --- C301 --------------------------------------------------------------------------------------------------------


def test_c301_absent_config_is_an_error_as_in_transformers(tmp_path):
    root = tiny_model(tmp_path)
    (root / "config.json").unlink()
    with pytest.raises(ValueError, match=r"Should have a `model_type` key in its config\.json"):
        auto_config(root)
    judged = judge(root, rules=RULES)
    assert judged.codes("error") == ["C301"]
    assert judged.skipped["C302"].startswith("C301")


def test_c301_says_what_the_directory_looks_like(tmp_path):
    (tmp_path / "model.gguf").write_bytes(b"GGUF\x03\x00\x00\x00")
    (finding,) = judge(tmp_path, rules=RULES).of("C301")
    assert "GGUF" in finding.evidence["looks_like"]
    assert "transformers format" in finding.fix.text


def test_c301_empty_directory_is_called_empty(tmp_path):
    (finding,) = judge(tmp_path, rules=RULES).of("C301")
    assert finding.evidence["looks_like"] == "an empty directory"


def test_c301_adapter_alone_is_not_blamed_for_it(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    judged = judge(tmp_path, rules=RULES)
    assert judged.codes() == []
    assert "adapter" in judged.skipped["C301"]


def test_c301_near_miss_sentence_transformers_keeps_it_in_a_folder(tmp_path):
    root = tiny_model(tmp_path / "0_Transformer", family="bert")
    part = {"idx": 0, "name": "0", "path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}
    (tmp_path / "modules.json").write_text(json.dumps([part]))
    assert auto_config(root).model_type == "bert"
    judged = judge(tmp_path, rules=(*RULES, *tokenizer.RULES))
    assert judged.codes() == []
    assert "T205" not in judged.skipped
    (root / "config.json").write_text("{,")
    (finding,) = judge(tmp_path, rules=RULES).findings
    assert (finding.code, finding.path) == ("C302", str(root / "config.json"))


# --- C302 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"model_type": "llama",\n}', 2),
        ('\ufeff{"model_type": "llama"}', 1),
        ("[]", None),
        ('{"a":' * 100_000, None),
    ],
)
def test_c302_unreadable_config_is_an_error_as_in_transformers(tmp_path, text, line):
    root = tiny_model(tmp_path)
    (root / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises((OSError, ValueError, RecursionError)):
        auto_config(root)
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.severity) == ("C302", "error")
    assert (finding.place.line if finding.place else None) == line


@pytest.mark.parametrize("family", ["llama", "bert"])
@pytest.mark.parametrize(
    "field",
    ["hidden_size", "num_hidden_layers", "vocab_size", "num_attention_heads", "intermediate_size",
     "max_position_embeddings"],
)  # fmt: skip
@pytest.mark.parametrize("wrong", [str, float, bool])
def test_c302_number_of_a_wrong_type_is_an_error_as_in_transformers(tmp_path, family, field, wrong):
    root = tiny_model(tmp_path, family=family)
    edit_json(root / "config.json", lambda value: value.update({field: wrong(value[field])}))
    with pytest.raises(Exception, match=rf"(?s){field}|type|float|bool|str"):
        auto_config(root)
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.place.pointer) == ("C302", f"/{field}")


def test_c302_near_miss_a_field_that_the_family_does_not_have_is_quiet(tmp_path):
    root = tiny_model(tmp_path, family="bert")
    edit_json(root / "config.json", lambda value: value.update(num_key_value_heads="8"))
    auto_config(root)
    assert judge(root, rules=RULES).codes() == []


def test_c302_near_miss_an_odd_key_and_white_space_load_and_are_quiet(tmp_path):
    root = tiny_model(tmp_path)
    edit_json(root / "config.json", lambda value: value.update(unheard_of={"a": [None]}))
    (root / "config.json").write_text("\n\n  " + (root / "config.json").read_text() + "\n\n")
    auto_config(root)
    assert judge(root, rules=RULES).codes() == []


def test_c302_near_miss_a_number_for_each_layer_is_quiet(tmp_path):
    settings = {"model_type": "gemma3n_text", "num_hidden_layers": 2, "intermediate_size": [64, 32]}
    (tmp_path / "config.json").write_text(json.dumps({**settings, "layer_types": ["full_attention"] * 2}))
    assert list(auto_config(tmp_path).intermediate_size) == [64, 32]
    assert judge(tmp_path, rules=RULES).codes() == []


def test_c302_pointer_is_left_to_family_f(tmp_path):
    (tmp_path / "config.json").write_text(lfs_pointer())
    judged = judge(tmp_path, rules=RULES)
    assert judged.codes() == []
    assert judged.skipped["C302"].startswith("F002")


# --- C303 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["absent", None, ""])
def test_c303_no_model_type_is_an_error_as_in_transformers(tmp_path, value):
    root = tiny_model(tmp_path)

    def change(settings):
        settings.pop("model_type")
        if value != "absent":
            settings["model_type"] = value

    edit_json(root / "config.json", change)
    with pytest.raises(ValueError, match=r"model_type|model type"):
        auto_config(root)
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.evidence["guess"]) == ("C303", "llama")
    assert '"model_type": "llama"' in finding.fix.text


def test_c303_near_miss_code_of_its_own_needs_no_model_type(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"auto_map": {"AutoConfig": "own.OwnConfig"}}))
    (tmp_path / "own.py").write_text(
        "from transformers import PretrainedConfig\nclass OwnConfig(PretrainedConfig):\n    model_type = 'own'\n"
    )
    from transformers import AutoConfig

    loaded = AutoConfig.from_pretrained(str(tmp_path), trust_remote_code=True, local_files_only=True)
    assert type(loaded).__name__ == "OwnConfig"
    judged = judge(tmp_path, rules=RULES)
    assert judged.codes() == []
    assert "S603" in judged.skipped["C303"]
    assert "S603" in judged.skipped["C304"]


# --- C304 --------------------------------------------------------------------------------------------------------


def test_c304_unknown_type_is_an_error_as_in_transformers(tmp_path):
    root = tiny_model(tmp_path)
    edit_json(root / "config.json", lambda value: value.update(model_type="lama"))
    with pytest.raises(ValueError, match="does not recognize this architecture"):
        auto_config(root)
    (finding,) = judge(root, rules=RULES).findings
    assert finding.code == "C304"
    assert 'is it "llama"?' in finding.fix.text


@pytest.mark.parametrize(
    ("model_type", "installed", "codes"),
    [
        ("gemma2", "4.41.2", ["C304"]),  # seen to fail
        ("gemma2", "4.42.4", []),
        ("qwen3", "4.50.3", ["C304"]),
        ("qwen3", "4.51.3", []),
        ("llama", "4.35.2", []),
        ("xlm-prophetnet", "4.57.6", []),
        ("xlm-prophetnet", "5.0.0", ["C304"]),  # dropped
    ],
)
def test_c304_names_the_version_that_has_the_type(tmp_path, model_type, installed, codes):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    judged = judge(tmp_path, rules=RULES, packages={**TRIED, "transformers": installed})
    assert judged.codes() == codes
    assert "C304" not in judged.skipped
    if codes:
        assert judged.findings[0].fix.command.startswith("pip install --no-index")


@pytest.mark.parametrize(
    ("model_type", "packages", "reason"),
    [
        ("gemma2", {}, "not installed"),
        ("gemma2", {"transformers": "4.42.0"}, "lies between"),
        ("newest", {"transformers": "6.0.0"}, "newer than our table"),
        ("llama", {"transformers": "4.30.0"}, "older than our table"),
    ],
)
def test_c304_unknown_is_never_a_pass(tmp_path, model_type, packages, reason):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    judged = judge(tmp_path, rules=RULES, packages=packages)
    assert reason in judged.skipped["C304"]


def test_c304_the_installed_library_s_own_list_decides_where_it_was_read(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "newest"}))
    packages = {"transformers": "6.0.0"}
    knows = Host(packages=packages, model_types=frozenset({"newest"}))
    lacks = Host(packages=packages, model_types=frozenset({"llama"}))
    assert judge(tmp_path, rules=RULES, host=knows).codes() == []
    assert judge(tmp_path, rules=RULES, host=lacks).codes() == ["C304"]


def test_c304_near_miss_an_unknown_architecture_name_loads_and_is_quiet(tmp_path):
    from transformers import AutoModel

    root = tiny_model(tmp_path)
    edit_json(root / "config.json", lambda value: value.update(architectures=["NoSuchForCausalLM"]))
    AutoModel.from_pretrained(str(root), local_files_only=True)
    assert judge(root, rules=RULES).codes() == []


# --- C307, C308 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["llama", "bert"])
@pytest.mark.parametrize("shards", [1, 2])
def test_c307_a_model_without_a_head_gets_a_random_one(tmp_path, family, shards):
    root = tiny_model(tmp_path, family=family, shards=shards)
    _, info = classifier(root, num_labels=3, output_loading_info=True)
    assert {"score.weight", "classifier.weight"} & set(info["missing_keys"])
    assert judge(root, rules=RULES, intent=SCORING).codes("error") == ["C307"]


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_c307_near_miss_a_classifier_has_its_head(tmp_path, family):
    root = tiny_model(tmp_path, family=family, classifier=True)
    _, info = classifier(root, output_loading_info=True)
    assert not info["missing_keys"]
    assert judge(root, rules=RULES, intent=SCORING).codes() == []


@pytest.mark.parametrize(
    "intent",
    [Intent(), Intent(purpose="train"), Intent(purpose="score", head="tokens")],
    ids=["load", "train", "tokens"],
)
def test_c307_is_not_asked_where_no_head_is_wanted(tmp_path, intent):
    judged = judge(tiny_model(tmp_path), rules=RULES, intent=intent)
    assert judged.codes() == []
    assert {"C307", "C308"} <= set(judged.skipped)


def test_c307_near_miss_the_adapter_brings_the_head(tmp_path):
    base = tiny_model(tmp_path / "base")
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text('{"task_type": "SEQ_CLS"}')
    write_safetensors(
        tmp_path / "adapter" / "adapter_model.safetensors", {"base_model.model.score.weight": ("F32", (3, 32), None)}
    )
    rules = (*adapter.RULES, *RULES)
    assert judge(base, rules=rules, intent=SCORING, adapter_at=tmp_path / "adapter").codes("error") == []


def test_c307_a_pickle_is_not_opened_and_not_a_pass(tmp_path):
    judged = judge(tiny_model(tmp_path, weights="bin"), rules=RULES, intent=SCORING)
    assert judged.codes() == []
    assert "pickle" in judged.skipped["C307"]


def test_c307_weights_that_are_absent_are_left_to_family_w(tmp_path):
    root = tiny_model(tmp_path)
    (root / "model.safetensors").unlink()
    assert "W101" in judge(root, rules=RULES, intent=SCORING).skipped["C307"]


def test_c307_the_index_alone_tells_that_there_is_no_head(tmp_path):
    root = tiny_model(tmp_path, shards=2)
    for shard in root.glob("*.safetensors"):
        shard.unlink()
    assert judge(root, rules=RULES, intent=SCORING).codes() == ["C307"]


def test_c308_other_number_of_classes_is_an_error_as_in_transformers(tmp_path):
    root = tiny_model(tmp_path, classifier=True, labels=6)
    with pytest.raises(RuntimeError, match="ignore_mismatched_sizes"):
        classifier(root, num_labels=3)
    (finding,) = judge(root, rules=RULES, intent=SCORING).findings
    assert (finding.code, finding.evidence["rows"], finding.evidence["asked"]) == ("C308", 6, 3)
    assert finding.evidence["id2label"][0] == "LABEL_0"
    assert finding.path == str(root / "model.safetensors")


def test_c308_near_miss_as_many_classes_as_asked_for(tmp_path):
    root = tiny_model(tmp_path, classifier=True, labels=6)
    assert classifier(root, num_labels=6).num_labels == 6
    assert judge(root, rules=RULES, intent=Intent(purpose="score", labels=6)).codes() == []


def test_every_rule_explains_itself():
    for each in RULES:
        assert each.title
        assert "To mend it" in each.explanation, each.code
        assert each.judge.__name__ == each.name.replace("-", "_")


def test_copy_under_a_link_is_judged_alike(tmp_path):
    root = tiny_model(tmp_path / "real")
    shutil.copytree(root, tmp_path / "copy")
    (tmp_path / "link").symlink_to(tmp_path / "copy")
    assert judge(tmp_path / "link", rules=RULES).codes() == judge(root, rules=RULES).codes()
