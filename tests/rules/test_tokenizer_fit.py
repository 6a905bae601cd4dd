"""T203, T204, T214: what the real library does with an unknown class, without a package, with another's tokenizer."""

import json
import subprocess
import sys
import textwrap

import pytest
from model_factory import edit_json, model_dir, tiny_model
from rule_driver import TRIED, judge
from tokenizer_factory import numbered, write_tokenizer_files

from resolver.inspection.tokenizer_classes import (
    BY_MODEL_TYPE,
    FAST,
    ONLY_BEFORE_5,
    OTHERS,
    PYTHON,
    WITHOUT_PAD,
    brings_pad,
    is_known,
)
from resolver.rules import tokenizer, tokenizer_fit

RULES = (*tokenizer.RULES, *tokenizer_fit.RULES)
OLDER = {**TRIED, "transformers": "4.57.6"}


def declare(root, name):
    edit_json(root / "tokenizer_config.json", lambda value: value.update(tokenizer_class=name))
    return root


def auto_tokenizer(root):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(root), local_files_only=True)


# --- T203 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["NanoLlamaTokenizer", "SomebodysTokenizerFast"])
def test_t203_unknown_class_is_a_warning_where_transformers_falls_back_silently(tmp_path, name):
    root = declare(tiny_model(tmp_path), name)
    assert type(auto_tokenizer(root)).__name__ == "TokenizersBackend"
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.severity) == ("T203", "warning")
    assert finding.path == str(root / "tokenizer_config.json")


def test_t203_unknown_class_is_an_error_in_transformers_4(tmp_path):
    """4.57.6 says "Tokenizer class NanoLlamaTokenizer does not exist or is not currently imported." (run by hand)."""
    (finding,) = judge(declare(tiny_model(tmp_path), "NanoLlamaTokenizer"), rules=RULES, packages=OLDER).findings
    assert (finding.code, finding.severity) == ("T203", "error")


def test_t203_what_transformers_5_saves_is_an_error_in_4_and_quiet_in_5(tmp_path):
    root = tiny_model(tmp_path)
    auto_tokenizer(root).save_pretrained(root)
    assert json.loads((root / "tokenizer_config.json").read_text())["tokenizer_class"] == "TokenizersBackend"
    assert judge(root, rules=RULES).codes() == []
    assert judge(root, rules=RULES, packages=OLDER).codes("error") == ["T203"]


def test_t203_unknown_class_in_the_config_alone_is_an_error_as_in_transformers_5(tmp_path):
    root = tiny_model(tmp_path)
    (root / "tokenizer_config.json").unlink()
    edit_json(root / "config.json", lambda value: value.update(tokenizer_class="NanoLlamaTokenizer"))
    with pytest.raises(AttributeError, match="from_pretrained"):
        auto_tokenizer(root)
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.severity, finding.path) == ("T203", "error", str(root / "config.json"))


@pytest.mark.parametrize("name", ["LlamaTokenizer", "LlamaTokenizerFast", "GPT2TokenizerFast", "PreTrainedTokenizer"])
def test_t203_near_miss_a_class_of_both_is_quiet(tmp_path, name):
    root = declare(tiny_model(tmp_path), name)
    assert judge(root, rules=RULES).of("T203") == []
    assert judge(root, rules=RULES, packages=OLDER).of("T203") == []


def test_t203_own_code_and_a_newer_library_are_not_judged(tmp_path):
    root = declare(tiny_model(tmp_path), "Own")
    assert "newer" in judge(root, rules=RULES, packages={**TRIED, "transformers": "6.1.0"}).skipped["T203"]
    edit_json(root / "tokenizer_config.json", lambda value: value.update(auto_map={"AutoTokenizer": ["own.Own", None]}))
    assert "S603" in judge(root, rules=RULES).skipped["T203"]


def test_t203_table_knows_the_classes_that_the_installed_transformers_knows():
    import transformers
    from transformers.models.auto.tokenization_auto import tokenizer_class_from_name

    listed = {name for table in (FAST, PYTHON) for names in table.values() for name in names.split()}
    there = {name for name in dir(transformers) if name.endswith(("Tokenizer", "TokenizerFast"))}
    for name in (
        listed | there - {"AutoTokenizer"} | {"Nonsense", "NonsenseFast", *ONLY_BEFORE_5.split(), *OTHERS.split()}
    ):
        assert is_known(name) == (tokenizer_class_from_name(name) is not None), name


def test_classes_that_bring_a_pad_token_are_those_of_the_installed_transformers(tmp_path):
    """A class that is said to bring none must bring none: else T208 would cry wolf."""
    import inspect

    from transformers.models.auto.tokenization_auto import tokenizer_class_from_name

    for name in WITHOUT_PAD.split():
        pad = inspect.signature(tokenizer_class_from_name(name).__init__).parameters.get("pad_token")
        assert pad is None or pad.default in {None, inspect.Parameter.empty}, name
        assert not brings_pad(name, None)
    assert brings_pad(None, BY_MODEL_TYPE["T5Tokenizer"].split()[0])


