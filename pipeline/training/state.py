"""What a run is made of at a step, as plain tensors on the host and numbers: what a checkpoint holds.

Random states are no part of it: every step seeds the generators from the run's seed, its own number and the process,
so they follow from the step.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

from pipeline.training.adapt import Trainable

if TYPE_CHECKING:
    import torch

MODEL: Final = "model/"
OPTIMISER: Final = "optimiser/"
Tensors = Mapping[str, "torch.Tensor"]


class Evaluation(BaseModel):
    """How the held-out battles were forecast after a step; `loss_prior` is the best constant forecast's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    epoch: float
    loss: float
    accuracy: float
    loss_prior: float
    battles: int


class Progress(BaseModel):
    """How far a run is.

    Attributes:
        step: steps that were taken.
        losses: the mean loss of each, in nats.
        evaluations: all so far.
        seconds: spent in the steps, over all sittings.
        scale: of the loss in float16, None elsewhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int = 0
    losses: tuple[float, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    seconds: float = 0.0
    scale: dict[str, float | int] | None = None


def capture(parts: Sequence[Trainable], optimiser: "torch.optim.Optimizer | None") -> dict[str, "torch.Tensor"]:
    """The tensors of what is trained, and of the optimiser, by name; whole where they are sharded.

    Every process has to call it; each gets all.
    """
    found = {MODEL + each.name: _whole(each.parameter.detach()) for each in parts}
    if optimiser is not None:
        for each in parts:
            for slot, value in optimiser.state.get(each.parameter, {}).items():
                found[f"{OPTIMISER}{each.name}/{slot}"] = _whole(value)
    return found


def restore(parts: Sequence[Trainable], optimiser: "torch.optim.Optimizer", tensors: Tensors) -> None:
    """Put captured tensors back, each as its place has it: dtype, device, shard.

    Raises:
        ValueError: the names or shapes are not those of these parts.
    """
    import torch

    wanted = {MODEL + each.name for each in parts}
    stored = {name for name in tensors if name.startswith(MODEL)}
    if wanted != stored:
        raise ValueError(f"{len(wanted ^ stored)} tensors differ by name, {min(wanted ^ stored)} among them")
    with torch.no_grad():
        for each in parts:
            value = tensors[MODEL + each.name]
            if value.shape != each.parameter.shape:
                raise ValueError(f"{each.name} is {tuple(each.parameter.shape)}, and {tuple(value.shape)} was stored")
            each.parameter.copy_(_like(value, each.parameter))
            prefix = f"{OPTIMISER}{each.name}/"
            slots = {name.removeprefix(prefix): slot for name, slot in tensors.items() if name.startswith(prefix)}
            optimiser.state[each.parameter] = {name: _slot(slot, each.parameter) for name, slot in slots.items()}


def _whole(tensor: Any) -> "torch.Tensor":
    full: torch.Tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
    return full.to("cpu", copy=True)


def _slot(value: "torch.Tensor", parameter: Any) -> Any:
    """AdamW counts its steps on the host; its moments lie where the parameter does."""
    return value.clone() if value.dim() == 0 else _like(value, parameter)


def _like(value: "torch.Tensor", parameter: Any) -> Any:
    placed = value.to(device=parameter.device, dtype=parameter.dtype, copy=True)
    if not hasattr(parameter, "device_mesh"):
        return placed
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(placed, parameter.device_mesh, parameter.placements)
