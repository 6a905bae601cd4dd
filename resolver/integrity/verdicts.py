"""Files beside what is on record of them: one word a file, and the words are not merged.

`verified` and `corrupt` come of a hash that was taken, or of a size that differs; `consistent` of sizes and headers
alone; `unverifiable` says that nothing is on record, `not-checked` that something is and could not be compared. What is
done about a word is not known here.
"""

import errno
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

from resolver.inspection.evidence import FileRecord, Kind, RecordedFiles
from resolver.inspection.files import LOCK_NAME, FileFacts, Listing, is_of_bundle
from resolver.integrity.hashing import Algorithm
from resolver.integrity.resumable import Hashed
from resolver.record import Record, field

Word = Literal["verified", "consistent", "unverifiable", "corrupt", "missing", "extra", "not-checked"]
Compared = Literal["sha256", "git-sha1", "size", "header"]
# The gravest first: what a directory comes to is the first of these that one of its files is.
NO_FILE: Final = frozenset({errno.EINVAL, errno.ENXIO})
GRAVEST: Final[tuple[Word, ...]] = ("corrupt", "missing", "not-checked", "unverifiable", "consistent", "verified")


class FileVerdict(Record):
    """What became of one file.

    Attributes:
        name: relative to the directory.
        verdict: the word.
        size_bytes: as it lies there; None where it does not.
        compared: what was compared; None where nothing was.
        expected, actual: the two hashes, or the two sizes in digits.
        kind: what was on record; "header" for a safetensors file that is as long as its own header says.
        where: the file that has it on record.
        reason: why it could not be compared, or what has to be said beside the word.
        matters: whether the directory is not whole without it, or not proven; False for a file that a download left
            out on purpose, and for what is more than what is on record.
    """

    name: str
    verdict: Word
    size_bytes: int | None = None
    compared: Compared | None = None
    expected: str | None = None
    actual: str | None = None
    kind: Kind | Literal["header"] | None = None
    where: str | None = None
    reason: str = ""
    matters: bool = True


class Verification(Record):
    """What became of one directory.

    Attributes:
        reference: as it was asked for, or as the lock names it.
        root: the directory.
        verdict: the gravest word of the files that matter; "unverifiable" where there is none.
        files: in the order of their names.
        lock: the lock that it was compared with; None where it was something else.
        only_size: no file was read.
        read_bytes, resumed_bytes: read by this run, and by the interrupted one that it went on with.
        elapsed_s: how long all of it took.
    """

    reference: str
    root: Path
    verdict: Word
    files: tuple[FileVerdict, ...]
    lock: str | None = None
    only_size: bool = False
    read_bytes: int = 0
    resumed_bytes: int = 0
    elapsed_s: float = 0.0

    def count(self, word: Word) -> int:
        """How many files are that."""
        return sum(1 for each in self.files if each.verdict == word)


class Facts(Record):
    """What is compared.

    Attributes:
        files: the directory's listing, all of it.
        record: what is on record.
        vouched: whether all files have to be there and no others: a lock says so, a downloader's list does not.
        needed: absent files that a loader cannot do without, where `vouched` is False.
        opened: files that a loader opens, where `vouched` is False.
        headers: safetensors file -> digest of its header as locked and as it is; where both are known.
        sound: safetensors files that are as long as their headers say, of which nothing is on record.
    """

    files: Listing
    record: RecordedFiles
    vouched: bool
    needed: frozenset[str] = frozenset()
    opened: frozenset[str] = frozenset()
    headers: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    sound: frozenset[str] = frozenset()


def to_hash(facts: Facts) -> Iterator[tuple[str, int, Algorithm]]:
    """Name, size and algorithm of the files whose hash has to be taken: all that could still be the right ones."""
    for name, each in facts.files.files.items():
        record = facts.record.files.get(name)
        if record is None or each.content == "unread" or record.size_bytes not in {None, each.size_bytes}:
            continue
        if record.sha256 or record.git_sha1:
            yield name, each.size_bytes, "sha256" if record.sha256 else "git-sha1"


def verdicts(facts: Facts, hashed: Mapping[str, Hashed] | None) -> tuple[FileVerdict, ...]:
    """A word for each file that is there or on record.

    Args:
        facts: what is compared.
        hashed: by name, what came of hashing `to_hash(facts)`; None where only sizes are compared.
    """
    here = {name for name in facts.files.files if not is_of_bundle(name)}
    names = {*facts.record.files, *here} - {LOCK_NAME}
    return tuple(_verdict(name, facts, hashed) for name in sorted(names))


