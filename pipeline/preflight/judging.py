"""Will a model do for scoring or training, here or on some other machine; and what the world calls it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pipeline.errors import ModelMissingError, ModelUnusableError, PipelineError
from pipeline.preflight.asking import document, locate, report_of

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
    report = report_of(
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
    text = _found(reference, report)
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
        document(report),
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


def _found(reference: str, report: Any) -> str:
    """A report as a terminal shows it.

    Raises:
        ModelMissingError: it is of no directory.
    """
    from resolver.report import terminal

    text: str = terminal.render((report,))
    if report.verdict == "not-found" or report.model.path is None:
        raise ModelMissingError(f"{reference} was not found", report=text)
    return text


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
    report = report_of(
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
    text = _found(reference, report)
    memory = {each.code: each.reason for each in report.skipped if each.code in MEMORY_RULES}
    memory |= {each.code: each.message for each in report.findings if each.code in MEMORY_RULES}
    errors = tuple(each.code for each in report.errors())
    return Judged(report.model.path, errors, memory, text, document(report))
