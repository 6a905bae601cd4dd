"""The two ways to run a classifier on rows of different lengths: packed without padding, or in padded batches.

An engine plans batches with `plan`, runs each with `logits`, and does not know which way it is. Packed is what every
family gets whose attention and head are known (see `packed`); DeBERTa, T5 and the unknown are padded to the longest row
of a batch of rows that are nearly as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pipeline.model.load import Classifier
from pipeline.model.packed import Packing, packing_of
from pipeline.text.batch import Batch, plan_batches, plan_packs
from pipeline.text.prompt import Ids

if TYPE_CHECKING:
    import torch


class Runner(Protocol):
    """Runs a classifier."""

    @property
    def labels(self) -> int:
        """Columns of the logits."""

    def plan(self, lengths: Sequence[int], token_budget: int) -> tuple[Batch, ...]:
        """Places of the rows of each batch, the longest first; a pure function of its arguments.

        Raises:
            ValueError: the budget is below 1.
        """

    def computed(self, lengths: Sequence[int]) -> int:
        """Positions that a batch of rows of these lengths computes, padding included."""

    def logits(self, rows: Sequence[Ids]) -> "torch.Tensor":
        """Logits [rows, labels] in float32 of one batch, in the order of its rows."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows behind one another, nothing padded."""

    classifier: Classifier
    packing: Packing

    @property
    def labels(self) -> int:
        """As `Runner`."""
        return self.classifier.labels

    def plan(self, lengths: Sequence[int], token_budget: int) -> tuple[Batch, ...]:
        """As `Runner`."""
        return plan_packs(lengths, token_budget, self.packing.split_at)

    def computed(self, lengths: Sequence[int]) -> int:
        """As `Runner`."""
        return sum(lengths)

    def logits(self, rows: Sequence[Ids]) -> "torch.Tensor":
        """As `Runner`."""
        with self.classifier.precision():
            return self.packing.logits(rows, self.classifier.device)


@dataclass(frozen=True, slots=True)
class Padded:
    """Rows beside one another, padded to the longest."""

    classifier: Classifier

    @property
    def labels(self) -> int:
        """As `Runner`."""
        return self.classifier.labels

    def plan(self, lengths: Sequence[int], token_budget: int) -> tuple[Batch, ...]:
        """As `Runner`."""
        return plan_batches(lengths, token_budget)

    def computed(self, lengths: Sequence[int]) -> int:
        """As `Runner`."""
        return max(lengths, default=0) * len(lengths)

    def logits(self, rows: Sequence[Ids]) -> "torch.Tensor":
        """As `Runner`."""
        return self.classifier.logits(rows)


def runner_of(classifier: Classifier) -> Runner:
    """The best way to run a classifier; a packed one changes its attention, so that it can only be run packed."""
    packing = packing_of(classifier.model)
    return Padded(classifier) if packing is None else Packed(classifier, packing)
