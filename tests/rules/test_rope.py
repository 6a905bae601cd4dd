"""C305 and C306: the angles that transformers really turns by, beside what we say of the configuration."""

import json

import pytest
from model_factory import edit_json, model_dir, tiny_model
from rule_driver import TRIED, judge

from resolver.rules import rope

DEFAULT = {"rope_theta": 500000.0, "rope_type": "default"}
LLAMA_3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32,
           "rope_type": "llama3"}  # fmt: skip
OLD, OLDER, NEW = "4.57.6", "4.41.2", "5.23.0"


def on(version):
    return {**TRIED, "transformers": version}


def findings(root, version, code="C305"):
    return judge(root, rules=rope.RULES, packages=on(version)).of(code)


def write(root, keys, *, without=("rope_theta",)):
    """A Llama with these rotary keys and no others."""
    model_dir(root, tokenizer=False)
    edit_json(root / "config.json", lambda value: {**{key: value[key] for key in value if key not in without}, **keys})
    return root


def angles(root):
    """The inverse frequencies that the real library builds."""
    from transformers import AutoConfig, AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(str(root), local_files_only=True))
    (found,) = [
        buffer for name, buffer in model.named_buffers() if name.endswith("inv_freq") and "original" not in name
    ]
    return [round(float(each), 6) for each in found[:4]]


# --- C305 --------------------------------------------------------------------------------------------------------

# Inverse frequencies of this Llama (head of 8) as 4.41.2 and 4.57.6 built them: theta 10000 instead of 500000.
SEEN_IN_4 = [1.0, 0.1, 0.01, 0.001]


def test_c305_theta_that_4_takes_is_another_than_the_one_that_5_takes(tmp_path):
    root = write(tmp_path / "m", {"rope_parameters": DEFAULT})
    assert angles(root) == [1.0, 0.037606, 0.001414, 5.3e-05]
    assert angles(write(tmp_path / "as-4-reads-it", {})) == SEEN_IN_4
    (finding,) = findings(root, OLD)
    assert finding.severity == "error"
    assert "rope_theta 10000 instead of 500000" in finding.message
    assert findings(root, NEW) == []


def test_c305_model_saved_by_the_installed_library_scores_otherwise_where_theta_falls_back(tmp_path):
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, vocab_size=64)
    LlamaForCausalLM(LlamaConfig(**sizes, rope_theta=500000.0)).save_pretrained(tmp_path)
    row = torch.arange(3, 60)[None]
    right = AutoModelForCausalLM.from_pretrained(tmp_path)(row).logits
    (finding,) = findings(tmp_path, OLD)
    assert finding.evidence["written_by"].startswith("5.")
    edit_json(tmp_path / "config.json", lambda value: value.update(rope_parameters=None))  # what 4.x makes of it
    wrong = AutoModelForCausalLM.from_pretrained(tmp_path)(row).logits
    assert not torch.allclose(right, wrong, atol=1e-4)


def test_c305_keys_that_the_fix_shows_mend_it_for_both(tmp_path):
    root = write(tmp_path / "m", {"rope_parameters": {**LLAMA_3, "rope_theta": 500000.0}})
    before = angles(root)
    (finding,) = findings(root, OLD)
    shown = json.loads("{" + finding.fix.text.partition(": ")[2].partition(" beside rope_parameters")[0] + "}")
    assert shown == {"rope_theta": 500000.0, "rope_scaling": LLAMA_3}
    edit_json(root / "config.json", lambda value: value.update(shown))
    assert angles(root) == before == [1.0, 0.004701, 0.000177, 7e-06]  # as 4.57.6 builds it with both keys
    assert findings(root, OLD) == findings(root, NEW) == []


def test_c305_scaling_that_4_does_not_see_is_an_error_although_theta_is_there(tmp_path):
    root = write(tmp_path / "m", {"rope_theta": 500000.0, "rope_parameters": {**LLAMA_3, "rope_theta": 500000.0}})
    (finding,) = findings(root, OLD)
    assert "rope_scaling none instead of llama3" in finding.message


