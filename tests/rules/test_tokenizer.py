"""Each rule of family T: the real library fails (or is silently wrong) where we speak, and loads where we are quiet."""

import json

import pytest
from model_factory import edit_json, lfs_pointer, tiny_model
from rule_driver import judge
from tokenizer_factory import added_token, numbered, write_tokenizer_files

from resolver.rules import tokenizer

RULES = tokenizer.RULES
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def auto_tokenizer(root):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(root), local_files_only=True)


def forward(root, ids):
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(str(root), local_files_only=True)
    with torch.no_grad():
        return model(torch.tensor([ids])).last_hidden_state


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_whole_model_is_quiet_and_its_highest_token_runs(tmp_path, family):
    root = tiny_model(tmp_path, family=family)
    forward(root, [max(auto_tokenizer(root).get_vocab().values())])
    assert judge(root, rules=RULES).codes() == []


# --- T201 --------------------------------------------------------------------------------------------------------


def test_t201_no_files_is_an_error_as_in_transformers(tmp_path):
    root = tiny_model(tmp_path, tokenizer=False)
    with pytest.raises(ValueError, match="Couldn't instantiate the backend tokenizer"):
        auto_tokenizer(root)
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.severity) == ("T201", "error")
    assert "tokenizer.json" in finding.evidence["wanted"]


def test_t201_no_files_for_bert_is_an_error_where_transformers_is_silently_wrong(tmp_path):
    root = tiny_model(tmp_path, family="bert", tokenizer=False)
    assert len(auto_tokenizer(root)) == 5  # [UNK], [SEP], [PAD], [CLS], [MASK]: every word is unknown
    (finding,) = judge(root, rules=RULES).findings
    assert finding.code == "T201"
    assert "vocab.txt" in finding.evidence["wanted"]


def test_t201_files_of_another_class_are_an_error_as_in_transformers(tmp_path):
    root = tiny_model(tmp_path, tokenizer=False)
    (root / "vocab.txt").write_text("[PAD]\n[UNK]\n")
    with pytest.raises(ValueError, match="Couldn't instantiate the backend tokenizer"):
        auto_tokenizer(root)
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.evidence["found"]) == ("T201", ["vocab.txt"])


def test_t201_vocab_json_without_merges_is_an_error_as_in_transformers(tmp_path):
    root = tiny_model(tmp_path, tokenizer=False)
    edit_json(root / "config.json", lambda value: value.update(model_type="gpt2"))
    (root / "vocab.json").write_text('{"a": 0}')
    with pytest.raises(ValueError, match="both"):
        auto_tokenizer(root)
    (finding,) = judge(root, rules=RULES).of("T201")
    assert finding.evidence["found"] == ["vocab.json without merges.txt"]


def test_t201_family_without_a_class_of_its_own_is_an_error_since_transformers_5(tmp_path):
    root = tiny_model(tmp_path, tokenizer=False)
    edit_json(root / "config.json", lambda value: value.update(model_type="molmo"))
    (root / "tokenizer_config.json").write_text('{"tokenizer_class": "Qwen2Tokenizer"}')
    (root / "vocab.json").write_text('{"a": 0}')
    (root / "merges.txt").write_text("#version: 0.2\n")
    with pytest.raises(ValueError, match="Couldn't instantiate the backend tokenizer"):
        auto_tokenizer(root)
    assert judge(root, rules=RULES).codes("error") == ["T201"]
    assert judge(root, rules=RULES, packages={"transformers": "4.57.6"}).codes() == []


def test_t201_near_miss_tokenizer_json_alone_is_enough(tmp_path):
    root = tiny_model(tmp_path)
    for name in TOKENIZER_FILES[1:]:
        (root / name).unlink(missing_ok=True)
    assert len(auto_tokenizer(root)) > 100
    assert judge(root, rules=RULES).codes() == []


