"""One plain loop: steps of a fixed number of battles, each in micro-batches of a fixed number of tokens.

The same seed, data and machine give the same losses, to the last bit on a CPU.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.arena.battle import Battle, winners_of
from pipeline.arena.metric import accuracy, favourite, log_loss, prior
from pipeline.errors import PipelineError, SettingsError
from pipeline.model.adapter import new_adapter
from pipeline.model.load import Classifier
from pipeline.model.runner import Padded
from pipeline.scoring.partition import score_rows
from pipeline.scoring.work import encode_with
from pipeline.text.batch import plan_batches
from pipeline.text.encode import Encoder
from pipeline.text.prompt import Ids
from pipeline.training.loss import cross_entropy_share
from pipeline.training.schedule import rate_factor

if TYPE_CHECKING:
    import torch


class DivergedError(PipelineError, ArithmeticError):
    """The loss is no number any more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides how a run goes, beside the model and the battles.

    Attributes:
        epochs: times that every battle is seen.
        batch_size: battles of a step.
        batch_tokens: of a micro-batch, padding included; bounds the memory, changes no result but by rounding.
        rate: peak learning rate.
        weight_decay: of AdamW.
        warmup: share of the steps that climb to the peak.
        clip: largest norm of a step's gradient.
        rank, alpha, dropout: of the LoRA.
        swap: show each battle with A and B exchanged every other time it is seen.
        seed: of the head, the dropout and the order.
        evaluate_every: steps between evaluations; 0 for the end of each epoch only.
    """

    epochs: int = 3
    batch_size: int = 16
    batch_tokens: int = 2048
    rate: float = 5e-4
    weight_decay: float = 0.01
    warmup: float = 0.1
    clip: float = 1.0
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    swap: bool = True
    seed: int = 0
    evaluate_every: int = 0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How the held-out battles were forecast after a step; `loss_prior` is the best constant forecast's."""

    step: int
    epoch: float
    loss: float
    accuracy: float
    loss_prior: float
    battles: int


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained classifier, with the mean loss of every step and every evaluation."""

    classifier: Classifier
    losses: tuple[float, ...]
    evaluations: tuple[Evaluation, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the optimiser: the battles that it sees, as places, and whether each is swapped."""

    places: tuple[int, ...]
    swapped: tuple[bool, ...]


def train(
    classifier: Classifier,
    encoder: Encoder,
    battles: Sequence[Battle],
    held_out: Sequence[Battle],
    plan: Plan,
    *,
    tell: Callable[[str], None] = lambda _: None,
    advance: Callable[[int], None] = lambda _: None,
) -> Trained:
    """Train a LoRA and the head.

    Args:
        classifier: the base with a head, trained or fresh.
        encoder: template and length; scoring has to use the same.
        battles: to train on, labelled.
        held_out: to evaluate on, labelled; may be empty.
        plan: how.
        tell: given a line at every evaluation.
        advance: given the number of battles of every step.

    Raises:
        DivergedError: the loss is not finite; says at which step.
        SettingsError: there is nothing to train on, or a label that the head has no column for.
    """
    import torch

    _require_labels(battles, held_out, classifier.labels)
    began = time.perf_counter()
    rows = [encoder.encode(battles), encoder.encode([battle.swapped() for battle in battles])]
    winners = [winners_of(battles), winners_of(battle.swapped() for battle in battles)]
    with torch.random.fork_rng(devices=[classifier.device] if classifier.device.type == "cuda" else []):
        torch.manual_seed(plan.seed)
        classifier = _prepared(classifier, plan)
        optimiser = torch.optim.AdamW(
            [each for each in classifier.model.parameters() if each.requires_grad],
            lr=plan.rate,
            weight_decay=plan.weight_decay,
        )
        steps = list(_steps(len(battles), plan))
        losses: list[float] = []
        evaluations: list[Evaluation] = []
        per_epoch = len(steps) // plan.epochs
        for number, step in enumerate(steps):
            for group in optimiser.param_groups:
                group["lr"] = plan.rate * rate_factor(number, len(steps), max(1, round(plan.warmup * len(steps))))
            seen = [
                (rows[swap][place], winners[swap][place]) for place, swap in zip(step.places, step.swapped, strict=True)
            ]
            losses.append(_take_step(classifier, optimiser, seen, plan, number))
            advance(len(seen))
            if _is_due(number + 1, per_epoch, plan.evaluate_every):
                mean = sum(losses[-per_epoch:]) / len(losses[-per_epoch:])
                evaluations += _evaluate(
                    classifier,
                    encoder,
                    held_out,
                    winners[0],
                    step=number + 1,
                    epoch=(number + 1) / per_epoch,
                    batch_tokens=plan.batch_tokens,
                )
                tell(_line(evaluations, mean, number + 1, len(steps)))
    return Trained(
        replace(classifier, model=classifier.model.eval()),
        tuple(losses),
        tuple(evaluations),
        time.perf_counter() - began,
    )


