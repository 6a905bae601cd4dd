"""Read battles from the contests' tables. Column names live here alone.

LMSYS (and LLM Classification Finetuning) is csv whose text cells are JSON lists, one string a turn; WSDM is parquet
of plain text. Whatever cannot be used is one error that names file, row and column; rows count from 1, without header.
"""

import csv
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pipeline.arena.battle import A_WINS, B_WINS, Battle, Contest, clean, parse_turns
from pipeline.errors import TableError

ID: Final = "id"
PROMPT: Final = "prompt"
RESPONSE_A: Final = "response_a"
RESPONSE_B: Final = "response_b"
WINNER: Final = "winner"
WINNERS: Final = ("winner_model_a", "winner_model_b", "winner_tie")
TEXTS: Final = (PROMPT, RESPONSE_A, RESPONSE_B)
MODELS: Final = ("model_a", "model_b")
LANGUAGE: Final = "language"
WINNER_NAMES: Final = {"model_a": A_WINS, "model_b": B_WINS}

LABELLED_COLUMNS: Final = (ID, *MODELS, *TEXTS, *WINNERS)
TEST_COLUMNS: Final = (ID, *TEXTS)
SUBMISSION_COLUMNS: Final[Mapping[Contest, tuple[str, ...]]] = {"lmsys": (ID, *WINNERS), "wsdm": (ID, WINNER)}
LABEL_NAMES: Final = ("model_a", "model_b")

# One cell: the longest seen has 60,000 characters. The csv module's own limit (131,072) would stop a legal row.
MAX_CELL: Final = 50_000_000
PARQUET_MAGIC: Final = b"PAR1"
PARQUET_BATCH: Final = 2048
# Ids of one error.
MOST_NAMED: Final = 10

Row = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Origin:
    """What a training table says of a battle beside its texts: who answered, in which language; None where it does not.

    Attributes:
        models: the names of the models that wrote A and B.
        language: of the battle, in the table's own words.
    """

    models: tuple[str, str] | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The battles of one file, in its order, and which contest's they are; `origins` has one a battle, or none."""

    path: Path
    contest: Contest
    battles: tuple[Battle, ...]
    origins: tuple[Origin, ...] = ()

    @property
    def is_labelled(self) -> bool:
        """Whether every winner is known."""
        return all(battle.winner is not None for battle in self.battles)

    def only(self, ids: Container[str]) -> "Table":
        """The battles with these ids, in the order of the file."""
        places = [place for place, battle in enumerate(self.battles) if battle.id in ids]
        origins = tuple(self.origins[place] for place in places) if self.origins else ()
        return replace(self, battles=tuple(self.battles[place] for place in places), origins=origins)


def read_table(path: Path, *, contest: Contest | None = None, labelled: bool = False) -> Table:
    """Read a table of battles.

    Args:
        path: csv or parquet; told apart by content, not by name.
        contest: whose columns and cells these are; by default told by the winner columns, else by the kind of file.
        labelled: the winners are needed; a file without them is an error.

    Raises:
        TableError: the file is absent, damaged, not UTF-8 or empty, a column is missing, a cell is no text, an id is
            repeated or absent.
    """
    columns, rows = _open(path)
    contest = contest or _contest(columns, path)
    wanted = (ID, *TEXTS, *(_winner_columns(contest, columns) if labelled else ()))
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise TableError(
            f"{path}: column {', '.join(missing)} is missing; found {_shown(columns)}",
            fix="give a file with the contest's columns"
            + (", labelled as train is" if set(missing) <= {WINNER, *WINNERS} else ""),
        )
    labelled = set(_winner_columns(contest, columns)) <= set(columns)
    table = _table(path, contest, rows, labelled=labelled)
    if not table.battles:
        raise TableError(f"{path}: there is no row below the header", fix="give a file with at least one battle")
    return table


def _shown(columns: Sequence[str]) -> str:
    """Names as they stand, and what is no text for a terminal as Python writes it."""
    return ", ".join(name if name.isprintable() else ascii(name) for name in columns) or "none"


