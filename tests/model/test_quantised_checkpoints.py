"""Checkpoints that come quantised: each made by its own library, and scored to the logits of that library's forward."""

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from families import build, lora
from tiny_classifier import battle, write_lmsys

from pipeline.cli import run
from pipeline.model.runner import Packed
from pipeline.scoring.letters import LoadLetters
from pipeline.scoring.loading import LoadClassifier

torch = pytest.importorskip("torch")
ROWS = [tuple(range(5, 5 + length)) for length in (30, 3, 17)]
BLOCK = 64  # of fp8 as DeepSeek stores it, a scale for each block


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return build(tmp_path_factory.mktemp("checkpoints") / "base", "llama_wide", classifier=True)


@pytest.fixture(scope="module")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lora(tmp_path_factory.mktemp("checkpoints-adapter") / "adapter", base, task="SEQ_CLS")


def needs(*packages: str) -> None:
    for package in packages:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed; it is no part of the tested versions")


def load(path: Path, auto: str = "AutoModelForSequenceClassification", **more: Any) -> Any:
    import transformers

    return getattr(transformers, auto).from_pretrained(path, dtype=torch.float32, **more).eval()


def save(model: Any, path: Path, base: Path) -> Path:
    from transformers import AutoTokenizer

    model.save_pretrained(path)
    AutoTokenizer.from_pretrained(base).save_pretrained(path)
    return path


def bitsandbytes(path: Path, base: Path, auto: str, head: str) -> Path:
    needs("bitsandbytes")
    from transformers import BitsAndBytesConfig

    config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", llm_int8_skip_modules=[head])
    return save(load(base, auto, quantization_config=config), path, base)


def torchao(path: Path, base: Path, auto: str, head: str) -> Path:
    needs("torchao")
    from torchao.quantization import Int8WeightOnlyConfig
    from transformers import TorchAoConfig

    config = TorchAoConfig(Int8WeightOnlyConfig(), modules_to_not_convert=[head])
    return save(load(base, auto, quantization_config=config), path, base)


def compressed(scheme: str) -> Callable[[Path, Path, str, str], Path]:
    """As llm-compressor writes it, scales from the largest weight of a channel or group."""

    def make(path: Path, base: Path, auto: str, head: str) -> Path:
        needs("compressed_tensors")
        from compressed_tensors.compressors import ModelCompressor
        from compressed_tensors.quantization import (
            QuantizationConfig,
            QuantizationStatus,
            apply_quantization_config,
            preset_name_to_scheme,
        )

        model, groups = load(base, auto), {"group_0": preset_name_to_scheme(scheme, ["Linear"])}
        if groups["group_0"].weights.group_size:
            groups["group_0"].weights.group_size = 32
        asked = QuantizationConfig(config_groups=groups, ignore=[head], quantization_status="initialized")
        apply_quantization_config(model, asked)
        for module in model.modules():
            if hasattr(module, "quantization_scheme"):
                weights = module.quantization_scheme.weights
                size = weights.group_size or module.weight.shape[1]
                largest = module.weight.detach().reshape(module.weight.shape[0], -1, size).abs().amax(-1)
                steps = 448 if weights.type == "float" else 2 ** (weights.num_bits - 1) - 1
                module.weight_scale.data.copy_(largest / steps)
                module.quantization_status = QuantizationStatus.FROZEN
        compressor = ModelCompressor.from_pretrained_model(model)
        compressor.compress_model(model)
        save(model, path, base)
        compressor.update_config(str(path))
        return path

    return make


