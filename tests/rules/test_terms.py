"""L503 to L506: what the licences ask for. The texts of the publishers lie in shared/ and are read from there."""

from pathlib import Path

import pytest
from model_factory import model_dir
from rule_driver import judge

from resolver.rules import licence, terms
from resolver.rules.rule import Intent

RULES = (*licence.RULES, *terms.RULES)
TRAINING = Intent(purpose="train")
TEXTS = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "models" / "_licenses"


def stated(root, name=None, **files):
    model_dir(root)
    if name is not None:
        (root / "README.md").write_text(f"---\nlicense: {name}\n---\n")
    for file, text in files.items():
        (root / file).write_text(text)
    return root


def test_l503_llama_without_its_policy_is_a_warning(tmp_path):
    (finding,) = judge(stated(tmp_path / "m", "llama3.1"), rules=RULES).of("L503")
    assert (finding.severity, finding.evidence["stated_by"]) == ("warning", "README.md license")
    assert "Llama 3.1" in finding.message
    assert "USE_POLICY.md" in finding.fix.command


def test_l503_near_miss_with_the_policy_it_is_quiet(tmp_path):
    root = stated(tmp_path / "m", "llama3.1")
    (root / "USE_POLICY.md").write_text("# Llama 3.1 Acceptable Use Policy\n")
    assert judge(root, rules=RULES).of("L503") == []


@pytest.mark.parametrize(("name", "reason"), [("apache-2.0", "not Llama's"), (None, "L501")])
def test_l503_is_not_judged_for_other_licences_and_says_so(tmp_path, name, reason):
    judged = judge(stated(tmp_path / "m", name), rules=RULES)
    assert reason in judged.skipped["L503"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("llama3", "700 million"),
        ("llama2", "700 million"),
        ("gemma", "forbidden by name"),
        ("cc-by-nc-4.0", "commercial use is not allowed"),
        ("cc-by-nc-nd-4.0", "commercial use is not allowed"),
        ("cc-by-nd-4.0", "adapted versions"),
        ("bigscience-openrail-m", "forbidden by name"),
        ("deepseek", "forbidden by name"),
        ("tongyi-qianwen", "100 million"),
        ("qwen-research", "beyond research"),
        ("apple-amlr", "beyond research"),
        ("health-ai-developer-foundations", "clinical"),
    ],
)
def test_l504_names_what_is_restricted_and_the_clause(tmp_path, name, words):
    (finding,) = judge(stated(tmp_path / "m", name), rules=RULES).of("L504")
    assert finding.severity == "info"
    assert words in finding.message
    assert finding.evidence["clause"] in finding.fix.text


@pytest.mark.parametrize("name", ["apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0", "cc-by-sa-4.0", "other", "unknown"])
def test_l504_open_licences_are_quiet(tmp_path, name):
    assert judge(stated(tmp_path / "m", name), rules=RULES).of("L504") == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("llama2", "Llama 2 Community License"),
        ("llama3", '"Built with Meta Llama 3", a name that begins with "Llama 3"'),
        ("llama3.3", '"Built with Llama", a name that begins with "Llama"'),
        ("gemma", "Gemma Terms of Use"),
        ("cc-by-sa-4.0", "who made the original"),
    ],
)
def test_l505_says_the_words_to_those_who_train(tmp_path, name, words):
    root = stated(tmp_path / "m", name)
    (finding,) = judge(root, rules=RULES, intent=TRAINING).of("L505")
    assert words in finding.message
    assert "purpose is load" in judge(root, rules=RULES).skipped["L505"]


def test_l505_apache_asks_only_where_a_notice_lies(tmp_path):
    root = stated(tmp_path / "m", "apache-2.0")
    assert judge(root, rules=RULES, intent=TRAINING).of("L505") == []
    (root / "NOTICE").write_text("Copyright somebody\n")
    assert [each.code for each in judge(root, rules=RULES, intent=TRAINING).of("L505")] == ["L505"]


def test_l506_speaks_only_where_nothing_is_stated(tmp_path):
    silent = judge(model_dir(tmp_path / "a"), rules=RULES)
    assert silent.codes("info") == ["L506"]
    named = judge(stated(tmp_path / "b", "mit"), rules=RULES)
    assert "only the hub knows" in named.skipped["L506"]
    asked = model_dir(tmp_path / "c")
    (asked / "README.md").write_text("---\nextra_gated_prompt: agree\n---\n")
    assert judge(asked, rules=RULES).of("L506") == []


@pytest.mark.parametrize(
    ("file", "clause", "words"),
    [
        ("llama2-LICENSE", "700 million monthly active users", "700 million"),
        ("llama3-LICENSE", "700 million monthly active users", "700 million"),
        ("llama3_1-LICENSE", "700 million monthly active users", "700 million"),
        ("llama3_3-LICENSE", "700 million monthly active users", "700 million"),
        ("llama4-LICENSE", "700 million monthly active users", "700 million"),
        ("gemma-terms-2025-03-24.txt", "3.2", "forbidden"),
        ("deepseek-v3-LICENSE-MODEL", "Attachment A", "forbidden"),
        ("tongyi-qianwen-LICENSE.md", "100 million monthly active users", "100 million"),
    ],
)
def test_l504_real_texts_are_known_by_their_heading_and_hold_the_clause(tmp_path, file, clause, words):
    if not TEXTS.is_dir():
        pytest.skip("shared/data is absent: the publishers' texts are not part of this project")
    text = (TEXTS / file).read_text("utf-8")
    assert clause in text
    root = stated(tmp_path / "m", LICENSE=text)
    (finding,) = judge(root, rules=RULES).of("L504")
    assert words in finding.message


def test_every_rule_explains_itself():
    for each in terms.RULES:
        assert each.title
        assert "To mend it" in each.explanation or "To be sure" in each.explanation, each.code
        assert each.judge.__name__ == each.name.replace("-", "_")
