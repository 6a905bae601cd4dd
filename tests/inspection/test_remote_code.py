"""A model's own code is parsed within bounds, and never run; what it needs is what transformers finds."""

import json

import pytest

from resolver.inspection.config import read_config
from resolver.inspection.files import list_files
from resolver.inspection.remote_code import MAX_BYTES, MAX_FILES, entries_of


def read(root, auto_map=None, **files):
    named = {"AutoConfig": "own.Own"} if auto_map is None else auto_map
    (root / "config.json").write_text(json.dumps({"auto_map": named}))
    for name, text in files.items():
        (root / f"{name}.py").write_text(text)
    return read_config(list_files(root)).code


def test_imports_are_those_that_transformers_finds(tmp_path):
    from transformers.dynamic_module_utils import get_imports, get_relative_imports

    text = (
        "import torch.nn as nn, einops\nfrom transformers import x\nfrom .beside import y\n"
        "try:\n    import hidden\nexcept ImportError:\n    pass\n"
        "if is_flash_attn_2_available():\n    import flash_attn\n"
        "def later():\n    import inside\n"
    )
    facts = read(tmp_path, own=text, beside="y = 1\n")
    assert sorted(facts.packages) == get_imports(tmp_path / "own.py")
    assert [name.removesuffix(".py") for name in facts.files[1:]] == get_relative_imports(tmp_path / "own.py")
    assert facts.complete


def test_files_are_followed_from_one_to_the_next(tmp_path):
    facts = read(tmp_path, own="from .a import x", a="from .b import y", b="from .own import z\nfrom .gone import q")
    assert facts.files == ("own.py", "a.py", "b.py")
    assert facts.absent == {"gone.py": "b.py"}


def test_folders_are_followed(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "own.py").write_text("from ..top import x\nfrom .near import y\n")
    facts = read(tmp_path, {"AutoModel": "sub.own.Own"}, top="x = 1\n")
    assert facts.files == ("sub/own.py", "top.py")
    assert facts.absent == {"sub/near.py": "sub/own.py"}


def test_nothing_outside_the_directory_is_read(tmp_path):
    root = tmp_path / "m"
    root.mkdir()
    (tmp_path / "own.py").write_text("import secrets_of_mine\n")
    facts = read(root, {"AutoConfig": "...own.Own", "AutoModel": "/etc/passwd.x"}, near="from ...own import x\n")
    assert facts.packages == {}
    assert facts.files == ()
    (root / "near.py").rename(root / "own.py")
    assert read(root).packages == {}


def test_a_loop_of_files_ends_and_a_chain_is_bounded(tmp_path):
    for number in range(MAX_FILES + 20):
        (tmp_path / f"f{number}.py").write_text(f"from .f{number + 1} import x\n")
    facts = read(tmp_path, {"AutoConfig": "f0.X"})
    assert len(facts.files) == MAX_FILES
    assert not facts.complete


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"def (", "is no Python"),
        (b"\xff\xfe", "is no Python"),
        (b"x = 1\0", "is no Python"),
        (b"(" * 5000, "is no Python"),
    ],
    ids=["syntax", "bytes", "NUL", "depth"],
)
def test_what_is_no_python_is_a_fault(tmp_path, data, words):
    (tmp_path / "own.py").write_bytes(data)
    facts = read(tmp_path)
    assert words in facts.faults["own.py"]
    assert not facts.complete


def test_what_is_too_large_is_not_looked_into_and_no_fault(tmp_path):
    half = "x = 1\n" * (MAX_BYTES // 12 + 100)
    facts = read(tmp_path, own="from .second import y\n" + half, second=half)
    assert facts.faults == {}
    assert list(facts.unread) == ["second.py"]
    assert not facts.complete


@pytest.mark.parametrize("value", ["", "own", ".Own", "own.", "a--b", {"x": 1}, None, 7])
def test_what_names_no_class_is_no_entry(tmp_path, value):
    facts = read(tmp_path, {"AutoConfig": value})
    assert facts is None or facts.entries == ()


def test_repository_is_told_from_the_file():
    (entry,) = entries_of({"AutoModel": "me/repo--a.b.Own"})
    assert (entry.repository, entry.file, entry.name) == ("me/repo", "a/b.py", "Own")
