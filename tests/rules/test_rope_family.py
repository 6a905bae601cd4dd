"""C319: a Llama 3 that has lost its rotary base loads silently, and answers otherwise."""

import pytest
import torch
from families import build
from model_factory import edit_json, model_dir
from rule_driver import judge

from resolver.rules import rope_family

LLAMA_3 = {"vocab_size": 128256, "rope_theta": 500000.0}


def found(root):
    return judge(root, rules=rope_family.RULES)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (LLAMA_3, False),
        ({**LLAMA_3, "rope_theta": 8_000_000.0}, False),
        ({**LLAMA_3, "rope_theta": 10000.0}, True),
        ({"vocab_size": 128256, "rope_theta": None}, True),
        ({"vocab_size": 32000, "rope_theta": 10000.0}, False),
        ({"model_type": "qwen3", "vocab_size": 151936, "rope_theta": 10000.0}, True),
        ({"model_type": "qwen3", "vocab_size": 151936, "rope_theta": 1000000.0}, False),
        ({"model_type": "qwen2", "vocab_size": 151936, "rope_theta": 10000.0}, False),
        ({"vocab_size": 128256, "rope_theta": None, "rope_parameters": {"rope_theta": 500000.0}}, False),
    ],
)
def test_c319_speaks_where_the_default_stands_for_the_published_base(tmp_path, config, told):
    root = model_dir(tmp_path / "m", config=config, sparse=True)
    edit_json(root / "config.json", lambda value: {key: each for key, each in value.items() if each is not None})
    judged = found(root)
    assert judged.codes("warning") == (["C319"] if told else [])
    assert judged.codes("error") == []


def test_c319_transformers_loads_it_silently_and_computes_otherwise(tmp_path):
    """The same weights under both bases: no error, other logits."""
    import transformers

    root = build(tmp_path / "m", "llama")
    ids = torch.arange(4, 36)[None]
    logits = []
    for theta in (500000.0, 10000.0):
        rope = {"rope_theta": theta, "rope_type": "default"}
        edit_json(root / "config.json", lambda value, rope=rope: {**value, "rope_parameters": rope})
        logits.append(transformers.AutoModelForCausalLM.from_pretrained(root)(ids).logits)
    assert not torch.allclose(*logits)


def test_every_rule_explains_itself():
    for each in rope_family.RULES:
        assert "To mend it" in each.explanation, each.code
        assert each.judge.__name__ == each.name.replace("-", "_")
