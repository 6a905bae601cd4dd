"""F005-F010: what is around the files, with the real library as the judge."""

import shutil
import tarfile
from pathlib import Path

import pytest
from model_factory import model_dir
from oracle import codes, judge, one, refusal

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def cached(hub: Path, *, shared: bool = False) -> Path:
    """A snapshot as huggingface_hub lays it out: links into blobs/, and on into the shared store where asked."""
    repository = hub / "models--org--name"
    snapshot = repository / "snapshots" / COMMIT
    model_dir(snapshot)
    (repository / "blobs").mkdir()
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    for number, path in enumerate(sorted(snapshot.iterdir())):
        blob = repository / "blobs" / f"{number:040x}"
        path.rename(blob)
        path.symlink_to(f"../../blobs/{blob.name}")
        if shared:
            store = hub / "blobs" / "ab" / f"{number:064x}"
            store.parent.mkdir(parents=True, exist_ok=True)
            blob.rename(store)
            blob.symlink_to(f"../../blobs/ab/{store.name}")
    return snapshot


@pytest.mark.parametrize("mark", ["x.incomplete", "model.safetensors.part", "y.aria2", "z.crdownload"])
def test_f005_mark_beside_an_absent_file_is_an_error(tmp_path: Path, mark: str) -> None:
    root = model_dir(tmp_path / "m", shards=2, without={2})
    (root / mark).write_bytes(b"half")
    assert refusal(root) is not None
    assert codes(root, "error") == ["F005"]
    assert one(root, "F005").evidence["absent_or_short"] == ["model-00002-of-00002.safetensors"]