def test_c305_old_scaling_beside_new_parameters_loses_theta_in_5_as_well(tmp_path):
    root = write(tmp_path / "m", {"rope_parameters": DEFAULT, "rope_scaling": {"rope_type": "linear", "factor": 2.0}})
    assert angles(root) == [each / 2 for each in SEEN_IN_4]
    (finding,) = findings(root, NEW)
    assert finding.severity == "error"
    assert "rope_theta 10000 instead of 500000" in finding.message


def test_c305_two_numbers_that_differ_are_a_warning(tmp_path):
    root = write(tmp_path / "m", {"rope_theta": 20000.0, "rope_parameters": DEFAULT})
    assert [each.severity for each in findings(root, OLD)] == ["warning"]
    assert findings(root, NEW) == []


@pytest.mark.parametrize(
    "keys",
    [
        {"rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}},
        {"rope_theta": 500000.0, "rope_parameters": DEFAULT},
        {"rope_theta": 500000.0, "rope_parameters": {"rope_type": "default"}},
        {"rope_theta": 500000.0, "rope_scaling": LLAMA_3},
    ],
    ids=["the default of 4.x", "both", "theta at the top alone", "the old way"],
)
def test_c305_near_miss_what_4_reads_alike_is_quiet(tmp_path, keys):
    root = write(tmp_path / "m", keys)
    angles(root)
    assert findings(root, OLD) == findings(root, OLDER) == findings(root, NEW) == []


def test_c305_near_miss_the_default_is_that_of_the_type(tmp_path):
    mixtral = {"model_type": "mixtral", "rope_parameters": {"rope_theta": 1000000.0, "rope_type": "default"}}
    (tmp_path / "config.json").write_text(json.dumps(mixtral))
    assert findings(tmp_path, OLD) == []
    (tmp_path / "config.json").write_text(json.dumps({**mixtral, "model_type": "llama"}))
    assert [each.code for each in findings(tmp_path, OLD)] == ["C305"]


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"full_attention": {"rope_theta": 2000000.0, "rope_type": "default"}}, ["C305"]),
        ({"full_attention": {"rope_theta": 1000000.0, "rope_type": "linear", "factor": 8.0}}, ["C305"]),
    ],
    ids=["defaults of 4.57", "another theta", "scaled, as Gemma 3 27B"],
)
def test_c305_kinds_of_layers_have_keys_of_their_own(tmp_path, changes, codes):
    from transformers import Gemma3TextConfig

    Gemma3TextConfig(num_hidden_layers=2).save_pretrained(tmp_path)
    edit_json(tmp_path / "config.json", lambda value: value["rope_parameters"].update(changes))
    assert [each.code for each in findings(tmp_path, OLD)] == codes


def test_c305_nested_text_is_looked_into(tmp_path):
    text = {"model_type": "mistral", "rope_parameters": {"rope_theta": 1e9, "rope_type": "default"}}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mistral3", "text_config": text}))
    (finding,) = findings(tmp_path, OLD)
    assert finding.place.pointer == "/text_config/rope_parameters"
    assert "1000000000" in finding.message


@pytest.mark.parametrize(
    ("packages", "model_type", "reason"),
    [({}, "llama", "not installed"), (on(OLD), "afmoe", "not known"), (on(OLD), "deepseek_v4", "not known")],
)
def test_c305_unknown_is_never_a_pass(tmp_path, packages, model_type, reason):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type, "rope_parameters": DEFAULT}))
    assert reason in judge(tmp_path, rules=rope.RULES, packages=packages).skipped["C305"]


