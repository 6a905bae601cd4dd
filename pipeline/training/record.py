"""`training.json`: how an adapter was made, written beside its weights and read back before it is used.

An adapter that meets another base, template, length or order of labels than it was trained with scores nonsense
without an error; this record is what makes that visible.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from pipeline.arena.battle import LABELS, Battle, Contest
from pipeline.errors import SettingsError
from pipeline.text.truncate import Way, check_cap

NAME: Final = "training.json"
MAX_BYTES: Final = 10_000_000
# A header longer than this is refused by the safetensors library itself.
MAX_HEADER: Final = 100_000_000


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Base(_Part):
    """The model that the adapter lies over: as it was asked for, and what its weights and tokenizer looked like.

    `hub_id` and `kaggle_handle` are its names on both sites, as far as the resolver knew them.
    """

    reference: str
    hub_id: str | None
    headers_sha256: str | None
    tokenizer_sha256: str | None
    kaggle_handle: str | None = None


class Data(_Part):
    """The battles that were trained on: `sha256` is over ids, texts and winners, in order."""

    name: str
    contest: Contest
    battles: int
    held_out: int
    sha256: str


class Metrics(_Part):
    """What the last evaluation said; None where nothing was held out. Fewer steps than planned: time was up."""

    log_loss: float | None
    log_loss_prior: float | None
    accuracy: float | None
    training_log_loss: float
    steps: int
    seconds: float
    steps_planned: int | None = None

    @property
    def is_unfinished(self) -> bool:
        """Whether a run ended before its last step, and can be gone on with."""
        return self.steps_planned is not None and self.steps < self.steps_planned


class Merged(_Part):
    """The record speaks of the weights beside it: what those look like, and which adapter was added into the base.

    None is the adapter of a model that was trained whole.
    """

    headers_sha256: str
    dtype: str
    adapter_sha256: str | None = None


class TrainingRecord(_Part):
    """All of it. `settings` are the run's options by name; records without a truncation are of its default."""

    schema_version: Literal[1] = 1
    base: Base
    data: Data
    template: str
    max_length: int
    truncation: Way = "middle"
    prompt_cap: str | None = None
    labels: tuple[str, ...]
    seed: int
    settings: dict[str, int | float | bool | str]
    versions: dict[str, str]
    metrics: Metrics
    merged: Merged | None = None

    @field_validator("prompt_cap")
    @classmethod
    def _is_a_cap(cls, text: str | None) -> str | None:
        return None if text is None else check_cap(text)


def read_record(adapter: Path) -> TrainingRecord | None:
    """The record of an adapter, None where it has none.

    Raises:
        SettingsError: there is a record, and it cannot be read or is of another version.
    """
    path = adapter / NAME
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            return TrainingRecord.model_validate_json(file.read(MAX_BYTES))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SettingsError(
            f"{path}: it is no training record of version 1: {place}: {first['msg']}", fix="train the adapter again"
        ) from None
    except OSError as error:
        raise SettingsError(f"{path}: it cannot be read: {error.strerror or error}") from None


def contradictions(
    record: TrainingRecord,
    base: Path,
    *,
    max_length: int | None,
    way: Way | None = None,
    prompt_cap: str | None = None,
) -> tuple[str, ...]:
    """What about the base or the options is not as it was in training, a sentence each; None is no option.

    Of a merged record `base` is the merged model itself.
    """
    said: list[str] = []
    if record.merged is not None:
        if record.merged.headers_sha256 != headers_sha256(base):
            said.append(f"the weight headers of {base} are not those that were written when it was merged")
    elif record.base.headers_sha256 not in (None, headers_sha256(base)):
        said.append(f"it was trained over {record.base.reference}, whose weight headers are not those of {base}")
    if record.labels != LABELS[: len(record.labels)]:
        said.append(f"its columns are {', '.join(record.labels)}, and {', '.join(LABELS)} are scored, in this order")
    if record.base.tokenizer_sha256 not in (None, tokenizer_sha256(base)):
        said.append(f"it was trained with another tokenizer.json than the one of {base}")
    if max_length is not None and max_length != record.max_length:
        said.append(f"it was trained on rows of {record.max_length} tokens, not {max_length}")
    if way is not None and way != record.truncation:
        said.append(f"it was trained on rows cut by {record.truncation}, not {way}")
    if prompt_cap is not None and prompt_cap != record.prompt_cap:
        said.append(f"it was trained with a prompt cap of {record.prompt_cap or 'nothing'}, not {prompt_cap}")
    return tuple(said)


def data_sha256(battles: Sequence[Battle]) -> str:
    """A fingerprint of what was trained on, independent of the file's form."""
    digest = hashlib.sha256()
    for battle in battles:
        digest.update(repr((battle.id, battle.prompts, battle.answers_a, battle.answers_b, battle.winner)).encode())
    return digest.hexdigest()


def headers_sha256(model: Path) -> str | None:
    """A fingerprint of the names, types and shapes of a model's weights; None where it has no safetensors.

    The headers are read, never the weights: a shard of 5 GB costs as little as one of 5 MB.
    """
    digest = hashlib.sha256()
    files = sorted(model.glob("*.safetensors"))
    for path in files:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            digest.update(path.name.encode() + file.read(min(length, MAX_HEADER)))
    return digest.hexdigest() if files else None


def tokenizer_sha256(model: Path) -> str | None:
    """The hash of tokenizer.json; None where there is none."""
    path = model / "tokenizer.json"
    return file_sha256(path) if path.is_file() else None


def file_sha256(path: Path) -> str:
    """The hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
