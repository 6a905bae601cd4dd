"""The pipeline's only door to the resolver: which directory is meant, will it do, is a submission valid, what to show.

Nothing heavy is imported here, so a model that cannot be used is refused before torch is loaded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pipeline.errors import ModelMissingError, ModelUnusableError, PipelineError, SettingsError

Purpose = Literal["score", "train"]
Head = Literal["classifier", "tokens"]
Level = Literal["quick", "standard"]
# What these reckon with is a copy in the dtype of the run.
MEMORY_RULES: Final = ("H701", "H702")


@dataclass(frozen=True, slots=True)
class Preflight:
    """A model, and perhaps an adapter, that may be loaded.

    Attributes:
        reference: what was asked, as written.
        path: the model's directory.
        adapter_path: the adapter's, None where none was named.
        hub_id: the hub's name of the model where the resolver knows it.
        text: the report as a terminal shows it.
        json: the report as JSON version 1, parsed.
        kaggle_handle: Kaggle's name of the model where the place spells it; without its owner where that does not.
    """

    reference: str
    path: Path
    adapter_path: Path | None
    hub_id: str | None
    text: str
    json: Any
    kaggle_handle: str | None = None


def locate(reference: str, *, roots: Sequence[Path] = (), config: Path | None = None) -> Path:
    """The directory that a reference stands for, judged only by what makes its bytes unusable anywhere.

    Raises:
        SettingsError: it is no reference, or the settings file cannot be used.
        ModelMissingError: no directory answers to it, or several do.
        ModelUnusableError: its bytes cannot be used.
    """
    from resolver import resolve_model
    from resolver.errors import ConfigurationError, MalformedReference, ModelNotFound, ModelRejected

    try:
        return Path(resolve_model(reference, roots=tuple(roots), config=config))
    except (ConfigurationError, MalformedReference) as error:
        raise SettingsError(str(error)) from None
    except ModelNotFound as error:
        raise ModelMissingError(f"{reference} was not found", report=str(error)) from None
    except ModelRejected as error:
        raise ModelUnusableError(f"{reference} cannot be used", report=str(error)) from None


def preflight(
    reference: str,
    *,
    purpose: Purpose,
    adapter: str | None = None,
    labels: int = 3,
    head: Head = "classifier",
    dtype: str | None = None,
    quantize: str | None = None,
    level: Level = "quick",
    never_whole: str | None = None,
    roots: Sequence[Path] = (),
    config: Path | None = None,
) -> Preflight:
    """Judge a model for scoring or training.

    `dtype` is what it will run in, None for what its files say. `quantize` is how its weights are made smaller while
    they are loaded, None for not at all. `never_whole` says why no full copy is going to be in memory; whether one fits
    is then not judged, and the report says why.

    With the head "tokens" its chat template is going to be rendered in this process, so it is judged at the standard
    level, which renders it in a process that is watched.

    Raises:
        SettingsError: the reference, or the adapter's, is no reference, or the settings file cannot be used.
        ModelMissingError: no directory answers to one of them, or several do.
        ModelUnusableError: the preflight has errors; `report` is all of it.
    """
    from resolver.report import terminal

    report = _report(
        reference,
        purpose=purpose,
        accelerator="host",  # it runs here, whatever the settings have other checks judge for
        adapter=adapter,
        labels=labels,
        head=head,
        level="standard" if head == "tokens" else level,
        dtype=dtype,
        quantize=quantize,
        ignore=_ignored(never_whole),
        roots=tuple(roots),
        config=config,
    )
    text = terminal.render((report,))
    if report.verdict == "not-found" or report.model.path is None:
        raise ModelMissingError(f"{reference} was not found", report=text)
    if report.verdict == "unusable":
        raise ModelUnusableError(f"{reference} cannot be used to {purpose}", report=text)
    adapter_path = None if report.adapter is None else report.adapter.path
    if adapter is not None and adapter_path is None:
        raise ModelMissingError(f"the adapter {adapter} was not found", report=text)
    return Preflight(
        reference,
        report.model.path,
        adapter_path,
        report.model.hub_id,
        text,
        _document(report),
        report.model.kaggle_handle,
    )


def published_names(
    checked: Preflight, *, roots: Sequence[Path] = (), config: Path | None = None
) -> tuple[str | None, str | None]:
    """What a model is called on the hub and on Kaggle, each None where it is not known.

    A mount spells the one, often without its owner, and the catalog knows the other. That is name evidence: it counts
    where the resolver, asked for it, comes to this very directory.
    """
    from resolver.catalog import hub_ids, known_places, same_place
    from resolver.environment import Environment
    from resolver.reference import KaggleDataset, KaggleHandle, parse_reference
    from resolver.sources.source import place_at

    spelt = place_at(checked.path, Environment.this())
    place = parse_reference(checked.kaggle_handle) if checked.kaggle_handle is not None else spelt
    if not isinstance(place, KaggleHandle | KaggleDataset):
        return checked.hub_id, None
    owners = {each.handle.owner for each in known_places(place) if same_place(each.handle, place)} - {None}
    if place.owner is None and len(owners) == 1:
        place = place.replaced(owner=owners.pop())
    ids = [each for each in hub_ids(place) if _leads_to(checked.path, each, roots, config)]
    return checked.hub_id or (ids[0] if len(ids) == 1 else None), None if "?" in str(place) else str(place)


def _leads_to(path: Path, reference: str, roots: Sequence[Path], config: Path | None) -> bool:
    try:
        return locate(reference, roots=roots, config=config) == path
    except PipelineError:
        return False


def _report(reference: str, **question: Any) -> Any:
    """What the resolver says, with its errors as ours."""
    from resolver import check_model
    from resolver.errors import ConfigurationError, MalformedReference, ModelNotFound

    try:
        return check_model(reference, **question)
    except (ConfigurationError, MalformedReference) as error:
        raise SettingsError(str(error)) from None
    except ModelNotFound as error:
        raise ModelMissingError(f"{reference} was not found", report=str(error)) from None


def _ignored(unjudged: str | None) -> dict[str, str]:
    return {} if unjudged is None else dict.fromkeys(MEMORY_RULES, unjudged)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the resolver says of a model for training on some machine; it need not be usable.

    Attributes:
        path: the model's directory.
        errors: the codes of its errors, in order.
        memory: of the memory rules by code, what each said or why it did not judge; a rule that passed is absent.
        text: the report as a terminal shows it.
        json: the report as JSON version 1, parsed.
    """

    path: Path
    errors: tuple[str, ...]
    memory: Mapping[str, str]
    text: str
    json: Any


