import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.inspection.files import list_files
from resolver.inspection.licence import LicenceFacts, parse_front_matter, read_licence

CARD = """---
license: other
license_name: gemma-terms-of-use
license_link: "https://ai.google.dev/gemma/terms"
base_model:
- google/gemma-2-9b   # the parent
- 'a/b'
tags: [text-generation, conversational]
extra_gated_heading: Access it
extra_gated_prompt: >-
  To access it you have to agree.
  license: none
model-index:
- name: x
  results:
  - task: {type: y}
---
license: mit
"""


def read(root: Path) -> LicenceFacts:
    return read_licence(list_files(root))


def test_card_is_read_without_a_yaml_library(tmp_path):
    (tmp_path / "README.md").write_text(CARD)
    facts = read(tmp_path)
    assert facts.declared == ("other",)
    assert facts.declared_name == "gemma-terms-of-use"
    assert facts.declared_link == "https://ai.google.dev/gemma/terms"
    assert facts.base_models == ("google/gemma-2-9b", "a/b")
    assert facts.gated_fields == ("extra_gated_heading", "extra_gated_prompt")
    assert facts.gated_prompt == "To access it you have to agree."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("---\nlicense: MIT\n---", ("mit",)),
        ("---\nlicense:\n  - mit\n  - apache-2.0\n---", ("mit", "apache-2.0")),
        ("---\nlicense: [mit, apache-2.0]\n---", ("mit", "apache-2.0")),
        ("---\r\nlicense: mit\r\n---\r\n", ("mit",)),
        ("\ufeff---\nlicense: mit\n---", ("mit",)),
        ("---\nlicense: null\n---", ()),
        ("---\nlicense:\n---", ()),
        ("---\ntags:\n- x\nlicense: mit", ("mit",)),
        ("# Title\nlicense: mit\n", ()),
        ("\n---\nlicense: mit\n---", ()),
        ("", ()),
    ],
)
def test_licence_is_read_from_the_front_matter_alone(tmp_path, text, expected):
    (tmp_path / "README.md").write_text(text)
    assert read(tmp_path).declared == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("LICENSE", "licence"),
        ("LICENSE.txt", "licence"),
        ("license.md", "licence"),
        ("LICENCE", "licence"),
        ("GEMMA_LICENSE", "licence"),
        ("LICENSE-MODEL", "licence"),
        ("COPYING", "licence"),
        ("USE_POLICY.md", "use-policy"),
        ("Notice", "notice"),
        ("NOTICE.md", "notice"),
        ("model.safetensors", None),
        ("licensed_words.json", None),
        ("README.md", None),
    ],
)
def test_licence_files_are_known_by_name(tmp_path, name, kind):
    (tmp_path / name).write_text("\n\n  # LLAMA 3 COMMUNITY LICENSE AGREEMENT\nText\n")
    files = read(tmp_path).files
    assert [file.kind for file in files] == ([kind] if kind else [])
    assert all(file.heading == "LLAMA 3 COMMUNITY LICENSE AGREEMENT" for file in files)


def test_a_huge_card_is_read_to_a_bound(tmp_path):
    (tmp_path / "README.md").write_text("---\nlicense: mit\n" + "x" * 3_000_000)
    assert read(tmp_path).declared == ("mit",)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_card_never_raises(text):
    data = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    with tempfile.TemporaryDirectory() as place:
        for name in ("README.md", "LICENSE"):
            (Path(place) / name).write_bytes(b"---\n" + data)
        assert read(Path(place)).card_present


LINES = st.lists(st.sampled_from(["license:", "license: [", "- ", "  - x", '"', "---", "a: |", "# x", ": y", "k: 'v"]))


@given(LINES)
def test_any_lines_of_front_matter_give_text(lines):
    found = parse_front_matter("\n".join(["---", *lines]))
    assert all(isinstance(value, str) for values in found.values() for value in values)
