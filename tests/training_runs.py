"""Runs small enough to be done again and again: a tiny model, few battles, and what the loop is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tiny_classifier import learnable, load

from pipeline.text.encode import Encoder
from pipeline.training.examples import examples_of
from pipeline.training.hooks import Hooks
from pipeline.training.loop import Trained, train
from pipeline.training.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIELDS: dict[str, Any] = {"epochs": 2, "batch_size": 6, "rate": 5e-3, "rank": 4, "alpha": 8}
LENGTH = 96


def plan(**more: Any) -> Plan:
    return Plan(**(FIELDS | more))


def run(
    base: Path, how: Plan | None = None, *, battles: int = 24, held_out: int = 6, placement: Any = None, **hooks: Any
) -> Trained:
    how = how or plan()
    classifier = load(base, new_head=True)
    return train(
        classifier,
        Encoder(classifier.tokenizer, LENGTH),
        examples_of(learnable(battles), how, labels=3),
        learnable(held_out),
        how,
        placement=placement,
        hooks=Hooks(**hooks),
    )


def stopping_after(steps: int, why: str = "stopped") -> Callable[[], Any]:
    """A hook that asks to stop when it is asked for the so-manieth time."""
    asked = iter(range(1, 10**9))
    return lambda: why if next(asked) >= steps else None


def due_every(steps: int) -> Callable[[], bool]:
    """A hook that wants a checkpoint after so many steps."""
    asked = iter(range(1, 10**9))
    return lambda: next(asked) % steps == 0
