"""Hugging Face caches and `--local-dir` downloads of a directory, laid down by huggingface_hub's own functions.

What the library does while it downloads is done here with its own writers: blobs under their etags, links, the list
of a commit's files, the metadata of a local download, the store that all repositories share.
"""

import hashlib
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from huggingface_hub._local_folder import write_download_metadata
from huggingface_hub._tree_cache import (
    TreeCacheEntry,
    tree_cache_folder_for_local_dir,
    write_tree_cache,
)
from huggingface_hub.file_download import _create_symlink
from huggingface_hub.utils._shared_blobs import publish_blob_to_shared_store
from huggingface_hub.utils.sha import git_hash

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LFS = (".safetensors", ".bin", ".model", "tokenizer.json")
HUB_ID = "someone/tiny"


def is_lfs(name: str) -> bool:
    return name.endswith(LFS)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def etag_of(name: str, data: bytes) -> str:
    """As the hub counts: sha256 for what is in LFS, git's sha1 for the rest."""
    return sha256(data) if is_lfs(name) else git_hash(data)


def xet_hash(data: bytes) -> str:
    """Any 64 hex digits that are not the sha256, as a Merkle hash is."""
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def listed(source: Path) -> dict[str, TreeCacheEntry]:
    """The files of a directory as a commit's list has them."""
    entries = {}
    for path in sorted(each for each in source.rglob("*") if each.is_file()):
        name, data = path.relative_to(source).as_posix(), path.read_bytes()
        if is_lfs(name):
            pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256(data)}\nsize {len(data)}\n"
            entries[name] = TreeCacheEntry(
                len(data), git_hash(pointer.encode()), sha256(data), len(data), xet_hash(data)
            )
        else:
            entries[name] = TreeCacheEntry(len(data), git_hash(data))
    return entries


def cached(
    cache: Path,
    source: Path,
    *,
    hub_id: str = HUB_ID,
    commit: str = COMMIT,
    tree: bool = True,
    shared: bool = False,
    without: Collection[str] = (),
) -> Path:
    """The snapshot of a directory in a cache, as `snapshot_download` leaves it.

    Args:
        cache: the hub cache; parents too.
        source: the published files.
        hub_id: the repository.
        commit: its commit.
        tree: whether the list of the commit's files is written; per-file downloads write none.
        shared: whether blobs of LFS files lie in the store that all repositories share (huggingface_hub 1.32 on).
        without: files that are on the list and were never fetched.
    """
    folder = cache / ("models--" + hub_id.replace("/", "--"))
    snapshot = folder / "snapshots" / commit
    for name in (folder / "blobs", folder / "refs", snapshot):
        name.mkdir(parents=True, exist_ok=True)
    (folder / "refs" / "main").write_text(commit)
    for path in sorted(each for each in source.rglob("*") if each.is_file()):
        name, data = path.relative_to(source).as_posix(), path.read_bytes()
        if name in without:
            continue
        blob = folder / "blobs" / etag_of(name, data)
        blob.write_bytes(data)
        if shared and is_lfs(name):
            told = {"xet_hash": xet_hash(data), "cache_dir": str(cache), "expected_size": len(data)}
            assert publish_blob_to_shared_store(blob_path=str(blob), **told)
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        _create_symlink(str(blob), str(snapshot / name))
    if tree:
        write_tree_cache(str(folder), commit, listed(source))
    return snapshot


def downloaded(
    target: Path,
    source: Path,
    *,
    commit: str = COMMIT,
    tree: bool = True,
    without: Collection[str] = (),
) -> Path:
    """A directory as `hf download --local-dir` leaves it."""
    for path in sorted(each for each in source.rglob("*") if each.is_file()):
        name = path.relative_to(source).as_posix()
        if name in without:
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / name)
        write_download_metadata(target, name, commit, etag_of(name, path.read_bytes()))
    if tree:
        write_tree_cache(tree_cache_folder_for_local_dir(str(target)), commit, listed(source))
    return target


def blob_of(snapshot: Path, name: str) -> Path:
    """The regular file behind a link of a snapshot."""
    return Path(os.path.realpath(snapshot / name))


def flip(path: Path, at: int = -3) -> None:
    """Turn one bit of a file; its size and, unless it is a header's, its form stay. Its time stays too."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def cut(path: Path, count: int) -> None:
    """Take so many bytes off a file's end; its time stays, as when a copy breaks off behind the scenes."""
    status = path.stat()
    os.truncate(path, status.st_size - count)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
