"""What a process says of its run, the same in every format."""

from collections.abc import Iterable
from typing import Final

USABLE: Final = 0
FINDINGS: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
FAILED: Final = 4
INTERRUPTED: Final = 130
TERMINATED: Final = 143

WORST_FIRST: Final = (FAILED, USAGE, NOT_FOUND, FINDINGS, USABLE)


def worst(codes: Iterable[int]) -> int:
    """The one code of several models.

    >>> worst([0, 1, 3])
    3
    """
    seen = set(codes)
    return next((code for code in WORST_FIRST if code in seen), USABLE)


def forgiven(code: int) -> int:
    """The code with --exit-zero: what a report tells is no failure of the step; a wrong or failed run still is."""
    return USABLE if code in (FINDINGS, NOT_FOUND) else code
