"""TPUs through torch_xla, as the contest's public training notebook had it: for images that still ship it.

One process holds all devices, and XLA's partitioner divides the work over a mesh of (1, devices, 1), named (dp, fsdp,
mp): weights along fsdp by the names of their layers, all else whole on every device. As in the notebook:

- the mesh, and the rules, which also match a LoRA's two matrices inside of a layer that they name;
- families whose layers no rule names are refused.

Other than in the notebook:

- rows are divided over fsdp, not the tokens of each row: the notebook gave rows to dp, which has one device, and the
  sequence to fsdp. A number of rows that the devices do not divide is computed whole by each, as are the labels'
  columns always (the notebook divided 3 columns by 8 devices);
- a side of a weight that the devices do not divide is not divided (a LoRA of rank 4 left half of 8 devices empty);
- every micro-batch is run when the next one begins, so that what is compiled depends on its shape alone.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import MissingPackageError, SettingsError
from pipeline.training.placement.placement import Place

if TYPE_CHECKING:
    import torch

AXES: Final = ("dp", "fsdp", "mp")
Spec = tuple[str | None, ...]
# Parts of a weight's name, and the axes that its two sides are divided over.
RULES: Final[tuple[tuple[re.Pattern[str], Spec], ...]] = (
    (re.compile(r"embed_tokens"), ("mp", "fsdp")),
    (re.compile(r"self_attn\.(q_proj|k_proj|v_proj)"), ("fsdp", "mp")),
    (re.compile(r"self_attn\.o_proj"), ("mp", "fsdp")),
    (re.compile(r"mlp\.(gate_proj|up_proj)"), ("fsdp", "mp")),
    (re.compile(r"mlp\.down_proj"), ("mp", "fsdp")),
    (re.compile(r"lm_head"), ("fsdp", "mp")),
)


def require_torch_xla() -> None:
    """Say what is missing, instead of an undefined symbol from the depths.

    Raises:
        MissingPackageError: torch_xla is not installed, or made for another torch.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        bridge, torch_version = version("torch_xla"), version("torch")
    except PackageNotFoundError as error:
        raise MissingPackageError(
            f"--device xla needs torch_xla, and {error.name} is not installed",
            fix="say --device tpu (torch_tpu), or pip install torch==2.9.0 torch_xla==2.9.0",
        ) from None
    minor = ".".join(bridge.split(".")[:2])
    if torch_version.split(".")[:2] != bridge.split(".")[:2]:
        raise MissingPackageError(
            f"torch_xla {bridge} can only be imported beside torch {minor}; torch {torch_version} is installed",
            fix=f"pip install torch=={minor}.0 torch_xla=={bridge}, or say --device tpu (torch_tpu)",
        )


def open_xla() -> "Spmd":
    """All devices of this machine, as one place.

    Raises:
        MissingPackageError: torch_xla is not installed, or made for another torch.
    """
    require_torch_xla()
    import torch_xla
    from torch_xla import runtime

    runtime.use_spmd()
    return Spmd(torch_xla.device(), runtime.global_runtime_device_count())


class Spmd:
    """As `Placement`; one process, several devices."""

    def __init__(self, device: "torch.device", devices: int) -> None:
        import numpy as np
        from torch_xla.distributed.spmd import Mesh

        self.place = Place(device, fixed_shapes=True)
        self.devices = devices
        self.mesh = Mesh(np.arange(devices), (1, devices, 1), AXES)

    def put(self, model: Any) -> Any:
        """As `Placement`.

        Raises:
            SettingsError: no rule names a layer of this family.
        """
        from torch_xla.distributed.spmd import mark_sharding

        specs = {name: partition(name, tuple(each.shape), self.devices) for name, each in model.named_parameters()}
        if not any(specs.values()):
            raise SettingsError(
                f"{model.config.model_type}: the rules of --device xla name no layer of this family",
                fix="say --device tpu (torch_tpu)",
            )
        model.to(self.place.device)
        for name, parameter in model.named_parameters():
            spec = specs[name]
            if spec:
                mark_sharding(parameter, self.mesh, spec)
        # Otherwise all micro-batches of a step are one graph, compiled anew for every number of them.
        model.register_forward_pre_hook(lambda *_: self.end_step())
        return model

    def feed(self, tensor: "torch.Tensor") -> "torch.Tensor":
        """As `Placement`; rows that the devices do not divide are on each of them."""
        from torch_xla.distributed.spmd import mark_sharding

        fed = tensor.to(self.place.device)
        if tensor.shape[0] % self.devices == 0:
            mark_sharding(fed, self.mesh, ("fsdp", *(None for _ in tensor.shape[1:])))
        return fed

    def total(self, tensors: Sequence["torch.Tensor"]) -> None:
        """As `Placement`; there is one process."""

    def gather(self, gradients: Sequence["torch.Tensor"]) -> None:
        """As `Placement`; the partitioner has put them together."""

    def end_step(self) -> None:
        """As `Placement`: what was recorded is compiled, or found compiled, and started."""
        import torch_xla

        torch_xla.sync()

    def close(self) -> None:
        """As `Placement`."""


def partition(name: str, shape: tuple[int, ...], devices: int) -> Spec | None:
    """The axis that each side of a weight is divided over; None for a weight that is whole on every device.

    Args:
        name: of the weight in its model.
        shape: its sides.
        devices: on the axis fsdp; the other axes have one each.

    >>> partition("model.layers.0.self_attn.q_proj.weight", (4096, 4096), 8)
    ('fsdp', 'mp')
    >>> partition("model.layers.0.self_attn.v_proj.lora_A.default.weight", (4, 4096), 8) is None
    True
    """
    spec = next((spec for pattern, spec in RULES if pattern.search(name)), None)
    if spec is None or len(shape) != len(spec) or shape[spec.index("fsdp")] % devices:
        return None
    return spec