def test_c305_every_default_is_that_of_the_installed_library_or_was_read_in_4():
    """Where 5.23 kept the default of a class, the table has to say the same; the others were read in 4.57.6."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    from resolver.rules.rope_defaults import THETA

    changed = {"cohere", "falcon_h1", "persimmon", "qwen3_vl_text", "qwen3_vl_moe_text", "olmo3"}
    for name, theta in THETA.items():
        if name in changed or name not in CONFIG_MAPPING:
            continue
        parameters = getattr(CONFIG_MAPPING[name](), "rope_parameters", None) or {}
        if "rope_theta" in parameters:
            assert parameters["rope_theta"] == theta, name


# --- C306 --------------------------------------------------------------------------------------------------------

REJECTED_BY_5 = {
    "no such kind": {"rope_type": "su", "factor": 2.0},
    "old kind of Phi-3": {"type": "su", "factor": 2.0},
    "no factor": {"rope_type": "linear"},
    "llama3 without its numbers": {"rope_type": "llama3", "factor": 8.0},
    "longrope without long factors": {"rope_type": "longrope", "short_factor": [1.0] * 4},
}
TAKEN_BY_5 = {
    "llama3": LLAMA_3,
    "linear": {"rope_type": "linear", "factor": 2.0},
    "both names of the kind": {"rope_type": "linear", "type": "linear", "factor": 2.0},
    "a whole factor": {"rope_type": "dynamic", "factor": 2},
    "yarn": {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 32},
    "no kind": {"factor": 2.0},
}


@pytest.mark.parametrize("scaling", REJECTED_BY_5.values(), ids=REJECTED_BY_5)
def test_c306_scaling_that_the_library_does_not_take_is_an_error(tmp_path, scaling):
    root = write(tmp_path / "m", {"rope_scaling": scaling}, without=())
    with pytest.raises(KeyError):
        angles(root)
    (finding,) = findings(root, NEW, "C306")
    assert (finding.severity, finding.place.pointer) == ("error", "/rope_scaling")


@pytest.mark.parametrize("scaling", TAKEN_BY_5.values(), ids=TAKEN_BY_5)
def test_c306_near_miss_scaling_that_the_library_takes_is_quiet(tmp_path, scaling):
    root = write(tmp_path / "m", {"rope_scaling": scaling}, without=())
    angles(root)
    assert findings(root, NEW, "C306") == []


def test_c306_parameters_of_5_are_judged_alike(tmp_path):
    root = write(tmp_path / "m", {"rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0}})
    with pytest.raises(KeyError, match="factor"):
        angles(root)
    (finding,) = findings(root, NEW, "C306")
    assert finding.place.pointer == "/rope_parameters"


# What 4.41.2 did with each, run by hand; 4.57.6 took them all but the last two.
@pytest.mark.parametrize(
    ("scaling", "codes"),
    [
        (LLAMA_3, ["C306"]),
        ({"rope_type": "linear", "factor": 2.0}, ["C306"]),
        ({"rope_type": "linear", "type": "linear", "factor": 2.0}, ["C306"]),
        ({"type": "linear", "factor": 2}, ["C306"]),
        ({"type": "linear", "factor": 2.0}, []),
        ({"type": "dynamic", "factor": 4.0}, []),
        ({"rope_type": "linear"}, ["C306"]),
    ],
)
def test_c306_llama_before_4_43_takes_two_fields(tmp_path, scaling, codes):
    root = write(tmp_path / "m", {"rope_scaling": scaling}, without=())
    assert [each.code for each in findings(root, OLDER, "C306")] == codes


def test_c306_names_the_version_that_takes_it(tmp_path):
    root = write(tmp_path / "m", {"rope_scaling": LLAMA_3}, without=())
    (finding,) = findings(root, OLDER, "C306")
    assert finding.fix.command.endswith("'transformers>=4.43.0'")
    assert findings(root, "4.43.4", "C306") == []


def test_c306_near_miss_gemma_and_bert_have_nothing_to_judge(tmp_path):
    assert findings(tiny_model(tmp_path / "b", family="bert"), OLDER, "C306") == []
    judged = judge(tmp_path / "b", rules=rope.RULES, packages=on(OLDER))
    assert {"C305", "C306"} <= set(judged.skipped)


def test_c306_family_that_nobody_looked_into_says_so(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "internlm3", "rope_scaling": LLAMA_3}))
    assert "not known here" in judge(tmp_path, rules=rope.RULES).skipped["C306"]
