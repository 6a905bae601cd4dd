"""The ways people batch rows of different lengths, and ours; each gives the logits of the rows in their order.

All of them are given the same ids: what is compared is what becomes of rows once they are tokenised and cut.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pipeline.model.load import Classifier
from pipeline.model.runner import Runner
from pipeline.scoring.job import CPU_BATCH_TOKENS
from pipeline.text.batch import plan_batches, restore
from pipeline.text.prompt import Ids

FIXED = 8  # rows of a batch where people say a number of rows
Way = Callable[[Classifier, Sequence[Ids]], list[list[float]]]


def packed(runner: Runner, rows: Sequence[Ids]) -> list[list[float]]:
    """What `arena score` does: packs of a token budget, nothing padded."""
    packs = runner.plan([len(row) for row in rows], CPU_BATCH_TOKENS)
    return restore([(pack, runner.logits([rows[place] for place in pack]).tolist()) for pack in packs], len(rows))


def row_by_row(classifier: Classifier, rows: Sequence[Ids]) -> list[list[float]]:
    """One row at a time, no padding."""
    return _in_batches(classifier, rows, [(place,) for place in range(len(rows))])


def in_sorted_batches(classifier: Classifier, rows: Sequence[Ids]) -> list[list[float]]:
    """Sorted by length, in batches of a token budget, padded to the longest of each."""
    return _in_batches(classifier, rows, plan_batches([len(row) for row in rows], CPU_BATCH_TOKENS))


def in_pipeline(classifier: Classifier, rows: Sequence[Ids]) -> list[list[float]]:
    """What `transformers.pipeline` does, given rows by falling length: its loader, its padding to the longest of 8."""
    from transformers import TextClassificationPipeline, pipeline

    class OfIds(TextClassificationPipeline):
        """Takes rows that are tokenised; all else is its own."""

        def preprocess(self, inputs: Ids, **_: object) -> dict[str, Any]:
            import torch

            ids_1T = torch.tensor([inputs])
            return {"input_ids": ids_1T, "attention_mask": torch.ones_like(ids_1T)}

    classify = pipeline(
        "text-classification",
        model=classifier.model,
        tokenizer=classifier.tokenizer,
        pipeline_class=OfIds,
        batch_size=FIXED,
        device=classifier.device,
        function_to_apply="none",
        top_k=None,
    )
    order = sorted(range(len(rows)), key=lambda place: -len(rows[place]))
    number = classifier.model.config.label2id
    told = [sorted(each, key=lambda one: number[one["label"]]) for each in classify([rows[place] for place in order])]
    return restore(
        [((place,), [[one["score"] for one in each]]) for place, each in zip(order, told, strict=True)], len(rows)
    )


def unsorted(classifier: Classifier, rows: Sequence[Ids]) -> list[list[float]]:
    """Eight rows at a time in the order of the file, padded to the longest of them."""
    places = range(len(rows))
    return _in_batches(classifier, rows, [tuple(places[at : at + FIXED]) for at in range(0, len(rows), FIXED)])


def padded_to_the_limit(classifier: Classifier, rows: Sequence[Ids], max_length: int) -> list[list[float]]:
    """Eight rows at a time, padded to the longest allowed: the way of the reference notebooks."""
    import torch

    found: list[list[float]] = []
    for at in range(0, len(rows), FIXED):
        chunk = rows[at : at + FIXED]
        ids_BT = torch.zeros((len(chunk), max_length), dtype=torch.long)
        mask_BT = torch.zeros_like(ids_BT)
        for place, row in enumerate(chunk):
            ids_BT[place, : len(row)] = torch.tensor(row)
            mask_BT[place, : len(row)] = 1
        found += classifier.model(input_ids=ids_BT, attention_mask=mask_BT).logits.tolist()
    return found


def _in_batches(classifier: Classifier, rows: Sequence[Ids], batches: Sequence[tuple[int, ...]]) -> list[list[float]]:
    results = [(batch, classifier.logits([rows[place] for place in batch]).tolist()) for batch in batches]
    return restore(results, len(rows))


PADDED = "padded to the limit"


def peers(max_length: int) -> dict[str, Way]:
    """All ways but ours, for rows of at most that many tokens."""
    return {
        "row by row": row_by_row,
        "sorted batches": in_sorted_batches,
        "transformers pipeline": in_pipeline,
        "unsorted, 8 rows": unsorted,
        PADDED: partial(padded_to_the_limit, max_length=max_length),
    }
