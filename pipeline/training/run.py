"""A whole run: from files and a reference to a directory that can be checked, scored with and carried elsewhere.

What can be refused without a model is refused before one is loaded: bad data first, then the place to write to, then
the resolver's verdict.
"""

import platform
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.arena.battle import LABELS
from pipeline.arena.submission import write_submission
from pipeline.arena.table import Table
from pipeline.model.load import Classifier, Dtype
from pipeline.preflight import Preflight, preflight
from pipeline.progress import Progress, duration
from pipeline.scoring.deadline import FOREVER, Deadline, process_start
from pipeline.scoring.stopping import Stopping
from pipeline.text.truncate import Truncation
from pipeline.training.checkpoint import Keeper
from pipeline.training.curriculum import Curriculum, Sources, read_curriculum
from pipeline.training.examples import examples_sha256
from pipeline.training.loop import Ended, Hooks, Trained, train
from pipeline.training.placement.choose import Device, Parallel, choose_placement
from pipeline.training.plan import Plan
from pipeline.training.record import (
    Base,
    Data,
    Metrics,
    TrainingRecord,
    data_sha256,
    headers_sha256,
    read_record,
    tokenizer_sha256,
)
from pipeline.training.run_directory import (
    BASE,
    CHECKPOINTS,
    HELD_OUT,
    SITTINGS,
    RunIdentity,
    add_line,
    claimed,
    write_json,
)
from pipeline.training.saving import check_directory, save_trained
from pipeline.training.story import Story, draw_curves

if TYPE_CHECKING:
    from pipeline.text.encode import Encoder
    from pipeline.training.placement.placement import Placement

