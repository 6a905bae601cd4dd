"""Which place is chosen, what is said where it cannot be had, and what is done to a model that is put there."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
from tiny_classifier import load, save_classifier
from training_runs import plan, run

from pipeline.errors import MissingPackageError, SettingsError
from pipeline.training.adapt import prepare
from pipeline.training.placement.blocks import blocks
from pipeline.training.placement.choose import choose_placement
from pipeline.training.placement.distributed import Sharded, UnmetError, connect
from pipeline.training.placement.launch import Launch, read_launch
from pipeline.training.placement.local import Local
from pipeline.training.placement.placement import Place
from pipeline.training.placement.xla import partition

ROOT = Path(__file__).resolve().parents[2]
TORCHRUN = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in TORCHRUN.items() if key != name}


def test_a_process_of_torchrun_knows_its_number_and_one_by_itself_has_none() -> None:
    assert read_launch(TORCHRUN) == Launch(rank=1, processes=2, local_rank=1)
    assert read_launch({}) is None
    assert read_launch({"MASTER_ADDR": "localhost"}) is None  # some images set it for everybody
    assert read_launch(TORCHRUN | {"RANK": "0", "WORLD_SIZE": "1"}) is None


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (without("RANK"), "RANK is not"),
        (without("WORLD_SIZE"), "WORLD_SIZE is not"),
        (without("MASTER_PORT"), "MASTER_PORT is not"),
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE=2 is set and RANK, LOCAL_RANK, MASTER_ADDR, MASTER_PORT is not"),
        (TORCHRUN | {"RANK": "first"}, "RANK=first is no number"),
        (TORCHRUN | {"RANK": "2"}, "RANK=2 is no number of one of WORLD_SIZE=2 processes"),
    ],
)
def test_half_of_what_torchrun_says_is_refused_and_told(environment: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        read_launch(environment)
    assert "torchrun --nproc-per-node 2 -m pipeline train" in caught.value.fix


@pytest.mark.parametrize("parallel", ["data", "shard"])
def test_one_process_cannot_share_its_work(parallel: str) -> None:
    with pytest.raises(SettingsError, match="needs several processes") as caught:
        choose_placement("cpu", parallel, environment={})
    assert "torchrun" in caught.value.fix


def test_processes_that_do_not_come_are_told_and_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "0")  # any that is free
    with pytest.raises(UnmetError, match=r"process 0 of 2 .* waited in vain") as caught:
        connect(Launch(0, 2, 0), "gloo", torch.device("cpu"), meeting=timedelta(seconds=1))
    assert "torchrun --nproc-per-node 2" in caught.value.fix


def test_without_a_gpu_cuda_is_refused_and_auto_is_the_cpu() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(SettingsError, match="no CUDA device"):
        choose_placement("cuda", environment={})
    with pytest.raises(SettingsError, match="no CUDA device"):
        choose_placement("cuda", environment=TORCHRUN)
    place = choose_placement(environment={}).place
    assert (str(place.device), place.processes, place.fixed_shapes) == ("cpu", 1, False)


def test_a_tpu_without_its_package_names_the_wheels() -> None:
    if find_spec("torch_tpu") is not None:
        pytest.skip("torch_tpu is installed")
    with pytest.raises(MissingPackageError, match="needs torch_tpu") as caught:
        choose_placement("tpu", environment={})
    assert "torch_tpu==0.2.0 libtpu==0.0.52" in caught.value.fix


def installed(directory: Path, name: str, version: str) -> str:
    """A package that is there by its metadata and name, and that nobody could import anything from."""
    (directory / name).mkdir()
    (directory / name / "__init__.py").write_text("raise ImportError('undefined symbol')\n")
    about = directory / f"{name}-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return str(directory)


@pytest.mark.parametrize("device", ["xla", "auto"])
def test_torch_xla_of_another_torch_is_told_before_it_is_imported(
    device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    if device == "auto" and torch.cuda.is_available():
        pytest.skip("there is a GPU, so nobody asks torch_xla")
    monkeypatch.syspath_prepend(installed(tmp_path, "torch_xla", "1.99.0"))
    with pytest.raises(
        MissingPackageError, match=r"torch_xla 1.99.0 can only be imported beside torch 1.99;"
    ) as caught:
        choose_placement(device, environment={})
    assert "torch==1.99.0 torch_xla==1.99.0" in caught.value.fix


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"environment": TORCHRUN}, "one process"),
        ({"parallel": "data"}, "divides the weights"),
        ({"compiled": True}, "compiles without being asked"),
    ],
)
def test_nothing_can_be_chosen_of_xla(asked: dict, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        choose_placement("xla", **({"environment": {}} | asked))


GUARD = """
import os, sys
from pipeline.training.placement.tpu import keep_torch_importable
assert "torch" not in sys.modules
try:
    keep_torch_importable(os.environ, wanted=sys.argv[1] == "tpu")
except Exception as error:
    print(type(error).__name__, error, "fix:", error.fix)
