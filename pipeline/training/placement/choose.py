"""Choose the place to run by what was asked for, what imports, and which devices are there."""

import os
from collections.abc import Mapping, MutableMapping
from importlib.util import find_spec
from typing import Final, Literal, get_args

from pipeline.errors import SettingsError
from pipeline.model.load import require_packages
from pipeline.training.placement.compiled import Compiled
from pipeline.training.placement.distributed import DataParallel, Sharded, connect
from pipeline.training.placement.launch import TORCHRUN, Launch, read_launch
from pipeline.training.placement.local import Local
from pipeline.training.placement.placement import Place, Placement
from pipeline.training.placement.tpu import connect_tpus, find_tpu, keep_torch_importable, require_tpu
from pipeline.training.placement.xla import open_xla, require_torch_xla

Device = Literal["auto", "cpu", "cuda", "tpu", "xla"]
Parallel = Literal["auto", "data", "shard"]
DEVICES: Final[tuple[Device, ...]] = get_args(Device)
PARALLEL: Final[tuple[Parallel, ...]] = get_args(Parallel)


def choose_placement(
    device: Device = "auto",
    parallel: Parallel = "auto",
    *,
    compiled: bool = False,
    environment: MutableMapping[str, str] = os.environ,
) -> Placement:
    """The place to run, opened; to be called before torch is imported, and closed in the end.

    Args:
        device: `auto` takes GPUs, else TPUs through torch_tpu, else through torch_xla, else the CPU.
        parallel: what several processes do: the same model on different rows (`data`, also for `auto`), or each a part
            of the weights as well (`shard`), which is slower and needs that much less memory. `xla` has a way of its
            own.
        compiled: compile the layers of the model.
        environment: the variables of this process; torchrun's among them make it one of several.

    Raises:
        MissingPackageError: what the device needs is not installed, or in versions that do not go together.
        SettingsError: the device is not there, or the process was not started as this needs it.
        UnmetError: other processes of the run did not come.
    """
    require_packages()
    keep_torch_importable(environment, wanted=device == "tpu")
    launch = read_launch(environment)
    kind = _present() if device == "auto" else device
    if kind == "xla":
        return _xla(launch, parallel, compiled=compiled)
    if launch is None and parallel != "auto":
        raise SettingsError(
            f"--parallel {parallel} needs several processes, and there is this one", fix=TORCHRUN.format(2)
        )
    opened = _local(kind, environment) if launch is None else _together(kind, launch, parallel, environment)
    return Compiled(opened) if compiled else opened


def _present() -> Device:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if find_tpu() is not None:
        return "tpu"
    return "xla" if _has_tpu_by_xla() else "cpu"


def _has_tpu_by_xla() -> bool:
    """Whether torch_xla is there, whole, and has TPUs; it also runs on CPUs, which nobody means by `auto`."""
    if find_spec("torch_xla") is None:
        return False
    require_torch_xla()
    from torch_xla import runtime

    return bool(runtime.device_type() == "TPU")


def _local(kind: Device, environment: Mapping[str, str]) -> Placement:
    import torch

    if kind == "tpu":
        return Local(require_tpu(environment), fixed_shapes=True)
    if kind == "cuda":
        _require_gpus(1)
    return Local(torch.device(kind))


def _together(kind: Device, launch: Launch, parallel: Parallel, environment: Mapping[str, str]) -> Placement:
    place = _connected(kind, launch, environment)
    return Sharded(place) if parallel == "shard" else DataParallel(place)


def _connected(kind: Device, launch: Launch, environment: Mapping[str, str]) -> Place:
    import torch

    if kind == "tpu":
        return connect_tpus(launch, require_tpu(environment), environment)
    if kind == "cpu":
        return connect(launch, "gloo", torch.device("cpu"))
    _require_gpus(launch.local_rank + 1)
    torch.cuda.set_device(launch.local_rank)
    return connect(launch, "nccl", torch.device("cuda", launch.local_rank))


def _require_gpus(count: int) -> None:
    import torch

    there = torch.cuda.device_count()
    if there == 0:
        raise SettingsError("there is no CUDA device that torch can use", fix="say --device cpu")
    if there < count:
        raise SettingsError(
            f"process {count - 1} of this machine (numbered from 0) has no GPU of its own: torch sees {there}",
            fix=TORCHRUN.format(there) if there > 1 else "start it without torchrun",
        )


def _xla(launch: Launch | None, parallel: Parallel, *, compiled: bool) -> Placement:
    """One process holds all devices, divides the weights and compiles everything: nothing of it can be chosen."""
    if launch is not None:
        raise SettingsError("--device xla drives all devices from one process", fix="start it without torchrun")
    if parallel == "data":
        raise SettingsError("--device xla divides the weights over its devices", fix="leave --parallel out")
    if compiled:
        raise SettingsError("--device xla compiles without being asked", fix="leave --compile out")
    return open_xla()