def fine_grained_fp8(path: Path, base: Path, auto: str, head: str) -> Path:
    """As DeepSeek stores it; without a GPU that has float8 transformers makes whole weights of it."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(base, path)
    tensors = {}
    for name, tensor in load_file(base / "model.safetensors").items():
        tensors[name] = tensor
        if name.endswith("_proj.weight"):
            height, width = (min(BLOCK, side) for side in tensor.shape)
            blocks = tensor.reshape(tensor.shape[0] // height, height, tensor.shape[1] // width, width)
            scale = blocks.abs().amax((1, 3)) / 448
            tensors[name] = (blocks / scale[:, None, :, None]).reshape(tensor.shape).to(torch.float8_e4m3fn)
            tensors[f"{name}_scale_inv"] = scale.contiguous()
    save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
    declared = {
        "quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [BLOCK, BLOCK],
        "modules_to_not_convert": [head],
    }  # fmt: skip
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "quantization_config": declared}))
    return path


MAKERS: dict[str, Callable[[Path, Path, str, str], Path]] = {
    "bitsandbytes": bitsandbytes,
    "torchao": torchao,
    "compressed-tensors W4A16": compressed("W4A16"),
    "compressed-tensors W8A8": compressed("W8A8"),
    "compressed-tensors FP8": compressed("FP8_DYNAMIC"),
    "fine-grained fp8": fine_grained_fp8,
}
WHOLE_HERE = "fine-grained fp8"  # whose weights transformers makes whole again on a CPU


def logits(runner: Any) -> Any:
    with torch.inference_mode():
        return runner.logits(ROWS)


def alone(model: Any, columns: Any = None) -> Any:
    with torch.inference_mode():
        found = [model(input_ids=torch.tensor([row])).logits for row in ROWS]
    return torch.cat([each[:, -1, list(columns)] if columns else each for each in found])


@pytest.mark.parametrize("how", MAKERS)
def test_a_quantised_classifier_gives_the_logits_of_the_librarys_own_forward(
    base: Path, tmp_path: Path, how: str
) -> None:
    path = MAKERS[how](tmp_path / "packed", base, "AutoModelForSequenceClassification", "score")
    runner = LoadClassifier(path, None, 3, "float32")("cpu")
    assert isinstance(runner, Packed)
    assert runner.classifier.quantised is (how != WHOLE_HERE)
    head: Any = runner.classifier.model.score
    assert (type(head), head.weight.dtype) == (torch.nn.Linear, torch.float32)
    wanted = alone(load(path, device_map={"": "cpu"}))
    torch.testing.assert_close(logits(runner), wanted, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(wanted, alone(load(base)), atol=1e-4)


@pytest.mark.parametrize("how", MAKERS)
def test_an_adapter_is_laid_over_a_quantised_base_and_not_merged(
    base: Path, adapter: Path, tmp_path: Path, how: str
) -> None:
    import peft

    path = MAKERS[how](tmp_path / "packed", base, "AutoModelForSequenceClassification", "score")
    runner: Any = LoadClassifier(path, adapter, 3, "float32")("cpu")
    assert hasattr(runner.classifier.model, "peft_config") is (how != WHOLE_HERE)
    model = load(path, device_map={"": "cpu"})
    if how.startswith("compressed"):
        alone(model)  # it unpacks in the first forward, and peft wants what is unpacked
    # Rounded activations of eight bits may fall to the other side where a sum has another order.
    near = 0.05 if how.endswith(("W8A8", "FP8")) else 1e-4
    wanted = alone(peft.PeftModel.from_pretrained(model, adapter).eval())
    torch.testing.assert_close(logits(runner), wanted, atol=near, rtol=1e-4)


@pytest.mark.parametrize("how", MAKERS)
def test_a_quantised_language_model_is_asked_for_letters(tmp_path: Path, how: str) -> None:
    language = build(tmp_path / "language", "llama_wide")
    path = MAKERS[how](tmp_path / "packed", language, "AutoModelForCausalLM", "lm_head")
    wanted = alone(load(path, "AutoModelForCausalLM", device_map={"": "cpu"}), (7, 8, 9))
    torch.testing.assert_close(
        logits(LoadLetters(path, None, (7, 8, 9), "float32")("cpu")), wanted, atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize("how", MAKERS)
def test_the_command_scores_a_quantised_checkpoint(base: Path, tmp_path: Path, how: str) -> None:
    path = MAKERS[how](tmp_path / "packed", base, "AutoModelForSequenceClassification", "score")
    write_lmsys(tmp_path / "test.csv", [battle(str(n), f"p{n}", "one " * n, "two " * (5 - n)) for n in range(5)])
    arguments = ["--model", str(path), "--test", str(tmp_path / "test.csv"), "--output", str(tmp_path / "s.csv")]
    assert run(["score", *arguments, "--max-length", "120"]) == 0
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 6


def test_a_checkpoint_whose_package_is_missing_is_refused_with_the_way_to_get_it(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if find_spec("aqlm") is not None:
        pytest.skip("aqlm is installed")
    shutil.copytree(base, tmp_path / "packed")
    config = json.loads((base / "config.json").read_text())
    declared = {"quant_method": "aqlm", "in_group_size": 8, "num_codebooks": 1, "nbits_per_codebook": 16}
    (tmp_path / "packed" / "config.json").write_text(json.dumps({**config, "quantization_config": declared}))
    write_lmsys(tmp_path / "test.csv", [battle("1")])
    arguments = ["--model", str(tmp_path / "packed"), "--test", str(tmp_path / "test.csv")]
    assert run(["score", *arguments, "--output", str(tmp_path / "s.csv")]) == 1
    told = capsys.readouterr().err
    assert "error[C309] quantization-needs-package: aqlm weights need aqlm" in told
    assert "pip install --no-index --find-links WHEELS aqlm" in told
