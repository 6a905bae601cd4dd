"""The arithmetic of a merge: one weight, one change, in float32.

The sum is taken in float32 and rounded once, when it is cast to what is written. PEFT, which is the measure, adds in
the base's dtype; over a base in float32 the two are the same to the last rounding.

Shapes: O out, I in, R rank; over an embedding, I counts its rows and O its columns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

Read = Callable[[str], "torch.Tensor"]


@dataclass(frozen=True, slots=True)
class Change:
    """What is laid over one weight.

    Attributes:
        down: the name of lora_A [R, I] in the adapter's file.
        up: of lora_B [O, R].
        scale: lora_alpha / r, or lora_alpha / sqrt(r) of rank-stabilised LoRA.
        turned: the weight is stored [I, O]: GPT-2's `Conv1D`, and every embedding.
        magnitude: the name of DoRA's magnitude [O]; None where there is none.
    """

    down: str
    up: str
    scale: float
    turned: bool = False
    magnitude: str | None = None


def laid_over(weight: "torch.Tensor", change: Change, read: Read) -> "torch.Tensor":
    """A weight with its change, in float32.

    LoRA (Hu et al. 2021): W + s B A. DoRA (Liu et al. 2024): m (W + s B A) / |W + s B A|, the norm along the inputs.

    Args:
        weight: [O, I], or [I, O] where the change is `turned`; of any floating dtype.
        change: what is laid over it.
        read: a tensor of the adapter's file by name.
    """
    import torch

    sum_OI = (read(change.up).float() @ read(change.down).float()).mul_(change.scale)
    sum_OI.add_(weight.T if change.turned else weight)
    if change.magnitude is not None:
        magnitude_O = read(change.magnitude).float().view(-1)
        sum_OI.mul_((magnitude_O / torch.linalg.norm(sum_OI, dim=1)).unsqueeze(1))
    return sum_OI.T if change.turned else sum_OI


def biased(bias: "torch.Tensor", up_bias: "torch.Tensor", scale: float) -> "torch.Tensor":
    """A bias [O] with that of lora_B [O] (`lora_bias`), in float32."""
    return bias.float() + up_bias.float() * scale
