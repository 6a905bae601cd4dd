"""What the loop tells, whom it asks, and who keeps its checkpoints: all that connects it with files and signals."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from pipeline.training.checkpoint import Checkpoint
from pipeline.training.state import Evaluation, Progress, Tensors

Ended = Literal["done", "stopped", "out of time"]


class Checkpoints(Protocol):
    """Keeps what a run goes on from."""

    def latest(self) -> Checkpoint | None:
        """The newest that is whole; None where there is none."""

    def keep(self, progress: Progress, tensors: Tensors) -> None:
        """Write one.

        Raises:
            OutputError: it cannot be written; older ones are as they were.
        """


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What a step was like: its number from 1, mean loss in nats, rate, norm of its gradient before clipping."""

    step: int
    loss: float
    rate: float
    norm: float


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who is told what, and who may interfere; all of it may be left out.

    Attributes:
        checkpoints: None for a run that nobody would go on with.
        tell: given a line at every evaluation and about whatever goes wrong without ending the run.
        advance: given the number of examples of every step.
        stepped: given every step's facts, some time after it.
        evaluated: given every evaluation.
        began: given the number of steps that earlier sittings have taken, before the next one.
        stop: asked after every step why to stop, None for not; has to save first.
        checkpoint_due: asked after every step whether it is time for one.
    """

    checkpoints: Checkpoints | None = None
    tell: Callable[[str], None] = lambda _: None
    advance: Callable[[int], None] = lambda _: None
    stepped: Callable[[StepFacts], None] = lambda _: None
    evaluated: Callable[[Evaluation], None] = lambda _: None
    began: Callable[[int], None] = lambda _: None
    stop: Callable[[], Ended | None] = lambda: None
    checkpoint_due: Callable[[], bool] = lambda: False
