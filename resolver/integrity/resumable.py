"""Hash files two at a time, going on where an interrupted run was: whole files, and the middle of large ones.

What is taken from the journal is only what an interrupted run of the very same subject left, of files that lie there
as they lay then. Does not know what a hash should be.
"""

import time
from collections.abc import Sequence
from typing import Final

from resolver.integrity.hashing import Algorithm, Digest
from resolver.integrity.journal import FileKey, Journal, Midstate, key_of
from resolver.integrity.midstate import MidstateError, PortableDigest, library_version, portable_digest
from resolver.integrity.reading import Outcome, Progress, Reading, read_all
from resolver.record import Record

KEPT_EVERY_S: Final = 1.0
CHANGED: Final = "it changed while it was read"


class Wanted(Record):
    """A file whose hash is wanted: absolute path, size as listed, algorithm."""

    path: str
    size_bytes: int
    algorithm: Algorithm


class Hashed(Record):
    """What came of it.

    Attributes:
        text: the hash in hex; None where the file could not be read to its end as it was listed.
        fault: why not.
        read_bytes: read by this run.
        resumed_bytes: read by the interrupted one.
    """

    text: str | None
    fault: str | None = None
    read_bytes: int = 0
    resumed_bytes: int = 0


class _Task:
    """One file on its way: it tells the journal how far it is, and looks at the end whether the file is the same."""

    def __init__(self, wanted: Wanted, journal: Journal) -> None:
        self.wanted, self._journal = wanted, journal
        self.key = key_of(wanted.path)
        self.start = 0
        self.digest: Digest | PortableDigest = _digest(wanted)
        self._kept_at = time.monotonic()
        self._keeps = self.key is not None and self.key.is_settled(time.time_ns())
        self.result: Hashed | None = None
        if self.key is not None and self.key.size_bytes == wanted.size_bytes:
            self._take_up(self.key)
        self.done = self.start

    def _take_up(self, key: FileKey) -> None:
        known = self._journal.finished(key, self.wanted.algorithm)
        if known is not None:
            self.result = Hashed(known, resumed_bytes=self.wanted.size_bytes)
            return
        found = self._journal.midstate(key, self.wanted.algorithm)
        if found is None or found.library != library_version() or not isinstance(self.digest, PortableDigest):
            return
        try:
            self.digest.resumed(found.state, found.at)
        except MidstateError:
            self.digest = _digest(self.wanted)
            return
        self.start = found.at

    def take(self, buffer: bytearray, count: int) -> None:
        """As `Consumer.take`."""
        self.digest.take(buffer, count)
        self.done += count
        if self._keeps and time.monotonic() - self._kept_at > KEPT_EVERY_S:
            self._kept_at = time.monotonic()
            if self.key is not None and isinstance(self.digest, PortableDigest):
                state = Midstate(self.done, self.digest.state(), library_version())
                self._journal.note_midstate(self.key, self.wanted.algorithm, state)

    def ended(self, outcome: Outcome) -> Outcome:
        """As `Reading.ended`: what came of it, and a note for the next run where it came to its end."""
        fault = outcome.fault
        if fault is None and (self.key is None or key_of(self.wanted.path) != self.key):
            fault = CHANGED
        read = self.done - self.start
        self.result = Hashed(None if fault else self.digest.text(), fault, read, self.start)
        if self.result.text is not None and self.key is not None and self._keeps:
            self._journal.note_finished(self.key, self.wanted.algorithm, self.result.text)
        return outcome.replaced(fault=fault)

    def reading(self) -> Reading:
        """How it is read."""
        return Reading(self.wanted.path, self.wanted.size_bytes, (self,), self.start, self.ended)


def hash_resumably(
    wanted: Sequence[Wanted], journal: Journal, progress: Progress | None = None, workers: int = 2
) -> tuple[Hashed, ...]:
    """Hash files; one result a file, in their order.

    Args:
        wanted: which.
        journal: what an interrupted run left; this one writes to it.
        progress: see `reading.Progress`; files that the interrupted run had whole are not counted.
        workers: threads.

    Raises:
        KeyboardInterrupt: the threads have stopped by then, and the journal knows how far they were.
    """
    tasks = [_Task(each, journal) for each in wanted]
    read_all([task.reading() for task in tasks if task.result is None], progress, workers)
    return tuple(task.result or Hashed(None, "the reading was stopped") for task in tasks)


def _digest(wanted: Wanted) -> Digest | PortableDigest:
    return portable_digest(wanted.algorithm, wanted.size_bytes) or Digest(wanted.algorithm, wanted.size_bytes)
