"""Any place, with the layers of the model compiled by torch's own compiler, or the one that the device brings."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.training.placement.blocks import blocks
from pipeline.training.placement.placement import Placement

if TYPE_CHECKING:
    import torch


class Compiled:
    """As the placement inside; every new shape costs a compilation, so shapes are fixed.

    Layer by layer, not as a whole: the layers of a transformer are alike, so one is compiled and all use it, and a
    sharded layer is put together around its compiled forward. `torch.compile` picks Inductor on CPUs and GPUs;
    torch_tpu makes its own backend the default.
    """

    def __init__(self, inner: Placement) -> None:
        self.inner = inner
        self.place = replace(inner.place, fixed_shapes=True)

    def put(self, model: Any) -> Any:
        """As `Placement`; compilation itself waits for the first forward."""
        for block in blocks(model):
            block.compile(dynamic=False)
        return self.inner.put(model)

    def feed(self, tensor: "torch.Tensor") -> "torch.Tensor":
        """As `Placement`."""
        return self.inner.feed(tensor)

    def total(self, tensors: Sequence["torch.Tensor"]) -> None:
        """As `Placement`."""
        self.inner.total(tensors)

    def gather(self, gradients: Sequence["torch.Tensor"]) -> None:
        """As `Placement`."""
        self.inner.gather(gradients)

    def end_step(self) -> None:
        """As `Placement`."""
        self.inner.end_step()

    def close(self) -> None:
        """As `Placement`."""
        self.inner.close()
