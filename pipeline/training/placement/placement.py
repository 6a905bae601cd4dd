"""What the loop asks of the place where it runs: at most six functions and three facts.

The loop, the loss, the data and the checkpoints know nothing else about devices or processes. Every process runs the
same loop over the same steps; each computes its share of the micro-batches of a step, and `total` puts sums together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Place:
    """The facts of a place.

    Attributes:
        device: where this process computes, as torch names it.
        rank: number of this process, from 0; the first one writes and speaks.
        processes: how many there are.
        fixed_shapes: whether every new shape costs a compilation, so that rows have to be padded to few lengths and
            micro-batches to a fixed number of rows.
    """

    device: "torch.device"
    rank: int = 0
    processes: int = 1
    fixed_shapes: bool = False

    @property
    def is_first(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0


class Placement(Protocol):
    """A place to run."""

    @property
    def place(self) -> Place:
        """Its facts."""

    def put(self, model: Any) -> Any:
        """The model on the device, sharded over the processes where this placement does so."""

    def feed(self, tensor: "torch.Tensor") -> "torch.Tensor":
        """A tensor [rows, ...] of a micro-batch on the device; over devices by rows, where one process has several."""

    def total(self, tensors: Sequence["torch.Tensor"]) -> None:
        """Each tensor becomes its sum over all processes, in place."""

    def gather(self, gradients: Sequence["torch.Tensor"]) -> None:
        """Gradients become the sum of all processes' shares, in place, unless the backward pass has seen to it."""

    def end_step(self) -> None:
        """A step has been put together: run it where execution is put off until asked for."""

    def close(self) -> None:
        """Let go of what was opened; the processes part."""
