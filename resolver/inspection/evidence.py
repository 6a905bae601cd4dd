"""What is on record of a directory's files: sizes and hashes that a downloader wrote down, read without any network.

Three things are such a record: the list of a commit's files (`trees/<commit>.json`), the name of the blob that a
file of a snapshot links to, and the `.metadata` beside a download to a directory of its own; a lock of ours, which
comes before them, is `locked`'s. Nothing is compared
here and no weights are read. Two things look like a record and are none: `total_size` of an index counts tensors and
no loader checks it, and kagglehub's `<version>.complete` says that a download has ended, not what it brought.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from resolver.inspection.files import MAX_FILES, FileFacts, Listing
from resolver.inspection.refs import CacheFacts
from resolver.inspection.strict_json import parse_json
from resolver.record import Record, field

if TYPE_CHECKING:
    from resolver.inspection.lock import LockedSource

Kind = Literal["lock", "tree", "blob", "metadata"]
FORMAT_VERSION: Final = 1  # of trees/*.json; huggingface_hub ignores any other, and so do we
MAX_TREE_BYTES: Final = 16 * 1024 * 1024
MAX_METADATA_BYTES: Final = 4_096
DOWNLOADED: Final = ".cache/huggingface"
CLOCK_S: Final = 1  # huggingface_hub's own allowance between a file's time and its metadata's
HEX: Final = frozenset("0123456789abcdef")
SHA256: Final = 64
SHA1: Final = 40


class FileRecord(Record):
    """What is on record of one file.

    Attributes:
        size_bytes: None where only a hash is.
        sha256: of the content, as files in LFS or Xet have; hex digits, None where there is none.
        git_sha1: of the content as git counts it (small files), as above.
        where: the file or folder that says so, absolute.
        written_since: the file is newer than its record, or was never recorded as downloaded: an edit as likely as
            damage. False in a cache, where nobody is meant to write.
        kind: what says so.
        header_sha256: of a safetensors file in a lock: see `LockedFile`.
    """

    size_bytes: int | None
    sha256: str | None
    git_sha1: str | None
    where: str
    written_since: bool = False
    kind: Kind = "tree"
    header_sha256: str | None = None


class RecordedFiles(Record):
    """The record of a directory.

    Attributes:
        files: by name relative to the directory; of files that are here, and of those that `listing` names besides.
        listing: the list of all files of the commit, absolute; None where there is none, so that absence proves
            nothing.
        commit: the commit that the record is of.
        unreadable: a list of files that is there and cannot be used, with the reason; "" where there is none.
        lock: the lock that speaks of the directory, absolute; None where none does.
        source: where that lock says that the files came from.
    """

    files: Mapping[str, FileRecord] = field(default_factory=dict)
    listing: str | None = None
    commit: str | None = None
    unreadable: str = ""
    lock: str | None = None
    source: "LockedSource | None" = None

    @property
    def locked(self) -> frozenset[str]:
        """The names that the lock holds."""
        return frozenset(name for name, each in self.files.items() if each.kind == "lock")


def read_record(asked: Path, root: Path, files: Listing, cache: CacheFacts | None) -> RecordedFiles | None:
    """Read what is on record of a directory's files; raises nothing and follows no link.

    Args:
        asked: the directory that was named: a model may lie below the folder whose download is on record.
        root: the directory that was read.
        files: its listing.
        cache: the Hugging Face cache entry that it is a snapshot of; None where it is none.

    Returns:
        None where nothing is on record.
    """
    found = _of_snapshot(root, files, cache) if cache is not None else _of_download(asked, root, files)
    return found if found.files or found.unreadable else None


def _of_snapshot(root: Path, files: Listing, cache: CacheFacts) -> RecordedFiles:
    repository, commit = os.fspath(cache.repository), cache.commit
    inside = os.path.relpath(os.path.realpath(root), f"{repository}/snapshots/{commit}")
    tree = _read_tree(f"{repository}/trees/{commit}.json", "" if inside == "." else f"{inside}/")
    blobs = {name: record for name, facts in files.files.items() if (record := _blob(facts, f"{repository}/blobs"))}
    return RecordedFiles({**blobs, **tree.files}, tree.listing, commit, tree.unreadable)


def _blob(facts: FileFacts, blobs: str) -> FileRecord | None:
    """The hash that a link's first hop names. The second may name another: the shared store counts in Xet hashes."""
    if facts.link is None or facts.link.kind not in {"store", "broken"}:
        return None
    folder, _, name = facts.link.target.rpartition("/")
    if not folder.endswith("blobs"):
        return None
    sha256, git_sha1 = _hash(name, SHA256), _hash(name, SHA1)
    return FileRecord(None, sha256, git_sha1, blobs, kind="blob") if sha256 or git_sha1 else None


