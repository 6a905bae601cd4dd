"""Pick the placement for what was asked and what the machine has."""

from typing import Final, Literal, get_args

from pipeline.model.load import choose_device
from pipeline.training.placement.local import Local
from pipeline.training.placement.placement import Placement

Device = Literal["auto", "cpu", "cuda", "tpu", "xla"]
Parallel = Literal["auto", "data", "shard"]
DEVICES: Final[tuple[Device, ...]] = get_args(Device)
PARALLEL: Final[tuple[Parallel, ...]] = get_args(Parallel)


def choose_placement(device: Device, parallel: Parallel) -> Placement:
    """Where to train."""
    return Local(choose_device(device))  # type: ignore[arg-type]
