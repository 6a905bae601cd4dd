"""The machine that a run is meant for, and the sums with which the resolver judges its memory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that a run is meant for, as the resolver's profile has it.

    Attributes:
        accelerator: the profile's name; "host" is this machine.
        device: the name of one of its devices; "the CPU" where it has none.
        devices: how many there are, alike.
        kind: what torch calls them.
        memory_bytes: what one device can use; None where that is not known.
        has_bfloat16: whether its units multiply bfloat16.
        peak_16, peak_32: operations a second of one device in products of 16-bit and 32-bit numbers, None where not
            known.
        context_bytes: what its libraries take before the first tensor, at the least; 0 for a CPU.
        disk_bytes, time_limit_s: what a run may write and last; None where nobody has said.
    """

    accelerator: str
    device: str
    devices: int
    kind: Literal["cpu", "cuda", "tpu"]
    memory_bytes: int | None
    has_bfloat16: bool
    peak_16: float | None
    peak_32: float | None
    context_bytes: int
    disk_bytes: int | None
    time_limit_s: int | None


def machine_of(accelerator: str, *, config: Path | None = None) -> Machine:
    """The machine that a profile's name stands for.

    Raises:
        SettingsError: no such profile, or a settings file that cannot be used.
    """
    from resolver.environment import Environment
    from resolver.errors import ConfigurationError
    from resolver.host import peak_flops_of, this_host
    from resolver.rules.memory import CONTEXT_BYTES
    from resolver.settings import load_settings
    from resolver.target import target_host

    try:
        environment = Environment.this()
        settings = load_settings(environment, config)
        host = target_host(this_host(environment), accelerator, settings.accelerators)
    except ConfigurationError as error:
        raise SettingsError(str(error)) from None
    if not host.accelerators:
        return Machine(
            host.accelerator, "the CPU", 1, "cpu", host.memory_bytes, has_bfloat16=False,
            peak_16=None, peak_32=None, context_bytes=0, disk_bytes=host.disk_bytes, time_limit_s=host.time_limit_s,
        )  # fmt: skip
    smallest = min(host.accelerators, key=lambda each: each.memory_bytes or 0)
    is_tpu = smallest.name.startswith("TPU")
    return Machine(
        accelerator=host.accelerator,
        device=smallest.name,
        devices=len(host.accelerators),
        kind="tpu" if is_tpu else "cuda",
        memory_bytes=smallest.memory_bytes,
        has_bfloat16=is_tpu or (smallest.capability or (0, 0)) >= (8, 0),
        peak_16=peak_flops_of(smallest.name, "float16"),
        peak_32=peak_flops_of(smallest.name, "float32"),
        context_bytes=0 if is_tpu else CONTEXT_BYTES,
        disk_bytes=host.disk_bytes,
        time_limit_s=host.time_limit_s,
    )


def packed_bytes(bits: str, rows: int, columns: int) -> int:
    """A matrix in "int8" or "int4", by the formula that the resolver judges with."""
    from resolver.rules.memory import byte_bytes, nf4_bytes

    return byte_bytes(rows, columns) if bits == "int8" else nf4_bytes(rows, columns)


def least_activations(*, layers: int, hidden: int, inner: int, rows: int, length: int, element_bytes: int) -> int:
    """What H701 reckons for the activations of training with checkpointing, a lower bound."""
    from resolver.rules.memory import Plan, Shape, activations_bytes

    shape = Shape(layers=layers, hidden=hidden, heads=1, vocabulary=0, head_size=0, mlp=0, inner=inner)
    return activations_bytes(Plan("train", 0, element_bytes, shape), shape, rows, length)
