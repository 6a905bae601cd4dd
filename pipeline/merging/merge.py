"""`arena merge`, from two references to a directory that is checked: judge, plan, write beside, check, put in place."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.arena.battle import LABELS
from pipeline.directory import new_directory, refuse_taken
from pipeline.errors import ModelUnusableError, OutputError, SettingsError
from pipeline.merging.files import CONFIG, copy_tokenizer, write_card, write_config, write_record
from pipeline.merging.plan import MergeDtype, Plan, plan_merge
from pipeline.merging.shards import divide, write
from pipeline.merging.verify import compare
from pipeline.merging.weights import Tensors
from pipeline.model.adapter import CONFIG as ADAPTER_CONFIG
from pipeline.model.load import load_text_side, require_packages
from pipeline.preflight import Contents, Preflight, contents, locate, preflight, published_names
from pipeline.progress import Progress
from pipeline.training.agreement import contradictions_of_adapter, contradictions_of_merged, read_merged
from pipeline.training.origin import find_base
from pipeline.training.record import TrainingRecord, contradictions, read_record

STREAMED: Final = "the weights are merged tensor by tensor"
SMALL_FILES: Final = 64 * 1024 * 1024  # tokenizer, config and texts, generously
KIND: Final = "a model"


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """What is asked of a merge.

    Attributes:
        adapter: a reference to it.
        output: the directory to make.
        model: a reference to the base; None for the one that the adapter names.
        dtype: of what is written; "auto" for what each tensor of the base has.
        shard_bytes: the most tensors in a file.
        verify: compare logits with those of base and adapter before it is put in place.
        force: replace a model that is there; go on although the adapter's record differs.
        roots, config: where models are searched, as everywhere.
    """

    adapter: str
    output: Path
    model: str | None = None
    dtype: MergeDtype = "auto"
    shard_bytes: int = 5 * 1000**3
    verify: bool = False
    force: bool = False
    roots: tuple[Path, ...] = ()
    config: Path | None = None


@dataclass(frozen=True, slots=True)
class Merge:
    """What was made.

    Attributes:
        base: the base's preflight, with the adapter over it.
        plan: what was merged.
        files: the files of weights.
        report: what the check of the result said, as text.
        difference: the largest difference of a logit from base and adapter; None where it was not asked for.
        labels: columns of the head.
    """

    base: Preflight
    plan: Plan
    files: tuple[str, ...]
    report: str
    difference: float | None
    labels: int


@dataclass(frozen=True, slots=True)
class _Judged:
    """A base and an adapter that belong together."""

    base: Preflight
    adapter: Path
    inside: Contents
    record: TrainingRecord | None
    labels: int


def merge(request: MergeRequest, tell: Callable[[str], None]) -> Merge:
    """Merge an adapter into its base.

    Raises:
        PipelineError: of the kind that says what was wrong; nothing is left behind.
    """
    refuse_taken(request.output, marker=CONFIG, what=KIND, force=request.force)
    judged = _judge(request, tell)
    _refuse_own_sources(request.output, judged)
    require_packages()
    plan = plan_merge(judged.base.path, judged.inside, judged.adapter, labels=judged.labels, dtype=request.dtype)
    for line in _notes(judged, plan):
        tell(f"note: {line}")
    with new_directory(request.output, plan.size_bytes + SMALL_FILES) as place:
        files = _write(request, judged, plan, place)
        checked = _check(place, judged.labels)
        difference = None
        if request.verify:
            difference = compare(
                judged.base.path, judged.adapter, place, judged.record, labels=judged.labels, written=plan.coarsest
            )
    # It was checked where it was written, beside its place.
    report = checked.text.replace(place.name, request.output.name)
    return Merge(judged.base, plan, files, report, difference, judged.labels)


def _judge(request: MergeRequest, tell: Callable[[str], None]) -> _Judged:
    """Both are found, sound, and of each other."""
    adapter = _find_adapter(request)
    record = read_record(adapter)
    if record is not None and record.merged is not None:
        raise SettingsError(f"{adapter} is a merged model, and no adapter", fix="arena score --model takes it as it is")
    labels = contents(adapter).head_rows if record is None else len(record.labels)
    if labels is None or not 2 <= labels <= len(LABELS):  # noqa: PLR2004 - A and B
        stored = "no classifier's head" if labels is None else f"a head with {labels} columns"
        raise ModelUnusableError(
            f"the adapter {adapter} stores {stored}; columns are {', '.join(LABELS)}, or the first two",
            fix="train it with its head in modules_to_save; arena train does",
        )
    model = request.model or find_base(adapter, roots=request.roots, config=request.config)
    checked = preflight(
        model,
        purpose="score",
        adapter=str(adapter),
        labels=labels,
        never_whole=STREAMED,
        roots=request.roots,
        config=request.config,
    )
    tell(checked.text)
    _agree(request, record, checked.path, adapter, tell)
    return _Judged(checked, adapter, contents(checked.path), record, labels)


def _find_adapter(request: MergeRequest) -> Path:
    """The adapter's directory; a state dict that a notebook saved is none, and is not opened here."""
    given = Path(request.adapter)
    found = given if given.is_file() else locate(request.adapter, roots=request.roots, config=request.config)
    if (found / ADAPTER_CONFIG).is_file() or (found / CONFIG).is_file():
        return found
    saved = found if found.is_file() else next((each for each in sorted(found.glob("*.pt*"))), found / "FILE")
    raise ModelUnusableError(
        f"{found} has no {ADAPTER_CONFIG}: what scales the adapter is not in its tensors",
        fix="have it written, with the lora_alpha of the training run, and merge DIR:"
        f" resolver repair adapter {saved} --base MODEL --alpha N --to DIR",
    )


