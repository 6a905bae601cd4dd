"""A figure with its interval."""

from dataclasses import dataclass
from typing import Final

DRAWS: Final = 2000
SEED: Final = 0
LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its interval; None where the battles allow none: they have one prompt, or hardly a draw has it."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def sign(self) -> int:
        """1 where the whole interval lies above 0, -1 where below, 0 where it does not say."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return 0
        return 1 if self.low > 0 else -1
