"""Read a submission, or the sample that it has to look like, as rows of text and numbers.

What it does not know: which columns a contest wants and which values are right; that is `rules/submission.py`.
Never raises for what is in the file; what could not be read is said in `fault`.
"""

import csv
import io
import re
from pathlib import Path
from typing import Final

from resolver.record import Record

MAX_BYTES: Final = 256 * 1000 * 1000
# What a csv reader of a scoring server takes for a number; Python's own float() takes more ("1_0", Arabic digits).
NUMBER: Final = re.compile(r"\s*[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf(inity)?|nan)\s*", re.IGNORECASE)


class SubmissionRow(Record):
    """One row: the line it ends on (from 1, the header being line 1), its id and the other cells as written."""

    line: int
    id: str
    cells: tuple[str, ...]

    def numbers(self) -> tuple[float | None, ...]:
        """The cells as numbers, None for each that is none; "nan" and "inf" are numbers here."""
        return tuple(as_number(cell) for cell in self.cells)


class SubmissionFacts(Record):
    """A submission as it was read.

    Attributes:
        path: the file.
        columns: the header, in order; empty where there is none.
        rows: the rows that have as many cells as the header.
        ragged: (line, number of cells) of the rows that have not.
        fault: why the file, or the rest of it, could not be read; None where all of it was.
    """

    path: Path
    columns: tuple[str, ...] = ()
    rows: tuple[SubmissionRow, ...] = ()
    ragged: tuple[tuple[int, int], ...] = ()
    fault: str | None = None

    def ids(self) -> tuple[str, ...]:
        """The first column, in the order of the file."""
        return tuple(row.id for row in self.rows)


def as_number(cell: str) -> float | None:
    """The cell as a number, or None.

    >>> as_number("0.25"), as_number("1_0"), as_number("nan")
    (0.25, None, nan)
    """
    return float(cell) if cell.isascii() and NUMBER.fullmatch(cell) else None


def read_submission(path: Path) -> SubmissionFacts:
    """Read a comma-separated file whose first column is the id; empty lines are passed over, as scorers do."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            return SubmissionFacts(path, fault="it is not a regular file")
        if size > MAX_BYTES:
            return SubmissionFacts(path, fault=f"it has {size:,} bytes; a submission has at most {MAX_BYTES:,}")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        return SubmissionFacts(path, fault=f"it cannot be read: {error.strerror or error}")
    except UnicodeDecodeError as error:
        return SubmissionFacts(path, fault=f"it is not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}")
    return _table(path, text)


def _table(path: Path, text: str) -> SubmissionFacts:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: tuple[str, ...] = ()
    rows: list[SubmissionRow] = []
    ragged: list[tuple[int, int]] = []
    fault = None
    try:
        for cells in reader:
            if not cells:
                continue
            if not columns:
                columns = tuple(cells)
            elif len(cells) != len(columns):
                ragged.append((reader.line_num, len(cells)))
            else:
                rows.append(SubmissionRow(reader.line_num, cells[0], tuple(cells[1:])))
    except csv.Error as error:
        fault = f"line {reader.line_num} is no csv: {error}"
    if not columns and fault is None:
        fault = "it is empty"
    return SubmissionFacts(path, columns, tuple(rows), tuple(ragged), fault)
