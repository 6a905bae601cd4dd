"""What is settled before the first battle: the preflight, the adapter's record, labels, length, dtype and devices.

A model that cannot be used is refused here, before torch is imported.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from pipeline.arena.battle import Battle, Contest
from pipeline.arena.calibration import Calibrating, Calibration, calibration_in, read_calibration
from pipeline.arena.outcome import Row, for_contest
from pipeline.arena.post_rules import RULE_SETS, RuleSet, apply_rules
from pipeline.arena.table import Table
from pipeline.errors import ModelMissingError, ModelUnusableError, PipelineError, SettingsError
from pipeline.model.load import (
    Device,
    Dtype,
    choose_device,
    choose_dtype,
    choose_length,
    load_text_side,
    require_packages,
)
from pipeline.model.quantise import Quantize
from pipeline.preflight import Head, Preflight, harmless, locate, preflight
from pipeline.scoring.delivery import prior_of
from pipeline.scoring.fingerprint import directory_digest, weights_bytes
from pipeline.scoring.job import Job, default_batch_tokens
from pipeline.scoring.letters import LoadLetters, ask_for_letters
from pipeline.scoring.loading import LoadClassifier
from pipeline.scoring.swap import Swap
from pipeline.scoring.watch import PATIENCE_S
from pipeline.scoring.work import Encode, Stage, encode_with
from pipeline.text.encode import Encoder
from pipeline.text.prompt import DEFAULT_TEMPLATE, MIDDLE
from pipeline.text.truncate import Truncation, Way
from pipeline.training.agreement import contradictions_of_adapter, contradictions_of_merged, read_merged
from pipeline.training.record import TrainingRecord, contradictions, read_record

# Whose versions change the last bits of a forecast.
PACKAGES: Final = (
    "torch", "transformers", "tokenizers", "peft", "bitsandbytes", "compressed-tensors", "gptqmodel", "torchao",
)  # fmt: skip

Load = LoadClassifier | LoadLetters


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a scoring run; None where the adapter's record, the model or the device decides.

    Of a blend or cascade, what is asked of its models stands in `parts`, and `model` is what people call it. Without
    `calibration`, a file, the one beside the adapter is applied; where `calibrate` is not set, none.
    """

    model: str
    adapter: str | None = None
    labels: int | None = None
    max_length: int | None = None
    batch_tokens: int | None = None
    swap: Swap = "none"
    dtype: Dtype = "auto"
    quantize: Quantize = "none"
    device: Device = "auto"
    workers: int | None = None
    deadline_s: float | None = None
    patience_s: float = PATIENCE_S
    roots: tuple[Path, ...] = ()
    config: Path | None = None
    force: bool = False
    truncate: Way | None = None
    prompt_cap: str | None = None
    head: Head = "classifier"
    rules: RuleSet = "none"
    parts: "tuple[Part, ...]" = ()
    temperature: float = 1.0
    calibration: Path | None = None
    calibrate: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """What is asked of one model of a blend or cascade; `weight`, `share` and `below` as in `work.Stage`."""

    request: Request
    weight: float = 1.0
    share: float = 1.0
    below: float | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a run, judged and settled.

    Attributes:
        part: what was asked of it.
        checked: the preflight.
        encode: the template, in the model's tokenizer.
        load: how the model is loaded.
        rows: the encoder's key: template and way of cutting.
        labels: columns of the head.
        length: the longest row in tokens.
    """

    part: Part
    checked: Preflight
    encode: Encode
    load: Load
    rows: str
    labels: int
    length: int

    def stage(self, first: "Model") -> Stage:
        """The model as the queue sees it; a token costs as its weights do beside the first model's."""
        cost = weights_bytes(self.checked.path) / max(1, weights_bytes(first.checked.path))
        part = self.part
        return Stage(self.encode, self.length, part.weight, part.share, part.below, cost or 1.0)

    def fingerprint(self) -> dict[str, str]:
        """What makes this model's packs the same as another run's."""
        adapter = self.checked.adapter_path
        return {
            "model": directory_digest(self.checked.path),
            "adapter": "none" if adapter is None else directory_digest(adapter),
            "quantize": self.part.request.quantize,
            "head": self.part.request.head,
            "encoder": self.rows,
            "length": str(self.length),
            "labels": str(self.labels),
        }


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a run needs beside the battles.

    Attributes:
        request: what was asked.
        models: in the order in which they look.
        contest: whose columns are scored.
        device: the kind, cpu or cuda.
        names: the devices, one each process.
        threads: of a process on a CPU; None where it is the only one.
        dtype: as torch names it, without "torch.".
        budget: tokens of a pack.
        calibration: of the forecasts, before the rules; None where there is none.
    """

    request: Request
    models: tuple[Model, ...]
    contest: Contest
    device: str
    names: tuple[str, ...]
    threads: int | None
    dtype: str
    budget: int
    calibration: Calibration | None = None

    @property
    def loads(self) -> tuple[Load, ...]:
        """How each stage's model is loaded."""
        return tuple(model.load for model in self.models)

    @property
    def labels(self) -> int:
        """Columns of the forecasts."""
        return self.models[0].labels

    @property
    def length(self) -> int:
        """The longest row of any model in tokens."""
        return max(model.length for model in self.models)

    @property
    def reports(self) -> list[Any]:
        """The preflights, in the shape of JSON version 1."""
        return [report for model in self.models for report in model.checked.json["reports"]]

    def job(self, battles: Sequence[Battle]) -> Job:
        """The work for these battles."""
        rules = RULE_SETS[self.request.rules]
        calibrated = None if self.calibration is None else Calibrating(self.calibration, battles)

        def finish(place: int, row: Row) -> Row:
            (last,) = apply_rules(rules, [battles[place]], for_contest(self.contest, [row])).probabilities
            return last

        return Job(
            battles,
            tuple(model.stage(self.models[0]) for model in self.models),
            self.budget,
            prior_of(self.labels),
            swap=self.request.swap,
            finish=finish,
            temperature=self.request.temperature,
            calibrate=calibrated,
        )

    def fingerprint(self, rows_digest: str) -> dict[str, str]:
        """What makes this run's packs the same as another's; no pack depends on weights of a blend or a calibration."""
        models = {
            name if len(self.models) == 1 else f"{name} of member {number}": value
            for number, model in enumerate(self.models, 1)
            for name, value in model.fingerprint().items()
        }
        return {
            "rows": rows_digest,
            **models,
            "budget": str(self.budget),
            "dtype": self.dtype,
            "device": _kind(self.device, self.threads),
            "versions": " ".join(f"{name} {_version(name)}" for name in PACKAGES),
        }


