"""The files beside the weights of a merged model: config, tokenizer, record, card."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from pipeline.arena.battle import LABELS
from pipeline.merging.plan import MergeDtype, Plan
from pipeline.model.adapter import WEIGHTS
from pipeline.preflight import Contents
from pipeline.training.card import carry_terms
from pipeline.training.record import NAME, Merged, TrainingRecord, file_sha256, headers_sha256

CONFIG: Final = "config.json"
CALIBRATION: Final = "calibration.json"
# Of the base, and of no use to a classifier: code of its own that is not run, and how text is generated.
NOT_TAKEN: Final = ("auto_map", "generation_config", "_name_or_path")
TEXT: Final = """\
# A classifier of battles

{base} with {adapter} added into its weights by `arena merge`. Its columns are {labels}.

    arena score --model . --test test.csv --output submission.csv
"""


def write_config(base: Path, place: Path, plan: Plan, *, labels: int, dtype: MergeDtype, pad: int | None) -> None:
    """The base's config.json for the classifier: what is not about the head stays as the base has it.

    Args:
        base: the base's directory.
        place: the merged model's.
        plan: what is merged.
        labels: columns of the head.
        dtype: of what is written; "auto" leaves what the base says.
        pad: the id that rows are padded with; None where neither tokenizer nor config has one.

    Raises:
        OSError: it cannot be read or written.
    """
    said: dict[str, Any] = json.loads((base / CONFIG).read_text(encoding="utf-8"))
    said = {key: value for key, value in said.items() if key not in NOT_TAKEN}
    names = LABELS[:labels]
    said |= {
        "architectures": [plan.architecture],
        "num_labels": labels,
        "id2label": {str(number): name for number, name in enumerate(names)},
        "label2id": {name: number for number, name in enumerate(names)},
        "problem_type": "single_label_classification",
    }
    for part in (each for each in (said, said.get("text_config")) if isinstance(each, dict)):
        part.update({} if pad is None else {"pad_token_id": pad})
        part.update({} if dtype == "auto" else _dtype(part, dtype))
    (place / CONFIG).write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _dtype(part: dict[str, Any], dtype: str) -> dict[str, str]:
    """Under the key that the base uses: transformers before 4.56 reads `torch_dtype` alone, later ones both."""
    return {"dtype" if "dtype" in part and "torch_dtype" not in part else "torch_dtype": dtype}


def copy_tokenizer(base: Path, place: Path, inside: Contents) -> None:
    """The tokenizer's files, byte for byte.

    Raises:
        OSError: they cannot be read or written.
    """
    for name in inside.tokenizer:
        (place / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(base / name, place / name)


def write_record(record: TrainingRecord | None, adapter: Path, place: Path, dtype: MergeDtype) -> None:
    """The adapter's record with what was merged; and its calibration, where it has one.

    Raises:
        OSError: they cannot be written.
    """
    if (adapter / CALIBRATION).is_file():
        shutil.copyfile(adapter / CALIBRATION, place / CALIBRATION)
    headers = headers_sha256(place)
    if record is None or headers is None:
        return
    merged = Merged(headers_sha256=headers, adapter_sha256=file_sha256(adapter / WEIGHTS), dtype=dtype)
    text = record.model_copy(update={"merged": merged}).model_dump_json(indent=2)
    (place / NAME).write_text(text + "\n", encoding="utf-8")


def write_card(base: Path, adapter: Path, place: Path, *, base_name: str | None, labels: int) -> None:
    """The base's licence texts and a card.

    Raises:
        OSError: they cannot be read or written.
    """
    text = TEXT.format(base=base_name or base.name, adapter=adapter.name, labels=", ".join(LABELS[:labels]))
    carry_terms(base, place, base_name=base_name, text=text, adapter=False)
