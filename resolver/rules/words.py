"""How rules say sizes and lists, and how grave a fault of a file is by the role that the file has."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from resolver.finding import Json, Severity
from resolver.inspection.description import ModelDescription

UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")
SHOWN: Final = 20


def size(count: float) -> str:
    """A number of bytes as people read it, in powers of ten.

    >>> size(135), size(4_976_698_672)
    ('135 bytes', '4.98 GB')
    """
    unit = 0
    value = float(count)
    while value >= 1000 and unit < len(UNITS) - 1:  # noqa: PLR2004 - powers of ten, as disks and hubs count
        value /= 1000
        unit += 1
    return f"{count:,.0f} bytes" if unit == 0 else f"{value:.2f} {UNITS[unit]}"


def some(names: Sequence[str], limit: int = 3) -> str:
    """The first names, and how many more there are.

    >>> some(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


def few(names: Iterable[str]) -> list[Json]:
    """At most twenty names, for evidence: a report is not the place for 22,000 tensors."""
    return [*itertools.islice(names, SHOWN)]


def by_role(model: ModelDescription) -> Callable[[str], Severity]:
    """How grave a fault of a file is: an error where a loader opens it, a warning where none does."""
    opened = model.opened()
    return lambda name: "error" if name in opened else "warning"


def quoted(text: object) -> str:
    """An argument of a command line, in quotes where the shell needs them."""
    plain = str(text)
    if plain and all(letter.isalnum() or letter in "@%+=:,./-_" for letter in plain):
        return plain
    return "'" + plain.replace("'", "'\"'\"'") + "'"
