"""H703 to H706: does the device run it at all? What PyTorch publishes, and what transformers does, are the oracles."""

import json
from pathlib import Path
from typing import Any

import pytest
from model_factory import model_dir, write_safetensors
from rule_driver import judge

from resolver.accelerators import PROFILES, Profile, host_for
from resolver.host import Accelerator, Host
from resolver.images import known_dates
from resolver.rules import kernels
from resolver.rules.kernels import kernels_of, runs
from resolver.rules.rule import Intent

HERE = Host(packages={"torch": "2.13.0", "transformers": "5.23.0"}, memory_bytes=64 * 10**9)
T4 = Accelerator("Tesla T4", 15 * 10**9, (7, 5))
L4 = Accelerator("NVIDIA L4", 23 * 10**9, (8, 9))


def fits(path: Path, host: Host, **intent: Any):
    return judge(path, rules=kernels.RULES, intent=Intent(**intent), host=host)


def gpu(*devices: Accelerator, **packages: str) -> Host:
    installed = {"torch": "2.10.0+cu128", "transformers": "5.0.0"}
    installed |= {name.replace("_", "-"): version for name, version in packages.items()}
    return Host(accelerator="ours", source="machine.json", packages=installed, accelerators=devices)


def test_h703_bfloat16_on_a_t4_is_emulated(tmp_path: Path) -> None:
    model = model_dir(tmp_path / "m", config={"dtype": "bfloat16"})
    (finding,) = fits(model, gpu(T4)).of("H703")
    assert finding.severity == "warning"
    assert finding.evidence["capability"] == "7.5"
    assert "float16" in finding.fix.text


@pytest.mark.parametrize(
    ("device", "dtype", "asked"),
    [(L4, "bfloat16", None), (T4, "float16", None), (T4, "bfloat16", "float16"), (T4, "float32", None)],
)
def test_h703_stays_quiet(tmp_path: Path, device: Accelerator, dtype: str, asked: str | None) -> None:
    model = model_dir(tmp_path / "m", config={"dtype": dtype})
    assert fits(model, gpu(device), dtype=asked).of("H703") == []


def test_h703_what_is_asked_for_counts_before_the_file(tmp_path: Path) -> None:
    model = model_dir(tmp_path / "m", config={"dtype": "float16"})
    (finding,) = fits(model, gpu(L4, T4), dtype="bfloat16").of("H703")
    assert finding.message == "Tesla T4 has no bfloat16, which is asked for"


def test_h703_the_stored_dtype_counts_where_nothing_is_said(tmp_path: Path) -> None:
    tensors = {"model.norm.weight": ("BF16", (64,), None), "model.ids": ("I64", (900,), None)}
    model = model_dir(tmp_path / "m", tensors=tensors)
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({k: v for k, v in config.items() if "dtype" not in k}))
    assert len(fits(model, gpu(T4)).of("H703")) == 1


def test_h704_a_p100_has_no_kernels_in_the_newest_image(tmp_path: Path) -> None:
    (finding,) = fits(model_dir(tmp_path / "m"), host_for(HERE, "kaggle-p100", {})).of("H704")
    assert finding.severity == "error"
    assert finding.message == "torch 2.10.0+cu128 has no kernels for Tesla P100-PCIE-16GB (sm_60)"
    assert finding.evidence["built_for"] == "sm_70, sm_75, sm_80, sm_86, sm_90, sm_100, sm_120"


# PyTorch's release matrix and build scripts: the wheels that Kaggle's images had, and which of Kaggle's GPUs they run on.
RUNS_ON = {
    "cu121": {"kaggle-p100", "kaggle-t4x2", "kaggle-l4x4", "kaggle-h100"},
    "cu124": {"kaggle-p100", "kaggle-t4x2", "kaggle-l4x4", "kaggle-h100"},
    "cu126": {"kaggle-p100", "kaggle-t4x2", "kaggle-l4x4", "kaggle-h100"},
    "cu128": {"kaggle-t4x2", "kaggle-l4x4", "kaggle-h100", "kaggle-rtx-pro-6000"},
}


@pytest.mark.parametrize("date", known_dates("GPU"))
def test_h704_each_image_on_each_gpu(tmp_path: Path, date: str) -> None:
    model = model_dir(tmp_path / "m")
    names = [each.name for each in PROFILES if each.image == "GPU"]
    hosts = {name: host_for(HERE, name, {}, date) for name in names}
    build = hosts[names[0]].packages["torch"].partition("+")[2]
    assert {name for name in names if fits(model, hosts[name]).of("H704") == []} == RUNS_ON[build]


@pytest.mark.parametrize(
    ("build", "torch", "device", "expected"),
    [
        ("cu126", (2, 8, 0), (6, 1), True), ("cu128", (2, 7, 0), (7, 0), False), ("cu128", (2, 8, 0), (7, 0), True),
        ("cu128", (2, 11, 0), (7, 0), False), ("cu130", (2, 9, 0), (7, 5), True), ("cu130", (2, 10, 0), (12, 1), True),
        ("cu118", (2, 5, 0), (8, 9), True), ("cu128", (2, 10, 0), (11, 0), False), ("cu128", (2, 10, 0), (6, 0), False),
    ],
)  # fmt: skip
def test_h704_a_device_runs_its_major_version_up_to_its_own(build, torch, device, expected) -> None:
    known = kernels_of(build, torch)
    assert known is not None
    assert runs(device, known) is expected


