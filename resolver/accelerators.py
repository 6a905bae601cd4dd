"""Accelerator profiles: machines that one can judge for without being on them.

Does not know which model is judged. Memory is what a process was seen to be given (torch's "total capacity of 14.75
GiB"), not what is printed on the box; what was never seen is None and judged by nobody.
"""

from collections.abc import Mapping
from typing import Final

from resolver.errors import ConfigurationError
from resolver.host import HERE, HOST, Accelerator, Host
from resolver.record import Record

GIB: Final = 2**30
KAGGLE_DISK_BYTES: Final = 20 * 10**9  # of /kaggle/working
KAGGLE_SECONDS: Final = 9 * 3600


class Throughput(Record):
    """What a run was measured to do, for an estimate of the next one.

    Attributes:
        tokens_per_second: of the whole machine.
        rows: of the run that is planned.
        tokens_per_row: on average, before a limit of length.
    """

    tokens_per_second: float
    rows: int
    tokens_per_row: float


class Profile(Record):
    """One kind of machine.

    Attributes:
        name: as --accelerator takes it.
        devices: alike; empty for a machine that computes on its CPU.
        memory_bytes: main memory; None where unknown.
        disk_bytes: what may be written; None where there is no limit, or none that is known.
        time_limit_s: of one run; None as above.
        image: which of Kaggle's images it runs, "GPU" or "TPU"; None for the versions of this machine.
        throughput: None where nothing was measured.
    """

    name: str
    devices: tuple[Accelerator, ...] = ()
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    time_limit_s: int | None = None
    image: str | None = None
    throughput: Throughput | None = None


def _kaggle(name: str, count: int, device: Accelerator, memory_bytes: int | None = None) -> Profile:
    image = "TPU" if device.capability is None else "GPU"
    return Profile(name, (device,) * count, memory_bytes, KAGGLE_DISK_BYTES, KAGGLE_SECONDS, image)


def _device(name: str, gib: float, capability: tuple[int, int] | None = None) -> Accelerator:
    return Accelerator(name, int(gib * GIB), capability)


# Memory as torch reports it: T4 14.56 to 14.76 by driver, P100 15.89, L4 22.03, RTX PRO 6000 94.97 (tracebacks in
# public issues); H100 79.1 and a TPU core's 15.75 by general knowledge.
PROFILES: Final[tuple[Profile, ...]] = (
    _kaggle("kaggle-t4x2", 2, _device("Tesla T4", 14.75, (7, 5)), 30 * 10**9),
    _kaggle("kaggle-p100", 1, _device("Tesla P100-PCIE-16GB", 15.89, (6, 0)), 30 * 10**9),
    _kaggle("kaggle-l4x4", 4, _device("NVIDIA L4", 22.03, (8, 9))),
    _kaggle("kaggle-rtx-pro-6000", 1, _device("NVIDIA RTX PRO 6000 Blackwell Server Edition", 94.97, (12, 0))),
    _kaggle("kaggle-h100", 1, _device("NVIDIA H100 80GB HBM3", 79.1, (9, 0))),
    _kaggle("kaggle-tpu-v5e-8", 8, _device("TPU v5e core", 15.75)),
    _kaggle("kaggle-tpu-v3-8", 8, _device("TPU v3 core", 15.75)),
    Profile("cpu"),
)


# Kaggle's machine_shape -> ours; lower case (ids of the kaggle command line, 2026-07). A plain enable_gpu gives a P100.
SHAPES: Final[Mapping[str, str]] = {
    "nvidiateslat4": "kaggle-t4x2",
    "nvidiateslat4highmem": "kaggle-t4x2",
    "nvidiateslap100": "kaggle-p100",
    "nvidial4": "kaggle-l4x4",
    "nvidiartxpro6000": "kaggle-rtx-pro-6000",
    "nvidiah100": "kaggle-h100",
    "tpuv38": "kaggle-tpu-v3-8",
    "tpu1vmv38": "kaggle-tpu-v3-8",
    "tpuv5e8": "kaggle-tpu-v5e-8",
    "none": "cpu",
    "cpu": "cpu",
}


def of_kernel(shape: str | None, *, gpu: bool | None, tpu: bool | None) -> str | None:
    """The profile that a kernel's metadata asks for; None where it says nothing, or a shape that is not known here.

    >>> of_kernel("NvidiaTeslaT4", gpu=True, tpu=False)
    'kaggle-t4x2'
    """
    if shape is not None:
        return SHAPES.get(shape.replace("_", "").replace("-", "").lower())
    if tpu:
        return "kaggle-tpu-v5e-8"
    if gpu:
        return "kaggle-p100"
    return "cpu" if gpu is False else None


def names(own: Mapping[str, Profile]) -> tuple[str, ...]:
    """Every name that --accelerator takes: this machine, ours, and those of the settings."""
    return (HOST, *(each.name for each in PROFILES if each.name not in own), *own)


def profile_of(name: str, own: Mapping[str, Profile]) -> Profile:
    """A profile by its name, one of the settings before one of ours.

    Raises:
        ConfigurationError: no such name; lists those that are.
    """
    if name in own:
        return own[name]
    found = next((each for each in PROFILES if each.name == name), None)
    if found is None:
        raise ConfigurationError(f"accelerator {name!r} is not known; known are {', '.join(names(own))}")
    return found


def host_for(host: Host, name: str, own: Mapping[str, Profile], image: str | None = None) -> Host:
    """The machine that is judged for.

    Args:
        host: this machine, or one that was recorded; it says what the profile and the image leave open.
        name: the profile's.
        own: the profiles of the settings.
        image: the day of a Kaggle image; None for the newest where the profile runs one and `host` is this machine.

    Returns:
        `host` itself for "host" without an image.

    Raises:
        ConfigurationError: no such profile, or no image of that day.
    """
    if name == HOST:
        return host if image is None else _with_image(host, "GPU", image)
    profile = profile_of(name, own)
    judged = host.replaced(
        accelerator=name,
        accelerators=profile.devices,
        memory_bytes=profile.memory_bytes or (host.memory_bytes if profile.image is None else None),
        disk_bytes=profile.disk_bytes,
        time_limit_s=profile.time_limit_s,
        throughput=profile.throughput,
    )
    if image is None and (profile.image is None or host.source != HERE):
        return judged
    return _with_image(judged, profile.image or "GPU", image)


def _with_image(host: Host, kind: str, date: str | None) -> Host:
    """The host with an image's versions: of its variables, directories and network nothing is known."""
    from resolver.images import image_of  # noqa: PLC0415 - a table, only for a machine that runs one

    image = image_of(kind, date)
    return host.replaced(
        source=image.source,
        packages=image.packages,
        python=image.python,
        platform=None,
        has_network=None,
        offline_set=False,
        offline_masked=False,
        autoload_off=False,
        unwritable={},
        model_types=None,
    )
