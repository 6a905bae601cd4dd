"""The output of a run over millions of battles: parts of ids and probabilities, each there whole or not at all.

Parts are written beside and renamed, by the one process that holds the lock, and only rows whose id is in no part yet;
`agreement.json` says which model, prompt and length they are of. What it does not know: who computes the rows.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from pipeline.arena.parts import text_ids
from pipeline.arena.table import ID
from pipeline.errors import OutputError, PipelineError
from pipeline.output import refused_as_output, replacing

AGREEMENT: Final = "agreement.json"
LOCK: Final = ".lock"
VERSION: Final = "1"
DIGEST_BYTES: Final = 16


class UnfinishedError(PipelineError):
    """Some battles have no row, or more than one, although the run came to its end."""


def digests(ids: Iterable[str]) -> list[bytes]:
    """A digest an id: so many ids are kept in little memory, and of 16 bytes no two are alike."""
    return [hashlib.blake2b(each.encode(), digest_size=DIGEST_BYTES).digest() for each in ids]


class KeyedParts:
    """A directory of parts; `open` before `write`, `close` at the end.

    Args:
        directory: is made where it is not there; must be empty or ours.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._ids: set[bytes] = set()
        self._lock: int | None = None
        self._next = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def check(self) -> None:
        """Refuse a place that is not ours, before anything is computed; nothing is made.

        Raises:
            OutputError: it is a file, holds files that are not ours, or cannot be written.
        """
        if not self.directory.exists():
            parent = self.directory.absolute().parent
            if not os.access(parent, os.W_OK):
                raise OutputError(f"{parent}: it is no directory that can be written", fix="name another --output")
            return
        if not self.directory.is_dir():
            raise OutputError(f"{self.directory}: it is no directory", fix="name a directory, which may be absent")
        strange = sorted(each.name for each in self.directory.iterdir() if not _is_ours(each.name))
        if strange or (not (self.directory / AGREEMENT).is_file() and self.parts()):
            raise OutputError(
                f"{self.directory}: it is there and no output of such a run ({', '.join(strange[:3]) or AGREEMENT})",
                fix="name another directory",
            )

    def open(self, agreement: Mapping[str, str]) -> int:
        """Take the directory, agree with what is in it, and read the ids that are done; returns how many.

        Raises:
            OutputError: another run has it, its parts are of another model, prompt or length, or one is damaged.
        """
        self.check()
        with refused_as_output(self.directory, fix="name a directory that can be written"):
            self.directory.mkdir(exist_ok=True)
            self._take_lock()
            for stray in self.directory.glob(".*.part"):
                stray.unlink(missing_ok=True)
        self._agree({"version": VERSION, **agreement})
        for part in self.parts():
            self._learn(part)
        self._next = 1 + max((int(part.stem.removeprefix("part-")) for part in self.parts()), default=-1)
        return len(self._ids)

    def parts(self) -> tuple[Path, ...]:
        """The parts that are there, by number."""
        return tuple(sorted(self.directory.glob("part-*.parquet")))

    def are_done(self, ids: Sequence[str]) -> list[bool]:
        """Which of these have a row."""
        return [digest in self._ids for digest in digests(ids)]

    def write(self, table: Any) -> Path:
        """A part more.

        Args:
            table: a pyarrow table, the column `id` first.

        Raises:
            OutputError: it cannot be written.
            UnfinishedError: an id has a row already; nothing was written.
        """
        from pyarrow import parquet

        ids = set(self._digests(table))
        if len(ids) != table.num_rows or not ids.isdisjoint(self._ids):
            raise UnfinishedError(f"{self.directory}: a battle came back twice", fix="report this: it is a fault")
        part = self.directory / f"part-{self._next:06d}.parquet"
        with replacing(part) as temporary:
            parquet.write_table(table, temporary)
        self._ids |= ids
        self._next += 1
        return part

    def verify(self, ids: Sequence[str]) -> None:
        """Read all parts once more: these ids and no others, each once.

        Raises:
            UnfinishedError: says how many are missing or too many.
        """
        self._ids = set()
        for part in self.parts():
            self._learn(part)
        self.refuse_foreign(ids)
        missing = len(ids) - len(self._ids)
        if missing:
            raise UnfinishedError(
                f"{self.directory}: {missing:,} battles have no row", fix="say the same command again"
            )

    def refuse_foreign(self, ids: Sequence[str]) -> None:
        """Refuse parts with rows of other battles than these.

        Raises:
            OutputError: says how many.
        """
        foreign = len(self._ids.difference(digests(ids)))
        if foreign:
            raise OutputError(
                f"{self.directory}: {foreign:,} of its rows are of battles that are not among these",
                fix="name another directory, or give all parts of the battles",
            )

    def close(self) -> None:
        """Let go of the directory."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        handle = os.open(self.directory / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise OutputError(f"{self.directory}: another run writes there", fix="wait for it, or stop it") from None
        self._lock = handle

    def _agree(self, agreement: Mapping[str, str]) -> None:
        path = self.directory / AGREEMENT
        if not path.exists():
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(dict(agreement), indent=2) + "\n", encoding="utf-8")
            return
        found: Any = None
        with suppress(OSError, ValueError):
            found = json.loads(path.read_text(encoding="utf-8"))
        before = found if isinstance(found, dict) else {}
        other = [name for name in {**agreement, **before} if agreement.get(name) != before.get(name)]
        if other:
            raise OutputError(
                f"{self.directory}: its rows are of another run: {', '.join(other)} differ",
                fix="name another directory, or run it as before",
            )

    def _learn(self, part: Path) -> None:
        from pyarrow import ArrowException, parquet

        try:
            table = parquet.read_table(part, columns=[ID])
        except (ArrowException, OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise OutputError(f"{part}: it is no whole part: {reason}", fix="remove it: its rows are redone") from None
        ids = set(self._digests(table))
        if len(ids) != table.num_rows or not ids.isdisjoint(self._ids):
            raise OutputError(f"{part}: it holds battles that have a row already", fix="remove it, and run again")
        self._ids |= ids

    def _digests(self, table: Any) -> list[bytes]:
        return digests(text_ids(table.column(ID)).to_pylist())


def _is_ours(name: str) -> bool:
    return (
        name in (AGREEMENT, LOCK)
        or (name.startswith("part-") and name.endswith(".parquet") and name[5:-8].isdecimal())
        or (name.startswith(".") and name.endswith(".part"))
    )
