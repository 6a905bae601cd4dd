"""The loss of a micro-batch, as its share of the loss of a step."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def cross_entropy_share(logits_BC: "torch.Tensor", winners_B: Sequence[int], rows_in_step: int) -> "torch.Tensor":
    """The sum of the rows' cross entropies over the rows of the whole step, in nats.

    Summed over a step's micro-batches it is the mean over the step, however unequal the micro-batches are.

    Args:
        logits_BC: float32, columns as the labels.
        winners_B: the column that came true.
        rows_in_step: rows of all micro-batches that the optimiser sees at once.
    """
    import torch

    target_B = torch.tensor(winners_B, dtype=torch.long, device=logits_BC.device)
    return torch.nn.functional.cross_entropy(logits_BC, target_B, reduction="sum") / rows_in_step
