"""Weights of fewer bits: those that bitsandbytes makes while loading, and those that a checkpoint comes with.

The head stays as it is stored: it is small, and every forecast goes through it. A checkpoint that is quantised already
is loaded as transformers loads it, by what its config declares. That the packages are there, that the device runs it
and that nothing is quantised twice the preflight has said (C309, C310). Eight-bit floats are made in `fp8`.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pipeline.errors import ModelUnusableError

if TYPE_CHECKING:
    import torch

Quantize = Literal["none", "int8", "int4", "fp8"]
QUANTIZE: Final[tuple[Quantize, ...]] = ("none", "int8", "int4", "fp8")
# Rows that the 4-bit product of bitsandbytes takes together on a CPU.
CPU_BLOCK: Final = 32


def declared_by(config: Any) -> str | None:
    """How a checkpoint is quantised by what its config says; None where it is not."""
    told = getattr(config, "quantization_config", None)
    if not told:
        return None
    method = told.get("quant_method") if isinstance(told, dict) else getattr(told, "quant_method", None)
    return str(getattr(method, "value", method) or "unnamed")


def is_quantised(model: Any) -> bool:
    """Whether a loaded model's weights have fewer bits: transformers makes some whole again where the device cannot."""
    return bool(getattr(model, "is_quantized", False))


def loading_options(
    config: Any, quantize: Quantize, whole: Callable[[], Sequence[str]], *, dtype: "torch.dtype", device: "torch.device"
) -> dict[str, Any]:
    """What `from_pretrained` is given so that the weights come to the device quantised; {} where they are not.

    Args:
        config: of the model.
        quantize: what was asked for.
        whole: the modules that stay as they are.
        dtype: that is computed in.
        device: quantised weights are made where they are used.
    """
    from transformers import BitsAndBytesConfig

    if declared_by(config) is not None:
        return {"device_map": {"": device}}
    if quantize in {"none", "fp8"}:
        return {}
    # It says the same of every product.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    bits = (
        {"load_in_8bit": True}
        if quantize == "int8"
        else {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": dtype}
    )
    made = BitsAndBytesConfig(llm_int8_skip_modules=[*whole()], **bits)
    return {"quantization_config": made, "device_map": {"": device}}


def require_runnable(model: Any, path: Path, quantize: Quantize, device: "torch.device") -> None:
    """Refuse what would fail in the first forward.

    Raises:
        ModelUnusableError: a layer that the CPU's 4-bit product cannot take.
    """
    if quantize != "int4" or device.type != "cpu":
        return
    odd = [
        name
        for name, module in model.named_modules()
        if type(module).__name__ == "Linear4bit" and module.out_features % CPU_BLOCK
    ]
    if odd:
        raise ModelUnusableError(
            f"{path} cannot be run in 4 bits on a CPU: the width of {odd[0]} is no multiple of {CPU_BLOCK}",
            fix="say --quantize int8",
        )


def settle(model: Any) -> None:
    """Run one token through the model's own forward, where compressed-tensors has packed its weights.

    It unpacks them before the first call of the model, by a hook on it. Packed rows call the model's backbone and never
    the model: they would be multiplied with what is not unpacked, and an adapter laid over it.
    For others it would be wrong: on a CPU bitsandbytes repacks four bits then, and PEFT lays nothing over those.
    """
    import torch

    if declared_by(model.config) != "compressed-tensors":
        return
    device = next(model.parameters()).device
    with torch.no_grad(), torch.autocast(device.type, dtype=model.dtype, enabled=model.dtype != torch.float32):
        model(input_ids=torch.zeros((1, 1), dtype=torch.long, device=device))
