"""Eight devices through torch_xla, on a CPU: the partitioner and the rules are those of a TPU.

Run by `make test-xla`, which has an environment of its own with the torch that torch_xla needs, and skipped elsewhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from placed_run import Placed
from tiny_classifier import save_classifier

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.skipif(find_spec("torch_xla") is None, reason="torch_xla is not installed: make test-xla"),
    pytest.mark.slow,
]
EIGHT = {"PJRT_DEVICE": "CPU", "CPU_NUM_DEVICES": "8"}


def child(*command: str | Path) -> str:
    environment = os.environ | EIGHT | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    done = subprocess.run(
        [sys.executable, *map(str, command)], check=False, env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("rows", [8, 2])
def test_eight_devices_train_what_a_cpu_does(rows: int, tmp_path: Path) -> None:
    """Eight rows are divided over the devices; two are on each of them."""
    base = save_classifier(tmp_path / "base", family="llama", head=False)
    placed = {}
    for device in ("cpu", "xla"):
        (output := tmp_path / device).mkdir()
        child(ROOT / "tests" / "placed_run.py", base, output, device, "--bucket", "80", "--rows", str(rows))
        placed[device] = Placed.read(output)
    print("cpu", *placed["cpu"].losses, "\nxla", *placed["xla"].losses)
    assert placed["xla"].losses == pytest.approx(placed["cpu"].losses, abs=1e-5)
    assert placed["xla"].norms == pytest.approx(placed["cpu"].norms, abs=1e-5)
    assert placed["xla"].farthest(placed["cpu"]) < 1e-5


LOOK = """
import json, sys
from pathlib import Path
import placed_run, torch
from pipeline.training.placement.choose import choose_placement
from pipeline.training.placement.xla import Spmd
import torch_xla

def spec(tensor):
    return torch_xla._XLAC._get_xla_sharding_spec(tensor)

placement = choose_placement("xla")
model = placement.put(placed_run.load(Path(sys.argv[1]), new_head=True).model)
names = ["model.embed_tokens", "model.layers.0.self_attn.q_proj", "model.layers.0.mlp.down_proj", "score"]
weights = {name: spec(model.get_submodule(name).weight) for name in names}
fed = {str(rows): spec(placement.feed(torch.zeros(rows, 3))) for rows in (8, 5)}
print(json.dumps({"device": placement.place.device.type, "weights": weights, "fed": fed}))
"""


def test_weights_and_rows_lie_along_fsdp_and_labels_do_not(tmp_path: Path) -> None:
    base = save_classifier(tmp_path / "base", family="llama", head=False)
    told = json.loads(child("-c", LOOK, base).splitlines()[-1])
    assert told["device"] == "xla"
    weights = told["weights"]
    assert "devices=[8,1]" in weights["model.layers.0.self_attn.q_proj"]
    assert "devices=[1,8]" in weights["model.layers.0.mlp.down_proj"]
    assert "devices=[1,8]" in weights["model.embed_tokens"]
    assert "devices" not in weights["score"]
    assert "devices=[8,1]" in told["fed"]["8"]
    assert "devices" not in told["fed"]["5"]


def test_a_family_that_no_rule_names_is_refused(tmp_path: Path) -> None:
    base = save_classifier(tmp_path / "base", family="bert", head=False)
    refused = LOOK.replace(
        "model = placement.put", "import pytest\nwith pytest.raises(ValueError, match='bert: the rules'): placement.put"
    )
    child("-c", refused.split("names = [")[0], base)
