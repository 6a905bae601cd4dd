"""Copy files and hash them in the same pass; compare with what is on record; notice a source that changes meanwhile.

Where the file system can, the copy takes the source's places on disk and only the hash reads it. A file counts as
finished once it is whole, compared and on the disk.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from resolver.integrity.hashing import Digest
from resolver.integrity.reading import Outcome, Progress, Reading, read_all
from resolver.record import Record
from resolver.staging.plan import PlannedFile, SourceFault, Stamp
from resolver.staging.workplace import FILE_MODE, Entry, Workplace, cannot_write
from resolver.writing import cloned, link_file

How = Literal["copy", "link", "move"]


class Copy(Record):
    """A file of the bundle that is one of the source's: its name in the bundle, what it is, how it gets there."""

    name: str
    file: PlannedFile
    how: How = "copy"

    def key(self) -> str:
        """Tells whether a finished file was made of this very source."""
        stamp = self.file.stamp
        told = (str(self.file.source), stamp.size_bytes, stamp.mtime_ns, stamp.inode, stamp.device, self.how)
        return hashlib.sha256(repr(told).encode("utf-8", "surrogateescape")).hexdigest()


class _Sink:
    """Takes one file's bytes, last of its consumers: writes them where that is needed, and finishes the file.

    Finished is written down by the thread that read the last byte: a kill then costs the files that were being read.
    """

    def __init__(self, copy: Copy, place: Workplace, target: Path | None) -> None:
        self.copy, self.hasher = copy, _Hasher(copy.file)
        self._place, self._target = place, target  # None: the content is there already
        self._handle: int | None = None
        self._taken = 0

    def take(self, buffer: bytearray, count: int) -> None:
        """As `Consumer.take`."""
        if self._target is not None:
            self._write(memoryview(buffer)[:count], self._target)
        self._taken += count
        if self._taken == self.copy.file.stamp.size_bytes:
            self.finish()

    def _write(self, rest: memoryview, target: Path) -> None:
        if self._handle is None:
            self._handle = new_file(target)
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:  # not the reading's fault, and not told as one
            raise cannot_write(error, target) from error

    def finish(self) -> None:
        """Compare, have the system write down what it still holds, and note the file.

        Raises:
            SourceFault: the content is not what is on record, or the source changed.
            CannotMake: it cannot be written.
        """
        self.close(sync=True)
        fault = _changed(self.copy.file) or self.hasher.fault()
        if fault is not None:
            raise SourceFault(f"{self.copy.file.source}: {fault}")
        size = self.copy.file.stamp.size_bytes
        self._place.note(self.copy.name, Entry(self.copy.key(), size, self.hasher.sha256.text()))

    def ended(self, outcome: Outcome) -> None:
        """The reading is over: see that it came to its end, and finish what has no bytes.

        Raises:
            SourceFault, CannotMake: as `finish`.
        """
        if outcome.fault is not None:
            raise SourceFault(f"{self.copy.file.source}: {outcome.fault}")
        if self.copy.file.stamp.size_bytes == 0:
            os.close(new_file(self._place.path(self.copy.name)))
            self.finish()

    def close(self, *, sync: bool = False) -> None:
        """Let go of the target."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        try:
            if sync:
                os.fsync(handle)
        except OSError as error:
            raise cannot_write(error, self._target or self._place.payload) from error
        finally:
            os.close(handle)


def new_file(target: Path) -> int:
    """Open a file of the bundle for writing, whatever an earlier run has left of it.

    Raises:
        CannotMake: it cannot be written.
    """
    try:
        target.unlink(missing_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        os.fchmod(handle, FILE_MODE)
    except OSError as error:
        raise cannot_write(error, target) from error
    return handle


def taken_over(copies: Iterable[tuple[str, str, int]], place: Workplace, progress: Progress | None) -> dict[str, str]:
    """The files that an earlier run has finished, read again: name to sha256.

    Args:
        copies: name, key and size of each file that there should be.
        place: where they lie.
        progress: see `reading.Progress`.
    """
    claimed = [
        (name, size, entry)
        for name, key, size in copies
        if (entry := place.finished.get(name)) is not None and (entry.key, entry.size_bytes) == (key, size)
        if (path := place.payload / name).is_file() and not path.is_symlink()
    ]
    digests = [Digest("sha256", size) for _, size, _ in claimed]
    readings = [
        Reading(str(place.payload / name), size, (digest,))
        for (name, size, _), digest in zip(claimed, digests, strict=True)
    ]
    outcomes = read_all(readings, progress)
    return {
        name: entry.sha256
        for (name, _, entry), digest, outcome in zip(claimed, digests, outcomes, strict=True)
        if outcome.fault is None and digest.text() == entry.sha256
    }


def copy_all(copies: Sequence[Copy], place: Workplace, progress: Progress | None) -> dict[str, str]:
    """Bring files into the bundle; returns name to sha256, and every file is compared with what is on record of it.

    Raises:
        SourceFault: a source is not what is on record, changed, or cannot be read; such a file is not in the bundle.
        CannotMake: the bundle cannot be written.
    """
    sinks: list[_Sink] = []
    readings: list[Reading] = []
    try:
        for each in copies:
            target = place.path(each.name)
            there = _without_reading(each, target)
            sink = _Sink(each, place, None if there else target)
            path = target if there else each.file.source
            sinks.append(sink)
            readings.append(Reading(str(path), each.file.stamp.size_bytes, (*sink.hasher.digests(), sink)))
        for sink, outcome in zip(sinks, read_all(readings, progress), strict=True):
            sink.ended(outcome)
    except BaseException:
        for each in copies:
            if each.name not in place.finished:
                (place.payload / each.name).unlink(missing_ok=True)
        raise
    finally:
        for sink in sinks:
            sink.close()
    return {sink.copy.name: sink.hasher.sha256.text() for sink in sinks}


def _without_reading(copy: Copy, target: Path) -> bool:
    """Give the target its content without passing it through here; False where it has to be written."""
    source = copy.file.source
    if copy.how == "copy":
        return _clone(source, target)
    target.unlink(missing_ok=True)
    link_file(source, target)
    if copy.how == "move":  # the download is this command's own: its second name is nobody's else
        target.chmod(FILE_MODE)
    return True


def _clone(source: Path, target: Path) -> bool:
    given = new_file(target)
    try:
        with source.open("rb", buffering=0) as taken:
            return cloned(taken.fileno(), given)
    except OSError as error:
        raise SourceFault(f"{source}: {error.strerror}") from error
    finally:
        os.close(given)


def _changed(file: PlannedFile) -> str | None:
    try:
        same = Stamp.of(file.source) == file.stamp
    except OSError as error:
        return f"it is gone: {error.strerror}"
    return None if same else "it changed while it was read; run the same command again once it is at rest"


class _Hasher:
    """The hashes of one file: sha256 always, git's where that is what is on record."""

    def __init__(self, file: PlannedFile) -> None:
        size = file.stamp.size_bytes
        self.sha256 = Digest("sha256", size)
        self._wanted = file.wanted
        wants_git = any(each.git_sha1 and not each.sha256 for each in file.wanted)
        self._git = Digest("git-sha1", size) if wants_git else None

    def digests(self) -> tuple[Digest, ...]:
        return (self.sha256,) if self._git is None else (self.sha256, self._git)

    def fault(self) -> str | None:
        """Why the content is not what is on record; None where it is, or where its record is older than an edit."""
        git = None if self._git is None else self._git.text()
        for each in self._wanted:
            pairs = ((each.sha256, self.sha256.text()), (each.git_sha1, git))
            wanted, got = next((pair for pair in pairs if pair[0]), (None, None))
            if wanted != got and not each.doubtful:
                return f"it is damaged: {each.where} has {wanted}, its content is {got}"
        return None


def hash_sources(files: Mapping[str, PlannedFile], progress: Progress | None) -> dict[str, str]:
    """The sha256 of each source, compared with what is on record of it, and nothing written.

    Raises:
        SourceFault: as `copy_all`.
    """
    hashers = {name: _Hasher(file) for name, file in files.items()}
    readings = [
        Reading(str(files[name].source), files[name].stamp.size_bytes, each.digests()) for name, each in hashers.items()
    ]
    outcomes = read_all(readings, progress)
    for (name, file), outcome in zip(files.items(), outcomes, strict=True):
        fault = outcome.fault or _changed(file) or hashers[name].fault()
        if fault is not None:
            raise SourceFault(f"{file.source}: {fault}")
    return {name: each.sha256.text() for name, each in hashers.items()}