def prepare(request: Request, table: Table, tell: Callable[[str], None]) -> Prepared:
    """Settle everything.

    Raises:
        PipelineError: of the kind that says what was wrong; where models of a blend cannot be used, all of them are
            told together.
    """
    parts = request.parts or (Part(request),)
    if request.swap == "time" and request.deadline_s is None:
        raise SettingsError("--swap time needs a time", fix="say --deadline 8h30m, or --swap all")
    judged = _judge_all(parts, table)
    for each in judged:
        _agree(each.part.request, each.record, each.checked, tell)
    require_packages()
    device = choose_device(request.device)
    calibration = _calibration(request, judged, tell)
    dtype = choose_dtype(request.dtype, device)
    dtype_name = str(dtype).removeprefix("torch.")
    names = _names(device.type, request.workers)
    return Prepared(
        request,
        tuple(_settled(each, dtype_name) for each in judged),
        table.contest,
        device.type,
        names,
        _threads(device.type, len(names)),
        dtype_name,
        request.batch_tokens or default_batch_tokens(device.type),
        calibration,
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """A model that passed the preflight, and the record of its adapter, or of the one that is merged into it."""

    part: Part
    checked: Preflight
    record: TrainingRecord | None
    labels: int


def _judge_all(parts: Sequence[Part], table: Table) -> tuple[_Judged, ...]:
    """The preflight of every model, before anything is loaded."""
    judged: list[_Judged] = []
    refused: list[ModelMissingError | ModelUnusableError] = []
    for part in parts:
        try:
            judged.append(_judge(part, table))
        except (ModelMissingError, ModelUnusableError) as error:
            refused.append(error)
    if refused:
        raise refused[0] if len(parts) == 1 else _together(refused, len(parts))
    if len({each.labels for each in judged}) > 1:
        told = ", ".join(f"{each.part.request.model} {each.labels}" for each in judged)
        raise SettingsError(f"the members' forecasts have not the same columns: {told}", fix="say labels for each")
    return tuple(judged)


def _calibration(request: Request, judged: Sequence[_Judged], tell: Callable[[str], None]) -> Calibration | None:
    """The calibration of the forecasts: the file that was named, else the one beside the only model's weights.

    Raises:
        SettingsError: it cannot be used, or is of forecasts with other columns.
    """
    if not request.calibrate:
        return None
    found = read_calibration(request.calibration) if request.calibration else calibration_in(_loaded(judged))
    if found is None:
        return None
    if request.calibration is None and len(judged) > 1:
        tell("note: members' own calibrations are not applied to their blend; --calibration FILE names one of it")
        return None
    labels = judged[0].labels
    if found.outcomes != labels:
        raise SettingsError(
            f"the calibration is of {found.outcomes} outcomes and the head of {labels}",
            fix="say --no-calibration, or fit it again: arena calibrate",
        )
    tell(f"calibration: {found.says()}")
    return found


def _loaded(judged: Sequence[_Judged]) -> Iterator[Path]:
    """The directories that weights come from: of each model its adapter's, else its own."""
    return (each.checked.adapter_path or each.checked.path for each in judged)


def _together(refused: Sequence[ModelMissingError | ModelUnusableError], of: int) -> PipelineError:
    kind = ModelMissingError if any(isinstance(each, ModelMissingError) for each in refused) else ModelUnusableError
    return kind(
        f"{len(refused)} of {of} members cannot be used: {'; '.join(map(str, refused))}",
        fix=next((each.fix for each in refused if each.fix), ""),
        report="\n".join(each.report for each in refused if each.report),
    )


def _judge(part: Part, table: Table) -> _Judged:
    request = part.request
    record = _record(request)
    labels = _labels(request, record, table)
    checked = preflight(
        request.model,
        purpose="score",
        adapter=request.adapter,
        labels=labels,
        head=request.head,
        dtype=None if request.dtype == "auto" else request.dtype,
        quantize=None if request.quantize == "none" else request.quantize,
        roots=request.roots,
        config=request.config,
    )
    return _Judged(part, checked, record, labels)


def _settled(judged: _Judged, dtype: str) -> Model:
    request, record, checked, labels = judged.part.request, judged.record, judged.checked, judged.labels
    tokenizer, config = load_text_side(checked.path)
    length = choose_length(request.max_length or (None if record is None else record.max_length), tokenizer, config)
    truncation = truncation_of(request, record)
    load: Load = LoadClassifier(checked.path, checked.adapter_path, labels, dtype, request.quantize)
    if request.head == "tokens":
        encoder, letters = ask_for_letters(tokenizer, config, labels=labels, length=length, truncation=truncation)
        load = LoadLetters(checked.path, checked.adapter_path, letters, dtype, request.quantize)
    else:
        encoder = make_encoder(tokenizer, length, record, truncation)
    return Model(judged.part, checked, encode_with(encoder), load, encoder.key, labels, length)


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
    """How the adapter was trained; without one, how the one was that is merged into the model."""
    record = _of_merged(request) if request.adapter is None else read_record(_directory(request.adapter, request))
    if record is not None and request.head == "tokens":
        raise SettingsError(
            f"{_trained(request)} was trained with a classifier's head; it knows no letters",
            fix="leave --head out, or give an adapter of the language model",
        )
    return record


def _directory(reference: str, request: Request) -> Path:
    path = Path(reference)
    return path if path.is_dir() else locate(reference, roots=request.roots, config=request.config)


def _of_merged(request: Request) -> TrainingRecord | None:
    """The record of a merged model; that of another directory is not about its weights."""
    try:
        found = _directory(request.model, request)
    except PipelineError:
        return None  # the preflight says why, and better
    return read_merged(found)


def _trained(request: Request) -> str:
    return f"the model {request.model}" if request.adapter is None else f"the adapter {request.adapter}"


def _labels(request: Request, record: TrainingRecord | None, table: Table) -> int:
    trained = None if record is None else len(record.labels)
    labels = request.labels or trained or (2 if table.contest == "wsdm" else 3)
    if trained is not None and labels != trained:
        raise SettingsError(
            f"--labels {labels}: {_trained(request)} was trained on {trained} labels", fix="leave --labels out"
        )
    if table.contest == "lmsys" and labels != 3:  # noqa: PLR2004 - A, B and tie
        raise SettingsError(f"{table.path} is of a contest with ties; a head with {labels} labels cannot forecast them")
    return labels


def _agree(request: Request, record: TrainingRecord | None, checked: Preflight, tell: Callable[[str], None]) -> None:
    """Adapter, base and options have to be those of the training; `force` turns the refusal into a note."""
    said = tuple(_said(request, record, checked))
    if said and not request.force:
        raise SettingsError(
            f"{_trained(request)} contradicts this run: {'; '.join(said)}",
            fix="use the base and the options it was trained with, or say --force",
        )
    for each in said:
        tell(f"note: {harmless(each)}")


def _said(request: Request, record: TrainingRecord | None, checked: Preflight) -> Iterator[str]:
    if record is not None:
        yield from contradictions(
            record,
            checked.path,
            max_length=request.max_length,
            way=request.truncate,
            prompt_cap=request.prompt_cap,
        )
    if record is not None and checked.adapter_path is not None:
        yield from contradictions_of_adapter(record, checked.adapter_path)
    merged = read_merged(checked.path)
    if merged is not None:
        trained = None if checked.adapter_path is None else record
        yield from contradictions_of_merged(merged, checked.path, adapter=checked.adapter_path, trained=trained)


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