def test_t201_near_miss_vocab_txt_alone_is_enough_for_bert(tmp_path):
    root = tiny_model(tmp_path, family="bert", tokenizer=False)
    (root / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe")
    assert "the" in auto_tokenizer(root).get_vocab()
    assert judge(root, rules=RULES).codes() == []


def test_t201_near_miss_bytes_need_no_file(tmp_path):
    root = tiny_model(tmp_path, tokenizer=False)
    (root / "tokenizer_config.json").write_text('{"tokenizer_class": "ByT5Tokenizer"}')
    auto_tokenizer(root)
    assert judge(root, rules=RULES).codes() == []


def test_t201_model_that_names_no_vocabulary_is_not_judged(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "vit", "hidden_size": 8, "architectures": ["ViTModel"]}')
    judged = judge(tmp_path, rules=RULES)
    assert judged.codes() == []
    assert "takes text" in judged.skipped["T201"]


# --- T202 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("how", ["cut", "comma", "mark"])
def test_t202_broken_json_is_an_error_as_in_transformers(tmp_path, name, how):
    root = tiny_model(tmp_path)
    text = (root / name).read_text()
    damaged = {"cut": text[: len(text) // 2], "comma": "{," + text[1:], "mark": "\ufeff" + text}[how]
    (root / name).write_text(damaged, encoding="utf-8")
    with pytest.raises(Exception, match=r"line|column|Expecting|BOM|delimiter"):
        auto_tokenizer(root)
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.path) == ("T202", str(root / name))
    assert finding.place.line >= 1


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.pop("model"),
        lambda value: value.update(model=None),
        lambda value: value["model"].pop("vocab"),
        lambda value: value["model"].pop("merges"),
        lambda value: value["model"].update(vocab=None),
        lambda value: value["model"].update(vocab={"a": -1}),
        lambda value: value["model"].update(vocab={"a": 0.5}),
        lambda value: value["model"].update(type="Nonsense"),
        lambda value: value.update(added_tokens=None),
        lambda value: value.update(added_tokens=[{"id": 1}]),
    ],
)
def test_t202_missing_model_is_an_error_as_in_tokenizers(tmp_path, change):
    from tokenizers import Tokenizer

    root = tiny_model(tmp_path)
    edit_json(root / "tokenizer.json", lambda value: change(value) and None)
    with pytest.raises(Exception, match=r"missing|Missing|invalid|did not match"):
        Tokenizer.from_file(str(root / "tokenizer.json"))
    assert judge(root, rules=RULES).codes("error") == ["T202"]


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.pop("added_tokens"),
        lambda value: value.pop("version"),
        lambda value: value.pop("normalizer"),
        lambda value: value["model"].pop("unk_token"),
    ],
)
def test_t202_near_miss_what_may_be_left_out_is_quiet(tmp_path, change):
    from tokenizers import Tokenizer

    root = tiny_model(tmp_path)
    edit_json(root / "tokenizer.json", lambda value: change(value) and None)
    Tokenizer.from_file(str(root / "tokenizer.json"))
    assert judge(root, rules=RULES).of("T202") == []


@pytest.mark.parametrize("name", ["chat_template.jinja", "additional_chat_templates/rag.jinja"])
def test_t202_a_template_file_that_is_no_utf8_stops_the_whole_tokenizer(tmp_path, name):
    root = tiny_model(tmp_path)
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes("{{ 'für' }}".encode())
    auto_tokenizer(root)
    assert judge(root, rules=RULES).of("T202") == []
    path.write_bytes("{{ 'für' }}".encode("latin-1"))
    with pytest.raises(UnicodeDecodeError):
        auto_tokenizer(root)
    (finding,) = judge(root, rules=RULES).of("T202")
    assert finding.message == f"{name}: is no UTF-8: byte 0xfc at 5"


def test_t202_pointer_is_left_to_family_f(tmp_path):
    root = tiny_model(tmp_path)
    (root / "tokenizer.json").write_text(lfs_pointer())
    assert judge(root, rules=RULES).codes() == []


def test_t202_near_miss_an_older_side_file_that_is_not_read_is_quiet(tmp_path):
    root = tiny_model(tmp_path)
    edit_json(root / "tokenizer_config.json", lambda value: value.update(added_tokens_decoder={}))
    (root / "special_tokens_map.json").write_text("{,")
    auto_tokenizer(root)
    assert judge(root, rules=RULES).codes() == []


# --- T205 --------------------------------------------------------------------------------------------------------


def rows_of(root):
    return json.loads((root / "config.json").read_text())["vocab_size"]


def test_t205_added_token_without_a_row_is_an_index_error_in_the_forward_pass(tmp_path):
    root = tiny_model(tmp_path)
    rows = rows_of(root)
    edit_json(root / "tokenizer.json", lambda value: value["added_tokens"].append(added_token(rows, "[PAD]")))
    ids = auto_tokenizer(root)("[PAD]").input_ids
    assert max(ids) == rows
    with pytest.raises(IndexError, match="index out of range in self"):
        forward(root, ids)
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.severity) == ("T205", "error")
    assert (finding.evidence["rows"], finding.evidence["tokens"]) == (rows, ["[PAD]"])
    assert finding.evidence["rows_from"] == "embed_tokens.weight"


