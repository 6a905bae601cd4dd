"""What is settled before the first battle: the preflight, the adapter's record, labels, length, dtype and devices.

A model that cannot be used is refused here, before torch is imported.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from pipeline.arena.battle import Battle, Contest
from pipeline.arena.outcome import Row, for_contest
from pipeline.arena.post_rules import RULE_SETS, RuleSet, apply_rules
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
from pipeline.preflight import Head, Preflight, locate, preflight
from pipeline.scoring.delivery import prior_of
from pipeline.scoring.fingerprint import directory_digest
from pipeline.scoring.job import Job, default_batch_tokens
from pipeline.scoring.letters import LoadLetters, ask_for_letters
from pipeline.scoring.loading import LoadClassifier
from pipeline.scoring.swap import Swap
from pipeline.scoring.work import Encode, Stage, encode_with
from pipeline.text.encode import Encoder
from pipeline.text.prompt import DEFAULT_TEMPLATE, MIDDLE
from pipeline.text.truncate import Truncation, Way
from pipeline.training.record import TrainingRecord, contradictions, read_record

# Whose versions change the last bits of a forecast.
PACKAGES: Final = ("torch", "transformers", "tokenizers", "peft")

Load = LoadClassifier | LoadLetters


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
    truncate: Way | None = None
    prompt_cap: str | None = None
    head: Head = "classifier"
    rules: RuleSet = "none"


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a run needs beside the battles.

    Attributes:
        request: what was asked.
        checked: the preflight.
        encode: the template, in the model's tokenizer.
        load: how the model is loaded.
        rows: the encoder's key: template and way of cutting.
        contest: whose columns are scored.
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
    load: Load
    rows: str
    contest: Contest
    labels: int
    length: int
    device: str
    names: tuple[str, ...]
    threads: int | None
    dtype: str
    budget: int

    @property
    def loads(self) -> tuple[Load, ...]:
        """How each stage's model is loaded."""
        return (self.load,)

    def job(self, battles: Sequence[Battle]) -> Job:
        """The work for these battles."""
        rules = RULE_SETS[self.request.rules]

        def finish(place: int, row: Row) -> Row:
            (last,) = apply_rules(rules, [battles[place]], for_contest(self.contest, [row])).probabilities
            return last

        stage = Stage(self.encode, self.length)
        prior = prior_of(self.labels)
        return Job(battles, (stage,), self.budget, prior, swap=self.request.swap, finish=finish)

    def fingerprint(self, rows_digest: str) -> dict[str, str]:
        """What makes this run's packs the same as another's."""
        adapter = self.checked.adapter_path
        return {
            "rows": rows_digest,
            "model": directory_digest(self.checked.path),
            "adapter": "none" if adapter is None else directory_digest(adapter),
            "head": self.request.head,
            "encoder": self.rows,
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
        head=request.head,
        roots=request.roots,
        config=request.config,
    )
    _agree(request, record, checked, tell)
    require_packages()
    return _settled(request, record, checked, labels, table.contest)


def _settled(
    request: Request, record: TrainingRecord | None, checked: Preflight, labels: int, contest: Contest
) -> Prepared:
    device = choose_device(request.device)
    dtype = choose_dtype(request.dtype, device)
    tokenizer, config = load_text_side(checked.path)
    length = choose_length(request.max_length or (None if record is None else record.max_length), tokenizer, config)
    truncation = truncation_of(request, record)
    dtype_name = str(dtype).removeprefix("torch.")
    load: Load = LoadClassifier(checked.path, checked.adapter_path, labels, dtype_name)
    if request.head == "tokens":
        encoder, letters = ask_for_letters(tokenizer, config, labels=labels, length=length, truncation=truncation)
        load = LoadLetters(checked.path, checked.adapter_path, letters, dtype_name)
    else:
        encoder = make_encoder(tokenizer, length, record, truncation)
    names = _names(device.type, request.workers)
    return Prepared(
        request,
        checked,
        encode_with(encoder),
        load,
        encoder.key,
        contest,
        labels,
        length,
        device.type,
        names,
        _threads(device.type, len(names)),
        dtype_name,
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
    record = read_record(path if path.is_dir() else locate(request.adapter, roots=request.roots, config=request.config))
    if record is not None and request.head == "tokens":
        raise SettingsError(
            f"the adapter {request.adapter} was trained with a classifier's head; it knows no letters",
            fix="leave --head out, or give an adapter of the language model",
        )
    return record


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
    said = contradictions(
        record,
        checked.path,
        max_length=request.max_length,
        way=request.truncate,
        prompt_cap=request.prompt_cap,
    )
    if said and not request.force:
        raise SettingsError(
            f"the adapter {request.adapter} contradicts this run: {'; '.join(said)}",
            fix="use the base and the options it was trained with, or say --force",
        )
    for each in said:
        tell(f"note: {each}")


def truncation_of(request: Request, record: TrainingRecord | None) -> Truncation:
    """How rows are cut: as asked, else as the adapter was trained, else the default way."""
    trained = Truncation() if record is None else Truncation(record.truncation, record.prompt_cap)
    return Truncation(request.truncate or trained.way, request.prompt_cap or trained.prompt_cap)


def make_encoder(
    tokenizer: object, length: int, record: TrainingRecord | None, truncation: Truncation = MIDDLE
) -> Encoder:
    """The encoder of a run, with the template that the adapter was trained with.

    Raises:
        SettingsError: the template is not known, or the length leaves no room for both answers.
    """
    try:
        return Encoder(tokenizer, length, DEFAULT_TEMPLATE if record is None else record.template, truncation)
    except ValueError as error:
        raise SettingsError(str(error), fix="say a larger --max-length, or update offline-resolver") from None
