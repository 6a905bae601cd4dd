"""What goes through the model in a run that nobody has begun: rows, steps and shapes.

Rows are encoded where there is a tokenizer, else each is taken to be as long as it may be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Final

from pipeline.arena.battle import Battle
from pipeline.model.load import NO_LIMIT, choose_length, load_text_side, quiet, refused_as_model
from pipeline.scoring.preparation import make_encoder
from pipeline.text.truncate import Truncation
from pipeline.training.curriculum import Curriculum
from pipeline.training.micro import Micro, plan_micros
from pipeline.training.order import Order
from pipeline.training.plan import Plan

SAMPLE: Final = 512  # battles that are encoded for the lengths of all


@dataclass(frozen=True, slots=True)
class Load:
    """What goes through the model.

    Attributes:
        battles: to train on.
        held_out: to evaluate on.
        rows: that all epochs see.
        steps: of the optimiser.
        evaluations: passes over what is held out.
        max_length: tokens that a row may have.
        width: tokens of an average row, padding included.
        longest: tokens of the longest row.
        shapes: different shapes of micro-batches.
        is_exact: whether rows were encoded.
    """

    battles: int
    held_out: int
    rows: int
    steps: int
    evaluations: int
    max_length: int
    width: float
    longest: int
    shapes: int
    is_exact: bool


def load_of(
    curriculum: Curriculum, plan: Plan, model: Path, *, max_length: int | None, truncation: Truncation, readable: bool
) -> Load:
    """What a run puts through a model.

    Args:
        curriculum: the battles.
        plan: how they are seen.
        model: its directory.
        max_length: tokens of a row; None for what the model and the default allow.
        truncation: how a longer one is cut.
        readable: whether the directory has a tokenizer that can be used.

    Raises:
        SettingsError: a length that the model is not made for, or that no bucket holds.
        ModelUnusableError: a config or tokenizer that transformers refuses.
    """
    battles = [each.battle for each in curriculum.examples]
    sample = battles[:: max(1, len(battles) // SAMPLE)][:SAMPLE]
    length, lengths = _lengths(sample, model, max_length, truncation, readable=readable)
    order, micros = Order(len(battles), plan), _micros(lengths, plan)
    return Load(
        battles=len(battles),
        held_out=len(curriculum.held_out),
        rows=len(battles) * plan.epochs * (2 if plan.swap == "both" else 1),
        steps=order.steps,
        evaluations=_evaluations(order, plan) if curriculum.held_out else 0,
        max_length=length,
        width=sum(each.height * each.width for each in micros) / len(lengths),
        longest=max(lengths),
        shapes=len(plan.buckets) or len({(each.height, each.width) for each in micros}),
        is_exact=readable,
    )


def _lengths(
    sample: Sequence[Battle], model: Path, asked: int | None, truncation: Truncation, *, readable: bool
) -> tuple[int, list[int]]:
    """The length that a row may have, and those that the sample's rows have."""
    if readable:
        tokenizer, config = load_text_side(model)
        length = choose_length(asked, tokenizer, config)
        return length, [len(row) for row in make_encoder(tokenizer, length, None, truncation).encode(sample)]
    from transformers import AutoConfig

    with quiet(), refused_as_model(model, "--for train"):
        config = AutoConfig.from_pretrained(model, local_files_only=True, trust_remote_code=False)
    length = choose_length(asked, SimpleNamespace(model_max_length=NO_LIMIT), config)
    return length, [length] * len(sample)


def _micros(lengths: Sequence[int], plan: Plan) -> list[Micro]:
    """The micro-batches of the sample's steps."""
    steps = (lengths[first : first + plan.batch_size] for first in range(0, len(lengths), plan.batch_size))
    return [micro for step in steps for micro in plan_micros(step, plan.batch_tokens, plan.buckets)]


def _evaluations(order: Order, plan: Plan) -> int:
    return plan.epochs + (order.steps // plan.evaluate_every if plan.evaluate_every else 0)
