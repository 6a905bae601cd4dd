"""W107, W114, W115, W116, W121 and C318: the real loader on the meta device, beside what the real load really does."""

import functools

import pytest
import torch
from families import FAMILIES, build, lora
from model_factory import edit_json
from rule_driver import TRIED
from safetensors.torch import load_file, save_file

from resolver.environment import Environment
from resolver.host import Host
from resolver.inspection.describe import describe
from resolver.probe.child import Answer, Question
from resolver.probe.loading import Loading, loading, loading_question
from resolver.probe.meta_load import load_on_meta
from resolver.probe.observe import observe
from resolver.probe.observed import Observed
from resolver.rules import dtypes, heads, index, parameters, weights
from resolver.rules.judge import judge
from resolver.rules.rule import Evidence, Intent

RULES = (*weights.RULES, *index.RULES, *heads.RULES, *dtypes.RULES, *parameters.RULES)
ONE_FILE = [name for name in FAMILIES if name != "llama_wide"]


def evidence(root, purpose="load", adapter=None, **intent):
    return Evidence(
        describe(root),
        Intent(purpose=purpose, **intent),
        Host(packages=TRIED),
        None if adapter is None else describe(adapter),
    )


def judged(root, purpose="load", adapter=None, **intent):
    """As the standard level judges, with the loader asked in this process."""
    asked = evidence(root, purpose, adapter, **intent)
    question = loading_question(asked)
    answer = None if isinstance(question, str) else Answer("answered", load_on_meta(**question.request))
    seen = asked.replaced(observed=Observed(loading=loading(question, answer)))
    return judge(seen, RULES, level="standard")


def codes(found, severity=None):
    return sorted({each.code for each in found.findings if severity in (None, each.severity)})


def logits(root, auto="AutoModelForCausalLM"):
    """What the real library computes; twice, so that a random part is seen."""
    import transformers

    transformers.logging.set_verbosity_error()
    ids = torch.arange(4, 12)[None]

    def once():
        model = getattr(transformers, auto).from_pretrained(root).eval()
        extra = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
        with torch.no_grad():
            return model(input_ids=ids, **extra)[0]

    return once(), once()


def edit_tensors(root, change):
    path = root / "model.safetensors"
    tensors = load_file(path)
    changed = change(tensors)
    save_file(tensors if changed is None else changed, path, metadata={"format": "pt"})


@pytest.mark.parametrize("family", ONE_FILE)
@pytest.mark.parametrize("classifier", [False, True], ids=["language", "classifier"])
def test_good_model_is_quiet(tmp_path, family, classifier):
    root = build(tmp_path / "m", family, classifier=classifier)
    for purpose in ("load", "score", "train") if classifier else ("load", "train"):
        found = judged(root, purpose)
        assert codes(found) == [], [each.message for each in found.findings]
        assert not {"W114", "W115", "W116", "C318"} & {each.code for each in found.skipped}


@pytest.mark.parametrize("family", ["llama", "qwen3_moe", "bert", "t5", "phi3", "deberta_v2", "modernbert"])
def test_sharded_model_is_quiet(tmp_path, family):
    assert codes(judged(build(tmp_path / "m", family, sharded=True))) == []


@pytest.mark.parametrize("family", ["llama", "gemma2", "qwen2", "qwen3", "qwen3_moe", "mistral", "phi3", "bert"])
def test_w114_a_layer_more_in_config_is_an_error_as_it_is_random_in_transformers(tmp_path, family):
    root = build(tmp_path / "m", family)
    edit_json(root / "config.json", _one_layer_more)
    (finding,) = judged(root).findings
    assert (finding.code, finding.severity) == ("W114", "error")
    assert finding.evidence["num_hidden_layers"] == 3
    assert finding.evidence["layers_stored"] == 2
    if family in ("llama", "bert"):
        one, other = logits(root, "AutoModelForMaskedLM" if family == "bert" else "AutoModelForCausalLM")
        assert not torch.allclose(one, other)


def _one_layer_more(config):
    config["num_hidden_layers"] = 3
    if "layer_types" in config:
        config["layer_types"] = [*config["layer_types"], config["layer_types"][0]]


def test_w115_a_layer_less_in_config_is_an_error_as_the_model_is_another_one(tmp_path):
    root = build(tmp_path / "m", "llama")
    whole, again = logits(root)
    assert torch.equal(whole, again)
    edit_json(root / "config.json", lambda config: {**config, "num_hidden_layers": 1})
    (finding,) = judged(root).findings
    assert (finding.code, finding.severity) == ("W115", "error")
    assert finding.evidence["layers_stored"] == 2
    assert not torch.allclose(logits(root)[0], whole)