def judge_for_training(
    reference: str,
    *,
    accelerator: str,
    labels: int,
    max_length: int,
    batch_size: int,
    dtype: str,
    unjudged: str | None = None,
    roots: Sequence[Path] = (),
    config: Path | None = None,
) -> Judged:
    """Judge a model for training on a machine that one need not be on, without refusing what is unusable.

    Args:
        reference: the model.
        accelerator: a profile's name, "host" for this machine.
        labels: columns of the head.
        max_length: tokens of the rows that are in memory at once.
        batch_size: how many these are.
        dtype: of the weights.
        unjudged: why whether one full copy fits is not judged; None where it is.
        roots: further directories to search.
        config: the settings.

    Raises:
        SettingsError: the reference is none, the accelerator is not known, or the settings file cannot be used.
        ModelMissingError: no directory answers, or several do.
    """
    from resolver.report import terminal

    report = _report(
        reference,
        purpose="train",
        accelerator=accelerator,
        labels=labels,
        max_length=max_length,
        batch_size=batch_size,
        dtype=dtype,
        ignore=_ignored(unjudged),
        roots=tuple(roots),
        config=config,
    )
    text = terminal.render((report,))
    if report.verdict == "not-found" or report.model.path is None:
        raise ModelMissingError(f"{reference} was not found", report=text)
    memory = {each.code: each.reason for each in report.skipped if each.code in MEMORY_RULES}
    memory |= {each.code: each.message for each in report.findings if each.code in MEMORY_RULES}
    errors = tuple(each.code for each in report.errors())
    return Judged(report.model.path, errors, memory, text, _document(report))


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that a run is meant for, as the resolver's profile has it.

    Attributes:
        accelerator: the profile's name; "host" is this machine.
        device: the name of one of its devices; "the CPU" where it has none.
        devices: how many there are, alike.
        kind: what torch calls them.
        memory_bytes: what one device can use; None where that is not known.
        has_bfloat16: whether its units multiply bfloat16.
        peak_16, peak_32: operations a second of one device in products of 16-bit and 32-bit numbers, None where not
            known.
        context_bytes: what its libraries take before the first tensor, at the least; 0 for a CPU.
        disk_bytes, time_limit_s: what a run may write and last; None where nobody has said.
    """

    accelerator: str
    device: str
    devices: int
    kind: Literal["cpu", "cuda", "tpu"]
    memory_bytes: int | None
    has_bfloat16: bool
    peak_16: float | None
    peak_32: float | None
    context_bytes: int
    disk_bytes: int | None
    time_limit_s: int | None


def machine_of(accelerator: str, *, config: Path | None = None) -> Machine:
    """The machine that a profile's name stands for.

    Raises:
        SettingsError: no such profile, or a settings file that cannot be used.
    """
    from resolver.environment import Environment
    from resolver.errors import ConfigurationError
    from resolver.host import peak_flops_of, this_host
    from resolver.rules.memory import CONTEXT_BYTES
    from resolver.settings import load_settings
    from resolver.target import target_host

    try:
        environment = Environment.this()
        settings = load_settings(environment, config)
        host = target_host(this_host(environment), accelerator, settings.accelerators)
    except ConfigurationError as error:
        raise SettingsError(str(error)) from None
    if not host.accelerators:
        return Machine(
            host.accelerator, "the CPU", 1, "cpu", host.memory_bytes, has_bfloat16=False,
            peak_16=None, peak_32=None, context_bytes=0, disk_bytes=host.disk_bytes, time_limit_s=host.time_limit_s,
        )  # fmt: skip
    smallest = min(host.accelerators, key=lambda each: each.memory_bytes or 0)
    is_tpu = smallest.name.startswith("TPU")
    return Machine(
        accelerator=host.accelerator,
        device=smallest.name,
        devices=len(host.accelerators),
        kind="tpu" if is_tpu else "cuda",
        memory_bytes=smallest.memory_bytes,
        has_bfloat16=is_tpu or (smallest.capability or (0, 0)) >= (8, 0),
        peak_16=peak_flops_of(smallest.name, "float16"),
        peak_32=peak_flops_of(smallest.name, "float32"),
        context_bytes=0 if is_tpu else CONTEXT_BYTES,
        disk_bytes=host.disk_bytes,
        time_limit_s=host.time_limit_s,
    )


def packed_bytes(bits: str, rows: int, columns: int) -> int:
    """A matrix in "int8" or "int4", by the formula that the resolver judges with."""
    from resolver.rules.memory import byte_bytes, nf4_bytes

    return byte_bytes(rows, columns) if bits == "int8" else nf4_bytes(rows, columns)


def least_activations(*, layers: int, hidden: int, inner: int, rows: int, length: int, element_bytes: int) -> int:
    """What H701 reckons for the activations of training with checkpointing, a lower bound."""
    from resolver.rules.memory import Plan, Shape, activations_bytes

    shape = Shape(layers=layers, hidden=hidden, heads=1, vocabulary=0, head_size=0, mlp=0, inner=inner)
    return activations_bytes(Plan("train", 0, element_bytes, shape), shape, rows, length)


def _document(report: Any) -> Any:
    """A report in the shape of JSON version 1, ready to be part of another object."""
    from resolver.report.blocks import Told
    from resolver.report.document import envelope

    return envelope(Told(reports=(report,)))


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor of a model's weights: the file that it is read from, its dtype as a header spells it, its shape."""

    file: Path
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies in a directory, as the resolver reads it.

    Attributes:
        tensors: by name; empty where the weights are pickles, or not all headers could be read.
        tokenizer: names of the tokenizer's files.
        terms: names of licence texts, use policies and notices.
        licence: what its card declares: `license`, `license_name`, `license_link`, where it does.
        head_rows: of the classifier's head that is stored, None where there is none.
    """

    tensors: Mapping[str, Stored]
    tokenizer: tuple[str, ...]
    terms: tuple[str, ...]
    licence: Mapping[str, str]
    head_rows: int | None


def contents(path: Path) -> Contents:
    """Read a directory; judges nothing and raises nothing."""
    from resolver.inspection.describe import describe
    from resolver.inspection.heads import find_head
    from resolver.inspection.roles import role_of

    found = describe(path)
    stored = found.weights.tensors if found.weights.tensors_known else {}
    shapes = {name: each.shape for name, each in stored.items()}
    head = find_head(shapes) if found.adapter is None else found.adapter.head
    roles = {name: role_of(name, found) for name in sorted(found.files.files)}
    return Contents(
        {name: Stored(found.files.path(each.file), each.dtype, each.shape) for name, each in stored.items()},
        tuple(name for name, role in roles.items() if role == "tokenizer" and _is_opened(name)),
        tuple(name for name, role in roles.items() if role == "licence"),
        {} if found.licence is None else _declared(found.licence),
        None if head is None else head.rows,
    )


def _is_opened(name: str) -> bool:
    """Whether a loader looks for a tokenizer's file there: at the top, or among the further templates."""
    return "/" not in name or name.startswith("additional_chat_templates/")


