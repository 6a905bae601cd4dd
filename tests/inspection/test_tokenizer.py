import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_factory import tiny_model
from tokenizer_factory import added_token, numbered, write_tokenizer_files

from resolver.inspection.files import list_files
from resolver.inspection.tokenizer import TokenizerFacts, read_tokenizer
from resolver.inspection.tokenizer_classes import files_of
from resolver.inspection.vocabulary import parse_tokenizer_json

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
TEXTS = st.sampled_from(["<unk>", "<s>", "</s>", "<pad>", "[PAD]", "the", "zz", "new", "a b", "ü", "##x"])


def read(root: Path) -> TokenizerFacts:
    return read_tokenizer(list_files(root))


def library_vocab(root: Path) -> dict[str, int]:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(root / "tokenizer.json")).get_vocab(with_added_tokens=True)


def loaded(root: Path):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(root), local_files_only=True)


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_saved_tokenizer_has_the_library_s_highest_id_and_special_ids(tmp_path, family):
    root = tiny_model(tmp_path, family=family)
    facts, real = read(root), loaded(root)
    assert facts.highest_id == max(real.get_vocab().values())
    assert facts.size == len(real)
    assert {special.role: special.id for special in facts.specials} == {
        role: real.convert_tokens_to_ids(text) for role, text in real.special_tokens_map.items()
    }
    assert all(special.known for special in facts.specials)


def test_added_token_that_is_in_the_vocabulary_keeps_that_id_whatever_the_file_says(tmp_path):
    root = write_tokenizer_files(tmp_path, added=[added_token(4_000, "the")])
    assert read(root).highest_id == max(library_vocab(root).values()) == 10
    assert read(root).written_ids == {"the": 4_000}


def test_added_token_that_is_new_gets_the_next_id_whatever_the_file_says(tmp_path):
    root = write_tokenizer_files(tmp_path, added=[added_token(4_000, "<new>")])
    assert read(root).new_ids == {"<new>": 11}
    assert library_vocab(root)["<new>"] == 11


def test_vocabulary_with_gaps_gives_a_new_token_the_number_of_entries(tmp_path):
    root = write_tokenizer_files(tmp_path, vocab={"a": 0, "b": 9}, added=[added_token(10, "n"), added_token(3, "m")])
    assert read(root).new_ids == {"n": 2, "m": 3} == {key: library_vocab(root)[key] for key in ("n", "m")}
    assert read(root).highest_id == 9


SEEDED = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SEEDED
@given(
    kind=st.sampled_from(["BPE", "WordPiece", "WordLevel", "Unigram"]),
    tokens=st.lists(TEXTS, min_size=1, max_size=6, unique=True),
    gap=st.integers(0, 3),
    added=st.lists(st.tuples(st.integers(0, 40), TEXTS | st.just("")), max_size=6),
)
def test_highest_id_is_that_of_the_tokenizers_library(kind, tokens, gap, added):
    vocab = {token: number * (1 + gap) for number, token in enumerate(tokens)}
    with tempfile.TemporaryDirectory() as place:
        root = write_tokenizer_files(
            Path(place), kind=kind, vocab=vocab, added=[added_token(number, text) for number, text in added]
        )
        expected = library_vocab(root)
        facts = read(root)
    assert facts.highest_id == max(expected.values())
    assert facts.size == len(expected)
    assert {text: number for text, number in expected.items() if text in facts.new_ids} == dict(facts.new_ids)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    added=st.lists(st.tuples(st.integers(0, 40), TEXTS), max_size=4, unique_by=lambda pair: pair[1]),
    decoder=st.none() | st.dictionaries(st.integers(0, 40), TEXTS, max_size=4),
    roles=st.dictionaries(st.sampled_from(["pad_token", "eos_token", "bos_token", "sep_token", "image_token"]), TEXTS),
    specials=st.none() | st.dictionaries(st.sampled_from(["pad_token", "cls_token", "unk_token"]), TEXTS),
    extras=st.none() | st.lists(TEXTS, max_size=3, unique=True),
    gap=st.integers(1, 3),
)
def test_special_tokens_get_the_ids_that_transformers_gives_them(  # noqa: PLR0917 - hypothesis passes by name
    added, decoder, roles, specials, extras, gap
):
    side = dict(roles)
    if decoder is not None:
        side["added_tokens_decoder"] = {
            str(number): {key: value for key, value in added_token(number, text).items() if key != "id"}
            for number, text in decoder.items()
        }
    if extras is not None:
        side["additional_special_tokens"] = extras
    with tempfile.TemporaryDirectory() as place:
        root = write_tokenizer_files(
            Path(place),
            vocab={token: number * gap for number, token in enumerate(("<unk>", "the", "a", "b"))},
            added=[added_token(*each) for each in added],
            settings=side,
            specials=specials,
        )
        real, facts = loaded(root), read(root)
    assert facts.highest_id == max(real.get_vocab().values())
    assert facts.size == len(real)
    for special in facts.specials:
        assert special.id == real.convert_tokens_to_ids(special.text), special
    assert {special.text for special in facts.specials} >= {str(text) for text in real.special_tokens_map.values()
                                                            if isinstance(text, str)}  # fmt: skip