def _table(path: Path, contest: Contest, rows: Iterator[Row], *, labelled: bool) -> Table:
    battles: list[Battle] = []
    origins: list[Origin] = []
    first_row: dict[str, int] = {}
    unmarked: list[tuple[int, str, str]] = []
    for number, row in enumerate(rows, start=1):
        winner = _winner(row) if labelled else None
        battle = battle_of(f"{path}, row {number}", contest, row, winner=winner if isinstance(winner, int) else None)
        if isinstance(winner, str):
            unmarked.append((number, battle.id, winner))
        if battle.id in first_row:
            raise TableError(
                f"{path}, row {number}, column {ID}: {battle.id} stands already in row {first_row[battle.id]}",
                fix="keep one row for each id",
            )
        first_row[battle.id] = number
        battles.append(battle)
        origins.append(_origin(row))
    if unmarked:
        raise _without_winner(path, unmarked)
    return Table(path, contest, tuple(battles), tuple(origins))


def _origin(row: Row) -> Origin:
    names = tuple((row.get(column) or "").strip() for column in MODELS)
    language = (row.get(LANGUAGE) or "").strip()
    return Origin((names[0], names[1]) if all(names) else None, language or None)


def _without_winner(path: Path, unmarked: Sequence[tuple[int, str, str]]) -> TableError:
    """All battles whose winner cannot be read, in one error: who mends a file wants to see them at once."""
    number, identifier, why = unmarked[0]
    more = ""
    if len(unmarked) > 1:
        shown = ", ".join(identifier for _, identifier, _ in unmarked[1:MOST_NAMED])
        more = f"; {len(unmarked) - 1:,} more have none either ({shown}{', ...' if len(unmarked) > MOST_NAMED else ''})"
    return TableError(
        f"{path}, row {number} (id {identifier}), {why}{more}",
        fix="mark exactly one winner of each battle, or take those battles out",
    )


def battle_of(where: str, contest: Contest, row: Row, *, winner: int | None = None) -> Battle:
    """One battle out of the cells of its row.

    Args:
        where: of which file and row an error speaks.
        contest: whose cells these are.
        row: its cells by column.
        winner: who won, where that is known.

    Raises:
        TableError: the id is empty, or a cell is no text of this contest.
    """
    identifier = (row[ID] or "").strip()
    if not identifier:
        raise TableError(f"{where}, column {ID}: the id is empty", fix="give every battle an id")
    texts = [_turns(where, contest, name, row[name]) for name in TEXTS]
    return Battle(identifier, texts[0], texts[1], texts[2], winner)


def _turns(where: str, contest: Contest, column: str, cell: str | None) -> tuple[str, ...]:
    if contest == "wsdm":
        return (clean(cell or ""),)
    try:
        return parse_turns(cell or "")
    except ValueError as error:
        raise TableError(
            f"{where}, column {column}: {error}",
            fix="LMSYS cells are JSON lists, one string a turn; for plain text say --contest wsdm",
        ) from None


def _winner(row: Row) -> int | str:
    """The column that came true, or what is wrong with the cells that should say so."""
    if WINNER in row:
        name = row[WINNER] or ""
        if name not in WINNER_NAMES:
            return f"column {WINNER}: {name!r} is neither {' nor '.join(WINNER_NAMES)}"
        return WINNER_NAMES[name]
    marks = [(row[name] or "").strip() for name in WINNERS]
    if sorted(marks) not in (["0", "0", "1"], ["0.0", "0.0", "1.0"]):
        return f"columns {', '.join(WINNERS)}: {', '.join(marks)} is not one 1 and two 0"
    return next(place for place, mark in enumerate(marks) if mark.startswith("1"))


def _winner_columns(contest: Contest, columns: Sequence[str]) -> tuple[str, ...]:
    return (WINNER,) if WINNER in columns or (contest == "wsdm" and WINNERS[0] not in columns) else WINNERS


