"""The loss of a micro-batch, as its share of the loss of a step."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def cross_entropy_share(
    logits_BC: "torch.Tensor", target_BC: "torch.Tensor", weight_B: "torch.Tensor"
) -> "torch.Tensor":
    """The weighted sum of the rows' cross entropies, in nats: -sum over b of w_b sum over c of t_bc log softmax(l_b)_c.

    Where the weights of all rows that a step sees sum to 1, in whatever micro-batches and processes they lie, the sum
    of these is the step's weighted mean.

    Args:
        logits_BC: float32, columns as the labels.
        target_BC: distributions over the labels.
        weight_B: 0 for rows that are padding.
    """
    import torch

    losses_B = torch.nn.functional.cross_entropy(logits_BC, target_BC, reduction="none")
    return (losses_B * weight_B).sum()
