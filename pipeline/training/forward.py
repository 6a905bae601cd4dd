"""Run micro-batches of a step, or of held-out battles, at a place: rows in, logits on the device out.

B rows of a micro-batch, padding rows included; C labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.arena.outcome import Row
from pipeline.model.load import Classifier, vocab_size
from pipeline.text.batch import collate
from pipeline.text.encode import Encoder
from pipeline.text.prompt import Ids
from pipeline.training.micro import Micro, deal, few_lengths, plan_micros
from pipeline.training.placement.placement import Placement
from pipeline.training.plan import Plan

if TYPE_CHECKING:
    import torch


@dataclass(slots=True)
class Forward:
    """A model at a place, and how its rows are put together.

    Attributes:
        classifier: in whatever mode it is.
        placement: where.
        plan: the size of micro-batches.
        pad: preferred to pad with; no row should hold it (see `spare_id`).
        longest: tokens of the longest row that there can be.
        shapes: of the micro-batches that were run; where every one is compiled, that many compilations.
    """

    classifier: Classifier
    placement: Placement
    plan: Plan
    pad: int | None
    longest: int
    shapes: set[tuple[int, int]] = field(default_factory=set)

    def mine(self, rows: Sequence[Ids]) -> tuple[Micro, ...]:
        """This process's micro-batches of rows that all processes have."""
        place = self.placement.place
        buckets = self.plan.buckets or (few_lengths(self.longest) if place.fixed_shapes else ())
        micros = plan_micros([len(row) for row in rows], self.plan.batch_tokens, buckets)
        return deal(micros, place.rank, place.processes)

    def logits(self, rows: Sequence[Ids], micro: Micro) -> "torch.Tensor":
        """Logits [B, C] in float32; the first rows are the micro-batch's, the rest padding."""
        model, config = self.classifier.model, self.classifier.model.config
        inside = [rows[place] for place in micro.places]
        batch = collate(inside, self.pad, vocab_size(config), height=micro.height, width=micro.width)
        config.pad_token_id = batch.pad
        self.shapes.add((micro.height, micro.width))
        feed = self.placement.feed
        with self.classifier.precision():
            output = model(input_ids=feed(batch.ids_BT), attention_mask=feed(batch.mask_BT))
        logits_BC: torch.Tensor = output.logits.float()
        return logits_BC

    def forecasts(self, rows: Sequence[Ids]) -> tuple[Row, ...]:
        """Probabilities of rows that all processes have, in order; every process gets all of them."""
        import torch

        found_RC = torch.zeros(len(rows), self.classifier.labels)
        with torch.no_grad():
            for micro in self.mine(rows):
                shares_BC = self.logits(rows, micro).softmax(dim=-1)
                # The rows are told from padding on the host: on a device that compiles, each number would be a shape
                # of its own, and torch_xla's partitioner dies of taking some of the rows that it has spread.
                found_RC[list(micro.places)] = shares_BC.cpu()[: len(micro.places)]
                self.placement.end_step()
        self.placement.total([found_RC])
        return tuple(tuple(row) for row in found_RC.double().tolist())


def spare_id(tokenizer: Any, encoder: Encoder) -> int | None:
    """An id that stands in no row: the pad token's, where the template does not use it, else another special token's.

    Text is encoded with special tokens as the letters they are written with, so only the template brings them. One id
    for the whole run, because a compiled step holds it as a constant.
    """
    frame = encoder.frame
    used = {*frame.start, *frame.before_a, *frame.before_b, *frame.end, *frame.cut}
    special = {token for token, added in tokenizer.added_tokens_decoder.items() if added.special}
    choice = [tokenizer.pad_token_id, tokenizer.unk_token_id, *sorted(special, reverse=True)]
    return next((each for each in choice if each is not None and each not in used), None)