# --- T204 --------------------------------------------------------------------------------------------------------


def sentencepiece_model(root):
    """A real tokenizer.model, trained on a few words, with the class that reads it."""
    import sentencepiece

    text = root / "text"
    text.write_text("the first answer is better than the second\n" * 20)
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(root / "tokenizer"), vocab_size=40, minloglevel=2, model_type="bpe"
    )
    text.unlink()
    (root / "tokenizer.vocab").unlink()
    (root / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')


def load_tokenizer(root, hidden=()):
    """Load in a child process in which some modules cannot be imported; its last line of output."""
    code = f"""
        import sys
        for name in {list(hidden)!r}:
            sys.modules[name] = None
        from transformers import AutoTokenizer
        print("size", len(AutoTokenizer.from_pretrained({str(root)!r}, local_files_only=True)))
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    return (done.stdout + done.stderr).strip().splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("hidden", ["sentencepiece", "google.protobuf"])
def test_t204_sentencepiece_file_without_its_package_is_an_error_as_in_transformers(tmp_path, hidden):
    root = tiny_model(tmp_path, tokenizer=False)
    sentencepiece_model(root)
    assert not load_tokenizer(root, [hidden]).startswith("size")
    (finding,) = judge(root, rules=RULES).of("T204")
    assert finding.evidence["missing"] == ["sentencepiece", "protobuf"]
    half = {**TRIED, "sentencepiece": "0.2.1"}
    assert judge(root, rules=RULES, packages=half).of("T204")[0].evidence["missing"] == ["protobuf"]


def test_t204_near_miss_with_both_packages_it_loads_and_is_quiet(tmp_path):
    root = tiny_model(tmp_path, tokenizer=False)
    sentencepiece_model(root)
    assert len(auto_tokenizer(root)) == 40
    assert judge(root, rules=RULES, packages={**TRIED, "sentencepiece": "0.2.1", "protobuf": "6.33.0"}).codes() == []


def test_t204_near_miss_tokenizer_json_needs_neither(tmp_path):
    root = tiny_model(tmp_path)
    (root / "tokenizer.model").write_bytes(b"\x0a\x05")
    assert judge(root, rules=RULES).codes() == []


def test_t204_no_tokenizer_at_all_is_left_to_t201(tmp_path):
    judged = judge(tiny_model(tmp_path, tokenizer=False), rules=RULES)
    assert judged.codes() == ["T201"]
    assert "T201" in judged.skipped["T204"]


# --- T214 --------------------------------------------------------------------------------------------------------


def sized(root, *, tokens, rows):
    """A model of so many rows with a tokenizer of so many tokens."""
    model_dir(root, config={"vocab_size": rows})
    return write_tokenizer_files(root, vocab=numbered(["<unk>", *(f"w{number}" for number in range(tokens - 1))]))


# Rows and tokens of models as published: those with the most rows to spare.
PADDED = {
    "Qwen2.5-7B": (152_064, 151_665),
    "Phi-2": (51_200, 50_295),
    "Command-R": (256_000, 255_029),
    "gpt-oss": (201_088, 200_019),
    "DeepSeek LLM": (102_400, 100_016),
    "ByT5": (384, 259),
    "Gemma 3": (262_208, 262_145),
    "Pythia 12B": (50_688, 50_277),
}


@pytest.mark.parametrize(("rows", "tokens"), PADDED.values(), ids=PADDED)
def test_t214_near_miss_padding_that_is_published_is_quiet(rows, tokens):
    assert rows - tokens <= max(tokenizer_fit.SPARE_ROWS, tokenizer_fit.SPARE_PART * rows)


def test_t214_tokenizer_of_another_model_loads_and_is_a_warning(tmp_path):
    root = sized(tmp_path, tokens=3_200, rows=12_800)
    assert len(auto_tokenizer(root)) == 3_200
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.severity) == ("T214", "warning")
    assert (finding.evidence["tokens"], finding.evidence["rows"]) == (3_200, 12_800)


def test_t214_near_miss_rows_padded_to_a_multiple_are_quiet(tmp_path):
    assert judge(sized(tmp_path, tokens=12_301, rows=12_800), rules=RULES).codes() == []


def test_t214_too_many_tokens_are_t205_and_one_finding(tmp_path):
    assert judge(sized(tmp_path, tokens=9_000, rows=2_000), rules=RULES).codes() == ["T205"]


def test_t214_unknown_size_is_not_judged(tmp_path):
    root = tiny_model(tmp_path, tokenizer=False)
    (root / "tokenizer.model").write_bytes(b"\x0a\x05")
    assert "size" in judge(root, rules=RULES).skipped["T214"]