@pytest.mark.parametrize("name", [None, "BertTokenizer", "BertTokenizerFast"])
def test_vocab_txt_gives_the_ids_of_the_bert_tokenizer(tmp_path, name):
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\nhello\ntrail \nhello\n\nlast")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    if name:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": name}))
    facts, real = read(tmp_path), loaded(tmp_path)
    assert facts.source == "vocab.txt"
    assert facts.highest_id == max(real.get_vocab().values())
    (mask,) = (special for special in facts.specials if special.role == "mask_token")
    assert (mask.known, mask.id, mask.file) == (False, real.mask_token_id, "the tokenizer class")


def test_vocab_json_with_merges_gives_the_ids_of_the_gpt2_tokenizer(tmp_path):
    (tmp_path / "vocab.json").write_text(json.dumps(numbered(["a", "b", "Ġ"])))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    facts, real = read(tmp_path), loaded(tmp_path)
    assert (facts.source, facts.highest_id) == ("vocab.json", max(real.get_vocab().values()))
    assert facts.opened == ("vocab.json", "merges.txt")


def test_vocab_json_without_merges_is_no_source(tmp_path):
    (tmp_path / "vocab.json").write_text('{"a": 0}')
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    assert read(tmp_path).source is None
    with pytest.raises(ValueError, match="must be both be from memory or both filenames"):
        loaded(tmp_path)


def test_sentencepiece_file_has_no_size_and_names_its_packages(tmp_path):
    (tmp_path / "tokenizer.model").write_bytes(b"\x0a\x05")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')
    facts = read(tmp_path)
    assert (facts.source, facts.size, facts.highest_id) == ("tokenizer.model", None, None)
    assert facts.packages == ("sentencepiece", "protobuf")


def test_byte_tokenizer_needs_no_file(tmp_path):
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "ByT5Tokenizer"}')
    assert read(tmp_path).self_contained
    assert len(loaded(tmp_path)) > 256


def test_class_table_agrees_with_the_installed_transformers():
    from transformers import TokenizersBackend
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES, tokenizer_class_from_name

    for model_type in ("bert", "gpt2", "qwen2", "deberta-v2", "roberta", "t5", "gemma2", "canine"):
        name = TOKENIZER_MAPPING_NAMES[model_type]
        real = tokenizer_class_from_name(name)
        needs = files_of(None, model_type)
        first = set(needs.files[:1]) - {"tekken.json"}
        assert first <= set(real.vocab_files_names.values()), model_type
        assert needs.takes_tokenizer_json == issubclass(real, TokenizersBackend), model_type


@settings(max_examples=200, deadline=None)
@given(value=ANY_JSON, at=st.sampled_from(["", "model", "vocab", "merges", "added_tokens", "padding", "type"]))
def test_any_json_in_tokenizer_json_never_raises(value, at):
    whole = {"added_tokens": [], "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}
    if at in ("vocab", "merges", "type"):
        whole["model"][at] = value
    elif at:
        whole[at] = value
    elif isinstance(value, dict):
        whole = value
    parse_tokenizer_json(whole)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    side=st.dictionaries(
        st.sampled_from(
            ["tokenizer_class", "added_tokens_decoder", "pad_token", "additional_special_tokens", "auto_map",
             "model_max_length", "extra_special_tokens", "chat_template", "image_token"]
        ),
        ANY_JSON,
    ),
    name=st.sampled_from(["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "config.json"]),
)  # fmt: skip
def test_any_json_in_the_side_files_never_raises(side, name):
    with tempfile.TemporaryDirectory() as place:
        root = write_tokenizer_files(Path(place))
        (root / name).write_text(json.dumps(side))
        read(root)


@pytest.mark.parametrize("data", [b"", b"<html>", b"[1]", b'{"model": 1', b"\xff\xfe", b"\xef\xbb\xbf{}", b"null"])
@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"])
def test_a_file_that_is_no_object_is_a_fault_of_that_file(tmp_path, name, data):
    root = write_tokenizer_files(tmp_path, specials={})
    (root / name).write_bytes(data)
    assert name in {fault.file for fault in read(root).faults}
