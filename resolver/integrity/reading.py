"""Read whole files once, two at a time, and hand each piece to whoever wants it: a hash, a look at the values.

One pass serves all readers of a file, because disks are slower than they are. Does not know what is done with the
bytes. Memory is one buffer a thread, however large the files; an interrupted reading leaves nothing behind.
"""

import os
import stat
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from resolver.record import Record

BUFFER_BYTES: Final = 1 << 20  # fits the second-level cache: hash and values find it there
WORKERS: Final = 2  # hashlib lets go of the interpreter; more threads than cores gain nothing
TOLD_EVERY_S: Final = 0.2

# Called with the bytes read so far and the bytes that there are; always by the thread that asked.
Progress = Callable[[int, int], None]


class Consumer(Protocol):
    """Takes a file's bytes in order."""

    def take(self, buffer: bytearray, count: int) -> None:
        """Take the first `count` bytes of the buffer; they are overwritten afterwards."""


class Outcome(Record):
    """What came of a reading: the bytes read, and why it ended early or differs; None where it did not."""

    read_bytes: int = 0
    fault: str | None = None


class Reading(Record):
    """One file that is to be read.

    Attributes:
        path: absolute; it is followed wherever it leads, so the caller has to have made sure where that is.
        size_bytes: its size when it was listed; other than that is a fault.
        consumers: each takes all of its bytes, from `start` on.
        start: where the reading begins; the bytes before it count as read.
        ended: told what came of it as soon as it is known, by the thread that read; what it returns is the outcome.
    """

    path: str
    size_bytes: int
    consumers: tuple[Consumer, ...]
    start: int = 0
    ended: Callable[[Outcome], Outcome] | None = None


class _Shift:
    """What the threads share: who reads which file, how far all are, and whether they are to stop."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self.readings = readings
        self.outcomes = [Outcome() for _ in readings]
        self.todo = sorted(range(len(readings)), key=lambda at: readings[at].size_bytes)  # the largest is last: pop()
        self.done = [reading.start for reading in readings]
        self.stop = threading.Event()
        self.broken: BaseException | None = None

    def work(self) -> None:
        buffer = bytearray(BUFFER_BYTES)
        try:
            while not self.stop.is_set():
                try:
                    at = self.todo.pop()
                except IndexError:
                    return
                outcome, ended = self._read(at, buffer), self.readings[at].ended
                self.outcomes[at] = outcome if ended is None else ended(outcome)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self.broken = self.broken or error
            self.stop.set()

    def _read(self, at: int, buffer: bytearray) -> Outcome:
        reading = self.readings[at]
        try:
            handle = os.open(reading.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            return Outcome(0, error.strerror or str(error))
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return Outcome(0, "it is no regular file any more")
            return self._pour(at, handle, buffer)
        except OSError as error:
            return Outcome(self.done[at], f"{error.strerror or error}, at byte {self.done[at]:,}")
        finally:
            os.close(handle)

    def _pour(self, at: int, handle: int, buffer: bytearray) -> Outcome:
        reading = self.readings[at]
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        if reading.start:
            os.lseek(handle, reading.start, os.SEEK_SET)
        while not self.stop.is_set():
            count = os.readv(handle, [buffer])
            if count == 0 or self.done[at] + count > reading.size_bytes:
                changed = count != 0 or self.done[at] != reading.size_bytes
                return Outcome(self.done[at], "it changed while it was read" if changed else None)
            for consumer in reading.consumers:
                consumer.take(buffer, count)
            self.done[at] += count
        return Outcome(self.done[at], "the reading was stopped")


def read_all(
    readings: Sequence[Reading], progress: Progress | None = None, workers: int = WORKERS
) -> tuple[Outcome, ...]:
    """Read files to their ends, the largest first; one outcome a reading, in their order.

    Raises:
        KeyboardInterrupt: the threads have stopped by then.
    """
    shift = _Shift(readings)
    total = sum(reading.size_bytes for reading in readings)
    threads = [threading.Thread(target=shift.work, daemon=True) for _ in range(min(workers, len(readings)))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(TOLD_EVERY_S)
                if progress is not None:
                    progress(sum(shift.done), total)
    finally:
        shift.stop.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
    if shift.broken is not None:
        raise shift.broken
    if progress is not None:
        progress(sum(shift.done), total)
    return tuple(shift.outcomes)