def gravest(files: tuple[FileVerdict, ...]) -> Word:
    """What a directory comes to."""
    found = {each.verdict for each in files if each.matters}
    return next((word for word in GRAVEST if word in found), "unverifiable")


def _verdict(name: str, facts: Facts, hashed: Mapping[str, Hashed] | None) -> FileVerdict:
    record, here = facts.record.files.get(name), facts.files.get(name)
    if record is None:
        return _unrecorded(name, here, facts)
    if here is None or (here.link is not None and here.link.kind == "broken"):
        return _not_here(name, here, record, facts)
    if here.content == "unread":
        return FileVerdict(name, "not-checked", None, kind=record.kind, where=record.where, reason=why_unread(here))
    if record.size_bytes not in {None, here.size_bytes}:
        sizes = (str(record.size_bytes), str(here.size_bytes))
        return FileVerdict(name, "corrupt", here.size_bytes, "size", *sizes, record.kind, record.where)
    if hashed is None:
        return _by_size(name, here, record, facts)
    return _by_hash(name, here, record, hashed.get(name))


def _not_here(name: str, here: FileFacts | None, record: FileRecord, facts: Facts) -> FileVerdict:
    if here is None and not facts.files.complete:
        reason = "the directory holds more files than are listed"
        return FileVerdict(name, "not-checked", kind=record.kind, where=record.where, reason=reason)
    matters = facts.vouched or here is not None or name in facts.needed
    size = None if record.size_bytes is None else str(record.size_bytes)
    reason = "" if here is None else why_unread(here)
    return FileVerdict(name, "missing", None, None, size, None, record.kind, record.where, reason, matters=matters)


def _unrecorded(name: str, here: FileFacts | None, facts: Facts) -> FileVerdict:
    size = here.size_bytes if here is not None else None
    if facts.vouched:
        return FileVerdict(name, "extra", size, reason="the lock does not know it", matters=False)
    if name in facts.sound:
        reason = "it is as long as its header says, and no hash of it is on record"
        return FileVerdict(name, "consistent", size, "size", kind="header", reason=reason)
    if facts.record.listing is not None and name not in facts.opened:
        return FileVerdict(name, "extra", size, reason="the list of the files does not know it", matters=False)
    return FileVerdict(name, "unverifiable", size, reason=facts.record.unreadable or "nothing is on record of it")


def _by_size(name: str, here: FileFacts, record: FileRecord, facts: Facts) -> FileVerdict:
    if name in facts.headers and facts.headers[name][0] != facts.headers[name][1]:
        both = facts.headers[name]
        return FileVerdict(name, "corrupt", here.size_bytes, "header", *both, record.kind, record.where)
    if record.size_bytes is None:
        reason = "a hash is on record and no size"
        return FileVerdict(name, "not-checked", here.size_bytes, kind=record.kind, where=record.where, reason=reason)
    sizes = (str(record.size_bytes), str(here.size_bytes))
    return FileVerdict(name, "consistent", here.size_bytes, "size", *sizes, record.kind, record.where)


def _by_hash(name: str, here: FileFacts, record: FileRecord, taken: Hashed | None) -> FileVerdict:
    expected = record.sha256 or record.git_sha1
    if expected is None:
        reason = "a size is on record and no hash"
        sizes = (str(record.size_bytes), str(here.size_bytes))
        return FileVerdict(name, "consistent", here.size_bytes, "size", *sizes, record.kind, record.where, reason)
    compared: Compared = "sha256" if record.sha256 else "git-sha1"
    if taken is None or taken.text is None:
        reason = (taken.fault if taken is not None else None) or "it was not read"
        return FileVerdict(
            name, "not-checked", here.size_bytes, compared, expected, None, record.kind, record.where, reason
        )
    word: Word = "verified" if taken.text == expected else "corrupt"
    return FileVerdict(name, word, here.size_bytes, compared, expected, taken.text, record.kind, record.where)


def why_unread(here: FileFacts) -> str:
    """Why a listing could not look into a file, in words."""
    if here.link is not None and here.link.kind == "broken":
        return f"its link leads nowhere: {here.link.target}"
    if here.link is not None and here.link.kind == "outside":
        return f"a link that leaves the directory is not followed: {here.link.target}"
    if here.errno in NO_FILE:
        return "it is a pipe, a socket or a device"
    return "it could not be read" if here.errno is None else os.strerror(here.errno)
