"""The directory beside a target in which it is made: it says that it is unfinished, and how to go on.

`TARGET.incomplete/` holds INCOMPLETE.txt, the journal of what is finished, and the bundle as far as it is. It is
kept when a run ends early: the same command takes over what is finished. At the end the bundle becomes the target by a
rename.
"""

import contextlib
import errno
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from resolver.record import Record
from resolver.writing import CannotMake, TargetTaken

SUFFIX: Final = ".incomplete"
MARKER: Final = "INCOMPLETE.txt"
JOURNAL: Final = "journal.jsonl"
PAYLOAD: Final = "bundle"
FILE_MODE: Final = 0o644
FOLDER_MODE: Final = 0o755
MAX_JOURNAL: Final = 64 * 1024 * 1024
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
BUNDLE: Final = "a bundle of `resolver stage`"
TEXT: Final = """\
This directory is incomplete: do not use it, do not upload it.

It is becoming {target} ({what}).
To go on, run the same command again; what is finished is taken over after it has been checked:

    {command}

To give up, remove it: nothing else was written.

    rm -r {place}
"""


class Entry(Record):
    """A finished file: what it was made of, its size, and the hash of its content."""

    key: str
    size_bytes: int
    sha256: str


class Workplace:
    """A target in the making; use it as `with Workplace.open(…) as place`.

    Attributes:
        place: the directory beside the target.
        payload: what becomes the target.
        finished: name in the payload -> what the journal says of it.
    """

    def __init__(self, target: Path, place: Path) -> None:
        """See `open`, which makes the directory."""
        self.target, self.place = target, place
        self.payload = place / PAYLOAD
        self.finished: dict[str, Entry] = {}
        self._noting = threading.Lock()  # two threads read, and each finishes files

    @classmethod
    @contextlib.contextmanager
    def open(cls, target: Path, what: str, command: str) -> Iterator["Workplace"]:
        """Begin, or go on where an earlier run ended.

        Args:
            target: what is made; it must not exist.
            what: for the marker, what is being made.
            command: for the marker, what to type to go on.

        Raises:
            TargetTaken: the target exists, its parent does not, nothing can be written there, another process is at
                work there, or what lies there is not ours.
        """
        place = _make(target)
        with _alone(place):
            if os.path.lexists(target):  # made by another process, up to a moment ago
                remove(place)
                raise TargetTaken(f"{target} exists by now; run the command again to see whether it is the same")
            here = cls(target, place)
            try:
                _mark(place, TEXT.format(target=target, what=what, command=command, place=place))
                here.finished = _read_journal(place / JOURNAL)
                here.payload.mkdir(exist_ok=True)
                here.payload.chmod(FOLDER_MODE)
                yield here
            except BaseException:
                here.tidy()
                raise

    def path(self, name: str) -> Path:
        """Where a file of the bundle lies while it is made; its folders are there afterwards."""
        path = self.payload / name
        for folder in reversed(path.relative_to(self.payload).parents[:-1]):
            (self.payload / folder).mkdir(exist_ok=True)
            (self.payload / folder).chmod(FOLDER_MODE)
        return path

    def note(self, name: str, entry: Entry) -> None:
        """Write down that a file is finished; from then on a later run takes it over."""
        line = json.dumps([name, entry.key, entry.size_bytes, entry.sha256]) + "\n"
        with self._noting, (self.place / JOURNAL).open("ab") as stream:
            stream.write(line.encode())
            stream.flush()
            os.fsync(stream.fileno())
            self.finished[name] = entry

    def write(self, name: str, data: bytes) -> None:
        """Write a small file of the bundle."""
        write_bytes(self.path(name), data)

    def tidy(self) -> None:
        """After a run that ended early: where nothing is finished, by this run or another, nothing is kept."""
        if (
            not self.finished
            and not (self.place / JOURNAL).exists()
            and not any(each.is_dir() and each != self.payload for each in self.place.iterdir())
        ):
            remove(self.place)

    def finish(self, names: frozenset[str]) -> None:
        """Let the bundle, which consists of exactly those files, become the target.

        Raises:
            TargetTaken: somebody else has made the target meanwhile.
        """
        _remove_others(self.payload, names)
        for folder, _, _ in os.walk(self.payload):
            sync(Path(folder))
        if os.path.lexists(self.target):
            raise TargetTaken(f"{self.target} has been made by somebody else meanwhile; {self.place} is kept")
        self.payload.rename(self.target)
        sync(self.target.parent)
        remove(self.place)


