"""What the child says of a tokenizer, and what T202, T205 and T214 make of it; one child answers for all directories."""

import functools

import pytest
from model_factory import edit_json, tiny_model
from rule_driver import TRIED
from tokenizer_factory import added_token, numbered, write_tokenizer_files

from resolver.environment import Environment
from resolver.host import Host
from resolver.inspection.describe import describe
from resolver.probe.child import Child
from resolver.probe.observed import Observed
from resolver.probe.tokenizers import loaded_tokenizers, tokenizer_questions
from resolver.rules import tokenizer, tokenizer_fit
from resolver.rules.judge import judge
from resolver.rules.rule import Evidence, Intent

RULES = (*tokenizer.RULES, *tokenizer_fit.RULES)
HOST = Host(packages={**TRIED, "sentencepiece": "0.2.1", "protobuf": "6.33.1"})


def sentencepiece_model(root):
    import sentencepiece

    (root / "text").write_text("the first answer is better than the second\n" * 20)
    sentencepiece.SentencePieceTrainer.train(
        input=str(root / "text"), model_prefix=str(root / "tokenizer"), vocab_size=40, minloglevel=2, model_type="bpe"
    )
    (root / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')


def merged(root, merges, vocab):
    write_tokenizer_files(root, kind="BPE", vocab=numbered(vocab))
    edit_json(root / "tokenizer.json", lambda value: value["model"].update(merges=merges))


def build(place):
    """Directories by name, each with one thing wrong, or nothing."""
    roots = {name: tiny_model(place / name) for name in ("whole", "beyond", "odd", "speechless")}
    edit_json(roots["beyond"] / "tokenizer.json", lambda value: value["added_tokens"].append(added_token(999, "[NEW]")))
    edit_json(roots["odd"] / "tokenizer.json", lambda value: value.update(normalizer={"type": "NoSuchNormalizer"}))
    # A word-level vocabulary that does not hold its own unknown token: it loads, and stops at the first new word.
    write_tokenizer_files(roots["speechless"], vocab=numbered(["the", "a"]))
    edit_json(roots["speechless"] / "tokenizer.json", lambda value: value["model"].update(unk_token="<unk>"))
    for name in ("sentencepiece", "sentencepiece of many"):
        roots[name] = tiny_model(place / name, tokenizer=False)
        sentencepiece_model(roots[name])
    edit_json(roots["sentencepiece of many"] / "config.json", lambda value: value.update(vocab_size=32))
    (roots["sentencepiece of many"] / "model.safetensors").unlink()
    return roots


@functools.cache
def observed(place):
    """Name to evidence, all asked in one child: the import is what takes the time."""
    roots = build(place)
    found = {name: Evidence(model=describe(root), intent=Intent(), host=HOST) for name, root in roots.items()}
    questions = [(each, question) for each in found.values() for question in tokenizer_questions(each)]
    with Child([each for _, each in questions], Environment.this(), seconds=200, memory_bytes=2 << 30) as child:
        answers = dict(zip(found, child.answers(), strict=True))
    return {
        name: each.replaced(observed=Observed(tokenizers=loaded_tokenizers(each, [answers[name]])))
        for name, each in found.items()
    }


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    return observed(tmp_path_factory.mktemp("tokenizers"))


def judged(evidence):
    return judge(evidence, RULES, level="standard").findings


def test_whole_tokenizer_loads_with_the_ids_that_its_files_say(told):
    evidence = told["whole"]
    (real,) = evidence.observed.tokenizers
    facts = evidence.model.tokenizer
    assert (real.outcome, real.size, real.highest[1]) == ("loaded", facts.size, facts.highest_id)
    assert real.ids == {each.role: each.id for each in facts.specials if each.role in real.ids}
    assert set(real.encoded) == {"plain", "hostile", "long"}
    assert max(real.encoded.values()) <= facts.highest_id
    assert judged(evidence) == ()


def test_t205_is_confirmed_by_the_id_that_the_library_gives(told):
    (finding,) = judged(told["beyond"])
    assert (finding.code, finding.evidence["seen_in"]) == ("T205", "transformers 5.23.0")


def test_t202_what_only_the_library_refuses_is_said_in_its_words(told):
    (finding,) = judged(told["odd"])
    assert (finding.code, finding.severity) == ("T202", "error")
    assert "cannot load the tokenizer" in finding.message
    assert judge(told["odd"].replaced(observed=None), RULES).findings == ()  # the quick level cannot know


def test_t202_a_tokenizer_that_loads_and_cannot_encode_is_an_error(told):
    (finding,) = judged(told["speechless"])
    assert (finding.code, finding.severity) == ("T202", "error")
    assert "cannot encode a plain text, a text of odd characters, a long text" in finding.message
    assert "Missing [UNK]" in finding.message


def test_t202_for_another_version_it_is_a_warning(told):
    other = told["odd"].replaced(host=HOST.replaced(packages={**HOST.packages, "transformers": "4.57.6"}))
    assert [each.severity for each in judged(other) if each.code == "T202"] == ["warning"]


def test_sentencepiece_has_its_size_from_the_library(told):
    evidence = told["sentencepiece"]
    assert evidence.model.tokenizer.size is None
    assert evidence.observed.tokenizers[0].size == 40
    assert judged(evidence) == ()


def test_t205_ids_that_only_the_library_knows_are_judged(told):
    (finding,) = judged(told["sentencepiece of many"])
    assert (finding.code, finding.evidence["rows"], finding.evidence["highest_id"]) == ("T205", 32, 39)


@pytest.mark.parametrize(
    ("merges", "vocab"),
    [(["a b"], ["a", "b", "ab"]), (["a z"], ["a", "b", "ab"]), (["a b"], ["a", "b"]), ([["a", "b"], ["ab"]], ["a", "b", "ab"]),
     (["a b c"], ["a", "b", "c"]), ([["a", "b"], "a b"], ["a", "b", "ab"]), (["#version: 0.2", "a b"], ["a", "b", "ab"])],
)  # fmt: skip
def test_t202_bad_merge_is_found_at_level_quick_as_in_tokenizers(tmp_path, merges, vocab):
    """Where the joined token is absent, tokenizers 0.23 panics, and a panic is no Exception."""
    from tokenizers import Tokenizer

    root = tiny_model(tmp_path)
    merged(root, merges, vocab)
    try:
        Tokenizer.from_file(str(root / "tokenizer.json"))
        loads = True
    except BaseException:  # noqa: BLE001 - as the docstring says
        loads = False
    evidence = Evidence(model=describe(root), intent=Intent(), host=HOST)
    found = judge(evidence, tokenizer.RULES).findings
    assert [each.code for each in found] == ([] if loads else ["T202"])
    assert all(each.place.pointer == "/model/merges" for each in found)


def test_own_code_is_not_asked(tmp_path):
    root = tiny_model(tmp_path)
    edit_json(root / "tokenizer_config.json", lambda value: value.update(auto_map={"AutoTokenizer": ["own.Own", None]}))
    assert tokenizer_questions(Evidence(model=describe(root), intent=Intent(), host=HOST)) == ()