PACKAGES: Final = ("torch", "transformers", "tokenizers", "peft", "safetensors", "bitsandbytes", "torch_tpu", "torch_xla")
CHECKPOINT_EVERY_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked to do.

    Attributes:
        model: the reference of the base.
        output: the directory of the adapter, or of the model where all of it is trained.
        sources: the files of battles.
        plan: how it is trained.
        run: the run's directory; beside the output where None.
        max_length: tokens of a row; the default within the model's limit where None.
        truncation: how longer rows are cut.
        dtype: that is computed in.
        device, parallel: where, and how several processes share the work; see `choose_placement`.
        deadline_s: be done by then, counted from the start of the process.
        checkpoint_every_s: seconds between checkpoints.
        keep_checkpoints: also when the run has ended well.
        fresh: begin again although the run could be gone on with.
        force: replace what stands at the output.
        roots, config: where models are looked for.
    """

    model: str
    output: Path
    sources: Sources
    plan: Plan
    run: Path | None = None
    max_length: int | None = None
    truncation: Truncation = field(default_factory=lambda: Truncation("middle", None))
    dtype: Dtype = "auto"
    device: Device = "auto"
    parallel: Parallel = "auto"
    deadline_s: float = FOREVER
    checkpoint_every_s: float = CHECKPOINT_EVERY_S
    keep_checkpoints: bool = False
    fresh: bool = False
    force: bool = False
    roots: tuple[Path, ...] = ()
    config: Path | None = None

    @property
    def directory(self) -> Path:
        """The run's directory."""
        return self.run or self.output.with_name(f"{self.output.name}-run")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to.

    Attributes:
        trained: the classifier and its figures.
        record: as it stands in the output; None where the run was stopped and nothing was written there.
        checked: the resolver's report of the base.
        exit_code: 0, or what shells give for the signal that stopped it.
        is_first: whether this process speaks for the run.
    """

    trained: Trained
    record: TrainingRecord | None
    checked: Preflight
    exit_code: int
    is_first: bool


def carry_out(request: Request, say: Callable[[str], None]) -> Outcome:
    """Train as asked.

    Args:
        request: what is asked.
        say: given lines about what goes on.

    Raises:
        PipelineError: of the data, the model, the place to write to, or the run; one line each.
    """
    curriculum = read_curriculum(request.sources, request.plan)
    check_directory(request.output, force=request.force or _is_unfinished(request.output))
    checked = preflight(
        request.model,
        purpose="train",
        labels=curriculum.labels,
        quantised=None if request.plan.quantize == "none" else request.plan.quantize,
        roots=request.roots,
        config=request.config,
    )
    placement = choose_placement(request.device, request.parallel)
    try:
        whisper = say if placement.place.is_first else _silent
        whisper(checked.text)
        for line in curriculum.left_out:
            whisper(f"left out: {line}")
        return _at(placement, request, curriculum, checked, whisper)
    finally:
        placement.close()


def _silent(_: str) -> None:
    """For the processes that do not speak for the run."""


def _is_unfinished(output: Path) -> bool:
    record = read_record(output) if output.is_dir() else None
    return record is not None and record.metrics.is_unfinished


def _at(
    placement: "Placement",
    request: Request,
    curriculum: Curriculum,
    checked: Preflight,
    say: Callable[[str], None],
) -> Outcome:
    classifier, encoder = _load(placement, request, curriculum, checked)
    identity = _identity(request, curriculum, checked, classifier, encoder)
    first = placement.place.is_first
    with Stopping() as stopping, _claim(request, identity, is_first=first) as directory:
        say(
            f"training on {len(curriculum.examples):,} battles for {request.plan.epochs} epochs,"
            f" {len(curriculum.held_out):,} held out, rows of at most {encoder.max_length} tokens; the run is told in"
            f" {directory}"
        )
        keeper = Keeper(directory / CHECKPOINTS, identity.fingerprint, say)
        watch = _Watch(stopping, Deadline(request.deadline_s, process_start()), request.checkpoint_every_s)
        story = _begin(directory, request, placement, checked) if first else None
        try:
            trained = _train(request, curriculum, classifier, encoder, placement, keeper, watch, story, say)
        finally:
            if story is not None:
                story.close()
        if trained.ended == "stopped" or not first:
            return Outcome(trained, None, checked, stopping.exit_code if stopping else 0, first)
        record = _record(request, curriculum, checked, encoder, trained)
        _write(directory, request, curriculum, checked, trained, record)
        if trained.ended == "done" and not request.keep_checkpoints:
            keeper.forget()
        return Outcome(trained, record, checked, 0, first)


def _load(
    placement: "Placement", request: Request, curriculum: Curriculum, checked: Preflight
) -> tuple[Classifier, "Encoder"]:
    from pipeline.model.load import choose_dtype, choose_length, load_classifier, require_packages
    from pipeline.scoring.preparation import make_encoder

    require_packages()
    import torch

    plan, device = request.plan, placement.place.device
    computed = choose_dtype(request.dtype, device)
    quantised = plan.quantize != "none"
    classifier = load_classifier(
        checked.path,
        labels=curriculum.labels,
        dtype=torch.float32 if plan.tune == "full" else computed,
        device=device if quantised else torch.device("cpu"),
        head_may_be_new=True,
        quantize=plan.quantize,
    )
    classifier = replace(classifier, dtype=computed)
    length = choose_length(request.max_length, classifier.tokenizer, classifier.model.config)
    return classifier, make_encoder(classifier.tokenizer, length, None, request.truncation)


def _identity(
    request: Request, curriculum: Curriculum, checked: Preflight, classifier: Classifier, encoder: "Encoder"
) -> RunIdentity:
    return RunIdentity(
        plan=request.plan,
        base=request.model,
        base_headers_sha256=headers_sha256(checked.path),
        base_tokenizer_sha256=tokenizer_sha256(checked.path),
        examples_sha256=examples_sha256(curriculum.examples),
        held_out_sha256=data_sha256(curriculum.held_out),
        template=encoder.template.name,
        max_length=encoder.max_length,
        truncation=encoder.truncation.way,
        prompt_cap=encoder.truncation.prompt_cap,
        dtype=str(classifier.dtype).removeprefix("torch."),
        labels=curriculum.labels,
    )


def _claim(request: Request, identity: RunIdentity, *, is_first: bool) -> AbstractContextManager[Path]:
    """The first process claims the directory for all of them."""
    return claimed(request.directory, identity, fresh=request.fresh) if is_first else nullcontext(request.directory)


def _begin(directory: Path, request: Request, placement: "Placement", checked: Preflight) -> Story:
    place = placement.place
    write_json(directory / BASE, checked.json)
    sitting = {
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "command": sys.argv[1:],
        "device": str(place.device),
        "processes": place.processes,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "versions": _versions(),
        "train": str(request.sources.train),
        "extra": {str(path): weight for path, weight in request.sources.extra},
    }
    add_line(directory / SITTINGS, sitting)
    return Story(directory)


@dataclass(slots=True)
class _Watch:
    """When to stop and when to keep a checkpoint."""

    stopping: Stopping
    deadline: Deadline
    every_s: float
    kept: float = field(default_factory=time.monotonic)

    def stop(self) -> Ended | None:
        """Why to stop now; None for not."""
        if self.stopping:
            return "stopped"
        return "out of time" if self.deadline.left_s() <= 0 else None

    def checkpoint_due(self) -> bool:
        """Whether the last checkpoint is old."""
        if time.monotonic() - self.kept < self.every_s:
            return False
        self.kept = time.monotonic()
        return True


def _train(
    request: Request,
    curriculum: Curriculum,
    classifier: Classifier,
    encoder: "Encoder",
    placement: "Placement",
    keeper: Keeper,
    watch: _Watch,
    story: Story | None,
    say: Callable[[str], None],
) -> Trained:
    seen_twice = 2 if request.plan.swap == "both" else 1
    sights = len(curriculum.examples) * request.plan.epochs * seen_twice
    bar = Progress("training", sights, "battles") if placement.place.is_first else None
    with bar or nullcontext():
        hooks = Hooks(
            checkpoints=keeper,
            tell=say,
            advance=bar.advance if bar else lambda _: None,
            stepped=story.stepped if story else lambda _: None,
            evaluated=story.evaluated if story else lambda _: None,
            resumed=lambda steps: _resumed(steps, story, say),
            stop=watch.stop,
            checkpoint_due=watch.checkpoint_due,
        )
        return train(
            classifier, encoder, curriculum.examples, curriculum.held_out, request.plan, placement, hooks=hooks
        )


def _resumed(steps: int, story: Story | None, say: Callable[[str], None]) -> None:
    say(f"going on from the checkpoint of step {steps:,}")
    if story is not None:
        story.resume(steps)


def _write(
    directory: Path,
    request: Request,
    curriculum: Curriculum,
    checked: Preflight,
    trained: Trained,
    record: TrainingRecord,
) -> None:
    draw_curves(directory)
    if trained.held_out:
        table = Table(directory / HELD_OUT, curriculum.contest, curriculum.held_out)
        forecasts = {battle.id: row for battle, row in zip(curriculum.held_out, trained.held_out, strict=True)}
        write_submission(directory / HELD_OUT, table, forecasts)
    save_trained(request.output, trained.classifier, trained.weights, record, checked.path)


def _record(
    request: Request, curriculum: Curriculum, checked: Preflight, encoder: "Encoder", trained: Trained
) -> TrainingRecord:
    last = trained.evaluations[-1] if trained.evaluations else None
    tail = trained.losses[-max(1, trained.steps // request.plan.epochs) :]
    return TrainingRecord(
        base=Base(
            reference=_portable(checked),
            hub_id=checked.hub_id,
            headers_sha256=headers_sha256(checked.path),
            tokenizer_sha256=tokenizer_sha256(checked.path),
        ),
        data=Data(
            name=request.sources.train.name,
            contest=curriculum.contest,
            battles=len(curriculum.examples),
            held_out=len(curriculum.held_out),
            sha256=examples_sha256(curriculum.examples),
        ),
        template=encoder.template.name,
        max_length=encoder.max_length,
        truncation=encoder.truncation.way,
        prompt_cap=encoder.truncation.prompt_cap,
        labels=LABELS[: curriculum.labels],
        seed=request.plan.seed,
        settings=_settings(request.plan),
        versions=_versions(),
        metrics=Metrics(
            log_loss=None if last is None else last.loss,
            log_loss_prior=None if last is None else last.loss_prior,
            accuracy=None if last is None else last.accuracy,
            training_log_loss=sum(tail) / max(1, len(tail)),
            steps=len(trained.losses),
            seconds=round(trained.seconds, 3),
            steps_planned=trained.steps,
        ),
    )


def _settings(plan: Plan) -> dict[str, int | float | bool | str]:
    """The plan by name; what is left to its default None is left out, buckets are written as the option takes them."""
    told: dict[str, Any] = plan.model_dump(exclude_none=True)
    return told | {"buckets": ",".join(map(str, plan.buckets))}


def _portable(checked: Preflight) -> str:
    """The base as another run can find it: the reference, but a directory's full path."""
    return str(checked.path) if Path(checked.reference).is_dir() else checked.reference


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def as_text(request: Request, outcome: Outcome) -> str:
    """What a run came to, in a line or two."""
    trained = outcome.trained
    steps = f"{len(trained.losses):,} of {trained.steps:,} steps in {duration(trained.seconds)}"
    if trained.ended == "stopped":
        return f"stopped after {steps}; a checkpoint is in {request.directory}: the same command goes on from it"
    text = f"{request.output}: {steps}"
    if trained.evaluations:
        last = trained.evaluations[-1]
        text += f", held-out log loss {last.loss:.4f} (prior {last.loss_prior:.4f}), accuracy {last.accuracy:.4f}"
    if trained.ended == "out of time":
        text += f"\ntime was up; the same command with more of it goes on from the checkpoint in {request.directory}"
    return text
