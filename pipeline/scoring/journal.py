"""The journal of a run: every pack that was run, on disk before the next one comes back.

It lies beside the output (`.submission.csv.journal`), is appended to, and is removed when the run ends well. A record
is whole or it is none: marker, length, payload and a digest over its place and payload. Wherever a crash or a flipped
bit left the file, the records that are whole are kept, and the next run goes on from them.

What survives: a killed process loses nothing that was appended, because the bytes are the kernel's by then. A machine
that loses power loses at most what came in the last `SYNC_EVERY_S` seconds; every record before was synced.
"""

import fcntl
import hashlib
import json
import os
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any, Final, Protocol

from pipeline.errors import OutputError, SettingsError
from pipeline.output import refused_as_output, replacing
from pipeline.scoring.swap import Row

MARKER: Final = b"\nARENA1\n"
LENGTH_BYTES: Final = 4
DIGEST_BYTES: Final = 16
HEAD: Final = len(MARKER) + LENGTH_BYTES
SYNC_EVERY_S: Final = 5.0
NAN: Final = float("nan")

Decision = Mapping[str, Any]
Logits = tuple[Row | None, ...]


class Journal(Protocol):
    """What the engine asks of a journal."""

    def logits(self, key: str) -> Logits | None:
        """The logits of a pack that was run before; None where it was not."""

    def decisions(self) -> tuple[Decision, ...]:
        """What was decided by the clock or the memory before, in order."""

    def keep(self, key: str, logits: Logits) -> None:
        """A pack was run."""

    def decide(self, decision: Decision) -> None:
        """Something was decided that a run which goes on has to repeat."""


class NoJournal:
    """Keeps nothing: for runs that nobody would go on with."""

    def logits(self, key: str) -> Logits | None:  # noqa: ARG002 - as `Journal`
        """As `Journal`."""
        return None

    def decisions(self) -> tuple[Decision, ...]:
        """As `Journal`."""
        return ()

    def keep(self, key: str, logits: Logits) -> None:
        """As `Journal`."""

    def decide(self, decision: Decision) -> None:
        """As `Journal`."""


def journal_of(output: Path) -> Path:
    """Where the journal of an output lies."""
    return output.with_name(f".{output.name}.journal")


def frame(payload: bytes, place: int) -> bytes:
    """A record as it stands at a place of the file."""
    length = len(payload).to_bytes(LENGTH_BYTES, "little")
    return MARKER + length + payload + _digest(place, payload)


def frames(data: bytes) -> Iterator[bytes]:
    """The payloads of all whole records, whatever stands between them; never raises.

    >>> whole = frame(b"one", 0)
    >>> whole += frame(b"two", len(whole))
    >>> list(frames(whole)), list(frames(whole[:-1]))
    ([b'one', b'two'], [b'one'])
    """
    at = data.find(MARKER)
    while at >= 0:
        begin = at + HEAD
        end = begin + int.from_bytes(data[at + len(MARKER) : begin], "little")
        payload = data[begin:end]
        if end + DIGEST_BYTES <= len(data) and data[end : end + DIGEST_BYTES] == _digest(at, payload):
            yield payload
            at = data.find(MARKER, end + DIGEST_BYTES)
        else:
            at = data.find(MARKER, at + 1)


def _digest(place: int, payload: bytes) -> bytes:
    """Over the place too, so that a record that was copied or moved is none."""
    return hashlib.sha256(place.to_bytes(8, "little") + payload).digest()[:DIGEST_BYTES]


def pack_payload(key: str, logits: Logits) -> bytes:
    """A pack's record: its key and shape as JSON, then float32 numbers; a row that did not fit is NaN and listed."""
    columns = max((len(row) for row in logits if row is not None), default=0)
    values = array("f", [value for row in logits for value in (row or (NAN,) * columns)])
    absent = [at for at, row in enumerate(logits) if row is None]
    head = json.dumps({"pack": key, "rows": len(logits), "columns": columns, "absent": absent})
    return head.encode() + b"\0" + values.tobytes()


def _logits(head: Mapping[str, Any], body: bytes) -> Logits:
    values, columns, absent = array("f"), head["columns"], set(head["absent"])
    values.frombytes(body)
    return tuple(
        None if at in absent else tuple(values[at * columns : (at + 1) * columns]) for at in range(head["rows"])
    )