def test_h704_the_newest_torch_agrees_with_itself() -> None:
    """A build for the CPU has no list; a table that does not know a build says so."""
    assert kernels_of("cu117", (2, 0)) is None
    assert kernels_of("cu128", (2, 6)) is None


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        (gpu(T4, torch="2.10.0"), "torch 2.10.0 does not say for which CUDA it was built"),
        (gpu(T4, torch="2.10.0+cu999"), "torch 2.10.0+cu999 does not say"),
        (gpu(Accelerator("Unheard of")), "the compute capability of the accelerator is not known"),
        (Host(packages={"torch": "2.10.0+cu128"}), "no accelerator is judged for"),
        (Host(accelerators=(T4,)), "torch is not installed"),
        (
            gpu(T4).replaced(source=HERE.source),
            "which torch ours has is not known: the versions are those of this machine",
        ),
    ],
)
def test_h704_what_is_not_known_is_no_pass(tmp_path: Path, host: Host, reason: str) -> None:
    assert fits(model_dir(tmp_path / "m"), host).skipped["H704"].startswith(reason)


def test_h704_a_torch_for_the_cpu_sees_no_gpu(tmp_path: Path) -> None:
    (finding,) = fits(model_dir(tmp_path / "m"), gpu(T4, torch="2.13.0+cpu")).of("H704")
    assert finding.severity == "warning"
    assert "is built for the CPU alone" in finding.message


def test_h704_a_tpu_needs_its_package(tmp_path: Path) -> None:
    model = model_dir(tmp_path / "m")
    assert fits(model, host_for(HERE, "kaggle-tpu-v5e-8", {})).of("H704") == []
    tpu = gpu(Accelerator("TPU v5e core", 16 * 10**9), torch="2.13.0+cpu")
    (finding,) = fits(model, tpu).of("H704")
    assert finding.severity == "error"
    assert fits(model, tpu.replaced(packages={**tpu.packages, "torch-tpu": "1.0"})).of("H704") == []


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
def test_h705_flash_attention_without_its_package_is_an_error_as_in_transformers(tmp_path: Path, key: str) -> None:
    transformers = pytest.importorskip("transformers")
    if transformers.utils.is_flash_attn_2_available():
        pytest.skip("flash-attn is installed here")
    numbers = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "vocab_size": 64,
    }
    made = transformers.LlamaForCausalLM(transformers.LlamaConfig(**numbers))
    made.save_pretrained(tmp_path)
    assert "H705" in fits(tmp_path, HERE).skipped
    transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, key: "flash_attention_2"}))
    with pytest.raises(ImportError, match="FlashAttention2 has been toggled on, but it cannot be used"):
        transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    (finding,) = fits(tmp_path, HERE).of("H705")
    assert finding.severity == "error"
    assert "flash-attn is not installed" in finding.message


def test_h705_flash_attention_runs_from_ampere_on(tmp_path: Path) -> None:
    model = model_dir(tmp_path / "m", config={"attn_implementation": "flash_attention_2"})
    (finding,) = fits(model, gpu(T4, flash_attn="2.8.0")).of("H705")
    assert finding.severity == "warning"
    assert fits(model, gpu(L4, flash_attn="2.8.0")).of("H705") == []


@pytest.mark.parametrize("value", ["sdpa", "eager", None, 3, ""])
def test_h705_other_kernels_come_with_torch(tmp_path: Path, value: object) -> None:
    model = model_dir(tmp_path / "m", config={"attn_implementation": value})
    assert "H705" in fits(model, gpu(T4)).skipped


def adapter(root: Path, elements: int) -> Path:
    root.mkdir()
    (root / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 8}')
    write_safetensors(root / "adapter_model.safetensors", {"a.lora_A.weight": ("F32", (elements,), None)})
    return root


@pytest.mark.parametrize(("elements", "found"), [(62_500, 0), (62_501, 1)])
def test_h706_an_adapter_its_copy_and_adams_moments_have_to_fit(tmp_path: Path, elements: int, found: int) -> None:
    """Sixteen bytes an element: the adapter twice in float32, and two moments."""
    host = host_for(HERE, "ours", {"ours": Profile("ours", (L4,), disk_bytes=1_000_000)})
    judged = judge(
        model_dir(tmp_path / "m"), rules=kernels.RULES, intent=Intent(purpose="train"), host=host,
        adapter_at=adapter(tmp_path / "adapter", elements),
    )  # fmt: skip
    assert len(judged.of("H706")) == found
    assert "H706" not in judged.skipped


def test_h706_what_is_written_or_may_be_is_not_guessed(tmp_path: Path) -> None:
    model, host = model_dir(tmp_path / "m"), host_for(HERE, "kaggle-t4x2", {})
    assert "training run" in fits(model, host).skipped["H706"]
    assert "none is named" in fits(model, host, purpose="train").skipped["H706"]
    assert "is not known" in fits(model, HERE, purpose="train").skipped["H706"]
