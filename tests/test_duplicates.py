"""Copies across caches: what is the same, on what ground, and what it costs; nothing is read of weights, nothing deleted."""

import os
import shutil
from pathlib import Path

import hub_factory
import pytest
from lock_factory import lock_dir
from model_factory import model_dir, tiny_model, write_safetensors

from resolver.duplicates import find_duplicates
from resolver.finding import Identity
from resolver.inspection.describe import describe


def groups(*roots):
    return find_duplicates((Identity(each.name, each, "search root"), describe(each)) for each in roots)


def weights(root):
    return sum(each.stat().st_size for each in root.glob("*.safetensors"))


def test_a_plain_copy_has_the_same_headers_and_costs_its_weights(tmp_path):
    one = model_dir(tmp_path / "one", shards=2)
    two = Path(shutil.copytree(one, tmp_path / "two"))
    (two / "README.md").write_text("another card")
    (found,) = groups(one, two)
    assert ([each.path for each in found.copies], found.same) == ([one, two], "headers")
    assert (found.size_bytes, found.extra_bytes) == (weights(one), weights(one))


def test_equal_headers_and_other_values_are_never_called_the_same_bytes(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for root, byte in ((one, b"\0"), (two, b"\1")):
        model_dir(root)
        write_safetensors(root / "model.safetensors", {"a": ("F32", (2, 2), byte * 16)})
    (found,) = groups(one, two)
    assert found.same == "headers"


def other_dtype(root: Path) -> None:
    write_safetensors(root / "model.safetensors", {"a": ("I32", (2, 2), None)})


def other_name(root: Path) -> None:
    write_safetensors(root / "model.safetensors", {"b": ("F32", (2, 2), None)})


def absent(root: Path) -> None:
    (root / "model.safetensors").unlink()


@pytest.mark.parametrize("change", [other_dtype, other_name, absent])
def test_another_header_is_another_model(tmp_path, change):
    for name in ("one", "two"):
        write_safetensors(model_dir(tmp_path / name) / "model.safetensors", {"a": ("F32", (2, 2), None)})
    change(tmp_path / "two")
    assert groups(tmp_path / "one", tmp_path / "two") == ()


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_links_cost_nothing(tmp_path, link):
    one, two = model_dir(tmp_path / "one"), tmp_path / "two"
    two.mkdir()
    for file in one.iterdir():
        link(file, two / file.name)
    (found,) = groups(one, two)
    assert (found.same, found.size_bytes, found.extra_bytes) == ("files", weights(one), 0)


def test_a_third_that_is_linked_adds_nothing_to_a_second_that_is_not(tmp_path):
    one = model_dir(tmp_path / "one")
    two = Path(shutil.copytree(one, tmp_path / "two"))
    three = Path(shutil.copytree(one, tmp_path / "three", copy_function=os.link))
    (found,) = groups(one, two, three)
    assert (len(found.copies), found.same, found.extra_bytes) == (3, "headers", weights(two))


def test_blobs_that_are_named_alike_are_the_same_bytes(tmp_path):
    published = model_dir(tmp_path / "published")
    one, two = (hub_factory.cached(tmp_path / cache, published) for cache in ("one", "two"))
    (found,) = groups(one, two)
    assert (found.same, found.extra_bytes) == ("bytes", weights(published))


def test_locks_that_say_the_same_of_both_prove_it_and_one_alone_does_not(tmp_path):
    one = model_dir(tmp_path / "one")
    two = Path(shutil.copytree(one, tmp_path / "two"))
    lock_dir(one, "org/one")
    assert groups(one, two)[0].same == "headers"
    lock_dir(two, "org/two")
    assert groups(one, two)[0].same == "bytes"
    write_safetensors(two / "model.safetensors", {"a": ("F32", (2, 2), None)})
    write_safetensors(one / "model.safetensors", {"a": ("F32", (2, 2), None)})
    assert groups(one, two)[0].same == "headers", "locks that the files contradict"


def test_pickles_are_told_by_their_beginning(tmp_path):
    one = tmp_path / "one"
    tiny_model(one, weights="bin")
    two = Path(shutil.copytree(one, tmp_path / "two"))
    assert groups(one, two)[0].same == "headers"


def test_what_costs_most_comes_first(tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    write_safetensors(model_dir(small) / "model.safetensors", {"a": ("F32", (2, 2), None)})
    model_dir(large)
    copies = [Path(shutil.copytree(each, tmp_path / f"{each.name}-copy")) for each in (small, large)]
    assert [found.copies[0].path for found in groups(small, large, *copies)] == [large, small]


def test_a_shard_that_is_absent_makes_no_copy(tmp_path):
    one = model_dir(tmp_path / "one", shards=4, without=[3])
    two = Path(shutil.copytree(one, tmp_path / "two"))
    assert groups(one, two) == ()


def test_no_weights_are_read(tmp_path, monkeypatch):
    """A copy of eight gigabytes of holes is told in the time of its header."""
    for name in ("one", "two"):
        write_safetensors(
            model_dir(tmp_path / name) / "model.safetensors", {"a": ("F32", (1 << 15, 1 << 16), None)}, sparse=True
        )
    read, pread = [], os.pread
    monkeypatch.setattr(os, "pread", lambda handle, count, at: read.append(count) or pread(handle, count, at))
    (found,) = groups(tmp_path / "one", tmp_path / "two")
    assert found.extra_bytes > 8e9
    assert sum(read) < 1e6