def test_t205_near_miss_a_written_id_that_the_library_does_not_give_is_quiet(tmp_path):
    root = tiny_model(tmp_path)
    known = next(iter(json.loads((root / "tokenizer.json").read_text())["model"]["vocab"]))
    edit_json(root / "tokenizer.json", lambda value: value["added_tokens"].append(added_token(9_999, known)))
    assert max(auto_tokenizer(root).get_vocab().values()) < rows_of(root)
    assert judge(root, rules=RULES).codes() == []


def test_t205_near_miss_spare_rows_are_quiet(tmp_path):
    root = tiny_model(tmp_path)
    write_tokenizer_files(root)
    assert len(auto_tokenizer(root)) < rows_of(root)
    assert judge(root, rules=RULES).codes() == []


def test_t205_tokenizer_of_another_model_is_an_error(tmp_path):
    root = tiny_model(tmp_path)
    write_tokenizer_files(root, vocab=numbered(["<unk>", *(f"w{number}" for number in range(400))]))
    with pytest.raises(IndexError):
        forward(root, auto_tokenizer(root)("w399").input_ids)
    assert judge(root, rules=RULES).codes("error") == ["T205"]


def test_t205_rows_come_from_the_config_where_no_header_tells(tmp_path):
    root = tiny_model(tmp_path)
    (root / "model.safetensors").unlink()
    write_tokenizer_files(root, vocab=numbered(["<unk>", *(f"w{number}" for number in range(400))]))
    (finding,) = judge(root, rules=RULES).findings
    assert finding.evidence["rows_from"] == "config.json vocab_size"


def test_t205_code_of_its_own_makes_the_rows_unknown(tmp_path):
    root = tiny_model(tmp_path)
    (root / "model.safetensors").unlink()
    edit_json(root / "config.json", lambda value: value.update(model_type="own", auto_map={"AutoConfig": "own.Own"}))
    write_tokenizer_files(root, vocab=numbered(["<unk>", *(f"w{number}" for number in range(400))]))
    judged = judge(root, rules=RULES)
    assert judged.codes() == []
    assert "rows" in judged.skipped["T205"]


def test_t205_code_of_its_own_beside_a_known_type_leaves_the_rows_known(tmp_path):
    root = tiny_model(tmp_path)
    (root / "model.safetensors").unlink()
    edit_json(root / "config.json", lambda value: value.update(auto_map={"AutoConfig": "own.Own"}))
    write_tokenizer_files(root, vocab=numbered(["<unk>", *(f"w{number}" for number in range(400))]))
    assert judge(root, rules=RULES).codes("error") == ["T205"]


# --- T206 --------------------------------------------------------------------------------------------------------


def test_t206_unknown_pad_token_without_a_row_is_an_index_error_in_the_forward_pass(tmp_path):
    root = tiny_model(tmp_path)
    edit_json(root / "tokenizer_config.json", lambda value: value.update(pad_token="<|pad|>"))
    real = auto_tokenizer(root)
    assert real.pad_token_id == rows_of(root)
    with pytest.raises(IndexError, match="index out of range in self"):
        forward(root, [5, real.pad_token_id])
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.severity, finding.evidence["id"]) == ("T206", "error", real.pad_token_id)
    assert finding.place.pointer == "/pad_token"


def test_t206_unknown_pad_token_with_a_spare_row_is_a_warning(tmp_path):
    root = tiny_model(tmp_path)
    write_tokenizer_files(root, settings={"pad_token": "<|pad|>"})
    pad = auto_tokenizer(root).pad_token_id
    forward(root, [5, pad])
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.severity, finding.evidence["id"]) == ("T206", "warning", pad)


def test_t206_near_miss_a_pad_token_that_exists_is_quiet(tmp_path):
    root = tiny_model(tmp_path)
    edit_json(root / "tokenizer_config.json", lambda value: value.update(pad_token="</s>"))
    forward(root, [5, auto_tokenizer(root).pad_token_id])
    assert judge(root, rules=RULES).codes() == []


def test_t206_near_miss_a_token_that_the_side_file_adds_is_no_unknown_one(tmp_path):
    root = tiny_model(tmp_path)
    new = {key: value for key, value in added_token(0, "<|pad|>").items() if key != "id"}
    write_tokenizer_files(root, settings={"pad_token": "<|pad|>", "added_tokens_decoder": {"11": new}})
    assert auto_tokenizer(root).pad_token_id == 11
    assert judge(root, rules=RULES).codes() == []


def test_every_rule_explains_itself():
    for each in RULES:
        assert each.title
        assert "To mend it" in each.explanation, each.code
        assert each.judge.__name__ == each.name.replace("-", "_")