def _hash(text: object, digits: int) -> str | None:
    return text if isinstance(text, str) and len(text) == digits and HEX.issuperset(text) else None


def _of_download(asked: Path, root: Path, files: Listing) -> RecordedFiles:
    for base in (root, *root.parents):
        place = f"{base}/{DOWNLOADED}"
        if os.path.isdir(place) and os.path.realpath(place) == f"{os.path.realpath(base)}/{DOWNLOADED}":  # noqa: PTH112 - hot path
            inside = root.relative_to(base).as_posix()
            return _downloaded(place, "" if inside == "." else f"{inside}/", files)
        if base == asked or asked not in base.parents:
            break
    return RecordedFiles()


class _Metadata(Record):
    """Three lines beside a downloaded file: its commit, its etag, and when that was written."""

    commit: str
    etag: str
    time_s: float
    path: str


def _downloaded(place: str, prefix: str, files: Listing) -> RecordedFiles:
    metadata = {name: read for name in files.files if (read := _read_metadata(place, prefix + name)) is not None}
    latest = max(metadata.values(), key=lambda each: each.time_s, default=None)
    commit = latest.commit if latest is not None else _only_tree(f"{place}/trees")
    tree = _read_tree(f"{place}/trees/{commit}.json", prefix) if commit else RecordedFiles()
    found: dict[str, FileRecord] = {}
    for name, entry in tree.files.items():
        found[name] = entry.replaced(written_since=name in files.files)
    for name, each in metadata.items():
        since = _written(files.path(name)) - CLOCK_S > each.time_s
        sha256, git_sha1 = _hash(each.etag, SHA256), _hash(each.etag, SHA1)
        listed = tree.files.get(name) if each.commit == commit else None
        if listed is not None and each.etag in {listed.sha256, listed.git_sha1}:
            found[name] = listed.replaced(written_since=since)
        elif sha256 or git_sha1:
            found[name] = FileRecord(None, sha256, git_sha1, each.path, since, "metadata")
    return RecordedFiles(found, tree.listing, commit, tree.unreadable)


def _read_metadata(place: str, name: str) -> _Metadata | None:
    path = f"{place}/download/{name}.metadata"
    folder = os.path.dirname(path)  # noqa: PTH120 - hot loop
    if "/" in name and os.path.realpath(folder) != folder.replace(place, os.path.realpath(place), 1):
        return None
    text = _read(path, MAX_METADATA_BYTES)
    lines = text.decode("utf-8", "replace").split("\n") if text else []
    try:
        commit, etag, when = (line.strip() for line in lines[:3])
        return _Metadata(commit, etag, float(when), path) if _hash(commit, SHA1) else None
    except ValueError:  # fewer lines, or a time that is none
        return None


def _only_tree(place: str) -> str | None:
    try:
        names = os.listdir(place)  # noqa: PTH208 - names are enough
    except OSError:
        return None
    commits = [name.removesuffix(".json") for name in names if name.endswith(".json")]
    return commits[0] if len(commits) == 1 and _hash(commits[0], SHA1) else None


def _written(path: Path) -> float:
    try:
        return os.stat(path).st_mtime  # noqa: PTH116 - hot loop
    except OSError:
        return 0.0


def _read_tree(path: str, prefix: str) -> RecordedFiles:
    """A commit's list of files; names are relative to the directory of that prefix."""
    data = _read(path, MAX_TREE_BYTES)
    if data is None:
        return RecordedFiles()
    value = parse_json(data).value
    listed = value.get("files") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(listed, dict) or len(listed) > MAX_FILES:
        return RecordedFiles(unreadable=f"{path} is no list of files that huggingface_hub writes")
    if value.get("format_version") != FORMAT_VERSION:
        return RecordedFiles(unreadable=f"{path} has format_version {value.get('format_version')!r}, which is unknown")
    return RecordedFiles(dict(_entries(listed, prefix, path)), path)


def _entries(listed: Mapping[str, Any], prefix: str, path: str) -> Iterator[tuple[str, FileRecord]]:
    for name, entry in listed.items():
        if not name.startswith(prefix) or not isinstance(entry, dict):
            continue
        sha256 = _hash(entry.get("lfs_sha256"), SHA256)
        size = entry.get("lfs_size") if sha256 else entry.get("size")
        known = size if type(size) is int and size >= 0 else None
        git_sha1 = None if sha256 else _hash(entry.get("blob_id"), SHA1)  # of an LFS file it is the pointer's
        yield name.removeprefix(prefix), FileRecord(known, sha256, git_sha1, path)


def _read(path: str, limit: int) -> bytes | None:
    """A small regular file; None where it is none, is a link, is larger, or cannot be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            return None
        return os.read(handle, limit)
    except OSError:
        return None
    finally:
        os.close(handle)
