"""Where what is trained comes from: the identity of a run before it, and the record in the output after it."""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

from pipeline.arena.battle import LABELS
from pipeline.preflight import Preflight
from pipeline.training.curriculum import Curriculum
from pipeline.training.examples import examples_sha256
from pipeline.training.loop import Trained
from pipeline.training.origin import base_of
from pipeline.training.plan import Plan
from pipeline.training.record import (
    Data,
    Metrics,
    TrainingRecord,
    data_sha256,
    headers_sha256,
    tokenizer_sha256,
)
from pipeline.training.request import Request
from pipeline.training.run_directory import RunIdentity

if TYPE_CHECKING:
    import torch

    from pipeline.text.encode import Encoder

PACKAGES: Final = (
    "torch",
    "transformers",
    "tokenizers",
    "peft",
    "safetensors",
    "bitsandbytes",
    "torch_tpu",
    "torch_xla",
)


def identity_of(
    request: Request, curriculum: Curriculum, checked: Preflight, encoder: "Encoder", dtype: "torch.dtype"
) -> RunIdentity:
    """All that decides what a run comes to; `dtype` is what is computed in."""
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
        dtype=str(dtype).removeprefix("torch."),
        labels=curriculum.labels,
    )


def record_of(
    request: Request, curriculum: Curriculum, checked: Preflight, identity: RunIdentity, trained: Trained
) -> TrainingRecord:
    """How what was trained was made, as it stands in its directory."""
    last = trained.evaluations[-1] if trained.evaluations else None
    tail = trained.losses[-max(1, trained.steps // request.plan.epochs) :]
    return TrainingRecord(
        base=base_of(checked, roots=request.roots, config=request.config),
        data=Data(
            name=request.sources.train.name,
            contest=curriculum.contest,
            battles=len(curriculum.examples),
            held_out=len(curriculum.held_out),
            sha256=identity.examples_sha256,
        ),
        template=identity.template,
        max_length=identity.max_length,
        truncation=identity.truncation,
        prompt_cap=identity.prompt_cap,
        labels=LABELS[: curriculum.labels],
        seed=request.plan.seed,
        settings=_settings(request.plan),
        versions=versions(),
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


def versions() -> dict[str, str]:
    """The installed versions of what training stands on."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