def _contest(columns: Sequence[str], path: Path) -> Contest:
    if WINNER in columns:
        return "wsdm"
    if any(name in columns for name in WINNERS):
        return "lmsys"
    return "wsdm" if _is_parquet(path) else "lmsys"


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC


def _open(path: Path) -> tuple[tuple[str, ...], Iterator[Row]]:
    try:
        if not path.is_file():
            raise TableError(
                f"{path}: {'it is not a regular file' if path.exists() else 'there is no such file'}",
                fix="give the path of a csv or parquet file of battles",
            )
        if path.stat().st_size == 0:
            raise TableError(f"{path}: the file is empty", fix="copy it again")
        if _is_parquet(path) or path.suffix == ".parquet":
            return _open_parquet(path)
    except OSError as error:
        if isinstance(error, TableError):
            raise
        raise TableError(
            f"{path}: it cannot be read: {error.strerror or error}", fix="check the path and its rights"
        ) from None
    return _open_csv(path)


def _open_csv(path: Path) -> tuple[tuple[str, ...], Iterator[Row]]:
    rows = _csv_rows(path)
    header = next(rows, None)
    if header is None:
        raise TableError(f"{path}: the file holds no row", fix="copy it again")
    columns = tuple(header)
    repeated = {name for name in columns if columns.count(name) > 1 and name in (ID, WINNER, *TEXTS, *WINNERS)}
    if repeated:
        raise TableError(f"{path}: column {', '.join(sorted(repeated))} stands twice in the header")
    return columns, _named(path, columns, rows)


def _named(path: Path, columns: tuple[str, ...], rows: Iterator[list[str]]) -> Iterator[Row]:
    for number, cells in enumerate(rows, start=1):
        if len(cells) != len(columns):
            raise TableError(
                f"{path}, row {number}: it has {len(cells)} cells where the header has {len(columns)}",
                fix="the file is cut or a quote is missing: copy it again",
            )
        yield dict(zip(columns, cells, strict=True))


def _csv_rows(path: Path) -> Iterator[list[str]]:
    """The rows that are not blank. The csv module's limit is one for the whole process: it is put back each time."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            while (cells := _next_row(reader)) is not None:
                if cells:
                    yield cells
    except UnicodeDecodeError:
        raise TableError(f"{path}, {_undecodable(path)}: it is not UTF-8", fix="save the file as UTF-8") from None
    except csv.Error as error:
        raise TableError(
            f"{path}, line {reader.line_num}: it is no csv: {error}",
            fix="the file is cut or a quote is missing: copy it again",
        ) from None


def _next_row(reader: "Iterator[list[str]]") -> list[str] | None:
    before = csv.field_size_limit(MAX_CELL)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(before)


def _undecodable(path: Path) -> str:
    """Where the first byte stands that is not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return f"line {number}, byte {error.start + 1} (0x{line[error.start]:02x})"
    return "end of file"


def _open_parquet(path: Path) -> tuple[tuple[str, ...], Iterator[Row]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise TableError(
            f"{path}: reading parquet needs pyarrow", fix="pip install 'offline-resolver[pipeline]'"
        ) from None
    try:
        file = parquet.ParquetFile(path)
        columns = tuple(file.schema_arrow.names)
    except (ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from None
    return columns, _parquet_rows(path, file, columns)


def _parquet_rows(path: Path, file: object, columns: tuple[str, ...]) -> Iterator[Row]:
    from pyarrow import ArrowException

    wanted = [name for name in (ID, *TEXTS, WINNER, *WINNERS, *MODELS, LANGUAGE) if name in columns]
    try:
        for batch in file.iter_batches(batch_size=PARQUET_BATCH, columns=wanted):  # type: ignore[attr-defined]  # pyarrow ships no types
            for row in batch.to_pylist():
                yield {name: None if row[name] is None else str(row[name]) for name in wanted}
    except (ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> TableError:
    reason = " ".join(str(error).split())[:200]
    return TableError(f"{path}: the parquet file is damaged or cut: {reason}", fix="copy it again")
