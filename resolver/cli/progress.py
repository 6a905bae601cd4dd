"""How far something long is, on a terminal's last line; nothing for what takes under two seconds."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

from resolver.cli.output import write_stderr

QUIET_S: Final = 2.0
GIGA: Final = 1e9
MINUTE: Final = 60
UNSURE: Final = 360_000  # more hours than anybody waits: the rate says nothing yet


class ReadingProgress:
    """Tells bytes, rate and time left while it is called; leaving the `with` block wipes the line.

    Args:
        stream: whether this is a terminal decides whether anything is said; by default stderr as it is now.
        write: where it is said.
        clock: seconds, rising.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        write: Callable[[str], None] = write_stderr,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        told = sys.stderr if stream is None else stream
        self._is_terminal = told is not None and told.isatty()
        self._write, self._clock = write, clock
        self._began: float | None = None
        self._first = 0
        self._width = 0

    def __enter__(self) -> Self:
        """As it is."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the line empty, also after Ctrl-C."""
        if self._width:
            self._write(f"\r{' ' * self._width}\r")

    def __call__(self, done: int, total: int) -> None:
        """So many bytes of so many are read."""
        now = self._clock()
        if self._began is None:
            self._began, self._first = now, done
        if not self._is_terminal or now - self._began < QUIET_S or done == self._first:
            return
        rate = (done - self._first) / (now - self._began)  # what an interrupted run had read costs no time
        text = (
            f"  reading {done / GIGA:.1f} of {total / GIGA:.1f} GB, {rate / GIGA:.2f} GB/s, {_left(done, total, rate)}"
        )
        self._write(f"\r{text.ljust(self._width)}")
        self._width = max(self._width, len(text))


class Waiting:
    """Says on a terminal's last line what is waited for, and for how long, after two seconds; wiped in the end.

    Args:
        what: in a few words.
        stream, write, clock: as for `ReadingProgress`.
    """

    def __init__(
        self,
        what: str,
        stream: TextIO | None = None,
        write: Callable[[str], None] = write_stderr,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        told = sys.stderr if stream is None else stream
        self._is_terminal = told is not None and told.isatty()
        self._what, self._write, self._clock = what, write, clock
        self._began = clock()
        self._said = ""

    def __enter__(self) -> Self:
        """As it is."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the line empty, also after Ctrl-C."""
        if self._said:
            self._write(f"\r{' ' * len(self._said)}\r")

    def __call__(self) -> None:
        """It is still waited for."""
        seconds = self._clock() - self._began
        text = f"  {self._what}, {seconds:.0f} s"
        if self._is_terminal and seconds >= QUIET_S and text != self._said:
            self._write(f"\r{text}")
            self._said = text


def _left(done: int, total: int, rate: float) -> str:
    """Time left in words.

    >>> _left(10, 100, 1.0), _left(10, 1000, 1.0)
    ('1:30 left', '16:30 left')
    """
    seconds = round((total - done) / rate)
    if seconds > UNSURE:
        return "hours left"
    return f"{seconds // MINUTE}:{seconds % MINUTE:02} left"
