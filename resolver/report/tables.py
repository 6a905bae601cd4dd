"""Columns of text, and a number of bytes in few letters."""

from collections.abc import Sequence

from resolver.report.escape import escape
from resolver.report.lines import Line, Part, line
from resolver.rules.words import size

__all__ = ["pairs", "size", "table"]


def table(header: Sequence[str], rows: Sequence[Sequence[str]], widest: int = 90) -> list[Line]:
    """A header and its rows; all columns but the last padded to their longest text, at most `widest` wide."""
    shown = [[escape(cell) for cell in row] for row in rows]
    widths = [min(widest, max(len(row[index]) for row in [list(header), *shown])) for index in range(len(header))]
    widths[-1] = 0
    return [_row(header, widths, bold=True), *(_row(row, widths) for row in shown)]


def pairs(values: Sequence[tuple[str, str | None]]) -> list[Line]:
    """Labels and what stands beside them; a label without a value is left out."""
    told = [(label, text) for label, text in values if text]
    width = max((len(label) for label, _ in told), default=0) + 2
    return [line(Part(label.ljust(width), "label"), escape(text)) for label, text in told]


def _row(cells: Sequence[str], widths: Sequence[int], *, bold: bool = False) -> Line:
    text = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
    return line(Part(text, "label" if bold else ""))
