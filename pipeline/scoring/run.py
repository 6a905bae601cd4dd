"""A whole scoring run: preflight, the adapter's record, load, score. `arena score` is one use of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.arena.table import Table
from pipeline.errors import SettingsError
from pipeline.model.load import (
    Device,
    Dtype,
    choose_device,
    choose_dtype,
    choose_length,
    load_classifier,
    load_text_side,
    require_packages,
)
from pipeline.model.runner import Runner, runner_of
from pipeline.preflight import Head, Preflight, locate, preflight
from pipeline.progress import Progress
from pipeline.scoring.engine import Scored, default_batch_tokens, score_battles
from pipeline.scoring.letters import LoadLetters, ask_for_letters
from pipeline.scoring.swap import Swap
from pipeline.text.encode import Encoder
from pipeline.text.prompt import DEFAULT_TEMPLATE, MIDDLE
from pipeline.text.truncate import Truncation, Way
from pipeline.training.record import TrainingRecord, contradictions, read_record

if TYPE_CHECKING:
    import torch


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
    roots: tuple[Path, ...] = ()
    config: Path | None = None
    force: bool = False
    truncate: Way | None = None
    prompt_cap: str | None = None
    head: Head = "classifier"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is done: what was checked, how it ran, what came out."""

    checked: Preflight
    scored: Scored
    labels: int
    max_length: int
    device: str
    dtype: str


def score_table(request: Request, table: Table, tell: Callable[[str], None]) -> Run:
    """Score every battle of a table.

    Args:
        request: with which model and how.
        table: the battles.
        tell: given a line about each thing that is known before the long part begins.

    Raises:
        PipelineError: of the kind that says what was wrong; the model is refused before torch is imported.
    """
    record = _record(request)
    labels = _labels(request, record, table)
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
    return _score(request, record, checked, table, labels=labels, tell=tell)


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


def _score(
    request: Request,
    record: TrainingRecord | None,
    checked: Preflight,
    table: Table,
    *,
    labels: int,
    tell: Callable[[str], None],
) -> Run:
    device = choose_device(request.device)
    dtype = choose_dtype(request.dtype, device)
    runner, encoder = _opened(request, record, checked, labels=labels, device=device, dtype=dtype)
    dtype_name = str(dtype).removeprefix("torch.")
    length = encoder.max_length
    tell(f"scoring {len(table.battles):,} battles on {device.type}, {dtype_name}, rows of at most {length} tokens")
    with Progress("scoring", len(table.battles), "battles") as progress:
        scored = score_battles(
            runner,
            encoder,
            table.battles,
            batch_tokens=request.batch_tokens or default_batch_tokens(device.type),
            swap=request.swap,
            expect=progress.expect,
            advance=progress.advance,
        )
    return Run(checked, scored, labels, length, device.type, dtype_name)


def _opened(
    request: Request,
    record: TrainingRecord | None,
    checked: Preflight,
    *,
    labels: int,
    device: "torch.device",
    dtype: "torch.dtype",
) -> tuple[Runner, Encoder]:
    """The model in memory with its head and adapter, and what turns battles into its rows."""
    from pipeline.model.adapter import attach_adapter

    truncation = truncation_of(request, record)
    if request.head == "tokens":
        tokenizer, config = load_text_side(checked.path)
        length = choose_length(request.max_length, tokenizer, config)
        encoder, letters = ask_for_letters(tokenizer, config, labels=labels, length=length, truncation=truncation)
        load = LoadLetters(checked.path, checked.adapter_path, letters, str(dtype).removeprefix("torch."))
        return load(str(device)), encoder
    classifier = load_classifier(
        checked.path, labels=labels, dtype=dtype, device=device, head_may_be_new=checked.adapter_path is not None
    )
    trained_length = None if record is None else record.max_length
    length = choose_length(request.max_length or trained_length, classifier.tokenizer, classifier.model.config)
    if checked.adapter_path is not None:
        classifier = attach_adapter(classifier, checked.adapter_path)
    return runner_of(classifier), make_encoder(classifier.tokenizer, length, record, truncation)


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


def by_id(table: Table, scored: Scored) -> dict[str, Sequence[float]]:
    """The forecasts by the battles' ids."""
    return {battle.id: row for battle, row in zip(table.battles, scored.probabilities, strict=True)}