def test_w115_biases_that_another_family_has_no_place_for_are_an_error_as_they_change_the_answers(tmp_path):
    root = build(tmp_path / "m", "qwen2")
    whole = logits(root)[0]
    edit_json(
        root / "config.json", lambda config: {**config, "model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    )
    (finding,) = [each for each in judged(root).findings if each.code == "W115"]
    assert finding.severity == "error"
    assert any("bias" in name for name in finding.evidence["unexpected"])
    assert not torch.allclose(logits(root)[0], whole)


def test_w115_a_tensor_that_nothing_wants_is_a_warning_and_changes_nothing(tmp_path):
    root = build(tmp_path / "m", "llama")
    whole = logits(root)[0]
    edit_tensors(root, lambda tensors: {**tensors, "model.extra.weight": torch.ones(2, 2)})
    (finding,) = judged(root).findings
    assert (finding.code, finding.severity) == ("W115", "warning")
    assert torch.equal(logits(root)[0], whole)


@pytest.mark.parametrize(
    ("family", "tensor"),
    [
        ("llama", "model.layers.1.self_attn.q_proj.weight"),
        ("qwen2", "model.layers.0.self_attn.k_proj.bias"),
        ("gemma2", "model.norm.weight"),
        ("bert", "bert.encoder.layer.1.output.dense.weight"),
        ("t5", "encoder.block.0.layer.0.SelfAttention.q.weight"),
    ],
)
def test_w114_a_dropped_tensor_is_named(tmp_path, family, tensor):
    root = build(tmp_path / "m", family)
    edit_tensors(root, lambda tensors: {name: each for name, each in tensors.items() if name != tensor})
    (finding,) = judged(root).findings
    assert (finding.code, finding.evidence["missing"]) == ("W114", [tensor])


def test_a_lost_expert_is_the_library_s_refusal(tmp_path):
    root = build(tmp_path / "m", "qwen3_moe")
    edit_tensors(root, lambda tensors: {n: t for n, t in tensors.items() if "layers.0.mlp.experts.1.up_proj" not in n})
    assert codes(judged(root), "error") in (["C318"], ["W114"])
    with pytest.raises(Exception):  # noqa: B017 - whatever the library raises
        logits(root)


def test_w116_another_intermediate_size_is_blamed_on_its_field(tmp_path):
    root = build(tmp_path / "m", "llama")
    edit_json(root / "config.json", lambda config: {**config, "intermediate_size": 96})
    (finding,) = judged(root).findings
    assert (finding.code, finding.severity, finding.place.pointer) == ("W116", "error", "/intermediate_size")
    assert "96 in config.json and 64 in the weights" in finding.fix.text
    with pytest.raises(RuntimeError, match="ignore_mismatched_sizes"):
        logits(root)


def test_w107_a_tensor_that_is_in_no_shard_is_an_error_once_the_loader_wants_it(tmp_path):
    root = build(tmp_path / "m", "llama", sharded=True)
    shard = next(path for path in sorted(root.glob("model-*.safetensors")) if len(load_file(path)) > 1)
    kept = load_file(shard)
    lost = next(name for name in kept if "proj" in name)
    save_file({name: each for name, each in kept.items() if name != lost}, shard, metadata={"format": "pt"})
    asked = evidence(root)
    assert codes(judge(asked, RULES), "error") == []
    assert codes(judge(asked, RULES), "warning") == ["W107"]
    found = judged(root)
    assert codes(found, "error") == ["W107"]
    assert not torch.allclose(*logits(root))


def test_c307_tells_of_the_head_and_w114_of_the_rest(tmp_path):
    root = build(tmp_path / "m", "bert")
    assert codes(judged(root, "score"), "error") == ["C307"]
    assert codes(judged(root, "train")) == []
    edit_tensors(root, lambda tensors: {n: t for n, t in tensors.items() if "layer.0.output.dense" not in n})
    found = judged(root, "train")
    assert codes(found) == ["W114"]
    assert found.findings[0].evidence["count"] == 2


def test_a_head_of_the_adapter_is_not_missing(tmp_path):
    base = build(tmp_path / "m", "llama")
    adapter = lora(tmp_path / "a", base, task="SEQ_CLS")
    assert codes(judged(base, "score", adapter), "error") == []


def test_w114_claims_a_classifier_and_holds_no_head(tmp_path):
    root = build(tmp_path / "m", "llama", classifier=True)
    edit_tensors(root, lambda tensors: {n: t for n, t in tensors.items() if n != "score.weight"})
    (finding,) = judged(root).findings
    assert (finding.code, finding.evidence["missing"]) == ("W114", ["score.weight"])


@pytest.mark.parametrize("family", ["llama", "gemma2", "qwen2"])
@pytest.mark.parametrize("tied", [True, False])
def test_w121_a_flag_that_says_what_is_stored_is_quiet(tmp_path, family, tied):
    assert codes(judged(build(tmp_path / "m", family, tied=tied))) == []


def test_w121_untied_without_a_head_is_an_error_as_the_head_is_random(tmp_path):
    root = build(tmp_path / "m", "llama", tied=True)
    edit_json(root / "config.json", lambda config: {**config, "tie_word_embeddings": False})
    (finding,) = judged(root).findings
    assert (finding.code, finding.severity) == ("W121", "error")
    assert not torch.allclose(*logits(root))


def test_w121_tied_with_another_head_is_a_warning_as_this_transformers_uses_the_stored_one(tmp_path):
    root = build(tmp_path / "m", "llama", tied=False)
    whole = logits(root)[0]
    edit_json(root / "config.json", lambda config: {**config, "tie_word_embeddings": True})
    (finding,) = judged(root).findings
    assert (finding.code, finding.severity) == ("W121", "warning")
    assert torch.equal(logits(root)[0], whole)


def test_w121_a_mere_copy_of_the_embeddings_is_no_fault(tmp_path):
    root = build(tmp_path / "m", "llama", tied=True)
    edit_tensors(root, lambda tensors: {**tensors, "lm_head.weight": tensors["model.embed_tokens.weight"].clone()})
    assert codes(judged(root)) == []


def test_c318_what_the_library_refuses_is_told_in_its_words(tmp_path):
    root = build(tmp_path / "m", "llama")
    edit_json(root / "config.json", lambda config: {**config, "num_attention_heads": 3})
    (finding,) = judged(root).findings
    assert (finding.code, finding.severity) == ("C318", "error")
    with pytest.raises(Exception, match="not a multiple of the number of attention heads") as raised:
        logits(root)
    assert type(raised.value).__name__ == finding.evidence["said"].partition(":")[0]


@pytest.mark.parametrize("refused", ["ValueError: no", ""])
def test_c318_what_another_transformers_says_is_no_verdict_on_the_judged_one(tmp_path, refused):
    root = build(tmp_path / "m", "llama")
    asked = evidence(root).replaced(
        host=Host(packages={**TRIED, "transformers": "4.57.6"}),
        observed=Observed(loading=Loading(version="5.23.0", refused=refused)),
    )
    result = judge(asked, parameters.RULES, level="standard")
    assert codes(result) == []
    (skipped,) = [each for each in result.skipped if each.code == "C318"]
    assert "5.23.0" in skipped.reason
    assert "4.57.6" in skipped.reason


def test_another_model_type_over_these_weights_is_found_as_the_auto_classes_choose_by_it(tmp_path):
    root = build(tmp_path / "m", "llama")
    edit_json(root / "config.json", lambda config: {**config, "model_type": "bert"})
    assert codes(judged(root), "error")
    other = build(tmp_path / "q", "qwen3")
    edit_json(other / "config.json", lambda config: {**config, "model_type": "qwen2"})
    assert codes(judged(other), "error")


def test_pickles_and_quantised_weights_are_not_meta_loaded_and_say_so(tmp_path):
    root = build(tmp_path / "m", "llama")
    tensors = load_file(root / "model.safetensors")
    (root / "model.safetensors").unlink()
    torch.save(tensors, root / "pytorch_model.bin")
    assert "pickles" in loading_question(evidence(root))
    other = build(tmp_path / "q", "llama")
    edit_json(
        other / "config.json", lambda config: {**config, "quantization_config": {"quant_method": "gptq", "bits": 4}}
    )
    assert "quantised (gptq)" in loading_question(evidence(other))


def test_loading_tells_why_there_is_no_answer():
    question = Question("meta_load", {})
    assert "stopped after 5 s" in loading(question, Answer("time", said="it was stopped after 5 s")).unknown
    assert loading(question, Answer("answered", {"absent": "no torch"})).unknown == "no torch"
    assert loading("because", None) == Loading(unknown="because")


@functools.cache
def seen_through_the_child(root):
    return observe(evidence(root), Environment.this(), "standard")


@pytest.mark.slow
def test_the_child_answers_what_the_function_answers_and_stays_under_a_gigabyte(tmp_path):
    root = build(tmp_path / "m", "llama")
    edit_json(root / "config.json", _one_layer_more)
    seen = seen_through_the_child(root).loading
    here = load_on_meta(str(root))
    assert (list(seen.missing), seen.built, seen.version) == (here["missing"], here["class"], here["version"])
    assert 0 < seen.peak_bytes < 10**9