def _agree(
    request: MergeRequest, record: TrainingRecord | None, base: Path, adapter: Path, tell: Callable[[str], None]
) -> None:
    if record is None:
        tell(
            f"note: {adapter} has no training.json: whether it was trained over {base} cannot be known, and length,"
            " prompt and truncation do not travel"
        )
        return
    merged = read_merged(base)
    said = (
        *contradictions(record, base, max_length=None),
        *contradictions_of_adapter(record, adapter),
        *(() if merged is None else contradictions_of_merged(merged, base, adapter=adapter, trained=record)),
    )
    if said and not request.force:
        raise SettingsError(
            f"the adapter {adapter} contradicts this merge: {'; '.join(said)}",
            fix="name the base it was trained on, or say --force",
        )
    for each in said:
        tell(f"note: {each}")


def _refuse_own_sources(output: Path, judged: _Judged) -> None:
    """Replacing what is read would lose it."""
    target = output.resolve()
    for source in (judged.base.path.resolve(), judged.adapter.resolve()):
        if target == source or target in source.parents or source in target.parents:
            raise OutputError(f"{output}: {source} is read from there", fix="name a directory of its own")


def _notes(judged: _Judged, plan: Plan) -> tuple[str, ...]:
    said = []
    if plan.left_out:
        names = ", ".join(plan.left_out[:3]) + (" …" if len(plan.left_out) > 3 else "")  # noqa: PLR2004 - a few
        said.append(f"left out of {judged.base.path}, because the classifier has no place for it: {names}")
    return tuple(said)


def _write(request: MergeRequest, judged: _Judged, plan: Plan, place: Path) -> tuple[str, ...]:
    shards = divide(plan.slots, request.shard_bytes)
    with Tensors(plan, judged.adapter) as tensors, Progress("merging", plan.size_bytes, "bytes") as progress:
        write(place, shards, tensors.make, progress.advance)
    base = judged.base.path
    copy_tokenizer(base, place, judged.inside)
    pad = _pad(base)
    write_config(base, place, plan, labels=judged.labels, dtype=request.dtype, pad=pad)
    write_record(judged.record, judged.adapter, place, request.dtype)
    names = published_names(judged.base, roots=request.roots, config=request.config)
    base_name = next((name for name in names if name is not None), None)
    write_card(base, judged.adapter, place, base_name=base_name, labels=judged.labels)
    return tuple(shard.name for shard in shards)


def _pad(base: Path) -> int | None:
    """As training padded: the tokenizer's id, else the config's."""
    tokenizer, config = load_text_side(base)
    preferred: int | None = tokenizer.pad_token_id
    return preferred if preferred is not None else config.get_text_config().pad_token_id


def _check(place: Path, labels: int) -> Preflight:
    """The real loader, without data, on what was written.

    Raises:
        ModelUnusableError: it is not usable.
    """
    try:
        return preflight(str(place), purpose="score", labels=labels, level="standard", never_whole=STREAMED)
    except ModelUnusableError as error:
        raise ModelUnusableError(
            "what was merged does not pass its own check; nothing was put in place", report=error.report
        ) from None


def values_of(made: Merge, request: MergeRequest) -> dict[str, Any]:
    """The figures of a merge, for JSON."""
    return {
        "output": str(request.output),
        "base": str(made.base.path),
        "adapter": str(made.base.adapter_path),
        "dtype": request.dtype,
        "labels": list(LABELS[: made.labels]),
        "files": list(made.files),
        "tensors": len(made.plan.slots),
        "bytes": made.plan.size_bytes,
        "changed": len(made.plan.laid.weights) + len(made.plan.laid.biases),
        "replaced": len(made.plan.laid.whole),
        "left_out": list(made.plan.left_out),
        "largest_difference": made.difference,
        "reports": made.base.json["reports"],
    }
