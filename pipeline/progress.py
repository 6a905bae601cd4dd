"""Say how far a long run is: a bar on a terminal, otherwise a line every ten seconds."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self, TextIO

EVERY_S: Final = 10.0


class Progress:
    """Counts work done; say it once as `with`, then `advance`.

    Args:
        label: what is being done.
        total: units of work in all, for the time left.
        unit: what a unit is called.
        stream: where it is said; by default stderr as it is now.
        clock: seconds, rising.
    """

    def __init__(
        self,
        label: str,
        total: int,
        unit: str,
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label, self._total, self._unit, self._clock = label, total, unit, clock
        self._stream = sys.stderr if stream is None else stream
        self._done = 0
        self._began = self._said = clock()
        self._bar: Any = None

    def __enter__(self) -> Self:
        if self._stream.isatty():
            from tqdm import tqdm  # type: ignore[import-untyped]  # tqdm ships no types

            self._bar = tqdm(total=self._total, desc=self._label, unit=f" {self._unit}", file=self._stream, leave=False)
        self._began = self._said = self._clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def expect(self, units: int) -> None:
        """So many units more are to be done than was thought."""
        self._total += units
        if self._bar is not None:
            self._bar.total = self._total
            self._bar.refresh()

    def advance(self, units: int) -> None:
        """So many units more are done."""
        self._done += units
        if self._bar is not None:
            self._bar.update(units)
        elif self._clock() - self._said >= EVERY_S:
            self._said = self._clock()
            self._stream.write(self.line() + "\n")
            self._stream.flush()

    def line(self) -> str:
        """How far, how fast, how long still."""
        elapsed_s = max(self._clock() - self._began, 1e-9)
        rate = self._done / elapsed_s
        left_s = (self._total - self._done) / rate if rate > 0 else 0.0
        return (
            f"{self._label}: {self._done:,} of {self._total:,} {self._unit}"
            f" ({100 * self._done // max(self._total, 1)} %), {rate:,.0f} a second, {duration(left_s)} left"
        )


def duration(seconds: float) -> str:
    """Hours, minutes and seconds as people say them.

    >>> duration(42), duration(4000)
    ('42 s', '1 h 06 min')
    """
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{whole} s"
    if whole < 3600:  # noqa: PLR2004 - seconds in an hour
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
