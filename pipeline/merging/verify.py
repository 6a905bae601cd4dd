"""Does a merged model forecast what its base and adapter do? Both are asked, on a few rows, one after the other.

Both compute in float32 on the CPU, so that what differs is the rounding of the weights that were written.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.arena.battle import Battle
from pipeline.errors import ModelUnusableError
from pipeline.model.adapter import attach_adapter
from pipeline.model.load import choose_length, load_classifier
from pipeline.scoring.preparation import make_encoder
from pipeline.text.prompt import MIDDLE
from pipeline.text.truncate import Truncation
from pipeline.training.record import TrainingRecord

if TYPE_CHECKING:
    import torch

# Short rows and one that is cut, of letters, digits and other scripts.
ROWS: Final = (
    Battle("1", ("Which is larger, 9.11 or 9.9?",), ("9.9 is larger.",), ("9.11, because 11 is more than 9.",)),
    Battle(
        "2",
        ("Write a haiku.", "Another."),
        ("An old silent pond", "A frog"),
        ("The light of a candle", "Spring"),
    ),
    Battle("3", ("¿Qué hora es?",), ("Son las tres.",), ("我不知道。",)),
    Battle("4", ("Explain. " * 200,), ("Because. " * 400,), ("No. " * 400,)),
)
# The largest difference of a logit, beside 1 and the largest logit, that rounding explains: measured on models of
# two layers it is a hundredth of this; 24 and more layers add up.
TOLERATED: Final = {"F64": 1e-3, "F32": 1e-3, "F16": 2e-2, "BF16": 1e-1}


def compare(
    base: Path, adapter: Path, merged: Path, record: TrainingRecord | None, *, labels: int, written: str
) -> float:
    """The largest difference of a logit between base with adapter and what was merged.

    Args:
        base: the base's directory.
        adapter: the adapter's directory.
        merged: the merged model's directory.
        record: of the training; its length, template and truncation make the rows.
        labels: columns of the head.
        written: the coarsest dtype of the merged weights, as a header spells it.

    Raises:
        ModelUnusableError: it is more than rounding explains, or no number.
    """
    import torch

    expected = _logits(base, adapter, record, labels)
    found = _logits(merged, None, record, labels)
    difference = float((expected - found).abs().max())
    most = TOLERATED[written] * (1 + float(expected.abs().max()))
    if not difference <= most or not bool(torch.isfinite(expected).all()):
        raise ModelUnusableError(
            f"the merged model's logits differ by up to {difference:.3g} from those of base and adapter, and rounding"
            f" explains {most:.3g}; nothing was put in place",
            fix="say --dtype float32, or score with --model and --adapter",
        )
    return difference


def _logits(model: Path, adapter: Path | None, record: TrainingRecord | None, labels: int) -> "torch.Tensor":
    """Logits [rows, labels] of one model, which is let go of before this returns."""
    import torch

    classifier = load_classifier(
        model, labels=labels, dtype=torch.float32, device=torch.device("cpu"), head_may_be_new=adapter is not None
    )
    if adapter is not None:
        classifier = attach_adapter(classifier, adapter)
    with torch.inference_mode():
        return classifier.logits(_rows(classifier, record))


def _rows(classifier: Any, record: TrainingRecord | None) -> Sequence[Any]:
    asked = None if record is None else record.max_length
    length = choose_length(asked, classifier.tokenizer, classifier.model.config)
    truncation = MIDDLE if record is None else Truncation(record.truncation, record.prompt_cap)
    return make_encoder(classifier.tokenizer, length, record, truncation).encode(ROWS)
