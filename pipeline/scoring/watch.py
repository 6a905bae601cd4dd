"""When a worker that says nothing is hung and not slow: a kernel that never returns looks like one that takes long.

A pack may take many times what the slowest of the recent ones took, and never less than a floor that is said once.
While a model is loaded there is nothing to compare with (it may come from a slow disk, and be large), so a process that
is loading counts as hung only where the processor has not worked for it either, which not every system says.
"""

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

# Seconds without a word that are always allowed: compiling a kernel, a machine that is busy with something else.
PATIENCE_S: Final = 600.0
# So many times the slowest recent pack, by its tokens, are allowed too: packs are run again in halves, several times.
SLOW: Final = 20.0
# So many times the floor may pass while a model is loaded and the process does not work.
LOADING: Final = 6.0
RECENT: Final = 32
# The places of the times of a process in its line of /proc, counted behind the name: in its own code, in the system's.
USER, SYSTEM = 11, 12


@dataclass(slots=True)
class Watch:
    """Knows how long a worker may be silent.

    Attributes:
        floor_s: seconds that are allowed whatever was measured; above 0.
    """

    floor_s: float = PATIENCE_S
    _paces: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT), init=False)

    def learn(self, seconds: float, tokens: int) -> None:
        """A pack is done."""
        self._paces.append(seconds / max(tokens, 1))

    def forget(self) -> None:
        """Another model comes."""
        self._paces.clear()

    def pack_s(self, tokens: int) -> float:
        """Seconds without a word that a pack of so many tokens is allowed."""
        return max(self.floor_s, SLOW * max(self._paces, default=0.0) * tokens)

    def loading_s(self) -> float:
        """Seconds without a word and without work that loading is allowed."""
        return LOADING * self.floor_s


def worked(process: int, proc: Path = Path("/proc")) -> int | None:
    """What the processor has worked for a process, in ticks of the system; None where the system does not say.

    >>> import os
    >>> worked(os.getpid(), Path("/nowhere")) is None
    True
    """
    try:
        # The name in parentheses may hold anything.
        fields = (proc / str(process) / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
        return int(fields[USER]) + int(fields[SYSTEM])
    except (OSError, ValueError, IndexError):
        return None