def _declared(licence: Any) -> dict[str, str]:
    said = {
        "license": licence.declared[0] if licence.declared else None,
        "license_name": licence.declared_name,
        "license_link": licence.declared_link,
    }
    return {key: value for key, value in said.items() if value}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a submission has to hold: the header in order, the ids in any order, and the file they come from."""

    columns: tuple[str, ...]
    ids: tuple[str, ...]
    ids_from: str


@dataclass(frozen=True, slots=True)
class SubmissionVerdict:
    """What the P rules say of a submission: would the server take it, is it suspect, as text and as JSON version 1."""

    valid: bool
    warnings: bool
    text: str
    json: Any


def judge_submission(path: Path, expected: Expected, *, name: Path | None = None) -> SubmissionVerdict:
    """Judge a submission; `name` is said in the report instead of the path, for a file that is not yet in place."""
    from resolver.finding import Identity, Report
    from resolver.inspection.submission import read_submission
    from resolver.report import terminal
    from resolver.rules import submission

    told = path if name is None else name
    facts = read_submission(path).replaced(path=told)
    evidence = submission.SubmissionEvidence(facts, expected.columns, expected.ids, expected.ids_from)
    findings, run, skipped = submission.judge_submission(evidence)
    valid = not any(finding.severity == "error" for finding in findings)
    report = Report(
        level="quick",
        purpose="score",
        accelerator="host",
        judged_with={},
        model=Identity(str(told), path=told, source="submission", confidence="exact"),
        verdict="usable" if valid else "unusable",
        findings=findings,
        run=run,
        skipped=skipped,
    )
    return SubmissionVerdict(
        valid,
        any(finding.severity == "warning" for finding in findings),
        terminal.render_findings(findings) + _summary(report, len(facts.rows), expected),
        _document(report),
    )


def _summary(report: Any, rows: int, expected: Expected) -> str:
    from resolver.report.summary import counts

    verdict = "valid" if report.verdict == "usable" else "invalid"
    skipped = "".join(f"; {each.code} skipped: {each.reason}" for each in report.skipped)
    return (
        f"{verdict}: {report.model.reference}, {rows:,} rows against {expected.ids_from};"
        f" {counts(report)} of {' '.join(report.run)}{skipped}\n"
    )


def read_forecasts(path: Path) -> dict[str, tuple[str, ...]]:
    """The cells of a valid submission by id."""
    from resolver.inspection.submission import read_submission

    return {row.id: row.cells for row in read_submission(path).rows}


def expected_from_sample(sample: Path) -> Expected:
    """What the sample submission of the same run asks for.

    Raises:
        SettingsError: the sample cannot be read, or repeats an id.
    """
    from resolver.inspection.submission import read_submission

    facts = read_submission(sample)
    if facts.fault is not None or not facts.rows:
        raise SettingsError(
            f"{sample}: {facts.fault or 'the sample has no row'}", fix="give the sample_submission.csv of the same run"
        )
    if len(set(facts.ids())) != len(facts.rows) or facts.ragged:
        raise SettingsError(f"{sample}: the sample repeats an id or has a broken row", fix="copy the sample again")
    return Expected(facts.columns, facts.ids(), str(sample))


def expected_from_test(columns: tuple[str, ...], ids: Sequence[str], test: Path) -> Expected:
    """What a submission for these test rows has to hold."""
    return Expected(columns, tuple(ids), str(test))


def tool_version() -> str:
    """The version of this distribution."""
    from resolver.version import VERSION

    return VERSION


def harmless(text: object) -> str:
    """Text of anybody's as one line that can be shown anywhere."""
    from resolver.report.escape import escape

    return escape(text)


def marked_up(text: object) -> str:
    """The same for a page: without mark-up."""
    from resolver.report.html_parts import text_of

    return text_of(text)


def framed(title: str, heading: str, body: Sequence[str], style: str) -> str:
    """A page in the resolver's frame and style, with more style of one's own; see `resolver.report.frame`."""
    from resolver.report.frame import framed as frame

    return frame(title, heading, body, style)


def columns_of(path: Path) -> tuple[str, ...]:
    """The header of a file that may be a submission; empty where it is none."""
    from resolver.inspection.submission import read_submission

    return read_submission(path).columns
