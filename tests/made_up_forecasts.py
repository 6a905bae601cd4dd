"""Labelled battles with forecasts that know a little, follow length and favour a side, as much as a test says."""

from __future__ import annotations

import math
import random
from pathlib import Path

from pipeline.arena.battle import Battle
from pipeline.arena.table import Origin, Table

WORDS = ("red", "green", "blue", "grey")
MODELS = ("gpt-4-0613", "claude-2.1", "vicuna-13b", "llama-2-70b-chat")


def softmax(logits: list[float]) -> tuple[float, ...]:
    powers = [math.exp(each - max(logits)) for each in logits]
    return tuple(each / math.fsum(powers) for each in powers)


def made_up(
    count: int,
    *,
    seed: int = 0,
    columns: int = 3,
    prompts: int | None = None,
    length: float = 0.5,
    said_length: float | None = None,
    side: float = 0.0,
    sharpness: float = 1.0,
) -> tuple[list[Battle], list[tuple[float, ...]]]:
    """Battles whose outcomes are drawn, and the forecasts they were drawn from, bent as the arguments say.

    Outcomes follow the log ratio of length with slope 2 * `length`; forecasts with 2 * `said_length`, where it is given.
    """
    draw = random.Random(seed)  # noqa: S311 - made-up data
    battles, rows = [], []
    for number in range(count):
        sizes = [round(math.exp(draw.gauss(5, 1))) for _ in range(2)]
        x = math.log((1 + sizes[0]) / (1 + sizes[1]))
        noise = [draw.gauss(0, 1) for _ in range(columns)]

        def logits(slope: float, noise: list[float] = noise, x: float = x) -> list[float]:
            return [noise[0] + slope * x, noise[1] - slope * x, *noise[2:]]

        true = softmax(logits(length))
        winner = draw.choices(range(columns), true)[0]
        said = logits(length if said_length is None else said_length)
        said[0] += side
        prompt = f"{draw.choice(WORDS)} {number if prompts is None else draw.randrange(prompts)}"
        turns = (prompt, "and then?")[: draw.choice((1, 1, 1, 2))]
        battles.append(Battle(f"{number:05}", turns, ("a" * sizes[0],), ("b" * sizes[1],), winner))
        rows.append(softmax([sharpness * each for each in said]))
    return battles, rows


def table_of(battles: list[Battle], *, origins: bool = False) -> Table:
    """The battles as a table; with the names of models where a test wants them."""
    contest = "lmsys"
    named = [Origin((MODELS[n % 4], MODELS[(n + 1) % 4]), None) for n in range(len(battles))]
    return Table(Path("solution.csv"), contest, tuple(battles), tuple(named) if origins else ())


def swapped(battles: list[Battle], rows: list[tuple[float, ...]]) -> tuple[list[Battle], list[tuple[float, ...]]]:
    """The same with A and B exchanged."""
    return [each.swapped() for each in battles], [(row[1], row[0], *row[2:]) for row in rows]
