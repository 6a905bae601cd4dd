"""A TPU through torch_tpu, in simulation: its runtime on a CPU behind the interface of a TPU, one device.

Run by `make test-tpu`, which has an environment of its own, and skipped elsewhere. What cannot be simulated (several
devices, compiled layers, attention in the TPU's own kernels) is unproven.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from placed_run import Placed
from simulated_tpu import ABSENT, PLUGIN
from tiny_classifier import save_classifier

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.skipif(find_spec("torch_tpu") is None, reason="torch_tpu is not installed: make test-tpu"),
    pytest.mark.slow,
]
CHOOSE = "from pipeline.training.placement.choose import choose_placement as choose; choose('tpu')"


def child(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """In which torch would load torch_tpu, and die for want of its library."""
    environment = {name: value for name, value in os.environ.items() if name != "TORCH_DEVICE_BACKEND_AUTOLOAD"}
    environment["PYTHONPATH"] = f"{ROOT}:{ROOT / 'tests'}"
    return subprocess.run(
        [sys.executable, *map(str, command)], check=False, env=environment, capture_output=True, text=True, timeout=900
    )


needs_no_library = pytest.mark.skipif(find_spec("libtpu") is not None, reason="libtpu is installed")


@needs_no_library
def test_torch_dies_of_torch_tpu_without_its_library() -> None:
    """Else the next two tests would prove nothing."""
    done = child("-c", "import torch\nprint('imported')")
    assert done.returncode != 0
    assert "imported" not in done.stdout
    assert "Traceback" not in done.stderr  # it cannot be caught


@needs_no_library
def test_a_tpu_without_its_library_is_told_in_place_of_an_abort() -> None:
    done = child("-c", CHOOSE)
    assert done.returncode == 1
    assert "MissingPackageError: torch_tpu is installed without the library of the TPU" in done.stderr


@pytest.mark.skipif(not PLUGIN.is_file(), reason="xla-cpu-pjrt is not installed: make test-tpu")
@pytest.mark.parametrize("rows", [2, 8])
def test_a_simulated_tpu_trains_what_a_cpu_does(rows: int, tmp_path: Path) -> None:
    base = save_classifier(tmp_path / "base", family="llama", head=False)
    how = ["--eager-attention", "--bucket", "80", "--rows", str(rows)]
    placed = {}
    for device, script in (("cpu", "placed_run.py"), ("tpu", "simulated_tpu.py")):
        (output := tmp_path / device).mkdir()
        done = child("-W", "ignore", ROOT / "tests" / script, base, output, device, *how)
        if done.returncode == ABSENT:
            pytest.skip(done.stdout.splitlines()[-1])
        assert done.returncode == 0, done.stderr[-3000:]
        placed[device] = Placed.read(output)
    print("cpu", *placed["cpu"].losses, "\ntpu", *placed["tpu"].losses)
    assert placed["tpu"].losses == pytest.approx(placed["cpu"].losses, abs=1e-5)
    assert placed["tpu"].norms == pytest.approx(placed["cpu"].norms, abs=1e-5)
    assert placed["tpu"].farthest(placed["cpu"]) < 1e-5
