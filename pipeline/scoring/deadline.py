"""How much time there is, counted from the start of the process, and what of it is kept in reserve.

The clock is passed in, so that what is decided by time can be tested without any passing.
"""

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline.arena.battle import Contest

# What a notebook may take; WSDM's second phase had longer.
CONTEST_LIMIT_S: Final[dict[Contest, float]] = {"lmsys": 9 * 3600.0, "wsdm": 12 * 3600.0}
# Kept back: a tenth, at most half an hour. Machines have slow days, and the file has to be written.
HEADROOM: Final = 0.1
MOST_HEADROOM_S: Final = 1800.0
FOREVER: Final = float("inf")

Clock = Callable[[], float]
_IMPORTED: Final = time.monotonic()
_FORM: Final = re.compile(r"(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m(?:in)?)?(?:(?P<s>\d+(?:\.\d+)?)s?)?")


@dataclass(frozen=True, slots=True)
class Deadline:
    """When to be done.

    Attributes:
        limit_s: allowed from the start of the process; infinite where nothing is said.
        began: the start of the process, on the clock.
        clock: seconds, rising.
    """

    limit_s: float = FOREVER
    began: float = 0.0
    clock: Clock = field(default=time.monotonic, repr=False)

    @property
    def headroom_s(self) -> float:
        """Kept back of the limit."""
        return min(self.limit_s * HEADROOM, MOST_HEADROOM_S)

    def left_s(self) -> float:
        """Seconds that may still be spent on work; below 0 when it is over."""
        if self.limit_s == FOREVER:
            return FOREVER
        return self.began + self.limit_s - self.headroom_s - self.clock()


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `8h30m`, `90m`, `45s` or a bare number of seconds.

    Raises:
        ValueError: it is none, or nothing long.

    >>> parse_duration("8h30m"), parse_duration("90m"), parse_duration("12")
    (30600.0, 5400.0, 12.0)
    >>> parse_duration("soon")
    Traceback (most recent call last):
    ValueError: 'soon' is no duration such as 8h30m
    """
    match = _FORM.fullmatch(text.strip().lower())
    parts = {} if match is None else {unit: float(value) for unit, value in match.groupdict().items() if value}
    seconds = sum(value * {"h": 3600, "m": 60, "s": 1}[unit] for unit, value in parts.items())
    if seconds <= 0:
        raise ValueError(f"{text!r} is no duration such as 8h30m")
    return seconds


def process_start(stat: Path = Path("/proc/self/stat")) -> float:
    """When this process was started, on `time.monotonic`; when this module was imported, where the system is silent."""
    try:
        # The name in parentheses may hold anything; the 20th field behind it is the start in ticks since boot.
        ticks = int(stat.read_text("ascii", "replace").rpartition(")")[2].split()[19])
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return _IMPORTED
    now = time.monotonic()
    return min(now - max(age_s, 0.0), _IMPORTED)
