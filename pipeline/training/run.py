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
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.arena.submission import write_submission
from pipeline.arena.table import Table
from pipeline.errors import ModelUnusableError, OutputError
from pipeline.model.load import Classifier
from pipeline.preflight import Preflight, contents, preflight
from pipeline.progress import Progress, duration
from pipeline.scoring.deadline import Deadline, process_start
from pipeline.scoring.stopping import Stopping
from pipeline.training.checkpoint import Keeper
from pipeline.training.curriculum import Curriculum, read_curriculum
from pipeline.training.hooks import Ended, Hooks
from pipeline.training.loop import Trained, train
from pipeline.training.micro import require_room
from pipeline.training.placement.choose import choose_placement
from pipeline.training.provenance import identity_of, record_of, versions
from pipeline.training.record import TrainingRecord, read_record
from pipeline.training.request import Request
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


@dataclass(frozen=True, slots=True)
class _Job:
    """A request with what was read and found for it.

    Attributes:
        request: what is asked.
        curriculum: what is learned from.
        checked: the base.
        placement: where it runs.
        say: given lines about what goes on.
    """

    request: Request
    curriculum: Curriculum
    checked: Preflight
    placement: "Placement"
    say: Callable[[str], None]

    @property
    def is_first(self) -> bool:
        """Whether this process writes and speaks."""
        return self.placement.place.is_first


def carry_out(request: Request, say: Callable[[str], None]) -> Outcome:
    """Train as asked.

    Args:
        request: what is asked.
        say: given lines about what goes on.

    Raises:
        PipelineError: of the data, the model, the place to write to, or the run; one line each.
    """
    curriculum = read_curriculum(request.sources, request.plan)
    _require_places_apart(request)
    check_directory(request.output, force=request.force or _is_unfinished(request.output))
    checked = preflight(
        request.model,
        purpose="train",
        labels=curriculum.labels,
        quantize=None if request.plan.quantize == "none" else request.plan.quantize,
        roots=request.roots,
        config=request.config,
    )
    _require_base_apart(request, checked.path)
    placement = choose_placement(request.device, request.parallel, compiled=request.compiled)
    try:
        job = _Job(request, curriculum, checked, placement, say if placement.place.is_first else _silent)
        job.say(checked.text)
        for line in curriculum.left_out:
            job.say(f"left out: {line}")
        return _train(job, *_load(job))
    finally:
        placement.close()


def _require_places_apart(request: Request) -> None:
    """The output is replaced whole: a run that is told in it, or a file that is read there, would go with it."""
    output, directory = request.output.resolve(), request.directory.resolve()
    if output == directory or output in directory.parents:
        raise OutputError(
            f"{request.directory}: the run would be told in the output, which is replaced at its end",
            fix="name another directory with --run",
        )
    sources = request.sources
    read = (sources.train, sources.teacher, *(path for path, _ in sources.extra), *sources.test)
    inside = next((each for each in read if each is not None and output in each.resolve().parents), None)
    if inside is not None:
        raise OutputError(f"{request.output}: {inside} is read from there", fix="name a directory of its own")


def _require_base_apart(request: Request, base: Path) -> None:
    """Replacing what is read would lose it."""
    source, target = base.resolve(), request.output.resolve()
    if target == source or target in source.parents:
        raise OutputError(f"{request.output}: {base} is read from there", fix="name a directory of its own")


def _silent(_: str) -> None:
    """For the processes that do not speak for the run."""


def _is_unfinished(output: Path) -> bool:
    record = read_record(output) if output.is_dir() else None
    return record is not None and record.metrics.is_unfinished


def _load(job: _Job) -> tuple[Classifier, "Encoder"]:
    from pipeline.model.load import choose_dtype, choose_length, load_classifier, require_packages
    from pipeline.scoring.preparation import make_encoder

    require_packages()
    import torch

    request, device = job.request, job.placement.place.device
    computed = choose_dtype(request.dtype, device)
    try:
        classifier = load_classifier(
            job.checked.path,
            labels=job.curriculum.labels,
            dtype=torch.float32 if request.plan.tune == "full" else computed,
            device=torch.device("cpu") if request.plan.quantize == "none" else device,
            head_may_be_new=True,
            quantize=request.plan.quantize,
        )
    except ModelUnusableError:
        _require_head(job.checked.path, job.curriculum.labels)
        raise
    classifier = replace(classifier, dtype=computed)
    length = choose_length(request.max_length, classifier.tokenizer, classifier.model.config)
    require_room(request.plan.buckets, length)
    return classifier, make_encoder(classifier.tokenizer, length, None, request.truncation)


def _require_head(path: Path, labels: int) -> None:
    """The libraries say of another head only that shapes differ."""
    rows = contents(path).head_rows
    if rows not in (None, labels):
        raise ModelUnusableError(
            f"{path} has a head of {rows} columns, and one of {labels} is trained",
            fix="save it without its head (AutoModel.from_pretrained, save_pretrained), and train a new one",
        ) from None


