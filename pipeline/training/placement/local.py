"""One process on one device: a CPU, a GPU, or a TPU through torch's own device."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline.training.placement.placement import Place

if TYPE_CHECKING:
    import torch


class Local:
    """As `Placement`; there is nobody to put sums together with."""

    def __init__(self, device: "torch.device", *, fixed_shapes: bool = False) -> None:
        self.place = Place(device, fixed_shapes=fixed_shapes)

    def put(self, model: Any) -> Any:
        """As `Placement`."""
        return moved(model, self.place.device)

    def feed(self, tensor: "torch.Tensor") -> "torch.Tensor":
        """As `Placement`."""
        return fed(tensor, self.place.device)

    def total(self, tensors: Sequence["torch.Tensor"]) -> None:
        """As `Placement`."""

    def gather(self, gradients: Sequence["torch.Tensor"]) -> None:
        """As `Placement`."""

    def end_step(self) -> None:
        """As `Placement`."""

    def close(self) -> None:
        """As `Placement`."""


def moved(model: Any, device: "torch.device") -> Any:
    """The model on a device. A quantised one was loaded onto its device, and cannot be moved."""
    return model if is_quantised(model) else model.to(device)


def is_quantised(model: Any) -> bool:
    """Whether a model says that its weights have fewer bits; PEFT hands the question down."""
    return bool(getattr(model, "is_quantized", False))


def fed(tensor: "torch.Tensor", device: "torch.device") -> "torch.Tensor":
    """A tensor on a device; from pinned memory the copy goes on while the host does."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