def begin(target: Path, what: str, command: str) -> Path:
    """Make the directory in which a target will be made, with its marker, for what is done before; nobody is kept out.

    Raises:
        TargetTaken: as `Workplace.open`.
    """
    place = _make(target)
    if not (place / MARKER).exists():
        _mark(place, TEXT.format(target=target, what=what, command=command, place=place))
    return place


def _mark(place: Path, text: str) -> None:
    """Write the marker; once it is there, there is no moment without it."""
    marker = place / MARKER
    beside = place / f"{MARKER}.{os.getpid()}" if marker.exists() else marker
    write_text(beside, text)
    beside.replace(marker)


def discard(target: Path) -> None:
    """Remove what a run has left beside a target that is there by now."""
    place = left_over(target)
    if place.is_dir() and not place.is_symlink() and _is_ours(place):
        remove(place)


def tidy_after_fetching(place: Path) -> None:
    """After a download that was refused: where no file arrived, and none was finished before, nothing is kept."""
    arrived = any(each.is_file() for area in (place / "download").glob("*/") for each in area.rglob("*"))
    if not arrived and not (place / JOURNAL).exists():
        remove(place)


def remove(place: Path) -> None:
    """Remove an unfinished directory, its marker last: whatever a kill leaves of it still says what it is."""
    with contextlib.suppress(OSError):
        for each in place.iterdir():
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each, ignore_errors=True)
            elif each.name != MARKER:
                each.unlink(missing_ok=True)
        (place / MARKER).unlink(missing_ok=True)
        place.rmdir()


def left_over(target: Path) -> Path:
    """Where the unfinished form of a target lies."""
    return target.with_name(target.name + SUFFIX)


def _make(target: Path) -> Path:
    place = left_over(target)
    if not target.parent.is_dir():
        raise TargetTaken(f"there is no directory {target.parent}")
    if place.is_symlink() or (os.path.lexists(place) and not _is_ours(place)):
        raise TargetTaken(f"{place} is in the way and was not left by this command; move it away")
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise TargetTaken(f"nothing can be written beside {target}: {error.strerror}") from error
    return place


def _is_ours(place: Path) -> bool:
    """Whether an earlier run left it: its marker is written first, so an empty directory may be one too."""
    return place.is_dir() and ((place / MARKER).is_file() or not any(place.iterdir()))


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Refuse a second process; the system forgets the lock of one that is killed."""
    ended = TargetTaken(f"another process was at work in {place} and has just ended; run the command again")
    try:
        handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise ended from error
    try:
        try:
            import fcntl  # noqa: PLC0415 - not on every system

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TargetTaken(f"another process is at work in {place}") from error
        except (ImportError, OSError):  # a file system without locks: then nobody watches
            pass
        if not place.exists() or not os.path.samestat(os.fstat(handle), place.stat()):
            raise ended
        yield
    finally:
        os.close(handle)


def _read_journal(path: Path) -> dict[str, Entry]:
    """What earlier runs have finished; a line that a kill cut off is none."""
    found: dict[str, Entry] = {}
    try:
        with path.open("rb") as stream:
            lines = stream.read(MAX_JOURNAL).split(b"\n")
    except OSError:
        return found
    for line in lines[:-1]:
        value = _parsed(line)
        match value:
            case [str(name), str(key), int(size), str(sha256)]:
                found[name] = Entry(key, size, sha256)
    if lines[-1]:  # what comes next must begin a line of its own
        with path.open("ab") as stream:
            stream.write(b"\n")
    return found


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _remove_others(payload: Path, names: frozenset[str]) -> None:
    """Remove what an earlier run with other arguments has left."""
    for folder, folders, files in os.walk(payload, topdown=False):
        for each in files:
            path = Path(folder, each)
            if path.relative_to(payload).as_posix() not in names:
                path.unlink()
        for each in folders:
            with contextlib.suppress(OSError):  # it holds something: it stays
                Path(folder, each).rmdir()


def write_text(path: Path, text: str) -> None:
    """Write a text of ours; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file of ours, whatever stood there, with the mode that all files of a bundle have."""
    path.unlink(missing_ok=True)
    with path.open("xb") as stream:
        os.fchmod(stream.fileno(), FILE_MODE)
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def sync(folder: Path) -> None:
    """Have the system write down a directory's names, where it can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def cannot_write(error: OSError, place: Path) -> CannotMake:
    """What a failed write means to somebody who wants to go on."""
    where = error.filename or place
    if error.errno in FULL:
        return CannotMake(f"{error.strerror} at {where}: make room and run the same command again")
    return CannotMake(f"{where} cannot be written: {error.strerror or error}")
