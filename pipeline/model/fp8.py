"""Weights and activations in eight-bit floats: the products that GPUs have from Ada and Hopper on, with torch alone.

A weight is stored as float8_e4m3fn with one scale an output channel; an activation is rounded on the fly with one scale
a token, so one loud token costs the others nothing. `torch._scaled_mm` multiplies both and applies the scales. torchao
and vLLM do the same ("row-wise dynamic"); it is done here because machines without a network rarely have a wheel of
torchao for their torch, and because it is one product.

    y[t, o] = (sum_i x8[t, i] w8[o, i]) sx[t] sw[o] + b[o],   s = max |row| / 448,   448 = the largest of e4m3fn

What stays as it is: head and pooler, embeddings, norms, and layers with a side that is no multiple of 16, which the
products do not take. torch for a CPU has the same product, slower than its float32: that is how the numbers are tested.

Shapes: T tokens, I inputs, O outputs.
"""

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import SettingsError
from pipeline.model.load import whole_modules

if TYPE_CHECKING:
    import torch

LARGEST: Final = 448.0  # of float8_e4m3fn
SMALLEST: Final = 1e-12  # a row of zeros has a scale too
STEP: Final = 16  # both sides of a weight are multiples of it
TOLERANCE: Final = 0.02  # of a product whose result has the eight bits of bfloat16


def in_fp8(model: Any, device: "torch.device") -> Any:
    """Put a model on a device, the weights of its linear layers in float8.

    A layer at a time is moved and rounded, so that the device never holds more than the result and one layer.

    Args:
        model: a transformers model in evaluation mode, not quantised, on any device, perhaps wrapped by PEFT.
        device: where it is going to run.

    Returns:
        The same model, changed.

    Raises:
        SettingsError: the device has no products of float8, or the model has no layer that they take.
    """
    require_fp8(device)
    bare = model.get_base_model() if hasattr(model, "peft_config") else model
    layers = _layers(bare)
    if not layers:
        raise SettingsError(
            f"--quantize fp8: the model has no layer whose sides are multiples of {STEP}", fix="leave --quantize out"
        )
    made = _layer_class()
    for name in layers:
        bare.set_submodule(name, made(bare.get_submodule(name), device))
    return model.to(device)


def _layers(model: Any) -> list[str]:
    """Names of the linear layers that are put into float8."""
    from torch import nn

    # Families say which layers have to stay in float32: T5 looks at the dtype of such a weight.
    exact = set(model._keep_in_fp32_modules or ())  # noqa: SLF001 - where transformers' own quantisers look
    kept = {*whole_modules(model)}
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
        and not any(name == each or name.startswith(f"{each}.") for each in kept)
        and not exact.intersection(name.split("."))
        and not any(side % STEP for side in module.weight.shape)
    ]


@cache
def _layer_class() -> Any:
    """The class of a layer; made on first use, because nothing of torch is imported before it is needed."""
    import torch
    from torch import nn

    class Fp8Linear(nn.Module):
        """A linear layer in float8; takes and gives what the one it is made of does."""

        scale: torch.Tensor

        def __init__(self, linear: nn.Linear, device: torch.device) -> None:
            super().__init__()
            self.out_features, self.in_features = linear.weight.shape
            weight_OI, scale_O1 = to_float8(linear.weight.detach().to(device))
            self.weight = nn.Parameter(weight_OI, requires_grad=False)
            self.register_buffer("scale", scale_O1.t())
            self.bias = None if linear.bias is None else nn.Parameter(linear.bias.detach(), requires_grad=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """[..., I] -> [..., O], in the dtype of x, or of an autocast that is on."""
            of = _computed_in(x)
            x8_TI, scale_T1 = to_float8(x.reshape(-1, self.in_features))
            y_TO = scaled_product(x8_TI, self.weight, scale_T1, self.scale, of)
            y_TO = y_TO if self.bias is None else y_TO + self.bias.to(of)
            return y_TO.reshape(*x.shape[:-1], self.out_features)

        def extra_repr(self) -> str:
            return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"

    return Fp8Linear


def _computed_in(x: "torch.Tensor") -> "torch.dtype":
    import torch

    on = torch.is_autocast_enabled(x.device.type)
    return torch.get_autocast_dtype(x.device.type) if on else x.dtype


def to_float8(rows: "torch.Tensor") -> tuple["torch.Tensor", "torch.Tensor"]:
    """Round rows to float8_e4m3fn.

    Args:
        rows: [R, C] of any floating dtype.

    Returns:
        [R, C] float8_e4m3fn, and [R, 1] float32: what it is multiplied with to be the rows again.
    """
    import torch

    exact = rows.float()
    scale_R1 = exact.abs().amax(dim=1, keepdim=True).clamp(min=SMALLEST) / LARGEST
    return (exact / scale_R1).clamp(-LARGEST, LARGEST).to(torch.float8_e4m3fn), scale_R1


def scaled_product(
    x8_TI: "torch.Tensor",
    w8_OI: "torch.Tensor",
    scale_T1: "torch.Tensor",
    scale_1O: "torch.Tensor",
    of: "torch.dtype",
) -> "torch.Tensor":
    """[T, O] in the dtype `of`: the product of two float8 matrices, each row of each with its scale.

    GPUs give row-wise scaled products in bfloat16; other dtypes are cast from that. A CPU gives what is asked for.
    """
    import torch

    given = torch.bfloat16 if x8_TI.is_cuda else of
    y_TO: torch.Tensor = torch._scaled_mm(  # noqa: SLF001 - in every torch from 2.6 on; its public name is of 2.10
        x8_TI, w8_OI.t(), scale_a=scale_T1, scale_b=scale_1O, out_dtype=given
    )
    return y_TO.to(of)


@cache
def require_fp8(device: "torch.device") -> None:
    """Multiply once, and compare: devices, drivers and builds of torch differ in whether they can.

    Raises:
        SettingsError: the device cannot, or its product is wrong.
    """
    import torch

    ramp = torch.arange(2 * STEP * STEP, device=device, dtype=torch.float32).reshape(2 * STEP, STEP)
    one, other = torch.sin(ramp), torch.cos(ramp[:STEP] * 3)
    (one8, scale_T1), (other8, scale_O1) = to_float8(one), to_float8(other)
    wanted = (one8.float() * scale_T1) @ (other8.float() * scale_O1).t()
    fix = "say --quantize int8, or use a GPU of compute capability 8.9 or newer"
    try:
        found = scaled_product(one8, other8, scale_T1, scale_O1.t(), torch.float32)
    except (RuntimeError, NotImplementedError, ValueError, TypeError) as error:
        said = " ".join(str(error).split())[:200]
        raise SettingsError(f"--quantize fp8: {device} has no products of float8 here: {said}", fix=fix) from None
    if not torch.allclose(found, wanted, atol=TOLERANCE * float(wanted.abs().max()), rtol=0):
        raise SettingsError(
            f"--quantize fp8: {device} multiplies float8 wrongly with torch {torch.__version__}", fix=fix
        )
