"""The file that is handed in: valid from the first second on, replaced as forecasts come, never lost.

Before the first pack it holds the prior for every battle. Whatever stops the run later, what is on disk is the newest
whole submission.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path
from typing import Final

from pipeline.arena.submission import write_submission
from pipeline.arena.table import Table
from pipeline.errors import OutputError
from pipeline.output import check_writable
from pipeline.preflight import read_forecasts
from pipeline.scoring.journal import is_of, journal_of, refuse_unreadable
from pipeline.scoring.swap import Row

EVERY_S: Final = 60.0
# How often A, B and tie came among a thousand labelled battles of the first contest, A and B made equal.
PRIORS: Final[dict[int, Row]] = {3: (352 / 999, 352 / 999, 295 / 999), 2: (0.5, 0.5)}


def prior_of(labels: int) -> Row:
    """The forecast of a battle of which nothing is known."""
    return PRIORS[labels]


def check_place(output: Path, table: Table, rows_digest: str, *, force: bool) -> None:
    """Refuse an output that cannot be written, or that holds what is no unfinished submission of this very table.

    Unfinished is what has the journal of a run over the same rows beside it, or holds nothing but the prior.

    Raises:
        OutputError: says which.
    """
    check_writable(output)
    refuse_unreadable(journal_of(output))
    if not output.exists() or force or is_of(journal_of(output), rows_digest) or _is_prior(output, table):
        return
    raise OutputError(
        f"{output}: it is there and no unfinished submission of these rows",
        fix="name another file, or say --force to replace it",
    )


def _is_prior(output: Path, table: Table) -> bool:
    from pipeline.arena.table import LABEL_NAMES

    constants = {tuple(repr(value) for value in PRIORS[3]), (LABEL_NAMES[0],)}
    try:
        found = read_forecasts(output)
    except (OSError, ValueError):
        return False
    return found.keys() == {battle.id for battle in table.battles} and (
        len(set(found.values())) == 1 and set(found.values()) <= constants
    )


@dataclass(slots=True)
class Delivery:
    """One output and when it was last written.

    Attributes:
        output: the submission.
        table: the battles.
        every_s: how often it is replaced while forecasts come.
        clock: seconds, rising.
    """

    output: Path
    table: Table
    every_s: float = EVERY_S
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    seconds: float = field(default=0.0, init=False)
    _written: float = field(default=0.0, init=False)

    def begin(self, prior: Row, *, keep: bool) -> None:
        """The prior for every battle; `keep` leaves the newer submission of an unfinished run where it is.

        What killed runs left half-written beside it is removed: whoever has the journal is the only one who writes.
        """
        for name in (self.output.name, journal_of(self.output).name):
            for stray in self.output.parent.glob(f".{escape(name)}.*.part"):
                stray.unlink(missing_ok=True)
        if not (keep and self.output.exists()):
            self.write([prior] * len(self.table.battles))
        self._written = self.clock()

    def refresh(self, probabilities: Callable[[], Sequence[Row]]) -> None:
        """The forecasts so far, when it is time again."""
        if self.clock() - self._written >= self.every_s:
            self.write(probabilities())

    def postpone(self) -> None:
        """Leave the file as it is until the next time."""
        self._written = self.clock()

    def write(self, probabilities: Sequence[Row]) -> str:
        """Replace the file in one step; returns what the P rules say of it.

        Raises:
            OutputError: it cannot be written; what was there stays.
            InvalidSubmissionError: it would be refused; what was there stays.
        """
        began = self.clock()
        by_id = {battle.id: row for battle, row in zip(self.table.battles, probabilities, strict=True)}
        verdict = write_submission(self.output, self.table, by_id)
        self._written = self.clock()
        self.seconds += self._written - began
        return verdict
