"""Read the files that a loader opens, to the last byte and once: their hashes where one is on record, their values.

Does not know what is right: rules compare. Files that no loader opens are not read, however large they are; of
pickles the hash is taken and nothing else, because their values cannot be had without unpickling.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Final

from resolver.inspection.description import ModelDescription
from resolver.inspection.safetensors import Header, read_header
from resolver.integrity.hashing import Algorithm, Digest
from resolver.integrity.reading import Outcome, Progress, Reading, read_all
from resolver.integrity.values import FileValues, Scanner
from resolver.record import Record, field

SAFETENSORS: Final = ".safetensors"
BLOCK: Final = 4_096  # a file system writes no less
# Family F has spoken of such files, and a link that leaves the directory is not followed.
NOT_READ: Final = frozenset({"unread", "empty", "lfs-pointer"})


class FileContents(Record):
    """What one file holds.

    Attributes:
        name: relative to the directory.
        size_bytes: bytes that were read.
        sha256, git_sha1: of the content, in hex; None where there is none on record to compare with.
        values: of the tensors of a safetensors file; None for all others.
        fault: why it could not be read to its end; hashes and values are None then.
        holes: names of tensors of zeros whose bytes were never written to the disk.
    """

    name: str
    size_bytes: int = 0
    sha256: str | None = None
    git_sha1: str | None = None
    values: FileValues | None = None
    fault: str | None = None
    holes: tuple[str, ...] = ()


class Contents(Record):
    """What the opened files of one directory hold, by name."""

    files: Mapping[str, FileContents] = field(default_factory=dict)


class _Asked(Record):
    """One file with those who read it."""

    name: str
    path: str
    size_bytes: int
    digest: Digest | None
    algorithm: Algorithm | None
    scanner: Scanner | None

    def reading(self) -> Reading:
        consumers = tuple(each for each in (self.digest, self.scanner) if each is not None)
        return Reading(self.path, self.size_bytes, consumers)


def read_contents(models: tuple[ModelDescription, ...], progress: Progress | None = None) -> tuple[Contents, ...]:
    """Read the opened files of each directory; one value a directory, in their order.

    Raises:
        KeyboardInterrupt: nothing goes on after it. Nothing else: a file that cannot be read says why.
    """
    asked = [tuple(_asked(model)) for model in models]
    outcomes = iter(read_all([each.reading() for group in asked for each in group], progress))
    return tuple(Contents({each.name: _contents(each, next(outcomes)) for each in group}) for group in asked)


def _asked(model: ModelDescription) -> Iterator[_Asked]:
    records = model.on_record.files if model.on_record is not None else {}
    for name in sorted(model.opened()):
        facts, record = model.files.get(name), records.get(name)
        if facts is None or facts.content in NOT_READ:
            continue
        algorithm: Algorithm | None = None
        if record is not None and (record.sha256 or record.git_sha1):
            algorithm = "sha256" if record.sha256 else "git-sha1"
        path = os.fspath(model.files.path(name))
        header = _header(model, name, path) if name.endswith(SAFETENSORS) else None
        if algorithm is not None or header is not None:
            digest = None if algorithm is None else Digest(algorithm, facts.size_bytes)
            yield _Asked(name, path, facts.size_bytes, digest, algorithm, None if header is None else Scanner(header))


def _header(model: ModelDescription, name: str, path: str) -> Header | None:
    if name in model.weights.headers:
        return model.weights.header(name)
    read = read_header(path)  # an adapter's
    return read if isinstance(read, Header) else None


def _contents(asked: _Asked, outcome: Outcome) -> FileContents:
    if outcome.fault is not None:
        return FileContents(asked.name, outcome.read_bytes, fault=outcome.fault)
    text = asked.digest.text() if asked.digest is not None else None
    values = asked.scanner.values() if asked.scanner is not None else None
    return FileContents(
        asked.name,
        outcome.read_bytes,
        sha256=text if asked.algorithm == "sha256" else None,
        git_sha1=text if asked.algorithm == "git-sha1" else None,
        values=values,
        holes=() if values is None else tuple(_never_written(asked.path, values)),
    )


def _never_written(path: str, values: FileValues) -> Iterator[str]:
    """The tensors of zeros that lie in a hole of the file, where the file system can tell."""
    zeros = [each for each in values.notable if each.zero]
    if not zeros:
        return
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        for each in zeros:
            first, last = -(-each.begin // BLOCK) * BLOCK, each.end // BLOCK * BLOCK  # the rest it shares with others
            if first < last and _next_data(handle, first) >= last:
                yield each.name
    finally:
        os.close(handle)


def _next_data(handle: int, begin: int) -> int:
    """Where the next written byte lies; `begin` itself where that cannot be told."""
    try:
        return os.lseek(handle, begin, os.SEEK_DATA)
    except OSError as error:
        import errno  # noqa: PLC0415 - beyond the last written byte there is none: ENXIO

        return 1 << 63 if error.errno == errno.ENXIO else begin
