"""What is on record of files, read from caches and downloads that huggingface_hub's own functions have laid down."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import hub_factory as hub
import pytest
from huggingface_hub import scan_cache_dir, snapshot_download
from huggingface_hub._local_folder import read_download_metadata
from hypothesis import given
from hypothesis import strategies as st
from model_factory import model_dir

from resolver.inspection.describe import describe
from resolver.inspection.evidence import read_record
from resolver.inspection.files import Listing, list_files
from resolver.inspection.refs import CacheFacts


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_dir(tmp_path_factory.mktemp("published") / "m", shards=3)


def hashes(root: Path) -> dict[str, tuple[str | None, str | None]]:
    record = describe(root).on_record
    return {} if record is None else {name: (each.sha256, each.git_sha1) for name, each in record.files.items()}


def true_hashes(source: Path) -> dict[str, tuple[str | None, str | None]]:
    found = {}
    for path in source.iterdir():
        data = path.read_bytes()
        lfs = hub.is_lfs(path.name)
        git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324 - git's
        found[path.name] = (hashlib.sha256(data).hexdigest(), None) if lfs else (None, git)
    return found


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("tree", [False, True])
def test_a_snapshot_is_on_record_by_its_blobs_and_its_list(
    tmp_path: Path, source: Path, *, tree: bool, shared: bool
) -> None:
    """The shared store names files by another hash of 64 digits: only the first hop says the sha256."""
    snapshot = hub.cached(tmp_path / "hub", source, tree=tree, shared=shared)
    (repo,) = scan_cache_dir(tmp_path / "hub").repos
    assert repo.repo_id == hub.HUB_ID
    assert snapshot_download(hub.HUB_ID, cache_dir=tmp_path / "hub", local_files_only=True) == str(snapshot)
    if shared:
        assert hub.blob_of(snapshot, "model-00001-of-00003.safetensors").parent.parent == tmp_path / "hub/blobs"
    assert hashes(snapshot) == true_hashes(source)
    record = describe(snapshot).on_record
    assert record is not None
    assert record.commit == hub.COMMIT
    sizes = {name: each.size_bytes for name, each in record.files.items()}
    assert sizes == {path.name: path.stat().st_size if tree else None for path in source.iterdir()}
    assert (record.listing is not None) == tree


@pytest.mark.parametrize("shared", [False, True])
def test_a_snapshot_reached_through_a_link_is_read_as_if_it_had_been_named(
    tmp_path: Path, source: Path, *, shared: bool
) -> None:
    """`ln -s ~/.cache/huggingface/hub/models--o--n/snapshots/<commit> model`: the blobs lie beside the snapshot, not
    beside the link."""
    snapshot = hub.cached(tmp_path / "hub", source, shared=shared)
    (tmp_path / "a" / "b").mkdir(parents=True)
    alias = tmp_path / "a" / "b" / "model"
    alias.symlink_to(snapshot)
    for root in (snapshot, alias):
        told = describe(root)
        assert {each.link.kind for each in told.files.files.values() if each.link} == {"store"}
        assert told.weights.tensors_known
    assert hashes(alias) == hashes(snapshot) == true_hashes(source)


def test_a_link_straight_into_the_shared_store_is_no_record(tmp_path: Path, source: Path) -> None:
    snapshot = hub.cached(tmp_path / "hub", source, tree=False, shared=True)
    name = "model-00001-of-00003.safetensors"
    real = hub.blob_of(snapshot, name)
    (snapshot / name).unlink()
    (snapshot / name).symlink_to(os.path.relpath(real, snapshot))
    assert name not in hashes(snapshot)


def test_real_files_in_a_snapshot_are_on_record_where_a_list_is(tmp_path: Path, source: Path) -> None:
    """HF_HUB_DISABLE_SYMLINKS, or a copy with `cp -rL`."""
    snapshot = hub.cached(tmp_path / "hub", source)
    for path in list(snapshot.iterdir()):
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)
    assert hashes(snapshot) == true_hashes(source)


@pytest.mark.parametrize("tree", [False, True])
def test_a_local_download_is_on_record_by_its_metadata(tmp_path: Path, source: Path, *, tree: bool) -> None:
    target = hub.downloaded(tmp_path / "d", source, tree=tree)
    assert hashes(target) == true_hashes(source)
    record = describe(target).on_record
    assert record is not None
    assert record.commit == hub.COMMIT
    assert not any(each.written_since for each in record.files.values())


@pytest.mark.parametrize("later_s", [-100.0, 0.5, 2.0, 3_600.0])
def test_a_file_is_newer_than_its_record_exactly_when_the_library_says_so(
    tmp_path: Path, source: Path, later_s: float
) -> None:
    target = hub.downloaded(tmp_path / "d", source)
    path = target / "config.json"
    metadata = read_download_metadata(target, "config.json")
    assert metadata is not None
    os.utime(path, (metadata.timestamp + later_s, metadata.timestamp + later_s))
    trusted = read_download_metadata(target, "config.json") is not None
    record = describe(target).on_record
    assert record is not None
    assert record.files["config.json"].written_since == (not trusted)


def test_a_file_of_another_commit_is_on_record_by_its_own_etag_alone(tmp_path: Path, source: Path) -> None:
    target = hub.downloaded(tmp_path / "d", source)
    other = "f" * 40
    hub.write_download_metadata(target, "config.json", "e" * 40, other)
    os.utime(target / ".cache/huggingface/download/config.json.metadata")
    later = read_download_metadata(target, "tokenizer.json")
    assert later is not None
    hub.write_download_metadata(target, "tokenizer.json", hub.COMMIT, later.etag)  # the newest names the commit
    record = describe(target).on_record
    assert record is not None
    assert record.commit == hub.COMMIT
    assert (record.files["config.json"].git_sha1, record.files["config.json"].size_bytes) == (other, None)


def test_a_file_that_the_download_never_wrote_is_not_vouched_for(tmp_path: Path, source: Path) -> None:
    target = hub.downloaded(tmp_path / "d", source)
    (target / ".cache/huggingface/download/config.json.metadata").unlink()
    record = describe(target).on_record
    assert record is not None
    assert record.files["config.json"].written_since


def test_a_model_below_the_download_is_on_record_by_its_own_names(tmp_path: Path, source: Path) -> None:
    outer = tmp_path / "published"
    shutil.copytree(source, outer / "inner")
    target = hub.downloaded(tmp_path / "d", outer)
    assert describe(target).root == target / "inner"
    assert hashes(target) == true_hashes(source)
    snapshot = hub.cached(tmp_path / "hub", outer)
    assert hashes(snapshot) == true_hashes(source)


def test_a_list_of_an_unknown_format_is_told_and_not_used(tmp_path: Path, source: Path) -> None:
    snapshot = hub.cached(tmp_path / "hub", source)
    (tree,) = (tmp_path / "hub").glob("*/trees/*.json")
    value = json.loads(tree.read_text())
    tree.write_text(json.dumps({**value, "format_version": 2}))
    record = describe(snapshot).on_record
    assert record is not None
    assert "format_version 2" in record.unreadable
    assert record.listing is None
    assert hashes(snapshot) == true_hashes(source)  # by the blobs


def test_a_plain_directory_has_nothing_on_record(source: Path) -> None:
    assert describe(source).on_record is None


def test_a_record_that_is_a_link_out_of_the_directory_is_not_followed(tmp_path: Path, source: Path) -> None:
    target = hub.downloaded(tmp_path / "d", source)
    (target / ".cache").rename(tmp_path / "elsewhere")
    (target / ".cache").symlink_to(tmp_path / "elsewhere")
    assert describe(target).on_record is None
    (target / ".cache").unlink()
    (tmp_path / "elsewhere").rename(target / ".cache")
    metadata = target / ".cache/huggingface/download/config.json.metadata"
    metadata.rename(tmp_path / "stolen")
    metadata.symlink_to(tmp_path / "stolen")
    for tree in (target / ".cache/huggingface/trees").iterdir():
        tree.unlink()
    assert "config.json" not in hashes(target)
    assert "tokenizer.json" in hashes(target)


@pytest.mark.parametrize("kind", ["pipe", "directory", "huge"])
def test_a_record_that_is_no_small_file_neither_hangs_nor_fails(tmp_path: Path, source: Path, kind: str) -> None:
    target = hub.downloaded(tmp_path / "d", source)
    for path in (target / ".cache/huggingface").rglob("*.*"):
        if path.suffix not in {".json", ".metadata"}:
            continue
        path.unlink()
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "directory":
            path.mkdir()
        else:
            with path.open("wb") as stream:
                stream.truncate(1 << 33)
    assert describe(target).on_record is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("a" * 64) | st.just(1),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["format_version", "files", "size", "lfs_sha256", "lfs_size", "blob_id", "config.json", "../x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(st.one_of(st.binary(max_size=200), JSON.map(lambda value: json.dumps(value).encode())), st.binary(max_size=120))
def test_any_bytes_as_a_record_are_read_without_an_exception(
    tmp_path_factory: pytest.TempPathFactory, tree: bytes, metadata: bytes
) -> None:
    root = tmp_path_factory.mktemp("any")
    (root / "config.json").write_text("{}")
    place = root / ".cache/huggingface"
    (place / "trees").mkdir(parents=True)
    (place / "download").mkdir()
    (place / "trees" / f"{hub.COMMIT}.json").write_bytes(tree)
    (place / "download" / "config.json.metadata").write_bytes(metadata)
    record = read_record(root, root, list_files(root), None)
    for each in record.files.values() if record is not None else ():
        assert each.sha256 is None or len(each.sha256) == 64
        assert each.git_sha1 is None or len(each.git_sha1) == 40
        assert each.size_bytes is None or each.size_bytes >= 0


def test_a_cache_entry_that_vanished_is_nothing(tmp_path: Path) -> None:
    gone = CacheFacts(tmp_path / "models--a--b", hub.COMMIT)
    assert read_record(tmp_path, tmp_path, Listing(tmp_path), gone) is None