def test_f005_mark_beside_a_whole_model_is_a_warning(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    (root / "old.incomplete").write_bytes(b"half")
    (root / "poetry.lock").write_bytes(b"not a download's")
    assert refusal(root) is None
    assert codes(root) == ["F005"]
    assert codes(root, "error") == []


def test_f005_kagglehub_version_without_its_marker_is_told(tmp_path: Path) -> None:
    place = tmp_path / "kagglehub" / "models" / "o" / "m" / "transformers" / "v"
    root = model_dir(place / "1")
    assert (codes(root), codes(root, "error")) == (["F005"], [])
    (place / "1.complete").touch()
    assert codes(root) == []
    (place / "1.archive").touch()
    assert codes(root) == ["F005"]


def test_f005_kaggle_mount_is_no_kagglehub_cache(tmp_path: Path) -> None:
    assert codes(model_dir(tmp_path / "input" / "models" / "o" / "m" / "transformers" / "v" / "1")) == []


def test_f005_incomplete_blob_of_the_repository_is_told(tmp_path: Path) -> None:
    root = cached(tmp_path)
    (root.parents[1] / "blobs" / "feed.incomplete").touch()
    assert codes(root) == ["F005"]


def test_f006_link_to_nothing_is_an_error(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    (root / "model.safetensors").unlink()
    (root / "model.safetensors").symlink_to("gone.safetensors")
    assert refusal(root) is not None
    assert codes(root, "error") == ["F006"]


def test_f006_snapshot_without_blobs_names_the_first_hop(tmp_path: Path) -> None:
    root = cached(tmp_path)
    shutil.rmtree(root.parents[1] / "blobs")
    assert refusal(root) is not None
    assert "F006" in codes(root, "error")
    assert "/models--org--name/blobs/" in str(one(root, "F006").evidence["broken_hop"])


def test_f006_repository_without_the_shared_store_names_the_second_hop(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    source = cached(tmp_path / "hub", shared=True).parents[1]
    shutil.copytree(source, copy / source.name, symlinks=True)
    root = copy / source.name / "snapshots" / COMMIT
    assert refusal(root) is not None
    assert "F006" in codes(root, "error")
    assert str(one(root, "F006").evidence["broken_hop"]).startswith(str(copy / "blobs"))


@pytest.mark.parametrize("shared", [False, True])
def test_f006_links_into_the_store_are_followed_and_are_no_finding(tmp_path: Path, shared: bool) -> None:
    root = cached(tmp_path, shared=shared)
    assert refusal(root) is None
    assert judge(root) == []


def test_f006_broken_link_that_no_loader_opens_is_a_warning(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    (root / "README.md").symlink_to("gone.md")
    assert refusal(root) is None
    assert (codes(root), codes(root, "error")) == (["F006"], [])


def test_f007_hole_loads_as_zeros_and_is_a_warning(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", config={"hidden_size": 128}, sparse=True)
    if one_hole(root / "model.safetensors") is None:
        pytest.skip("this file system does not tell holes")
    from oracle import load

    model, _ = load(root)
    assert not model.lm_head.weight.detach().any()
    assert (codes(root), codes(root, "error")) == (["F007"], [])


def one_hole(path: Path) -> int | None:
    import os

    with path.open("rb") as stream:
        at = os.lseek(stream.fileno(), 0, os.SEEK_HOLE)
    return at if at < path.stat().st_size else None


def test_f007_file_written_whole_is_quiet(tmp_path: Path) -> None:
    assert codes(model_dir(tmp_path / "m", config={"hidden_size": 128})) == []


def test_f008_model_below_is_used_and_told(tmp_path: Path) -> None:
    model_dir(tmp_path / "outer" / "a" / "b")
    assert refusal(tmp_path / "outer") is not None
    found = one(tmp_path / "outer", "F008")
    assert (found.severity, found.evidence["used"]) == ("info", str(tmp_path / "outer" / "a" / "b"))
    assert codes(tmp_path / "outer", "error") == []


def test_f008_two_models_below_are_not_chosen_between(tmp_path: Path) -> None:
    model_dir(tmp_path / "outer" / "a")
    model_dir(tmp_path / "outer" / "b")
    assert "F008" not in codes(tmp_path / "outer")
    assert codes(tmp_path / "outer", "error") == ["W101"]


def test_f008_model_that_lies_right_here_is_quiet_even_with_folders(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    model_dir(root / "checkpoint-1")
    assert refusal(root) is None
    assert codes(root) == []


def test_f009_new_line_in_a_ref_hides_the_snapshot_from_the_library(tmp_path: Path) -> None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    root = cached(tmp_path)
    find = {"repo_id": "org/name", "cache_dir": tmp_path, "local_files_only": True}
    assert Path(snapshot_download(**find)) == root
    assert codes(root) == []
    (root.parents[1] / "refs" / "main").write_text(COMMIT + "\n")
    with pytest.raises(LocalEntryNotFoundError):
        snapshot_download(**find)
    assert (codes(root), one(root, "F009").severity) == (["F009"], "info")


def test_f009_lone_snapshot_without_refs_is_told(tmp_path: Path) -> None:
    root = cached(tmp_path)
    shutil.rmtree(root.parents[1] / "refs")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    with pytest.raises(LocalEntryNotFoundError):
        snapshot_download("org/name", cache_dir=tmp_path, local_files_only=True)
    assert codes(root) == ["F009"]


@pytest.mark.parametrize("form", ["gztar", "tar", "zip"])
def test_f010_archive_alone_is_the_only_error(tmp_path: Path, form: str) -> None:
    model_dir(tmp_path / "m")
    (tmp_path / "up").mkdir()
    shutil.make_archive(str(tmp_path / "up" / "model"), form, tmp_path / "m")
    assert refusal(tmp_path / "up") is not None
    assert codes(tmp_path / "up", "error") == ["F010"]
    assert "mkdir -p model" in str(one(tmp_path / "up", "F010").fix.command)


def test_f010_archive_beside_a_model_is_quiet(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    with tarfile.open(root / "logs.tar", "w") as archive:
        archive.add(root / "config.json", "config.json")
    assert refusal(root) is None
    assert codes(root) == []