@dataclass(slots=True)
class FileJournal:
    """A journal on disk, open for appending and locked: a second run with the same output is refused."""

    path: Path
    tell: Callable[[str], None] = field(default=lambda _: None, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    _packs: dict[str, Logits] = field(default_factory=dict, init=False)
    _decisions: list[Decision] = field(default_factory=list, init=False)
    _file: FileIO | None = field(default=None, init=False)
    _synced: float = field(default=0.0, init=False)

    @property
    def packs(self) -> int:
        """Packs that are kept."""
        return len(self._packs)

    def open(self, fingerprint: Mapping[str, str], *, fresh: bool = False) -> None:
        """Read what is there, or begin.

        Args:
            fingerprint: what makes the packs of two runs the same: model, rows, template and so on, a digest each.
            fresh: forget what is there.

        Raises:
            SettingsError: the journal is of another model, prompt or test file; or another run holds it.
            OutputError: it cannot be read or written.
        """
        with refused_as_output(self.path, fix="name an output in a directory that can be written"):
            self._lock()
            data = b"" if fresh else self.path.read_bytes()
            records = list(frames(data))
            if records:
                self._agree(records[0], fingerprint)
            self._take(records[1:])
            kept = records or [json.dumps({"fingerprint": dict(fingerprint)}).encode()]
            whole = b"".join(_placed(kept))
            if whole != data:
                self._rewrite(whole)

    def logits(self, key: str) -> Logits | None:
        """As `Journal`."""
        return self._packs.get(key)

    def decisions(self) -> tuple[Decision, ...]:
        """As `Journal`."""
        return tuple(self._decisions)

    def keep(self, key: str, logits: Logits) -> None:
        """As `Journal`."""
        self._packs[key] = logits
        self._append(pack_payload(key, logits))

    def decide(self, decision: Decision) -> None:
        """As `Journal`."""
        self._decisions.append(decision)
        self._append(json.dumps({"decision": decision}).encode() + b"\0")
        self._sync()

    def close(self, *, remove: bool = False) -> None:
        """Let go of the file; `remove` it when nobody has to go on from it."""
        with suppress(OSError):
            self._sync()
        if remove:
            self.path.unlink(missing_ok=True)
        if self._file is not None:
            self._file.close()
            self._file = None

    def _lock(self) -> None:
        file = FileIO(self.path, "a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise SettingsError(
                f"{self.path}: another run is writing it", fix="wait for that run, or name another --output"
            ) from None
        self._file = file

    def _agree(self, header: bytes, fingerprint: Mapping[str, str]) -> None:
        there = _json(header).get("fingerprint")
        if there == dict(fingerprint):
            return
        self.close()
        others = [
            name for name, value in fingerprint.items() if not isinstance(there, dict) or there.get(name) != value
        ]
        raise SettingsError(
            f"{self.path}: it is the journal of another run: {', '.join(others) or 'its header'} differs",
            fix="say --fresh to begin anew, or name another --output",
        )

    def _take(self, records: list[bytes]) -> None:
        for payload in records:
            head, _, body = payload.partition(b"\0")
            told = _json(head)
            if "pack" in told:
                self._packs[told["pack"]] = _logits(told, body)
            elif "decision" in told:
                self._decisions.append(told["decision"])

    def _rewrite(self, whole: bytes) -> None:
        """Without what is damaged: records are told apart by their place, so nothing is appended behind a wound."""
        with replacing(self.path) as temporary:
            temporary.write_bytes(whole)
        held = self._file
        self._lock()  # the lock of the new file, before the old one's is let go
        if held is not None:
            held.close()

    def _append(self, payload: bytes) -> None:
        """A journal that cannot be written any more is given up: the run itself is worth more than going on from it."""
        if self._file is None:
            return
        place = os.fstat(self._file.fileno()).st_size
        whole = frame(payload, place)
        try:
            written = 0
            while written < len(whole):
                written += self._file.write(whole[written:])
            if self.clock() - self._synced >= SYNC_EVERY_S:
                self._sync()
        except OSError as error:
            self.tell(f"warning: {self.path} cannot be written any more ({error.strerror}); the run goes on without it")
            self._file.close()
            self._file = None

    def _sync(self) -> None:
        if self._file is not None:
            self._synced = self.clock()
            os.fsync(self._file.fileno())


def _placed(payloads: list[bytes]) -> Iterator[bytes]:
    place = 0
    for payload in payloads:
        record = frame(payload, place)
        place += len(record)
        yield record


def _json(head: bytes) -> dict[str, Any]:
    try:
        told = json.loads(head.rstrip(b"\0"))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def is_of(path: Path, rows: str) -> bool:
    """Whether a file is the journal of a run over rows with that digest."""
    try:
        with path.open("rb") as file:
            data = file.read(1 << 16)
    except OSError:
        return False
    first = next(frames(data), b"")
    fingerprint = _json(first).get("fingerprint")
    return isinstance(fingerprint, dict) and fingerprint.get("rows") == rows


def refuse_unreadable(path: Path) -> None:
    """Refuse a journal's place that holds something else.

    Raises:
        OutputError: it is no regular file.
    """
    if path.exists() and not path.is_file():
        raise OutputError(f"{path}: it is not a regular file", fix="remove it, or name another --output")
