import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_factory import tiny_model

from resolver.inspection.chat_templates import MAX_TEMPLATE_BYTES, read_chat_templates
from resolver.inspection.files import list_files
from resolver.inspection.tokenizer import read_tokenizer

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


def write(root, *, file=None, entry=None, named=None, legacy=None):
    root.mkdir(parents=True, exist_ok=True)
    if file is not None:
        (root / "chat_template.jinja").write_bytes(file)
    for name, text in (named or {}).items():
        (root / "additional_chat_templates").mkdir(exist_ok=True)
        (root / "additional_chat_templates" / f"{name}.jinja").write_text(text)
    if legacy is not None:
        (root / "chat_template.json").write_text(json.dumps(legacy))
    return {} if entry is None else {"chat_template": entry}


def taken(root, settings):
    return {each.name: each.text for each in read_chat_templates(list_files(root), settings) if each.taken}


@pytest.mark.parametrize(
    "stored",
    [
        {"file": b"file"},
        {"entry": "entry"},
        {"file": b"file", "entry": "entry"},
        {"file": b"file", "named": {"rag": "more"}},
        {"named": {"rag": "more"}, "entry": "entry"},
        {"entry": [{"name": "default", "template": "one"}, {"name": "rag", "template": "two"}]},
        {"file": b"file", "legacy": {"chat_template": "old"}},
    ],
    ids="-".join,
)
def test_templates_are_taken_as_the_tokenizer_of_transformers_takes_them(tmp_path, stored):
    from transformers import AutoTokenizer

    root = tiny_model(tmp_path)
    own = json.loads((root / "tokenizer_config.json").read_text())
    own |= write(root, **stored)
    (root / "tokenizer_config.json").write_text(json.dumps(own))
    real = AutoTokenizer.from_pretrained(str(root), local_files_only=True).chat_template
    assert taken(root, own) == (real if isinstance(real, dict) else {"default": real})
    assert read_tokenizer(list_files(root)).has_chat_template


@pytest.mark.parametrize("data", [b"\xff\xfe", b"x" * (MAX_TEMPLATE_BYTES + 1)])
def test_what_is_no_text_or_too_long_is_there_and_unread(tmp_path, data):
    write(tmp_path, file=data)
    (found,) = read_chat_templates(list_files(tmp_path), {})
    assert (found.file, found.text) == ("chat_template.jinja", None)


def test_a_link_out_of_the_directory_is_not_followed(tmp_path):
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "m"
    root.mkdir()
    (root / "chat_template.jinja").symlink_to(tmp_path / "secret")
    assert [each.text for each in read_chat_templates(list_files(root), {})] == [None]


@settings(max_examples=200, deadline=None)
@given(entry=ANY_JSON)
def test_any_json_as_an_entry_never_raises(tmp_path_factory, entry):
    root = tmp_path_factory.getbasetemp()
    read_chat_templates(list_files(root / "nowhere"), {"chat_template": entry})


@settings(max_examples=60, deadline=None)
@given(legacy=ANY_JSON)
def test_any_json_in_the_legacy_file_never_raises(tmp_path_factory, legacy):
    root = tmp_path_factory.getbasetemp() / "legacy"
    settings_read = write(root, legacy=legacy)
    read_chat_templates(list_files(root), settings_read)
