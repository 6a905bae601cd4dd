"""TPUs through torch_tpu: torch's own device `tpu`, a process for each.

As read in torch_tpu 0.2; no TPU was there. One device was run in simulation, several never were: benchmarks/README.md
says what was seen.
"""

import sys
from collections.abc import Mapping, MutableMapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.errors import MissingPackageError, SettingsError
from pipeline.training.placement.distributed import connect
from pipeline.training.placement.launch import Launch
from pipeline.training.placement.placement import Place

if TYPE_CHECKING:
    import torch

BACKEND: Final = "tpu_dist"
# `import torch` loads every backend that is installed, unless this is 0.
AUTOLOAD: Final = "TORCH_DEVICE_BACKEND_AUTOLOAD"
LIBRARY: Final = "TPU_LIBRARY_PATH"
# The processes of torch_tpu find each other's chips by these, which have to be set before torchrun starts them.
ADDRESSES: Final = "TORCH_TPU_SLICEBUILDER_ADDRESSES"
WHEELS: Final = "torch_tpu==0.2.0 libtpu==0.0.52"


def keep_torch_importable(environment: MutableMapping[str, str], *, wanted: bool) -> None:
    """Keep `import torch` from ending this process: it does where torch_tpu is installed and its library is not.

    To be called before torch is imported. Where no TPU was asked for, torch_tpu is left out of this process.

    Args:
        environment: the variables of this process.
        wanted: whether a TPU was asked for.

    Raises:
        MissingPackageError: a TPU was asked for.
    """
    if "torch" in sys.modules or environment.get(AUTOLOAD, "1") == "0" or find_spec("torch_tpu") is None:
        return
    named = environment.get(LIBRARY)
    if Path(named).is_file() if named else find_spec("libtpu") is not None:
        return
    if wanted:
        raise MissingPackageError(
            f"torch_tpu is installed without the library of the TPU ({LIBRARY} is {named or 'not set'}): importing"
            " torch would end this process",
            fix=f"pip install {WHEELS.split()[1]}",
        )
    environment[AUTOLOAD] = "0"


def find_tpu() -> "torch.device | None":
    """The TPU of this process; None where torch sees none."""
    import torch

    found = torch.accelerator.current_accelerator()
    return found if found is not None and found.type == "tpu" and torch.accelerator.device_count() else None


def require_tpu(environment: Mapping[str, str]) -> "torch.device":
    """The TPU of this process.

    Raises:
        MissingPackageError: torch_tpu is not installed.
        SettingsError: it is, and sees no TPU, or is kept from loading.
    """
    if find_spec("torch_tpu") is None:
        raise MissingPackageError(
            "--device tpu needs torch_tpu, which is not installed",
            fix=f"pip install {WHEELS} (torch 2.11 to 2.15), or say --device xla where torch_xla is",
        )
    found = find_tpu()
    if found is not None:
        return found
    if environment.get(AUTOLOAD) == "0":
        raise SettingsError(f"{AUTOLOAD}=0 keeps torch from loading torch_tpu", fix=f"unset {AUTOLOAD}")
    raise SettingsError(
        "torch_tpu is installed and sees no TPU (it knows v4, v5e, v5p, v6e and v7, not v2 and v3)",
        fix="say --device xla on a v2 or v3 with torch_xla, --device cpu without a TPU",
    )


def connect_tpus(launch: Launch, device: "torch.device", environment: Mapping[str, str]) -> Place:
    """Meet the other processes, each of which has a TPU.

    Raises:
        SettingsError: they were started without the addresses of the chips.
        UnmetError: some of them did not come.
    """
    if not environment.get(ADDRESSES):
        raise SettingsError(
            f"{ADDRESSES} is not set: the processes cannot find each other's TPUs",
            fix='set -a; eval "$(python -m torch.tpu.distributed)"; then torchrun again',
        )
    return connect(launch, BACKEND, device, fixed_shapes=True)