print(os.environ.get("TORCH_DEVICE_BACKEND_AUTOLOAD"))
"""


@pytest.mark.parametrize(
    ("device", "library", "said"),
    [
        ("cpu", None, "0"),
        ("cpu", "absent.so", "0"),
        ("cpu", "there.so", "None"),
        ("tpu", "there.so", "None"),
        ("tpu", None, "TPU_LIBRARY_PATH is not set"),
        ("tpu", "absent.so", "absent.so): importing torch would end this process"),
    ],
)
def test_torch_tpu_without_its_library_is_left_out_or_told_before_torch_dies_of_it(
    device: str, library: str | None, said: str, tmp_path: Path
) -> None:
    if find_spec("libtpu") is not None:
        pytest.skip("libtpu is installed")
    (tmp_path / "there.so").touch()
    environment = {"PYTHONPATH": f"{installed(tmp_path, 'torch_tpu', '0.2.0')}:{ROOT}", "PATH": ""}
    if library:
        environment["TPU_LIBRARY_PATH"] = str(tmp_path / library)
    done = subprocess.run(
        [sys.executable, "-c", GUARD, device], env=environment, check=True, capture_output=True, text=True
    )
    assert said in done.stdout
    assert ("MissingPackageError" in done.stdout) == ("TPU_LIBRARY_PATH" in said or "would end" in said)


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "llama", "gpt2"])
def test_the_layers_of_every_family_are_found_below_an_adapter_too(tmp_path: Path, family: str) -> None:
    classifier = load(save_classifier(tmp_path, family=family))
    bare = blocks(classifier.model)
    assert len(bare) == classifier.model.config.num_hidden_layers == 2
    assert blocks(prepare(classifier, plan()).model) == bare


@pytest.fixture
def quantised(tmp_path: Path):
    import torch

    from pipeline.model.load import load_classifier

    pytest.importorskip("bitsandbytes")
    path = save_classifier(tmp_path, family="llama")
    cpu = torch.device("cpu")
    return load_classifier(path, labels=3, dtype=torch.float32, device=cpu, quantize="int8").model


def test_a_quantised_model_stays_where_it_was_loaded(quantised) -> None:
    import torch

    nowhere = torch.device("meta")
    assert Local(nowhere).put(quantised) is quantised
    assert {each.device.type for each in quantised.parameters()} == {"cpu"}


def test_a_quantised_model_is_not_sharded(quantised) -> None:
    import torch

    with pytest.raises(SettingsError, match="quantised weights cannot be sharded"):
        Sharded(Place(torch.device("cpu"), processes=2)).put(quantised)


@pytest.mark.parametrize(
    ("name", "shape", "spec"),
    [
        ("base_model.model.model.embed_tokens.weight", (32_000, 4096), ("mp", "fsdp")),
        ("base_model.model.model.layers.0.self_attn.q_proj.base_layer.weight", (4096, 4096), ("fsdp", "mp")),
        ("base_model.model.model.layers.0.self_attn.o_proj.base_layer.weight", (4096, 4096), ("mp", "fsdp")),
        ("base_model.model.model.layers.0.mlp.down_proj.weight", (4096, 14_336), ("mp", "fsdp")),
        ("base_model.model.model.layers.0.mlp.gate_proj.weight", (14_336, 4096), ("fsdp", "mp")),
        # What the rules match without meaning to, as in the notebook; a rank of 4 cannot be divided by 8.
        ("base_model.model.model.layers.0.self_attn.v_proj.lora_B.default.weight", (1024, 4), ("fsdp", "mp")),
        ("base_model.model.model.layers.0.self_attn.v_proj.lora_A.default.weight", (4, 4096), None),
        ("base_model.model.model.layers.0.self_attn.v_proj.lora_A.default.weight", (16, 4096), ("fsdp", "mp")),
        ("base_model.model.model.layers.0.self_attn.q_proj.base_layer.bias", (4096,), None),
        ("base_model.model.model.layers.0.input_layernorm.weight", (4096,), None),
        ("base_model.model.score.modules_to_save.default.weight", (3, 4096), None),
        ("bert.encoder.layer.0.attention.self.query.weight", (768, 768), None),
    ],
)
def test_weights_are_divided_by_the_notebooks_rules_where_they_can_be(
    name: str, shape: tuple[int, ...], spec: tuple[str | None, ...] | None
) -> None:
    assert partition(name, shape, 8) == spec


def test_every_layer_is_compiled_and_shapes_are_few(tmp_path: Path) -> None:
    """The compiler itself is tried by hand: a cold one takes half a minute (benchmarks/README.md)."""
    classifier = load(save_classifier(tmp_path, family="llama"))
    placement = choose_placement("cpu", compiled=True, environment={})
    assert placement.place.fixed_shapes
    model = placement.put(prepare(classifier, plan()).model)
    compiled = {name for name, each in model.named_modules() if each._compiled_call_impl is not None}
    assert {name.split(".layers.")[-1] for name in compiled} == {"0", "1"}


def test_rows_have_few_lengths_where_every_shape_is_compiled(tmp_path: Path) -> None:
    import torch

    base = save_classifier(tmp_path, head=False)
    few = Local(torch.device("cpu"), fixed_shapes=True)
    # 96 tokens at most: buckets of 24, 48 and 96, each with its number of rows.
    assert run(base, plan(epochs=1), placement=few).shapes <= 3
