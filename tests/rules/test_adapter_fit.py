"""A404, A405, A409: beside what peft does with the same adapter on the same base."""

import json
import shutil
import warnings

import pytest
import torch
from families import build, lora
from model_factory import edit_json
from rule_driver import TRIED
from safetensors.torch import load_file, save_file

from resolver.host import Host
from resolver.inspection.describe import describe
from resolver.rules import adapter, adapter_fit, adapter_peft, heads
from resolver.rules.judge import judge
from resolver.rules.rule import Evidence, Intent

RULES = (*adapter.RULES, *heads.RULES, *adapter_fit.RULES, *adapter_peft.RULES)


def judged(base, laid, purpose="load", packages=TRIED, **intent):
    asked = Intent(purpose=purpose, adapter_asked=True, base_resolved=str(base), **intent)
    return judge(Evidence(describe(base), asked, Host(packages=packages), describe(laid)), RULES)


def codes(found, severity="error"):
    return sorted({each.code for each in found.findings if each.severity == severity})


def of(found, code):
    (finding,) = [each for each in found.findings if each.code == code]
    return finding


def logits(base, laid=None, auto="AutoModelForCausalLM"):
    """What the base computes, alone or under the adapter."""
    import peft
    import transformers

    transformers.logging.set_verbosity_error()
    labels = {"num_labels": 3} if "Sequence" in auto else {}
    torch.manual_seed(0)
    model = getattr(transformers, auto).from_pretrained(base, **labels).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        laid_over = model if laid is None else peft.PeftModel.from_pretrained(model, laid).eval()
    with torch.no_grad():
        return laid_over(input_ids=torch.arange(4, 12)[None])[0]


