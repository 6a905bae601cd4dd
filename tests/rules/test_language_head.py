"""C320: without a language head the letters' logits are noise; transformers is the oracle, on the same directories."""

from __future__ import annotations

import pytest
from model_factory import edit_json
from rule_driver import judge

from resolver.rules import language_head
from resolver.rules.rule import Intent

TOKENS = Intent(purpose="score", head="tokens")
SHAPE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}


def saved(root, family, auto, **config):
    import transformers

    transformers.logging.disable_progress_bar()
    made = transformers.AutoConfig.for_model(family, vocab_size=40, num_labels=3, pad_token_id=0, **SHAPE, **config)
    getattr(transformers, auto).from_config(made).save_pretrained(root)
    return root


def told(root, intent=TOKENS):
    return judge(root, rules=language_head.RULES, intent=intent).codes("error")


def made_anew(root):
    """What transformers fills with random numbers when the letters are asked for."""
    import transformers

    transformers.logging.set_verbosity_error()
    _, info = transformers.AutoModelForCausalLM.from_pretrained(root, output_loading_info=True)
    return [name for name in info["missing_keys"] if name.endswith("weight")]


@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "qwen3", "phi3", "gpt_neox", "gemma", "gpt2"])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("auto", ["AutoModelForSequenceClassification", "AutoModelForCausalLM", "AutoModel"])
def test_c320_speaks_where_transformers_makes_a_decoders_head_anew(tmp_path, family, tied, auto):
    heads = {} if family in {"gpt2", "gpt_neox"} else {"num_key_value_heads": 2}
    root = saved(tmp_path / "m", family, auto, tie_word_embeddings=tied, **heads)
    expected = not tied and auto != "AutoModelForCausalLM"
    assert bool(made_anew(root)) == expected
    assert told(root) == (["C320"] if expected else [])


@pytest.mark.parametrize("family", ["bert", "roberta", "electra", "xlm-roberta", "camembert"])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("auto", ["AutoModelForSequenceClassification", "AutoModelForCausalLM", "AutoModelForMaskedLM"])
def test_c320_speaks_of_an_encoder_though_its_head_is_tied(tmp_path, family, tied, auto):
    root = saved(tmp_path / "m", family, auto, tie_word_embeddings=tied)
    expected = auto == "AutoModelForSequenceClassification"
    assert bool(made_anew(root)) == expected
    assert told(root) == (["C320"] if expected else [])


@pytest.mark.parametrize("family", sorted(language_head.UNTIED))
def test_c320_families_that_untie_by_themselves(family):
    import transformers

    assert transformers.AutoConfig.for_model(family).tie_word_embeddings is False


def test_c320_an_old_config_that_says_nothing_is_the_familys(tmp_path):
    root = saved(tmp_path / "m", "llama", "AutoModelForSequenceClassification", num_key_value_heads=2)
    edit_json(root / "config.json", lambda config: {key: config[key] for key in config if key != "tie_word_embeddings"})
    assert made_anew(root)
    assert told(root) == ["C320"]


def test_c320_is_no_question_where_the_classifier_is_asked(tmp_path):
    root = saved(tmp_path / "m", "llama", "AutoModelForSequenceClassification", num_key_value_heads=2)
    assert told(root, Intent(purpose="score")) == []
    assert told(root, Intent()) == []
