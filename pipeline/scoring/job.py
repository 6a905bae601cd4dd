"""What a run is asked and what comes of it, as values; whom it tells, and the errors that end it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.arena.battle import Battle
from pipeline.errors import PipelineError
from pipeline.scoring.swap import Row, Swap
from pipeline.scoring.throughput import Meter
from pipeline.scoring.work import Finish, Look, Stage, forecasts

# On a CPU large batches are slower than small ones; a GPU wants them large.
CPU_BATCH_TOKENS: Final = 2048
GPU_BATCH_TOKENS: Final = 16384
Count = Callable[[int], None]
Rows = Callable[[], tuple[Row, ...]]


class NotFiniteError(PipelineError, ArithmeticError):
    """Battles whose logits are not numbers: a precision that overflowed, or damaged weights."""


class TooLargeError(PipelineError, MemoryError):
    """Not a single battle fits in memory."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be forecast, and with what.

    Attributes:
        battles: in any order; forecasts keep it.
        stages: the models, in order; the first looks at every battle.
        swap: which battles are looked at a second time with A and B exchanged.
        budget: tokens of a pack.
        prior: the forecast of a battle that was not looked at.
        finish: changes a forecast at last, by the battle's place.
        temperature: of the stages' mean, before that.
        calibrate: changes the forecast of a battle that was looked at, between the two.
    """

    battles: Sequence[Battle]
    stages: tuple[Stage, ...]
    budget: int
    prior: Row
    swap: Swap = "none"
    finish: Finish | None = None
    temperature: float = 1.0
    calibrate: Finish | None = None

    @property
    def weights(self) -> tuple[float, ...]:
        """One a stage."""
        return tuple(each.weight for each in self.stages)

    def probabilities(self, logits: dict[Look, Row]) -> tuple[Row, ...]:
        """The forecasts that these looks come to."""
        return forecasts(
            logits,
            len(self.battles),
            self.weights,
            self.prior,
            self.finish,
            temperature=self.temperature,
            calibrate=self.calibrate,
        )

    def means(self, logits: dict[Look, Row]) -> tuple[Row, ...]:
        """The stages' mean alone, by which a later stage's battles are chosen."""
        return forecasts(logits, len(self.battles), self.weights, self.prior)


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who is told what, and who may interrupt.

    Attributes:
        tell: given a line where something is dropped or shortened.
        expect: told how many looks more there will be.
        advance: told how many looks are done.
        deliver: given a way to the forecasts so far, often; decides itself whether it takes them.
        stop: says whether to stop now.
    """

    tell: Callable[[str], None] = lambda _: None
    expect: Count = lambda _: None
    advance: Count = lambda _: None
    deliver: Callable[[Rows], None] = lambda _: None
    stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Scored:
    """What came out of a run.

    Attributes:
        probabilities: one row a battle, in order; columns as the model's labels.
        logits: of every look that has finite ones.
        meter: what the devices did in this run; what a journal brought is not in it.
        tokenise_s: that tokenising took, beside the devices.
        seconds: of the whole run.
        stopped: whether somebody stopped it.
        without: places of the battles that hold the prior.
        too_large: places of those of them that do not fit in memory.
        dropped: what was left out for want of time, a sentence each.
    """

    probabilities: tuple[Row, ...]
    logits: dict[Look, Row]
    meter: Meter
    tokenise_s: float
    seconds: float
    stopped: bool = False
    without: tuple[int, ...] = ()
    too_large: tuple[int, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def swapped(self) -> tuple[int, ...]:
        """Places of the battles with a second look of the first model."""
        return tuple(sorted(look.place for look in self.logits if look.swapped and look.stage == 0))


def default_batch_tokens(device_type: str) -> int:
    """The token budget of a batch where none was asked for."""
    return CPU_BATCH_TOKENS if device_type == "cpu" else GPU_BATCH_TOKENS
