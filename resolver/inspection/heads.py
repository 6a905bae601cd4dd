"""Where a sequence classifier keeps its head: the last layer's name, and how many rows, so classes, it has."""

import re
from collections.abc import Mapping
from typing import Final

from resolver.record import Record

# The last layer of every `…ForSequenceClassification` of transformers 5.23: decoders (score), encoders (classifier),
# RoBERTa and kin (classifier.out_proj), BART and T5 (classification_head.out_proj), Funnel (classifier.linear_out),
# XLNet (logits_proj), XLM and FlauBERT (sequence_summary.summary, which XLNet has before its last layer), Perceiver.
LAST_LAYER: Final = re.compile(
    r"(?:^|\.)(?:score|score\.out_proj|classifier|classifier\.out_proj|classifier\.linear_out|classification_head\.out_proj|logits_proj"
    r"|sequence_summary\.summary|decoder\.decoder\.final_layer)\.weight$"
)
# What peft puts into a name while an adapter is live; a saved adapter drops most of it.
WRAPPERS: Final = re.compile(r"\.(?:modules_to_save|original_module|base_layer|default)(?=\.)")


class HeadFacts(Record):
    """A stored classifier head: the tensor's name and its rows, one a class."""

    tensor: str
    rows: int


def find_head(shapes: Mapping[str, tuple[int, ...]]) -> HeadFacts | None:
    """The classifier head among tensors of these names and shapes, or None.

    A low-rank pair laid over a head (`score.lora_A.weight`) is none: it changes rows that lie elsewhere.

    >>> find_head({"model.norm.weight": (8,), "score.weight": (3, 8)})
    HeadFacts(tensor='score.weight', rows=3)
    >>> find_head({"base_model.model.score.modules_to_save.default.weight": (3, 8)}).rows
    3
    >>> find_head({"base_model.model.score.lora_A.weight": (4, 8)}) is None
    True
    """
    found = None
    for name, shape in shapes.items():
        if name.endswith(".weight") and len(shape) == 2 and LAST_LAYER.search(WRAPPERS.sub("", name)):  # noqa: PLR2004 - a matrix
            found = HeadFacts(name, shape[0])
            if "sequence_summary." not in name:
                return found
    return found
