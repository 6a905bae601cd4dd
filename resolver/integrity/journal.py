"""What a run has hashed so far, kept until it ends, so that the next one goes on where a killed one was.

It lies in the user's own folder and never beside a model. A line is a whole statement with a checksum that binds it to
what was being verified; lines are appended, and one that is damaged is as if it had not been written. A statement is
about a file as it lay there, to the nanosecond and the inode; it is no verdict, and it is forgotten when the run ends,
or after a day.
"""

import contextlib
import hashlib
import json
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from resolver.record import Record

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_LINE: Final = 64 * 1024
DAY_S: Final = 24 * 3600
SETTLED_NS: Final = 2 * 10**9  # the coarsest clock of a file system in use: a younger file may still change unseen
CHECKSUM: Final = 16
SUFFIX: Final = ".journal"


class FileKey(Record):
    """A file as it lay there: what no writer of it can keep while he changes a byte."""

    path: str
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int

    @property
    def values(self) -> list[Any]:
        """The fields, as JSON holds them."""
        return [self.path, self.size_bytes, self.mtime_ns, self.ctime_ns, self.inode, self.device]

    def is_settled(self, now_ns: int) -> bool:
        """Whether it lay so for long enough that a later change would show in its times."""
        return now_ns - max(self.mtime_ns, self.ctime_ns) > SETTLED_NS


class Midstate(Record):
    """A hash that was put aside: after so many bytes, in that state, of that library."""

    at: int
    state: bytes
    library: str


def key_of(path: str) -> FileKey | None:
    """The key of a regular file, links followed; None where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a text is given and wanted
        real = os.path.realpath(path)
        real.encode()
    except (OSError, ValueError):  # ValueError: a name that no JSON can hold; such a file is read anew each time
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return FileKey(real, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)


class Journal:
    """Statements of one subject; with `keep` False, or where nothing can be kept, an empty one that stays empty."""

    def __init__(self, place: Path, subject: str, *, keep: bool = True, clock: Callable[[], float] = time.time) -> None:
        """Open it and read what an earlier run left; raises nothing.

        Args:
            place: the folder that it lies in; made where it is absent.
            subject: what is verified, in hex: another subject's statements are not taken.
            keep: whether anything is kept at all.
            clock: seconds since 1970.
        """
        self._subject, self._clock = subject, clock
        self._path = place / f"{subject[:32]}{SUFFIX}"
        self._guard = threading.Lock()
        self._finished: dict[tuple[str, str], str] = {}
        self._midstates: dict[tuple[str, str], Midstate] = {}
        self._handle = _opened(place, self._path) if keep else None
        if self._handle is not None:
            self._read(self._handle)

    def __enter__(self) -> Self:
        """As it is."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove it where the run came to its end; otherwise it stays for the next one."""
        if self._handle is None:
            return
        if kind is None:
            with contextlib.suppress(OSError):
                self._path.unlink()
        os.close(self._handle)
        self._handle = None

    def finished(self, key: FileKey, algorithm: str) -> str | None:
        """The hash of that file, if an interrupted run had it whole."""
        return self._finished.get((json.dumps(key.values), algorithm))

    def midstate(self, key: FileKey, algorithm: str) -> Midstate | None:
        """How far an interrupted run was in that file."""
        return self._midstates.get((json.dumps(key.values), algorithm))

    def note_finished(self, key: FileKey, algorithm: str, digest: str) -> None:
        """Keep a file's hash."""
        self._append({"file": key.values, "algorithm": algorithm, "digest": digest})

    def note_midstate(self, key: FileKey, algorithm: str, found: Midstate) -> None:
        """Keep how far a file is."""
        told = {"at": found.at, "state": found.state.hex(), "library": found.library}
        self._append({"file": key.values, "algorithm": algorithm, **told})

    def _append(self, statement: dict[str, Any]) -> None:
        text = json.dumps({**statement, "time": self._clock()}).encode()
        line = b"%s %s\n" % (_checksum(self._subject, text), text)
        with self._guard:
            if self._handle is None:
                return
            try:
                os.write(self._handle, line)
            except OSError:  # the disk is full: the next run reads more, and that is all
                os.close(self._handle)
                self._handle = None

    def _read(self, handle: int) -> None:
        data = _content(handle)
        if data and not data.endswith(b"\n"):  # a line that was being written: what follows is on a line of its own
            with contextlib.suppress(OSError):
                os.write(handle, b"\n")
        for statement in statements(data, self._subject):
            self._take(statement)

    def _take(self, statement: dict[str, Any]) -> None:
        """One statement whose checksum is right: ours, and yet of any version."""
        try:
            if not 0 <= self._clock() - statement["time"] <= DAY_S:
                return
            where = (json.dumps(statement["file"]), str(statement["algorithm"]))
            if "digest" in statement:
                self._finished[where] = str(statement["digest"])
            else:
                state = bytes.fromhex(statement["state"])
                self._midstates[where] = Midstate(int(statement["at"]), state, str(statement["library"]))
        except (KeyError, TypeError, ValueError):
            return


def statements(data: bytes, subject: str) -> Iterator[dict[str, Any]]:
    """The whole statements of a journal, in the order in which they were written; raises nothing."""
    for line in data.split(b"\n"):
        checksum, _, text = line.partition(b" ")
        if len(line) > MAX_LINE or checksum != _checksum(subject, text):
            continue
        try:
            statement = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(statement, dict):
            yield statement


def _checksum(subject: str, text: bytes) -> bytes:
    return hashlib.sha256(subject.encode() + b"\0" + text).hexdigest()[:CHECKSUM].encode()


def _content(handle: int) -> bytes:
    try:
        size = os.fstat(handle).st_size
        return os.pread(handle, size, 0) if size <= MAX_BYTES else b""
    except OSError:
        return b""


def _opened(place: Path, path: Path) -> int | None:
    """The journal, open and locked; None where it cannot be kept, another run has it, or it is not ours alone."""
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.lstat(place)
        if not stat.S_ISDIR(folder.st_mode) or not _ours_alone(folder):
            return None
        _forget_old(place, path)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        handle = os.open(path, flags, 0o600)
    except OSError:
        return None
    try:
        import fcntl  # noqa: PLC0415 - not on every system

        status = os.fstat(handle)
        if stat.S_ISREG(status.st_mode) and _ours_alone(status):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
    except (ImportError, OSError):
        pass
    os.close(handle)
    return None


def _ours_alone(status: os.stat_result) -> bool:
    """Whether nobody else may write it: a journal says what need not be read."""
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _forget_old(place: Path, mine: Path) -> None:
    """Remove what runs that nobody went on with left more than a day ago."""
    for each in place.iterdir():
        with contextlib.suppress(OSError):
            if each.name.endswith(SUFFIX) and each != mine and time.time() - each.lstat().st_mtime > 2 * DAY_S:
                each.unlink()
