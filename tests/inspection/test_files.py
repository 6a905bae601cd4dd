"""What a listing says of any directory: bounded, never an exception, never a step out of it."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_factory import model_dir

from resolver.inspection import files
from resolver.inspection.files import find_model_root, list_files
from resolver.inspection.links import Layout, repository_of
from resolver.inspection.sniff import HEAD_BYTES, content_of, headline_of, pointer_of


@given(head=st.binary(max_size=HEAD_BYTES))
def test_any_bytes_are_something(head: bytes) -> None:
    content = content_of(head)
    assert (content == "empty") == (head == b"")
    pointer_of(head)
    headline_of(head, content, len(head))


@pytest.mark.parametrize(
    ("head", "content"),
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "lfs-pointer"),
        (b"\x40" + bytes(7) + b'{"a":', "safetensors"),
        (b'{"a": 1}', "json"),
        (b"\xef\xbb\xbf  [1]", "json"),
        (b"\n<!doctype HTML>", "html"),
        (b"<?xml version='1.0'?>", "xml"),
        (b"PK\x03\x04", "zip"),
        (b"\x80\x04\x95", "pickle"),
        (b"\x80\x63", "binary"),
        (b"GGUF\x03", "gguf"),
        (b"\x89HDF\r\n\x1a\n", "hdf5"),
        (bytes(257) + b"ustar", "tar"),
        ("größer".encode(), "text"),
        (b"a\0b", "binary"),
        (("é" * HEAD_BYTES).encode()[:HEAD_BYTES], "text"),
        (("a" + "é" * HEAD_BYTES).encode()[:HEAD_BYTES], "text"),
    ],
)
def test_first_bytes_say_what_a_file_is(head: bytes, content: str) -> None:
    assert content_of(head) == content


@pytest.mark.parametrize("text", ["oid sha256:zz\nsize 3", "oid sha256:" + "a" * 63, "size -1", ""])
def test_malformed_pointer_has_no_oid_or_size(text: str) -> None:
    pointer = pointer_of(f"version https://git-lfs.github.com/spec/v1\n{text}\n".encode())
    assert pointer.oid is None


def test_listing_holds_two_levels_and_no_repository(tmp_path: Path) -> None:
    for name in ("a", "s/a", "s/s/a", "s/s/s/a", ".git/a", ".cache/a"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    listing = list_files(tmp_path)
    assert list(listing.files) == ["a", "s/a", "s/s/a"]
    assert listing.directories == ("s", "s/s", "s/s/s")
    assert listing.complete


def test_listing_is_bounded_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILES", 5)
    for number in range(9):
        (tmp_path / str(number)).touch()
    listing = list_files(tmp_path)
    assert (len(listing.files), listing.complete) == (5, False)


def test_absent_directory_is_a_fault(tmp_path: Path) -> None:
    assert list_files(tmp_path / "absent").fault == "No such file or directory"


def test_links_are_told_by_where_they_really_lead(tmp_path: Path) -> None:
    root = tmp_path / "m"
    (root / "sub").mkdir(parents=True)
    (root / "a").write_text("a")
    (tmp_path / "secret").write_text("secret")
    (root / "inside").symlink_to("a")
    (root / "outside").symlink_to("../secret")
    (root / "around").symlink_to("sub/../../m/a")
    (root / "broken").symlink_to("gone")
    (root / "loop").symlink_to("loop")
    (root / "sub" / "up").symlink_to("../../secret")
    (root / "door").symlink_to(tmp_path)
    (root / "through").symlink_to("door/secret")
    (root / "twice").symlink_to("outside")
    listing = list_files(root)
    kinds = {name: facts.link.kind for name, facts in listing.files.items() if facts.link}
    assert kinds == {
        "inside": "inside", "outside": "outside", "around": "inside", "broken": "broken", "loop": "broken",
        "sub/up": "outside", "door": "outside", "through": "outside", "twice": "outside",
    }  # fmt: skip
    assert all(listing.files[name].content == "unread" for name, kind in kinds.items() if kind != "inside")
    assert not any(name.startswith("door/") for name in listing.files)


def test_a_model_reached_through_a_link_is_read(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "real")
    (tmp_path / "alias").symlink_to(root)
    assert list_files(tmp_path / "alias").files == list_files(root).files


def test_store_is_that_of_the_repository_only() -> None:
    real = "/hub/models--o--n/snapshots/abc/sub"
    assert repository_of(real) == "/hub/models--o--n"
    assert repository_of("/data/snapshots/abc") is None
    layout = Layout("/hub/models--o--n/snapshots/abc", ("/hub/models--o--n/blobs", "/hub/blobs"))
    assert layout._further("inside", "/hub/models--o--n/blobs/x", first=True) == "store"
    assert layout._further("inside", "/hub/models--o--other/blobs/x", first=True) == "outside"
    assert layout._further("inside", "/hub/models--o--n/blobs-evil/x", first=True) == "outside"


def test_root_is_the_only_directory_that_holds_a_model(tmp_path: Path) -> None:
    model_dir(tmp_path / "a" / "b" / "c")
    assert find_model_root(tmp_path) == tmp_path / "a" / "b" / "c"
    (tmp_path / "a" / "README.md").touch()
    assert find_model_root(tmp_path) == tmp_path / "a" / "b" / "c"


@pytest.mark.parametrize("name", ["config.json", "adapter_config.json", "modules.json", "x.gguf", "model.safetensors"])
def test_root_stays_where_a_model_begins(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    model_dir(tmp_path / "below")
    assert find_model_root(tmp_path) == tmp_path


def test_root_stays_where_there_is_a_choice_or_too_much_depth(tmp_path: Path) -> None:
    model_dir(tmp_path / "deep" / "a" / "b" / "c" / "d")
    assert find_model_root(tmp_path / "deep") == tmp_path / "deep"
    model_dir(tmp_path / "two" / "a")
    model_dir(tmp_path / "two" / "b" / "c")
    assert find_model_root(tmp_path / "two") == tmp_path / "two"


def test_root_does_not_follow_links_and_visits_a_bounded_number(tmp_path: Path) -> None:
    model_dir(tmp_path / "elsewhere")
    (tmp_path / "asked").mkdir()
    (tmp_path / "asked" / "link").symlink_to(tmp_path / "elsewhere")
    assert find_model_root(tmp_path / "asked") == tmp_path / "asked"
    for number in range(300):
        (tmp_path / "many" / str(number)).mkdir(parents=True)
    model_dir(tmp_path / "many" / "zzz")
    assert find_model_root(tmp_path / "many") == tmp_path / "many"


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.safetensors")
    facts = list_files(tmp_path).files["model.safetensors"]
    assert (facts.content, facts.errno is not None) == ("unread", True)
