"""`placed_run.py` on a CPU that torch_tpu takes for a TPU: a plugin of XLA for CPUs stands behind the same interface.

By private names of torch_tpu 0.2; where they are gone, `ABSENT` is the exit code and the last line says which. Attention
has to be eager there: the kernels that torch_tpu brings for the other kinds are a TPU's.
"""

import os
import sys
import sysconfig
from pathlib import Path

ABSENT = 77
PLUGIN = Path(sysconfig.get_path("purelib")) / "xla_plugins" / "xla_cpu_pjrt" / "xla_cpu_pjrt.so"


def simulate() -> None:
    os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"
    os.environ["TPU_LIBRARY_PATH"] = str(PLUGIN)
    sys.modules["libtpu"] = None  # type: ignore[assignment]  # as if it were not installed: no TPU is looked for
    try:
        import torch_tpu._loader as loader
        from torch_tpu._internal.utils import hardware

        hardware.get_tpu_device_count = lambda: 1
        loader._init_device("tpu")
    except (ImportError, AttributeError) as error:
        print(f"torch_tpu has changed: {error}")
        sys.exit(ABSENT)


if __name__ == "__main__":
    simulate()
    import placed_run

    placed_run.main()
