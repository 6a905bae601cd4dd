"""A small room for plots: two axes, and marks on them, as SVG that is part of a page.

Everything has a class and no colour of its own: the page's style paints it, light or dark. A plot is as wide as a
phone, so that its letters are as large as the page's. What it does not know: what is plotted.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.preflight import marked_up

WIDTH: Final = 360
HEIGHT: Final = 280
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 44
DOT: Final = 4.0
CELL_WIDTH, CELL_HEIGHT = 160, 18

Point = tuple[float, float]


def _plain(value: float) -> float:
    return value


@dataclass(frozen=True, slots=True)
class Axis:
    """What a direction means.

    Attributes:
        name: said beside it.
        low, high: the values at its ends, low < high.
        ticks: values with their names.
        scale: of values before they are laid out evenly, e.g. the logarithm.
    """

    name: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    scale: Callable[[float], float] = _plain

    def share(self, value: float) -> float:
        """How far along the axis a value lies: 0 at its low end, 1 at its high end; what lies outside at an end.

        >>> SHARES.share(0.25), SHARES.share(7)
        (0.25, 1.0)
        """
        low, high = self.scale(self.low), self.scale(self.high)
        return min(1.0, max(0.0, (self.scale(value) - low) / (high - low)))


SHARES: Final = Axis("", 0.0, 1.0, tuple((step / 4, f"{step / 4:g}") for step in range(5)))


def shares(name: str) -> Axis:
    """An axis from 0 to 1."""
    return Axis(name, SHARES.low, SHARES.high, SHARES.ticks)


@dataclass(slots=True)
class Plot:
    """A plot that is being made: marks are added, then it is told as SVG.

    Attributes:
        slug: its name among those of a page, for references inside it.
        title, description: what it shows, for who does not see it.
        x, y: the axes.
    """

    slug: str
    title: str
    description: str
    x: Axis
    y: Axis
    marks: list[str] = field(default_factory=list)

    def place(self, x: float, y: float) -> Point:
        """Where a pair of values lies."""
        return (
            LEFT + self.x.share(x) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - self.y.share(y) * (HEIGHT - TOP - BOTTOM),
        )

    def line(self, points: Iterable[Point], kind: str) -> None:
        """A line through values."""
        laid = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.place(*point) for point in points))
        self.marks.append(f'<polyline class="{kind}" points="{laid}"/>')

    def whisker(self, x: float, low: float, high: float, kind: str) -> None:
        """From low to high at x."""
        (left, bottom), (_, top) = self.place(x, low), self.place(x, high)
        self.marks.append(f'<path class="{kind}" d="M{left:.1f} {bottom:.1f}V{top:.1f}"/>')

    def dot(self, x: float, y: float, kind: str) -> None:
        """A round mark."""
        left, top = self.place(x, y)
        self.marks.append(f'<circle class="{kind}" cx="{left:.1f}" cy="{top:.1f}" r="{DOT:g}"/>')

    def square(self, x: float, y: float, kind: str) -> None:
        """A square mark."""
        left, top = self.place(x, y)
        size = 2 * DOT - 1
        corner = f'x="{left - size / 2:.1f}" y="{top - size / 2:.1f}"'
        self.marks.append(f'<rect class="{kind}" {corner} width="{size:g}" height="{size:g}"/>')

    def bar(self, start: float, end: float, height: float, kind: str) -> None:
        """A bar from the ground up, between two values of x."""
        (left, top), (right, ground) = self.place(start, height), self.place(end, self.y.low)
        corner = f'x="{left + 0.5:.1f}" y="{top:.1f}"'
        self.marks.append(
            f'<rect class="{kind}" {corner} width="{max(right - left - 1, 0.5):.1f}" height="{ground - top:.1f}"/>'
        )

    def svg(self) -> str:
        """All of it."""
        title, description = marked_up(self.title), marked_up(self.description)
        return "\n".join(
            (
                f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{self.slug}-t {self.slug}-d">',
                f'<title id="{self.slug}-t">{title}</title><desc id="{self.slug}-d">{description}</desc>',
                *self._grid(),
                *self.marks,
                "</svg>\n",
            )
        )

    def _grid(self) -> Iterable[str]:
        ground, ceiling, right = HEIGHT - BOTTOM, TOP, WIDTH - RIGHT
        for value, name in self.y.ticks:
            _, top = self.place(self.x.low, value)
            yield f'<path class="grid" d="M{LEFT} {top:.1f}H{right}"/>'
            yield f'<text class="tick" x="{LEFT - 6}" y="{top + 4:.1f}" text-anchor="end">{marked_up(name)}</text>'
        for value, name in self.x.ticks:
            left, _ = self.place(value, self.y.low)
            yield f'<path class="grid" d="M{left:.1f} {ground}V{ceiling}"/>'
            yield f'<text class="tick" x="{left:.1f}" y="{ground + 16}" text-anchor="middle">{marked_up(name)}</text>'
        middle = (LEFT + right) / 2
        yield f'<text class="name" x="{middle:g}" y="{HEIGHT - 6}" text-anchor="middle">{marked_up(self.x.name)}</text>'
        height = (ground + ceiling) / 2
        turned = f'x="12" y="{height:g}" transform="rotate(-90 12 {height:g})"'
        yield f'<text class="name" {turned} text-anchor="middle">{marked_up(self.y.name)}</text>'


@dataclass(frozen=True, slots=True)
class Strip:
    """The scale that the intervals in the cells of one table share, and the value at which a line is drawn."""

    low: float
    high: float
    mark: float | None = None

    @classmethod
    def over(cls, values: Sequence[float], mark: float | None = None) -> "Strip":
        """Wide enough for all values and the mark, with a little room on both sides."""
        every = [*values, *(() if mark is None else (mark,))]
        low, high = min(every), max(every)
        room = 0.04 * (high - low) or 0.5
        return cls(low - room, high + room, mark)

    def svg(self, value: float, low: float | None, high: float | None, kind: str) -> str:
        """One interval; hidden from who is read to, since its numbers stand beside it."""
        middle = CELL_HEIGHT / 2
        marks = []
        if self.mark is not None:
            marks.append(f'<path class="mark" d="M{self._at(self.mark):.1f} 0V{CELL_HEIGHT}"/>')
        if low is not None and high is not None:
            marks.append(f'<path class="{kind}" d="M{self._at(low):.1f} {middle:g}H{self._at(high):.1f}"/>')
        marks.append(f'<circle class="{kind}" cx="{self._at(value):.1f}" cy="{middle:g}" r="{DOT:g}"/>')
        box = f'viewBox="0 0 {CELL_WIDTH} {CELL_HEIGHT}"'
        return f'<svg class="strip" {box} aria-hidden="true">{"".join(marks)}</svg>'

    def _at(self, value: float) -> float:
        return DOT + (CELL_WIDTH - 2 * DOT) * (value - self.low) / (self.high - self.low)
