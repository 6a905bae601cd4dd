"""What there is to do, as frozen values: looks at battles, packs of looks, their order, and what comes of them.

A pack is a pure function of the rows and the budget, so a run that goes on where another stopped computes the same
packs, and with the same packs the same bits. What it does not know: time, devices and files.
"""

import hashlib
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.arena.battle import Battle
from pipeline.arena.cascade import most_uncertain
from pipeline.arena.mixture import at_temperature, mix
from pipeline.arena.outcome import softmax
from pipeline.model.runner import Runner
from pipeline.scoring.swap import Row, mean_with
from pipeline.text.batch import Batch, plan_batches, plan_packs
from pipeline.text.encode import Encoder
from pipeline.text.prompt import Ids

# Battles that are tokenised and packed together. The first group is small: a budget that does not fit shows there.
PROBE: Final = 16
WAVE: Final = 256

# Battles and a length -> one row of ids a battle.
Encode = Callable[[Sequence[Battle], int], Sequence[Ids]]
# The place of a battle and its forecast -> the forecast that is told.
Finish = Callable[[int, Row], Row]


@dataclass(frozen=True, slots=True, order=True)
class Look:
    """One forward of one battle by one model: its place, the model's number, and whether A and B are exchanged."""

    place: int
    stage: int = 0
    swapped: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """One model of a run, as the queue sees it; the device has the model itself.

    Attributes:
        encode: its template, tokenizer and way to cut.
        length: the longest row in tokens.
        weight: of its forecasts among those of the other stages.
        share: of the battles that have a forecast, at most so many, the most uncertain first; the first looks at all.
        below: of those only the ones whose A and B are nearer than this; None for any.
        cost: seconds of a token beside the first stage's, as far as is known before it has run.
    """

    encode: Encode
    length: int
    weight: float = 1.0
    share: float = 1.0
    below: float | None = None
    cost: float = 1.0


@dataclass(frozen=True, slots=True)
class Pack:
    """Looks of one stage that are run together, with their rows and the budget they were put together for."""

    looks: tuple[Look, ...]
    rows: tuple[Ids, ...] = field(repr=False)
    budget: int

    @property
    def stage(self) -> int:
        """Which model is to run it."""
        return self.looks[0].stage

    @property
    def tokens(self) -> int:
        """Tokens of all rows."""
        return sum(map(len, self.rows))

    @property
    def key(self) -> str:
        """A digest of the looks, the rows and the budget: packs with equal keys are the same work."""
        digest = hashlib.sha256(
            repr((self.budget, [(look.place, look.stage, look.swapped) for look in self.looks])).encode()
        )
        for row in self.rows:
            digest.update(len(row).to_bytes(4, "little") + array("I", row).tobytes())
        return digest.hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Planner:
    """How the rows of a model are put together; small enough to be sent from the process that has the model."""

    padded: bool = False
    split_at: int | None = None

    @classmethod
    def of(cls, runner: Runner) -> "Planner":
        """The planner whose plans are the runner's own."""
        is_padded = runner.computed((1, 2)) != 1 + 2
        return cls(is_padded, getattr(getattr(runner, "packing", None), "split_at", None))

    def plan(self, lengths: Sequence[int], token_budget: int) -> tuple[Batch, ...]:
        """Places of the rows of each batch, the longest first."""
        return plan_batches(lengths, token_budget) if self.padded else plan_packs(lengths, token_budget, self.split_at)

    def computed(self, lengths: Sequence[int]) -> int:
        """Positions that a batch computes, padding included."""
        return max(lengths, default=0) * len(lengths) if self.padded else sum(lengths)


def encode_with(encoder: Encoder) -> Encode:
    """The encoding of one encoder's template at any length."""
    made = {encoder.max_length: encoder}

    def encode(battles: Sequence[Battle], length: int) -> Sequence[Ids]:
        if length not in made:
            made[length] = encoder.at(length)
        return made[length].encode(battles)

    return encode


def size_of(battle: Battle) -> int:
    """Characters of a battle: what is known of its length before it is tokenised."""
    return sum(map(len, (*battle.prompts, *battle.answers_a, *battle.answers_b)))


def longest_first(battles: Sequence[Battle]) -> tuple[int, ...]:
    """All places by falling length: what does not fit in memory shows at once and not after hours."""
    return tuple(sorted(range(len(battles)), key=lambda place: (-size_of(battles[place]), place)))


def chosen_by(stage: Stage, means_BC: Sequence[Row], places: Sequence[int]) -> tuple[int, ...]:
    """Those of the places that a later stage looks at, the most uncertain first.

    Args:
        stage: the later one.
        means_BC: the mean of the stages before it, of every battle.
        places: of the battles that have one.
    """
    found = most_uncertain([means_BC[place] for place in places], share=stage.share, below=stage.below)
    return tuple(places[at] for at in found)


def waves(places: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """The places in groups that are tokenised together, in order."""
    ends = [*range(min(PROBE, len(places)), len(places), WAVE), len(places)]
    return tuple(tuple(places[at:end]) for at, end in zip([0, *ends], ends, strict=False) if at < end)


def packs_of(looks: Sequence[Look], rows: Sequence[Ids], planner: Planner, budget: int) -> tuple[Pack, ...]:
    """The packs of one group of looks, the longest first."""
    batches = planner.plan([len(row) for row in rows], budget)
    return tuple(Pack(tuple(looks[at] for at in batch), tuple(rows[at] for at in batch), budget) for batch in batches)


def forecasts(
    logits: Mapping[Look, Row],
    battles: int,
    weights: Sequence[float],
    prior: Row,
    finish: Finish | None = None,
    *,
    temperature: float = 1.0,
    calibrate: Finish | None = None,
) -> tuple[Row, ...]:
    """One forecast a battle: second looks turned back, stages blended by weight, the prior where nothing is known.

    Args:
        logits: of the looks that are done.
        battles: how many there are; the result has a row each.
        weights: of the stages, in order; those that did not look at a battle are left out.
        prior: of a battle without a look.
        finish: changes a forecast at last, by the place of its battle.
        temperature: of the mean of the stages.
        calibrate: changes the forecast of a battle that was looked at, after that and before `finish`.
    """
    found: list[Row] = []
    for place in range(battles):
        rows = [_forecast(logits, place, stage) for stage in range(len(weights))]
        is_known = any(row is not None for row in rows)
        row = at_temperature(mix(rows, weights), temperature) if is_known else prior
        found.append(calibrate(place, row) if is_known and calibrate is not None else row)
    return tuple(found if finish is None else (finish(place, row) for place, row in enumerate(found)))


def _forecast(logits: Mapping[Look, Row], place: int, stage: int) -> Row | None:
    """What one stage says of a battle, both its looks taken together; None where it has not looked."""
    first, second = logits.get(Look(place, stage)), logits.get(Look(place, stage, swapped=True))
    if first is None:
        return None
    return softmax(first) if second is None else mean_with(softmax(first), softmax(second))
