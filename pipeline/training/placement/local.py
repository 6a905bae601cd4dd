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
        """As `Placement`; a quantised model was loaded onto its device, and cannot be moved."""
        return model if getattr(model, "is_quantized", False) else model.to(self.place.device)

    def feed(self, tensor: "torch.Tensor") -> "torch.Tensor":
        """As `Placement`; from pinned memory the copy goes on while the host does."""
        if self.place.device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self.place.device, non_blocking=True)

    def total(self, tensors: Sequence["torch.Tensor"]) -> None:
        """As `Placement`."""

    def gather(self, gradients: Sequence["torch.Tensor"]) -> None:
        """As `Placement`."""

    def end_step(self) -> None:
        """As `Placement`."""

    def close(self) -> None:
        """As `Placement`."""
