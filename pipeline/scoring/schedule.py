"""What still fits before the deadline, and what is dropped where not all does.

Least value goes first: second looks at the most certain battles, then the looks of later stages, then the length of
the rows that are left, and at last the rows themselves, which keep the prior. What was decided by the clock is written
down, so that a run which goes on decides the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.scoring.deadline import FOREVER, Deadline
from pipeline.scoring.journal import Decision, Journal
from pipeline.scoring.throughput import Meter
from pipeline.scoring.work import Stage

# Rows are never cut below this for want of time: the prior says more than the first words of two answers.
SHORTEST: Final = 64
# A new length is this much shorter than what would just fit, so that the next group does not ask again at once.
MARGIN: Final = 0.95
# Until rows were tokenised: what a token of ordinary English text takes.
CHARACTERS_A_TOKEN: Final = 4.0
STEP: Final = 8


@dataclass(frozen=True, slots=True)
class Phase:
    """All looks of one stage of one kind."""

    stage: int
    swapped: bool = False

    def text(self) -> str:
        """What people call it."""
        model = "" if self.stage == 0 else f" of model {self.stage + 1}"
        return f"second looks{model}" if self.swapped else f"looks{model}" if model else "first looks"


@dataclass(slots=True)
class Scales:
    """How many tokens battles have that are not tokenised yet, learned from those that are."""

    _characters: int = 0
    _tokens: int = 0

    def learn(self, sizes: Sequence[int], tokens: Sequence[int], length: int) -> None:
        """Rows that were cut say nothing."""
        for size, count in zip(sizes, tokens, strict=True):
            if count < length:
                self._characters += size
                self._tokens += count

    def tokens(self, size: int, length: int) -> float:
        """Tokens of a battle with that many characters, in rows of at most that length."""
        each = self._characters / self._tokens if self._tokens else CHARACTERS_A_TOKEN
        return min(float(length), size / max(each, 1e-9))


@dataclass(slots=True)
class Schedule:
    """Says, before each group and each pack, whether and how long.

    Attributes:
        deadline: when to be done.
        meter: how fast it goes.
        journal: where decisions stand.
        under: what the decisions depend on beside the clock; those of a run with other options are not repeated.
    """

    deadline: Deadline
    meter: Meter
    journal: Journal
    under: str = ""
    scales: Scales = field(default_factory=Scales)

    def _decided(self, kind: str, phase: Phase, at: int) -> Decision | None:
        for each in reversed(self.journal.decisions()):
            if (each["kind"], each["stage"], each["swapped"], each["at"]) == (
                kind,
                phase.stage,
                phase.swapped,
                at,
            ) and (each["under"] in ("", self.under)):
                return each
        return None

    def decide(self, kind: str, phase: Phase, at: int, value: int, *, timed: bool = True) -> None:
        """Write a decision down."""
        under = self.under if timed else ""
        self.journal.decide(
            {"kind": kind, "stage": phase.stage, "swapped": phase.swapped, "at": at, "value": value, "under": under}
        )

    def known(self, kind: str, phase: Phase, at: int) -> int | None:
        """The value that was decided at this point of an earlier run."""
        decided = self._decided(kind, phase, at)
        return None if decided is None else int(decided["value"])

    def seconds(self, stage: Stage, number: int, tokens: float, devices: int) -> float | None:
        """How long that many tokens take; None while nothing is known of the speed."""
        rate = self.meter.rate(number, devices)
        if rate is not None:
            return tokens / rate
        first = self.meter.rate(0, devices)
        return None if first is None else tokens * stage.cost / first

    def length(self, stage: Stage, number: int, sizes: Sequence[int], length: int, devices: int) -> int:
        """The length at which battles of these sizes still fit in the time: the present one where it does."""
        left = self.deadline.left_s()

        def fits(length: int, within_s: float) -> bool:
            tokens = sum(self.scales.tokens(size, length) for size in sizes)
            seconds = self.seconds(stage, number, tokens, devices)
            return seconds is None or seconds <= within_s

        if left == FOREVER or fits(length, left):
            return length
        short, long = SHORTEST, length
        while long - short > STEP:
            middle = (short + long) // 2
            short, long = (middle, long) if fits(middle, left * MARGIN) else (short, middle)
        return min(short, length)

    def reserve_s(self, stages: Sequence[Stage], after: int, sizes: Sequence[int], devices: int) -> float:
        """Seconds that the looks of later stages will take, which second looks must not use up."""
        total = 0.0
        for number, stage in enumerate(stages):
            if number > after:
                tokens = stage.share * sum(self.scales.tokens(size, stage.length) for size in sizes)
                total += self.seconds(stage, number, tokens, devices) or 0.0
        return total
