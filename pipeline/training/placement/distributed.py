"""Several processes, one device each, started by torchrun: CPUs over gloo, GPUs over NCCL, TPUs over tpu_dist.

The loss of a micro-batch is its share of the loss of the step, so what the processes compute is added up, never
averaged: the sum is the gradient that one process would have had.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import MissingPackageError, PipelineError, SettingsError
from pipeline.training.placement.blocks import blocks
from pipeline.training.placement.launch import TORCHRUN, Launch
from pipeline.training.placement.local import fed, is_quantised, moved
from pipeline.training.placement.placement import Place

if TYPE_CHECKING:
    import torch
    from torch.distributed.distributed_c10d import Store

# A process that loads a model and plans the steps is at the meeting place long before.
MEETING: Final = timedelta(minutes=5)
# The first process may be writing a checkpoint or waiting for a compiler while the others wait for it.
PATIENCE: Final = timedelta(minutes=30)
# Elements that are summed at once: 100 MB in float32, which bounds what a sum needs beside the gradients.
BUCKET: Final = 25_000_000


class UnmetError(PipelineError, TimeoutError):
    """Not all processes of the run came to the meeting place."""


class DataParallel:
    """As `Placement`; every process has the whole model.

    Not torch's DistributedDataParallel, which adds the same sums inside the backward pass: a step has several
    micro-batches, all but the last of which would have to be kept from it by `no_sync`, it divides by the number of
    processes, and its wrapper hides what the checkpoints and PEFT look for. Its gains are small here: a LoRA has a
    hundredth of the model's gradients, so one sum a step takes no time that overlapping could hide.
    """

    def __init__(self, place: Place) -> None:
        self.place = place

    def put(self, model: Any) -> Any:
        """As `Placement`; the first process's trained weights are everybody's."""
        model = moved(model, self.place.device)
        _share_trained(model, self.place.device)
        return model

    def feed(self, tensor: "torch.Tensor") -> "torch.Tensor":
        """As `Placement`."""
        return fed(tensor, self.place.device)

    def total(self, tensors: Sequence["torch.Tensor"]) -> None:
        """As `Placement`; tensors on the host take the way over the device, where the processes are connected."""
        from torch.distributed import all_reduce

        for tensor in tensors:
            here = tensor.to(self.place.device)
            all_reduce(here)
            if here is not tensor:
                tensor.copy_(here)

    def gather(self, gradients: Sequence["torch.Tensor"]) -> None:
        """As `Placement`: one sum over all of a step's gradients, a bucket at a time."""
        import torch
        from torch.distributed import all_reduce

        for bucket in _buckets(gradients):
            flat = torch.cat([each.reshape(-1) for each in bucket])
            all_reduce(flat)
            for each, summed in zip(bucket, torch.split(flat, [each.numel() for each in bucket]), strict=True):
                each.copy_(summed.view_as(each))

    def end_step(self) -> None:
        """As `Placement`."""

    def close(self) -> None:
        """As `Placement`."""
        from torch.distributed import destroy_process_group

        destroy_process_group()


class Sharded(DataParallel):
    """As `Placement`; every process has a part of each weight, and of what the optimiser keeps (FSDP2).

    Layer by layer: a layer is whole only while it computes. Frozen weights are sharded like trained ones, since they
    are what fills the memory. No mixed-precision policy: autocast decides what is computed in, and sums stay in the
    dtype of the trained weights. The backward pass itself adds the gradients up, after every micro-batch.
    """

    def put(self, model: Any) -> Any:
        """As `Placement`; a model on the host comes to the device layer by layer, so that it never has to fit whole.

        Raises:
            SettingsError: its weights are quantised.
            MissingPackageError: this torch cannot add without dividing.
        """
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import FSDPModule, fully_shard

        if is_quantised(model):
            raise SettingsError("quantised weights cannot be sharded", fix="say --parallel data, or --quantize none")
        if not hasattr(FSDPModule, "set_force_sum_reduction_for_comms"):
            raise MissingPackageError("--parallel shard needs torch 2.9 or newer", fix="say --parallel data")
        _share_trained(model, self.place.device)
        mesh = init_device_mesh(self.place.device.type, (self.place.processes,))
        for module in (*blocks(model), model):
            fully_shard(module, mesh=mesh)
            module.set_gradient_divide_factor(1.0)
            # Otherwise a factor is handed to the sum itself, which only NCCL knows.
            module.set_force_sum_reduction_for_comms(True)
        return model

    def gather(self, gradients: Sequence["torch.Tensor"]) -> None:
        """As `Placement`; done already."""


def connect(
    launch: Launch,
    backend: str,
    device: "torch.device",
    *,
    fixed_shapes: bool = False,
    meeting: timedelta = MEETING,
) -> Place:
    """Meet the other processes.

    Args:
        launch: what torchrun said.
        backend: of torch.distributed, the one that connects such devices.
        device: this process's own.
        fixed_shapes: as `Place` has it.
        meeting: how long to wait for the others.

    Returns:
        The place; `close` of its placement parts the processes again.

    Raises:
        UnmetError: some of them did not come.
    """
    import torch.distributed as dist
    from torch.distributed.rendezvous import rendezvous

    try:
        store, _, _ = next(rendezvous("env://", launch.rank, launch.processes, timeout=meeting))
        _wait_for_all(store, launch, meeting)
    except dist.DistError as error:
        raise UnmetError(
            f"process {launch.rank} of {launch.processes} (numbered from 0) waited in vain for the others:"
            f" {str(error).splitlines()[0]}",
            fix=f"start all of them: {TORCHRUN.format(launch.processes)} (with --nnodes, on every machine)",
        ) from None
    dist.init_process_group(
        backend,
        store=store,
        rank=launch.rank,
        world_size=launch.processes,
        timeout=PATIENCE,
        device_id=device if device.type == "cuda" else None,
    )
    return Place(device, launch.rank, launch.processes, fixed_shapes)


def _wait_for_all(store: "Store", launch: Launch, meeting: timedelta) -> None:
    """Where torchrun holds the meeting place it is there before the processes are."""
    store.set(f"came/{launch.rank}", "")
    store.wait([f"came/{rank}" for rank in range(launch.processes)], meeting)


def _share_trained(model: Any, device: "torch.device") -> None:
    """Everybody starts from the first process's trained weights, which were drawn; the others were read from files."""
    from torch.distributed import broadcast

    for parameter in model.parameters():
        if parameter.requires_grad:
            here = parameter.data.to(device)
            broadcast(here, 0)
            parameter.data.copy_(here)


def _buckets(gradients: Sequence["torch.Tensor"]) -> Iterator[list["torch.Tensor"]]:
    """Gradients that are summed together: of one dtype, and not too many elements at once."""
    by_dtype: dict[torch.dtype, list[torch.Tensor]] = {}
    for gradient in gradients:
        by_dtype.setdefault(gradient.dtype, []).append(gradient)
    for alike in by_dtype.values():
        bucket: list[torch.Tensor] = []
        for gradient in alike:
            if bucket and sum(each.numel() for each in bucket) + gradient.numel() > BUCKET:
                yield bucket
                bucket = []
            bucket.append(gradient)
        yield bucket
