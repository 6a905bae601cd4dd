"""Battles in parquet parts, more than fit in memory: the ids are read at once, the texts by whoever scores a block.

What is wrong with a part or an id is told before anything is scored; what is wrong with a text, when its block is read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.arena.battle import Battle, Contest
from pipeline.arena.table import ID, TEXTS, WINNER, WINNERS, battle_of
from pipeline.errors import MissingPackageError, TableError


@dataclass(frozen=True, slots=True)
class Source:
    """Parts that hold one set of battles.

    Attributes:
        place: the file or directory that was named.
        groups: the row groups of the parts, in the order of their names.
        contest: whose columns and cells they have.
        ids: of every battle, as text, in the order of the parts; a pyarrow array.
        whole_ids: whether the ids are whole numbers in the parts.
    """

    place: Path
    groups: tuple["Group", ...]
    contest: Contest
    ids: Any
    whole_ids: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A row group: what a parquet file is read by."""

    file: Path
    number: int
    rows: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a row group, few enough for one call of the engine.

    Attributes:
        file: the part.
        group: the row group's number.
        first: its row where the piece begins.
        size: how many rows the piece spans.
        wanted: which of them are to be scored, counted from `first`.
    """

    file: str
    group: int
    first: int
    size: int
    wanted: tuple[int, ...]


def pieces_left(source: Source, is_done: Sequence[bool], size: int) -> list[Piece]:
    """What is left to do, in pieces of at most so many rows; a piece that is done wholly is none.

    Args:
        source: the parts.
        is_done: for every battle, in the order of `source.ids`.
        size: rows of a piece.
    """
    pieces, before = [], 0
    for group in source.groups:
        for first in range(0, group.rows, size):
            rows = min(size, group.rows - first)
            at = before + first
            wanted = tuple(place for place in range(rows) if not is_done[at + place])
            if wanted:
                pieces.append(Piece(str(group.file), group.number, first, rows, wanted))
        before += group.rows
    return pieces


class PieceReader:
    """Reads pieces; those of one row group, asked for in order, cost one reading of the group.

    All pieces of one reader have the same size but for the last of a group.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._at: tuple[str, int] | None = None
        self._next = 0
        self._batches: Iterator[Any] = iter(())
        self._file: Any = None

    def battles(self, piece: Piece, contest: Contest) -> list[Battle]:
        """The wanted battles of a piece.

        Raises:
            TableError: names the part and the battle whose cells cannot be used.
        """
        from pyarrow import ArrowException

        try:
            rows = self._batch(piece).take(list(piece.wanted)).to_pylist()
        except (ArrowException, OSError, ValueError, StopIteration) as error:
            raise TableError(f"{piece.file}: it cannot be read any more: {type(error).__name__}: {error}") from None
        names = (ID, *TEXTS)
        return [
            battle_of(
                f"{piece.file}, battle {row[ID]}",
                contest,
                {name: None if row[name] is None else str(row[name]) for name in names},
            )
            for row in rows
        ]

    def _batch(self, piece: Piece) -> Any:
        if self._at != (piece.file, piece.group) or piece.first < self._next:
            self._begin(piece)
        while True:
            first, batch = self._next, next(self._batches)
            self._next += batch.num_rows
            if first == piece.first and batch.num_rows == piece.size:
                return batch
            if first >= piece.first:
                raise ValueError("its rows are others than they were")

    def _begin(self, piece: Piece) -> None:
        from pyarrow import parquet

        if self._file is not None:
            self._file.close()
        self._file = parquet.ParquetFile(piece.file)
        columns = [ID, *TEXTS]
        self._batches = self._file.iter_batches(batch_size=self._size, row_groups=[piece.group], columns=columns)
        self._at, self._next = (piece.file, piece.group), 0


def open_source(place: Path, *, contest: Contest | None = None) -> Source:
    """Find the parts of a file or directory and read their ids.

    Args:
        place: a parquet file, or a directory whose files that end in .parquet are the parts.
        contest: whose columns these are; by default told by the winner columns, else WSDM, which has parquet.

    Raises:
        TableError: there is no part, one is damaged or lacks a column, or an id is empty or stands twice.
        MissingPackageError: pyarrow is not installed.
    """
    pa = require_pyarrow()
    files = _files(place)
    whole, seen = set(), []
    groups: list[Group] = []
    columns: tuple[str, ...] = ()
    for file in files:
        ids, columns, rows = _ids(file)
        groups += [Group(file, number, count) for number, count in enumerate(rows)]
        whole.add(pa.types.is_integer(ids.type))
        seen.append(text_ids(ids))
    if len(whole) > 1:
        raise TableError(f"{place}: the ids are numbers in one part and text in another", fix="write them alike")
    every = pa.concat_arrays([chunk for ids in seen for chunk in ids.chunks])
    _refuse_repeated(place, every)
    return Source(place, tuple(groups), contest or _contest(columns), every, whole == {True})


def text_ids(ids: Any) -> Any:
    """A chunked array of ids as battles have them: text without blanks around it."""
    from pyarrow import compute, string

    return compute.utf8_trim_whitespace(compute.fill_null(ids.cast(string()), ""))


def require_pyarrow() -> Any:
    """pyarrow, or the line that says how to install it."""
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        raise MissingPackageError("pyarrow is not installed", fix="pip install 'offline-resolver[pipeline]'") from None
    return pa


def _files(place: Path) -> tuple[Path, ...]:
    if place.is_file():
        return (place.absolute(),)
    if not place.is_dir():
        raise TableError(f"{place}: there is no such file or directory", fix="give parquet parts of battles")
    files = tuple(sorted(each.absolute() for each in place.iterdir() if each.suffix == ".parquet" and each.is_file()))
    if not files:
        raise TableError(f"{place}: no file in it ends in .parquet", fix="give parquet parts of battles")
    return files


def _ids(file: Path) -> tuple[Any, tuple[str, ...], list[int]]:
    from pyarrow import ArrowException, parquet

    try:
        with parquet.ParquetFile(file) as opened:
            columns = tuple(opened.schema_arrow.names)
            missing = [name for name in (ID, *TEXTS) if name not in columns]
            if missing:
                raise TableError(
                    f"{file}: column {', '.join(missing)} is missing; found {', '.join(columns) or 'none'}",
                    fix="give parts with the contest's columns",
                )
            rows = [opened.metadata.row_group(number).num_rows for number in range(opened.num_row_groups)]
            return opened.read(columns=[ID]).column(ID), columns, rows
    except (ArrowException, OSError, ValueError) as error:
        if isinstance(error, TableError):
            raise
        reason = " ".join(str(error).split())[:200]
        raise TableError(f"{file}: it is no whole parquet file: {reason}", fix="copy it again, as parquet") from None


def _refuse_repeated(place: Path, ids: Any) -> None:
    from pyarrow import compute

    if not len(ids):
        raise TableError(f"{place}: there is no row in it", fix="give at least one battle")
    if compute.any(compute.equal(ids, "")).as_py():
        raise TableError(f"{place}, column {ID}: an id is empty", fix="give every battle an id")
    counts = compute.value_counts(ids)
    twice = counts.filter(compute.greater(counts.field("counts"), 1))
    if len(twice):
        first = twice[0].as_py()
        raise TableError(
            f"{place}, column {ID}: {first['values']} stands {first['counts']} times", fix="keep one row for each id"
        )


def _contest(columns: Sequence[str]) -> Contest:
    return "lmsys" if WINNER not in columns and any(name in columns for name in WINNERS) else "wsdm"
