"""What is learned from: a battle, the forecast that it asks for, and how much it counts.

A target is a distribution over the outcomes, so that a winner, a smoothed winner and a teacher's probabilities are the
same thing to the loss. Exchanging the sides exchanges the target's too.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.arena.battle import Battle
from pipeline.arena.outcome import Row
from pipeline.errors import SettingsError
from pipeline.training.plan import Plan

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Example:
    """One battle to learn from.

    Attributes:
        battle: prompts and answers.
        target: a probability for each label (A, B and, where it can happen, tie); sums to 1.
        weight: how much it counts beside others, above 0.
    """

    battle: Battle
    target: Row
    weight: float = 1.0

    def swapped(self) -> "Example":
        """The same with A and B exchanged."""
        a, b, *tie = self.target
        return Example(self.battle.swapped(), (b, a, *tie), self.weight)


def examples_of(
    battles: Sequence[Battle],
    plan: Plan,
    *,
    labels: int,
    teacher: Mapping[str, Row] | None = None,
    weight: float = 1.0,
) -> tuple[Example, ...]:
    """The examples of battles, in order.

    Where a teacher has forecast a battle, its target is `teacher_share` of that and the rest of the winner (Hinton et
    al. 2015, at temperature 1); a battle without a winner is learned from the teacher alone. Then `smoothing` of every
    target is spread evenly (Szegedy et al. 2016).

    Args:
        battles: each with a winner, a forecast, or both.
        plan: smoothing and the teacher's share.
        labels: columns of the head.
        teacher: forecasts by id, of as many columns.
        weight: of each.

    Raises:
        SettingsError: battles with neither, or a winner that has no column; names ids.
    """
    known = teacher or {}
    bad = [each.id for each in battles if each.winner is None and each.id not in known]
    if bad:
        raise SettingsError(
            f"{named(bad)} no winner and no forecast of a teacher", fix="label them, leave them out, or say --teacher"
        )
    bad = [each.id for each in battles if each.winner is not None and each.winner >= labels]
    if bad:
        raise SettingsError(
            f"{named(bad)} a winner that a head of {labels} labels has no column for",
            fix="take battles with ties out, or say --contest lmsys where all files have the columns of LMSYS",
        )
    return tuple(Example(each, _target(each, known.get(each.id), plan, labels), weight) for each in battles)


def _target(battle: Battle, taught: Row | None, plan: Plan, labels: int) -> Row:
    hard = [float(column == battle.winner) for column in range(labels)]
    if taught is None:
        target = hard
    elif battle.winner is None:
        target = list(taught)
    else:
        share = plan.teacher_share
        target = [share * soft + (1 - share) * certain for soft, certain in zip(taught, hard, strict=True)]
    return tuple((1 - plan.smoothing) * each + plan.smoothing / labels for each in target)


def named(ids: Sequence[str]) -> str:
    """`battle 7 has`, or `12 battles (7, 9, ...) have`: the beginning of a sentence about battles.

    >>> named(["7"]), named(["7", "9"])
    ('battle 7 has', '2 battles (7, 9) have')
    """
    if len(ids) == 1:
        return f"battle {ids[0]} has"
    shown = ", ".join(ids[:MOST_NAMED]) + (", ..." if len(ids) > MOST_NAMED else "")
    return f"{len(ids):,} battles ({shown}) have"


def examples_sha256(examples: Sequence[Example]) -> str:
    """A fingerprint of what is learned from, independent of the form of the files."""
    digest = hashlib.sha256()
    for each in examples:
        battle = each.battle
        told = (battle.id, battle.prompts, battle.answers_a, battle.answers_b, each.target, each.weight)
        digest.update(repr(told).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
