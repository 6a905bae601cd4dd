"""Tables of figures as mark-up, with their intervals drawn in the last column."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.evaluate.interval import Estimate
from pipeline.evaluate.plot import Strip
from pipeline.preflight import marked_up


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        name: of the row.
        cells: as mark-up.
        drawn: the interval that is drawn.
        kind: whether that is of forecasts ("said") or of what came true ("came"), which have colours of their own.
        is_small: whether it is of so few battles that it says little.
    """

    name: str
    cells: tuple[str, ...]
    drawn: Estimate | None = None
    kind: Literal["said", "came"] = "said"
    is_small: bool = False


def figures(
    heads: Sequence[str], rows: Sequence[Row], *, mark: float | None = None, caption: str = ""
) -> Iterator[str]:
    """A table; where a row has an interval to draw, all are drawn on one scale.

    Args:
        heads: of the name, of each cell and, where intervals are drawn, of them.
        rows: in order.
        mark: the value at which a line crosses the intervals.
        caption: what the rows are of, where no heading says it.
    """
    drawn = [row.drawn for row in rows if row.drawn is not None]
    ends = [end for each in drawn for end in (each.value, each.low, each.high) if end is not None]
    strip = Strip.over(ends, mark) if ends else None
    yield '<div class="wide"><table class="figures">\n'
    if caption:
        yield f"<caption>{marked_up(caption)}</caption>\n"
    yield "<tr>" + "".join(f'<th scope="col">{marked_up(head)}</th>' for head in heads) + "</tr>\n"
    for row in rows:
        named = zip(heads[1:], row.cells, strict=strip is None)
        cells = "".join(f'<td data-head="{marked_up(head)}">{cell}</td>' for head, cell in named)
        line = "" if strip is None else f'<td class="strip">{_drawn(row, strip)}</td>'
        small = ' class="small"' if row.is_small else ""
        yield f'<tr{small}><th scope="row">{marked_up(row.name)}</th>{cells}{line}</tr>\n'
    yield "</table></div>\n"


def _drawn(row: Row, strip: Strip) -> str:
    return "" if row.drawn is None else strip.svg(row.drawn.value, row.drawn.low, row.drawn.high, row.kind)


def cell(estimate: Estimate | None, form: str = ".4f") -> str:
    """A figure, its interval below it where it has one that is wider than its digits."""
    if estimate is None:
        return ""
    value, low = f"{estimate.value:{form}}", "" if estimate.low is None else f"{estimate.low:{form}}"
    high = "" if estimate.high is None else f"{estimate.high:{form}}"
    return value if low == high else f"{value}<small>{low} to {high}</small>"
