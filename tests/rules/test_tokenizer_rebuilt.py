"""T215: what the declared class makes of tokenizer.json, beside the file itself and beside transformers."""

import pytest
from families import FAMILIES, build
from model_factory import edit_json
from rule_driver import TRIED

from resolver.host import Host
from resolver.inspection.describe import describe
from resolver.probe.child import Answer
from resolver.probe.observed import Observed
from resolver.probe.tokenizer_load import PLAIN, answer
from resolver.probe.tokenizers import loaded_tokenizers, tokenizer_questions
from resolver.rules import tokenizer_rebuilt
from resolver.rules.judge import judge
from resolver.rules.rule import Evidence, Intent


def judged(root):
    asked = Evidence(describe(root), Intent(), Host(packages=TRIED))
    answers = [Answer("answered", answer(each.request)) for each in tokenizer_questions(asked)]
    seen = asked.replaced(observed=Observed(tokenizers=loaded_tokenizers(asked, answers)))
    return judge(seen, tokenizer_rebuilt.RULES, level="standard").findings


@pytest.mark.parametrize("family", FAMILIES)
def test_t215_a_tokenizer_under_its_own_class_is_quiet(tmp_path, family):
    assert judged(build(tmp_path / "m", family)) == ()


def test_t215_another_class_gives_other_ids_as_in_transformers(tmp_path):
    import tokenizers
    import transformers

    root = build(tmp_path / "m", "gemma2")
    edit_json(root / "tokenizer_config.json", lambda value: {**value, "tokenizer_class": "GPT2Tokenizer"})
    ids = transformers.AutoTokenizer.from_pretrained(root)(PLAIN, add_special_tokens=False)["input_ids"]
    assert (
        ids != tokenizers.Tokenizer.from_file(str(root / "tokenizer.json")).encode(PLAIN, add_special_tokens=False).ids
    )
    (finding,) = judged(root)
    assert (finding.code, finding.severity) == ("T215", "warning")
    assert finding.evidence["ids"] == ids[:12]


def test_t215_the_fix_mends_it(tmp_path):
    root = build(tmp_path / "m", "gemma2")
    edit_json(root / "tokenizer_config.json", lambda value: {**value, "tokenizer_class": "PreTrainedTokenizerFast"})
    assert judged(root) == ()


def test_t215_is_moot_where_no_tokenizer_was_loaded(tmp_path):
    found = judge(Evidence(describe(tmp_path), Intent(), Host()), tokenizer_rebuilt.RULES, level="standard")
    assert [(each.code, each.moot) for each in found.skipped] == [("T215", True)]
