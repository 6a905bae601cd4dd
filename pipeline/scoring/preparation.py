"""What is settled before the first battle: the preflight, the adapter's record, labels, length, dtype and devices.

A model that cannot be used is refused here, before torch is imported.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from pipeline.arena.battle import Battle
from pipeline.arena.table import Table
from pipeline.errors import SettingsError
from pipeline.model.load import (
    Device,
    Dtype,
    choose_device,
    choose_dtype,
    choose_length,
    load_text_side,
    require_packages,
)
from pipeline.preflight import Preflight, locate, preflight
from pipeline.scoring.delivery import prior_of
from pipeline.scoring.fingerprint import directory_digest
from pipeline.scoring.job import Job, default_batch_tokens
from pipeline.scoring.loading import LoadClassifier
from pipeline.scoring.swap import Swap
from pipeline.scoring.work import Encode, Stage, encode_with
from pipeline.text.encode import Encoder
from pipeline.text.prompt import DEFAULT_TEMPLATE
from pipeline.training.record import TrainingRecord, contradictions, read_record

# Whose versions change the last bits of a forecast.
PACKAGES: Final = ("torch", "transformers", "tokenizers", "peft")


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a scoring run; None where the adapter's record, the model or the device decides."""

    model: str
    adapter: str | None = None
    labels: int | None = None
    max_length: int | None = None
    batch_tokens: int | None = None
    swap: Swap = "none"
    dtype: Dtype = "auto"
    device: Device = "auto"
    workers: int | None = None
    deadline_s: float | None = None
    roots: tuple[Path, ...] = ()
    config: Path | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a run needs beside the battles.

    Attributes:
        request: what was asked.
        checked: the preflight.
        encode: the template, in the model's tokenizer.
        template: its name.
        labels: columns of the head.
        length: the longest row in tokens.
        device: the kind, cpu or cuda.
        names: the devices, one each process.
        threads: of a process on a CPU; None where it is the only one.
        dtype: as torch names it, without "torch.".
        budget: tokens of a pack.
    """

    request: Request
    checked: Preflight
    encode: Encode
    template: str
    labels: int
    length: int
    device: str
    names: tuple[str, ...]
    threads: int | None
    dtype: str
    budget: int

    @property
    def loads(self) -> tuple[LoadClassifier, ...]:
        """How each stage's model is loaded."""
        return (LoadClassifier(self.checked.path, self.checked.adapter_path, self.labels, self.dtype),)

    def job(self, battles: Sequence[Battle]) -> Job:
        """The work for these battles."""
        return Job(
            battles, (Stage(self.encode, self.length),), self.budget, prior_of(self.labels), swap=self.request.swap
        )

    def fingerprint(self, rows_digest: str) -> dict[str, str]:
        """What makes this run's packs the same as another's."""
        adapter = self.checked.adapter_path
        return {
            "rows": rows_digest,
            "model": directory_digest(self.checked.path),
            "adapter": "none" if adapter is None else directory_digest(adapter),
            "template": self.template,
            "length": str(self.length),
            "labels": str(self.labels),
            "budget": str(self.budget),
            "dtype": self.dtype,
            "device": _kind(self.device, self.threads),
            "versions": " ".join(f"{name} {_version(name)}" for name in PACKAGES),
        }


def prepare(request: Request, table: Table, tell: Callable[[str], None]) -> Prepared:
    """Settle everything.

    Raises:
        PipelineError: of the kind that says what was wrong.
    """
    record = _record(request)
    labels = _labels(request, record, table)
    if request.swap == "time" and request.deadline_s is None:
        raise SettingsError("--swap time needs a time", fix="say --deadline 8h30m, or --swap all")
    checked = preflight(
        request.model,
        purpose="score",
        adapter=request.adapter,
        labels=labels,
        roots=request.roots,
        config=request.config,
    )
    _agree(request, record, checked, tell)
    require_packages()
    return _settled(request, record, checked, labels)


def _settled(request: Request, record: TrainingRecord | None, checked: Preflight, labels: int) -> Prepared:
    device = choose_device(request.device)
    dtype = choose_dtype(request.dtype, device)
    tokenizer, config = load_text_side(checked.path)
    length = choose_length(request.max_length or (None if record is None else record.max_length), tokenizer, config)
    encoder = make_encoder(tokenizer, length, record)
    names = _names(device.type, request.workers)
    return Prepared(
        request,
        checked,
        encode_with(encoder, tokenizer),
        encoder.template.name,
        labels,
        length,
        device.type,
        names,
        _threads(device.type, len(names)),
        str(dtype).removeprefix("torch."),
        request.batch_tokens or default_batch_tokens(device.type),
    )


def _names(kind: str, workers: int | None) -> tuple[str, ...]:
    """One process each GPU, or one for the CPU; `workers` says how many at most on GPUs, and how many on a CPU."""
    import torch

    if kind == "cpu":
        return ("cpu",) * max(1, workers or 1)
    count = torch.cuda.device_count()
    return tuple(f"{kind}:{number}" for number in range(min(count, workers or count)))


def _threads(kind: str, workers: int) -> int | None:
    import torch

    return max(1, torch.get_num_threads() // workers) if kind == "cpu" else None


def _kind(device: str, threads: int | None) -> str:
    """The device as far as it changes the bits of a forecast."""
    import torch

    return f"cpu, {threads} threads" if device == "cpu" else torch.cuda.get_device_name(0)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _record(request: Request) -> TrainingRecord | None:
    if request.adapter is None:
        return None
    path = Path(request.adapter)
    return read_record(path if path.is_dir() else locate(request.adapter, roots=request.roots, config=request.config))


def _labels(request: Request, record: TrainingRecord | None, table: Table) -> int:
    trained = None if record is None else len(record.labels)
    labels = request.labels or trained or (2 if table.contest == "wsdm" else 3)
    if trained is not None and labels != trained:
        raise SettingsError(f"--labels {labels}: the adapter was trained on {trained} labels", fix="leave --labels out")
    if table.contest == "lmsys" and labels != 3:  # noqa: PLR2004 - A, B and tie
        raise SettingsError(f"{table.path} is of a contest with ties; a head with {labels} labels cannot forecast them")
    return labels


def _agree(request: Request, record: TrainingRecord | None, checked: Preflight, tell: Callable[[str], None]) -> None:
    """The base and the options have to be those of the training; `force` turns the refusal into a note."""
    if record is None:
        return
    said = contradictions(record, checked.path, max_length=request.max_length)
    if said and not request.force:
        raise SettingsError(
            f"the adapter {request.adapter} contradicts this run: {'; '.join(said)}",
            fix="use the base and the options it was trained with, or say --force",
        )
    for each in said:
        tell(f"note: {each}")


def make_encoder(tokenizer: object, length: int, record: TrainingRecord | None) -> Encoder:
    """The encoder of a run, with the template that the adapter was trained with.

    Raises:
        SettingsError: the template is not known, or the length leaves no room for both answers.
    """
    try:
        return Encoder(tokenizer, length, DEFAULT_TEMPLATE if record is None else record.template)
    except ValueError as error:
        raise SettingsError(str(error), fix="say a larger --max-length, or update offline-resolver") from None
