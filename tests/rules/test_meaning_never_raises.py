"""Whatever stands in the small files, every rule of our families gives findings or a reason, and never an exception."""

import json
import shlex
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_factory import write_safetensors
from rule_driver import MEANING, judge
from tokenizer_factory import write_tokenizer_files

from resolver.finding import SEVERITIES
from resolver.rules.model_rules import MODEL_RULES
from resolver.rules.rule import Intent

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KEYS = {
    "config.json": ["model_type", "architectures", "vocab_size", "hidden_size", "id2label", "auto_map", "text_config",
                    "quantization_config", "tokenizer_class", "transformers_weights"],
    "tokenizer_config.json": ["tokenizer_class", "pad_token", "added_tokens_decoder", "extra_special_tokens", "auto_map"],
    "adapter_config.json": ["base_model_name_or_path", "task_type", "r", "modules_to_save", "target_modules"],
    "model.safetensors.index.json": ["weight_map", "metadata"],
    "tokenizer.json": ["model", "added_tokens", "padding"],
}  # fmt: skip
FILES = st.dictionaries(st.sampled_from(list(KEYS)), ANY, max_size=3)
INTENTS = st.sampled_from([Intent(), Intent("score"), Intent("train"), Intent("score", base_resolved="")])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), names=st.sets(st.sampled_from(list(KEYS)), min_size=1), intent=INTENTS, loose=FILES)
def test_any_small_files_are_judged(data, names, intent, loose):
    with tempfile.TemporaryDirectory() as place:
        root = write_tokenizer_files(Path(place))
        write_safetensors(root / "model.safetensors", {"model.embed_tokens.weight": ("F32", (4, 2), None)})
        for name in sorted(names):
            value = data.draw(st.dictionaries(st.sampled_from(KEYS[name]), ANY), label=name)
            (root / name).write_text(json.dumps(value))
        for name, value in loose.items():
            (root / name).write_text(json.dumps(value))
        judged = judge(root, intent=intent)
    for finding in judged.findings:
        assert finding.severity in SEVERITIES
        assert finding.message
        assert finding.fix.text
        json.dumps(dict(finding.evidence))
    assert not {each.code for each in judged.findings} & set(judged.skipped)


@pytest.mark.parametrize("damage", ["config.json", "tokenizer.json", "adapter_config.json", "nothing"])
def test_commands_stay_one_command_whatever_the_directory_is_called(tmp_path, damage):
    root = tmp_path / "it's; rm -rf $HOME & `x`"
    write_tokenizer_files(root)
    if damage != "nothing":
        (root / damage).write_text("{,\n")
    for intent in (Intent(base_resolved=""), Intent("score", base_resolved="")):
        for finding in judge(root, intent=intent, packages={}).findings:
            for word in shlex.split(finding.fix.command or ""):
                assert "rm -rf" not in word or word.startswith(str(root)), finding.fix.command


@pytest.mark.parametrize("each", MEANING, ids=lambda each: each.code)
def test_every_rule_has_what_its_page_needs(each):
    assert 10 < len(each.title) < 120
    assert not each.title.endswith(".")
    assert "Example:" in each.explanation
    assert each.consequence
    assert each.level in {"quick", "standard"}
    assert each.name == each.judge.__name__.replace("_", "-")


def test_every_rule_of_these_families_is_judged_by_check():
    codes = [each.code for each in MEANING]
    assert len(codes) == len(set(codes))
    assert set(codes) <= {each.code for each in MODEL_RULES}