def edit_tensors(laid, change):
    path = laid / "adapter_model.safetensors"
    save_file(change(load_file(path)), path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("adapters")
    base = build(place / "base", "llama")
    return base, lora(place / "adapter", base), lora(place / "head", base, task="SEQ_CLS")


@pytest.fixture
def causal(made, tmp_path):
    base, laid, _ = made
    shutil.copytree(laid, tmp_path / "a")
    return base, tmp_path / "a"


@pytest.mark.parametrize("family", ["llama", "gemma2", "qwen2", "qwen3", "mistral", "phi3", "gpt2", "qwen3_moe"])
def test_adapter_that_peft_wrote_on_this_base_is_quiet(tmp_path, family):
    base = build(tmp_path / "b", family)
    laid = lora(tmp_path / "a", base)
    assert codes(judged(base, laid)) == []
    assert codes(judged(base, laid), "warning") == []
    alone = judge(
        Evidence(describe(laid), Intent(base_resolved=str(base)), Host(packages=TRIED), base=describe(base)), RULES
    )
    assert codes(alone) == []


@pytest.mark.parametrize("family", ["bert", "deberta_v2", "modernbert"])
def test_classifier_adapter_of_an_encoder_is_quiet(tmp_path, family):
    base = build(tmp_path / "b", family)
    assert codes(judged(base, lora(tmp_path / "a", base, task="SEQ_CLS"), "score")) == []


def test_a404_adapter_of_a_wider_model_is_an_error_as_in_peft(tmp_path, causal):
    wide = build(tmp_path / "wide", "llama_wide")
    laid = lora(tmp_path / "w", wide)
    base, _ = causal
    found = judged(base, laid)
    assert codes(found) == ["A404"]
    assert of(found, "A404").evidence["trained_on"] == str(wide)
    with pytest.raises(RuntimeError, match="size mismatch"):
        logits(base, laid)


def test_a404_is_not_judged_on_a_quantised_base_and_says_so(tmp_path, causal):
    base, laid = causal
    copy = shutil.copytree(base, tmp_path / "q")
    edit_json(
        copy / "config.json", lambda config: {**config, "quantization_config": {"quant_method": "gptq", "bits": 4}}
    )
    found = judged(copy, laid)
    assert any(each.code == "A404" and "quantised" in each.reason and not each.moot for each in found.skipped)


def test_a405_another_rank_is_an_error_as_in_peft_and_the_true_one_is_told(causal):
    base, laid = causal
    edit_json(laid / "adapter_config.json", lambda config: {**config, "r": 16})
    found = judged(base, laid)
    assert codes(found) == ["A405"]
    assert of(found, "A405").evidence["stored"] == 4
    with pytest.raises(RuntimeError, match="size mismatch"):
        logits(base, laid)


def test_a405_near_miss_a_rank_pattern_explains_it(causal):
    base, laid = causal
    pattern = {"q_proj": 4, "k_proj": 4, "v_proj": 4, "o_proj": 4, "gate_proj": 4, "up_proj": 4, "down_proj": 4}
    edit_json(laid / "adapter_config.json", lambda config: {**config, "r": 16, "rank_pattern": pattern})
    assert codes(judged(base, laid)) == []
    assert logits(base, laid).isfinite().all()


@pytest.mark.parametrize(
    ("change", "count"),
    [
        (lambda name: name.replace("base_model.model.model.", "base_model.model."), None),
        (lambda name: name.replace("layers", "blocks"), 14),
        (lambda name: name.replace("layers.1.", "layers.7."), 7),
    ],
    ids=["prefix", "names", "depth"],
)
def test_a409_names_that_match_nothing_are_an_error_as_peft_loads_nothing_of_them(causal, change, count):
    base, laid = causal
    whole = logits(base, laid)
    edit_tensors(laid, lambda tensors: {change(name): each for name, each in tensors.items()})
    found = judged(base, laid)
    if count is None:  # the body's own prefix may be absent in a checkpoint: peft is stricter than the names are
        return
    assert codes(found) == ["A409"]
    assert of(found, "A409").evidence["count"] == count
    changed = logits(base, laid)
    assert not torch.allclose(changed, whole)
    assert torch.equal(changed, logits(base)) is (count == 14)


def test_a409_a_lost_half_is_an_error_as_peft_leaves_the_other_as_it_was_born(causal):
    base, laid = causal
    whole = logits(base, laid)
    lost = "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"
    edit_tensors(laid, lambda tensors: {name: each for name, each in tensors.items() if name != lost})
    assert codes(judged(base, laid)) == ["A409"]
    assert not torch.allclose(logits(base, laid), whole)


def test_a409_a_lost_half_of_fused_experts_is_told_too(tmp_path):
    base = build(tmp_path / "b", "qwen3_moe")
    laid = lora(tmp_path / "a", base)
    assert codes(judged(base, laid)) == []
    lost = "base_model.model.model.layers.0.mlp.experts.lora_B.weight"
    edit_tensors(laid, lambda tensors: {name: each for name, each in tensors.items() if name != lost})
    found = judged(base, laid)
    assert codes(found) == ["A409"]
    assert of(found, "A409").evidence["modules"] == ["model.layers.0.mlp.experts"]


def test_a409_a_module_that_no_target_names_is_an_error_as_peft_drops_its_matrices(causal):
    base, laid = causal
    whole = logits(base, laid)
    edit_json(laid / "adapter_config.json", lambda config: {**config, "target_modules": ["q_proj"]})
    found = judged(base, laid)
    assert codes(found) == ["A409"]
    assert of(found, "A409").evidence["count"] == 12
    assert not torch.allclose(logits(base, laid), whole)


def test_a405_one_matrix_of_another_rank_is_an_error_as_in_peft(causal):
    base, laid = causal
    odd = "base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight"
    edit_tensors(laid, lambda tensors: {n: torch.zeros(t.shape[0], 7) if n == odd else t for n, t in tensors.items()})
    assert codes(judged(base, laid)) == ["A405"]
    with pytest.raises(RuntimeError, match="size mismatch"):
        logits(base, laid)


def test_a407_causal_adapter_on_a_classifier_is_an_error_as_in_peft(tmp_path, causal):
    _, laid = causal
    base = build(tmp_path / "c", "llama", classifier=True)
    assert codes(judged(base, laid, "score")) == ["A407"]
    with pytest.raises(AttributeError, match="prepare_inputs_for_generation"):
        logits(base, laid, "AutoModelForSequenceClassification")


def test_a407_classifier_adapter_for_letters_is_a_warning_as_it_loads(made):
    base, _, head = made
    assert codes(judged(base, head, "score", head="tokens"), "warning") == ["A407"]
    assert logits(base, head).isfinite().all()
    assert codes(judged(base, head, "score")) == []


@pytest.mark.parametrize(("peft", "code"), [("0.11.1", ["A406", "A411"]), ("0.17.0", ["A411"]), ("0.21.2", [])])
def test_a406_keys_stop_an_old_peft_and_are_left_out_by_a_newer_one(causal, peft, code):
    base, laid = causal
    assert codes(judged(base, laid, packages={**TRIED, "peft": peft})) == code


def test_a406_the_installed_peft_goes_on_past_a_key_that_it_does_not_know(causal):
    base, laid = causal
    whole = logits(base, laid)
    edit_json(laid / "adapter_config.json", lambda config: {**config, "brand_new": 1})
    assert codes(judged(base, laid)) == []
    assert torch.equal(logits(base, laid), whole)


def test_a406_table_holds_what_the_installed_peft_has():
    import peft

    known = set(peft.LoraConfig.__dataclass_fields__)
    assert {key for key in adapter_peft.SINCE if key not in known} <= {"runtime_config"}


def test_a410_without_alpha_peft_takes_its_default_and_that_is_told(causal):
    import peft

    base, laid = causal
    edit_json(laid / "adapter_config.json", lambda config: {k: v for k, v in config.items() if k != "lora_alpha"})
    found = judged(base, laid)
    assert (codes(found), codes(found, "warning")) == ([], ["A410"])
    assert peft.PeftConfig.from_pretrained(str(laid)).lora_alpha == 8


def test_a411_without_peft_it_is_an_error_and_without_an_adapter_it_is_none(causal):
    base, laid = causal
    packages = {name: version for name, version in TRIED.items() if name != "peft"}
    assert codes(judged(base, laid, packages=packages)) == ["A411"]
    alone = judge(Evidence(describe(base), Intent(), Host(packages=packages)), RULES)
    assert "A411" in {each.code for each in alone.skipped if each.moot}


def test_pickled_adapter_is_not_opened_and_says_so(causal):
    base, laid = causal
    torch.save(load_file(laid / "adapter_model.safetensors"), laid / "adapter_model.bin")
    (laid / "adapter_model.safetensors").unlink()
    found = judged(base, laid)
    assert codes(found) == []
    assert {"A404", "A405", "A409"} <= {each.code for each in found.skipped if not each.moot}


def test_every_rule_explains_itself():
    for each in (*adapter_fit.RULES, *adapter_peft.RULES):
        assert "To mend it" in each.explanation, each.code
        assert each.judge.__name__ == each.name.replace("-", "_")
    assert json.dumps([each.code for each in adapter_fit.RULES])