def _train(job: _Job, classifier: Classifier, encoder: "Encoder") -> Outcome:
    import torch

    request = job.request
    identity = identity_of(request, job.curriculum, job.checked, encoder, classifier.dtype)
    with Stopping() as stopping, _claim(job, identity) as directory:
        # Whoever is quick would read checkpoints there that the first process is about to remove.
        job.placement.total([torch.zeros(1)])
        job.say(
            f"training on {len(job.curriculum.examples):,} battles for {request.plan.epochs} epochs,"
            f" {len(job.curriculum.held_out):,} held out, rows of at most {encoder.max_length} tokens; the run is told"
            f" in {directory}"
        )
        keeper = Keeper(directory / CHECKPOINTS, identity.fingerprint, job.say)
        watch = _Watch(stopping, Deadline(request.deadline_s, process_start()), request.checkpoint_every_s)
        trained = _watched(job, classifier, encoder, keeper, watch)
        if trained.ended == "stopped" or not job.is_first:
            return Outcome(trained, None, job.checked, stopping.exit_code if stopping else 0, job.is_first)
        record = record_of(request, job.curriculum, job.checked, identity, trained)
        _write(job, trained, record)
        if trained.ended == "done" and not request.keep_checkpoints:
            keeper.forget()
        return Outcome(trained, record, job.checked, 0, job.is_first)


def _claim(job: _Job, identity: RunIdentity) -> AbstractContextManager[Path]:
    """The first process claims the directory for all of them."""
    directory = job.request.directory
    return claimed(directory, identity, fresh=job.request.fresh) if job.is_first else nullcontext(directory)


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


def _watched(job: _Job, classifier: Classifier, encoder: "Encoder", keeper: Keeper, watch: _Watch) -> Trained:
    """Train, told in the run's directory and on the terminal by the first process."""
    plan, examples = job.request.plan, job.curriculum.examples
    hooks = Hooks(checkpoints=keeper, tell=job.say, stop=watch.stop, checkpoint_due=watch.checkpoint_due)
    if not job.is_first:
        return train(classifier, encoder, examples, job.curriculum.held_out, plan, placement=job.placement, hooks=hooks)
    sights = len(examples) * plan.epochs * (2 if plan.swap == "both" else 1)
    with _begin(job) as story, Progress("training", sights, "battles") as bar:
        hooks = replace(
            hooks,
            advance=bar.advance,
            stepped=story.stepped,
            evaluated=story.evaluated,
            began=lambda steps: _go_on(steps, story, job.say),
        )
        return train(classifier, encoder, examples, job.curriculum.held_out, plan, placement=job.placement, hooks=hooks)


def _begin(job: _Job) -> Story:
    """Tell of the base and of this sitting."""
    directory, place = job.request.directory, job.placement.place
    write_json(directory / BASE, job.checked.json)
    sitting = {
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "command": sys.argv[1:],
        "device": str(place.device),
        "processes": place.processes,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "versions": versions(),
        "train": str(job.request.sources.train),
        "extra": {str(path): weight for path, weight in job.request.sources.extra},
    }
    add_line(directory / SITTINGS, sitting)
    return Story(directory)


def _go_on(steps: int, story: Story, say: Callable[[str], None]) -> None:
    if steps:
        say(f"going on from the checkpoint of step {steps:,}")
    story.begin(steps)


def _write(job: _Job, trained: Trained, record: TrainingRecord) -> None:
    directory, held_out = job.request.directory, job.curriculum.held_out
    draw_curves(directory)
    if held_out:
        table = Table(directory / HELD_OUT, job.curriculum.contest, held_out)
        forecasts = {battle.id: row for battle, row in zip(held_out, trained.held_out, strict=True)}
        write_submission(directory / HELD_OUT, table, forecasts)
    save_trained(job.request.output, trained.classifier, trained.weights, record, job.checked.path)


def as_text(request: Request, outcome: Outcome) -> str:
    """What a run came to, in a line or two."""
    trained = outcome.trained
    shapes = f"{trained.shapes} shape{'' if trained.shapes == 1 else 's'} of micro-batches"
    steps = f"{len(trained.losses):,} of {trained.steps:,} steps in {duration(trained.seconds)}, {shapes}"
    if trained.ended == "stopped":
        return f"stopped after {steps}; a checkpoint is in {request.directory}: the same command goes on from it"
    text = f"{request.output}: {steps}"
    if trained.evaluations:
        last = trained.evaluations[-1]
        text += f", held-out log loss {last.loss:.4f} (prior {last.loss_prior:.4f}), accuracy {last.accuracy:.4f}"
    if trained.ended == "out of time":
        text += f"\ntime was up; the same command with more of it goes on from the checkpoint in {request.directory}"
    return text