def _require_labels(battles: Sequence[Battle], held_out: Sequence[Battle], labels: int) -> None:
    if not battles:
        raise SettingsError("there is no battle to train on")
    for battle in (*battles, *held_out):
        if battle.winner is None or battle.winner >= labels:
            raise SettingsError(f"battle {battle.id} has no winner among the {labels} labels of the head")


def _prepared(classifier: Classifier, plan: Plan) -> Classifier:
    """With an adapter, its trained weights in float32 whatever the base has: half precision loses small steps."""
    adapted = new_adapter(_with_fresh_head(classifier), rank=plan.rank, alpha=plan.alpha, dropout=plan.dropout)
    adapted.model.train()
    for parameter in adapted.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return adapted


def _with_fresh_head(classifier: Classifier) -> Classifier:
    """The weights that the checkpoint lacks were drawn while loading, from whatever state: draw them from the seed."""
    import torch

    missing = set(classifier.missing)
    spread = float(getattr(classifier.model.config, "initializer_range", None) or 0.02)
    with torch.no_grad():
        for name, parameter in classifier.model.named_parameters():
            if name in missing and parameter.dim() > 1:
                parameter.normal_(0.0, spread)
            elif name in missing and name.endswith("bias"):
                parameter.zero_()
    return classifier


def _steps(battles: int, plan: Plan) -> Iterator[Step]:
    """All steps of a run, in a random order.

    Steps of battles of like length would save some padding, but a step is then of one kind of battle, and a small run
    does not get off the ground; micro-batches are sorted anyway.
    """
    order = random.Random(plan.seed)  # noqa: S311 - an order, not a secret
    turned = [order.random() < 1 / 2 for _ in range(battles)]
    for epoch in range(plan.epochs):
        places = list(range(battles))
        order.shuffle(places)
        for first in range(0, len(places), plan.batch_size):
            step = tuple(places[first : first + plan.batch_size])
            yield Step(step, tuple(plan.swap and turned[place] != bool(epoch % 2) for place in step))


def _take_step(
    classifier: Classifier, optimiser: "torch.optim.Optimizer", seen: Sequence[tuple[Ids, int]], plan: Plan, number: int
) -> float:
    """One step of the optimiser; returns the mean loss over its battles."""
    import torch

    optimiser.zero_grad(set_to_none=True)
    loss = torch.zeros((), device=classifier.device)
    for batch in plan_batches([len(row) for row, _ in seen], plan.batch_tokens):
        logits_BC = classifier.logits([seen[place][0] for place in batch])
        share = cross_entropy_share(logits_BC, [seen[place][1] for place in batch], len(seen))
        share.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        loss += share.detach()
    mean = float(loss)
    if mean != mean or mean in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN differs from itself
        raise DivergedError(
            f"the loss of step {number + 1} is {mean}", fix="say --rate with a tenth of it, or --dtype float32"
        )
    torch.nn.utils.clip_grad_norm_([each for group in optimiser.param_groups for each in group["params"]], plan.clip)
    optimiser.step()
    return mean


def _is_due(done: int, per_epoch: int, every: int) -> bool:
    return done % per_epoch == 0 or bool(every and done % every == 0)


def _evaluate(
    classifier: Classifier,
    encoder: Encoder,
    held_out: Sequence[Battle],
    trained_winners: Sequence[int],
    *,
    step: int,
    epoch: float,
    batch_tokens: int,
) -> list[Evaluation]:
    """An evaluation, or none where nothing is held out; the prior is the one of the battles trained on."""
    if not held_out:
        return []
    classifier.model.eval()
    scored = score_rows(
        Padded(classifier),
        encode_with(encoder),
        held_out,
        length=encoder.max_length,
        batch_tokens=batch_tokens,
    )
    classifier.model.train()
    winners = winners_of(held_out)
    constant = prior(trained_winners, classifier.labels)
    return [
        Evaluation(
            step=step,
            epoch=epoch,
            loss=log_loss(scored.probabilities, winners),
            accuracy=accuracy([favourite(row) for row in scored.probabilities], winners),
            loss_prior=log_loss([constant] * len(winners), winners),
            battles=len(winners),
        )
    ]


def _line(evaluations: Sequence[Evaluation], mean: float, step: int, steps: int) -> str:
    text = f"step {step} of {steps}: training log loss {mean:.4f}"
    if not evaluations:
        return text
    last = evaluations[-1]
    return (
        f"{text}, held out {last.loss:.4f} (prior {last.loss_prior:.4f}), accuracy {last.accuracy:.3f}"
        f" on {last.battles} battles"
    )
