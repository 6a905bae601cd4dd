import json

import pytest
from model_factory import tiny_model
from rule_driver import judge

from resolver.rules import licence

RULES = licence.RULES


def test_l501_neither_text_nor_card_is_a_warning(tmp_path):
    root = tiny_model(tmp_path)
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.severity) == ("L501", "warning")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LICENSE", "Apache License\n"),
        ("README.md", "---\nlicense: mit\n---\n"),
        ("README.md", "---\nlicense: other\nlicense_link: LICENSE\n---\n"),
    ],
)
def test_l501_near_miss_a_text_or_a_declaration_is_quiet(tmp_path, name, text):
    root = tiny_model(tmp_path)
    (root / name).write_text(text)
    assert judge(root, rules=RULES).codes() == []


@pytest.mark.parametrize(
    ("name", "text"),
    [("README.md", "# My model\nlicense: mit\n"), ("NOTICE", "Copyright somebody\n"), ("USE_POLICY.md", "# Policy\n")],
)
def test_l501_what_is_no_licence_does_not_count(tmp_path, name, text):
    root = tiny_model(tmp_path)
    (root / name).write_text(text)
    assert "L501" in judge(root, rules=RULES).codes("warning")


@pytest.mark.parametrize(
    ("name", "text", "page"),
    [
        ("README.md", "---\nlicense: llama3.1\n---\n", "metaresearch/llama-3.1"),
        ("README.md", "---\nlicense: gemma\n---\n", "google/gemma"),
        ("README.md", "---\nlicense: other\nlicense_name: llama-3\n---\n", "metaresearch/llama-3"),
        ("LICENSE", "META LLAMA 3 COMMUNITY LICENSE AGREEMENT\n", "metaresearch/llama-3"),
        ("LICENSE", "**LLAMA 3.3 COMMUNITY LICENSE AGREEMENT**\n", "metaresearch/llama-3.3"),
        ("LICENSE", "LLAMA 2 COMMUNITY LICENSE AGREEMENT\n", "metaresearch/llama-2"),
        ("GEMMA_LICENSE", "Gemma Terms of Use\n", "google/gemma"),
    ],
)
def test_l502_a_gated_family_is_named_with_both_pages(tmp_path, name, text, page):
    root = tiny_model(tmp_path)
    (root / name).write_text(text)
    (finding,) = judge(root, rules=RULES).of("L502")
    assert finding.severity == "info"
    assert finding.evidence["pages"][1] == f"https://www.kaggle.com/models/{page}"
    assert finding.evidence["pages"][1] in finding.fix.text


def test_l502_a_consent_form_in_the_card_is_enough(tmp_path):
    root = tiny_model(tmp_path)
    (root / "README.md").write_text("---\nlicense: mit\nextra_gated_prompt: agree\n---\n")
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.evidence["asked_by_card"]) == ("L502", ["extra_gated_prompt"])


def adapter_of(root, base):
    root.mkdir()
    (root / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    return root


def test_l502_an_adapter_s_gated_base_is_named(tmp_path):
    (finding,) = judge(adapter_of(tmp_path / "a", "meta-llama/Meta-Llama-3-8B-Instruct"), rules=RULES).of("L502")
    assert "https://huggingface.co/meta-llama/Meta-Llama-3-8B-Instruct" in finding.evidence["pages"]
    assert "https://www.kaggle.com/models/metaresearch/llama-3" in finding.evidence["pages"]


@pytest.mark.parametrize(
    "base", ["Qwen/Qwen2.5-0.5B-Instruct", "nobody/nothing", "/kaggle/input/llama-3/x", None, "gpt2"]
)
def test_l502_near_miss_an_adapter_s_other_base_is_unknown(tmp_path, base):
    judged = judge(adapter_of(tmp_path / "a", base), rules=RULES)
    assert judged.of("L502") == []
    assert "L502" in judged.skipped


@pytest.mark.parametrize(
    "text",
    ["---\nlicense: apache-2.0\n---\n", "---\nlicense: mit\nextra_gated_description: We read privacy laws.\n---\n",
     "---\nlicense: llama-impact-study\n---\n"],
)  # fmt: skip
def test_l502_near_miss_without_evidence_it_is_unknown_and_never_open(tmp_path, text):
    root = tiny_model(tmp_path)
    (root / "README.md").write_text(text)
    judged = judge(root, rules=RULES)
    assert judged.codes() == []
    assert "not the same as open" in judged.skipped["L502"]


def test_every_rule_explains_itself():
    for each in RULES:
        assert each.title
        assert each.explanation
        assert each.judge.__name__ == each.name.replace("-", "_")
