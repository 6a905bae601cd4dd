"""What a run is asked to do."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline.model.load import Dtype
from pipeline.scoring.deadline import FOREVER
from pipeline.text.truncate import Truncation
from pipeline.training.curriculum import Sources
from pipeline.training.placement.choose import Device, Parallel
from pipeline.training.plan import Plan

CHECKPOINT_EVERY_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked to do.

    Attributes:
        model: the reference of the base.
        output: the directory of the adapter, or of the model where all of it is trained.
        sources: the files of battles.
        plan: how it is trained.
        run: the run's directory; beside the output where None.
        max_length: tokens of a row; the default within the model's limit where None.
        truncation: how longer rows are cut.
        dtype: that is computed in.
        device, parallel, compiled: where, how several processes share the work, and whether layers are compiled; see
            `choose_placement`.
        deadline_s: be done by then, counted from the start of the process.
        checkpoint_every_s: seconds between checkpoints.
        keep_checkpoints: also when the run has ended well.
        fresh: begin again although the run could be gone on with.
        force: replace what stands at the output.
        roots, config: where models are looked for.
    """

    model: str
    output: Path
    sources: Sources
    plan: Plan
    run: Path | None = None
    max_length: int | None = None
    truncation: Truncation = field(default_factory=lambda: Truncation("middle", None))
    dtype: Dtype = "auto"
    device: Device = "auto"
    parallel: Parallel = "auto"
    compiled: bool = False
    deadline_s: float = FOREVER
    checkpoint_every_s: float = CHECKPOINT_EVERY_S
    keep_checkpoints: bool = False
    fresh: bool = False
    force: bool = False
    roots: tuple[Path, ...] = ()
    config: Path | None = None

    @property
    def directory(self) -> Path:
        """The run's directory."""
        return self.run or self.output.with_name(f"{self.output.name}-run")
