"""Rules for battles that need no model: an empty answer, two answers that are the same.

They are applied last, after swap and blend, and only to exact conditions; everything else keeps the model's forecast.
The numbers are those that one winner of LMSYS published. A battle of two empty answers is left to the model: 19 such
rows of the training data are 12 ties, 4 of B and 3 of A, and none of the published numbers fits that.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pipeline.arena.battle import A_WINS, B_WINS, Battle
from pipeline.arena.outcome import TWO_WAY, Row, without_tie

RuleSet = Literal["none", "winners"]


@dataclass(frozen=True, slots=True)
class PostRule:
    """When it holds, and what is then forecast: A wins, B wins, tie."""

    name: str
    holds: Callable[[Battle], bool]
    row: Row

    def forecast(self, columns: int) -> Row | None:
        """The rule's forecast with so many columns; None where it says nothing: of a tie in a contest without ties.

        >>> [rule.forecast(2) for rule in WINNERS][2] is None
        True
        """
        if columns != TWO_WAY:
            return self.row
        return None if self.row[A_WINS] == self.row[B_WINS] else without_tie(self.row)


@dataclass(frozen=True, slots=True)
class Ruled:
    """Forecasts after the rules, and how many battles each rule decided."""

    probabilities: tuple[Row, ...]
    decided: Mapping[str, int]


def is_empty(turns: Sequence[str]) -> bool:
    """Whether an answer has no letter at all: no turn, or null and empty ones (`[]`, `[null]`, `["", ""]`)."""
    return not any(turns)


def is_only_a_empty(battle: Battle) -> bool:
    """Whether A is empty and B is not."""
    return is_empty(battle.answers_a) and not is_empty(battle.answers_b)


def is_only_b_empty(battle: Battle) -> bool:
    """Whether B is empty and A is not."""
    return is_only_a_empty(battle.swapped())


def is_identical(battle: Battle) -> bool:
    """Whether both answers are the same, turn by turn and letter by letter, and not empty."""
    return battle.answers_a == battle.answers_b and not is_empty(battle.answers_a)


WINNERS: Final = (
    PostRule("answer A is empty", is_only_a_empty, (0.04, 0.88, 0.08)),
    PostRule("answer B is empty", is_only_b_empty, (0.88, 0.04, 0.08)),
    PostRule("the answers are identical", is_identical, (0.06, 0.06, 0.88)),
)
RULE_SETS: Final[Mapping[RuleSet, tuple[PostRule, ...]]] = {"none": (), "winners": WINNERS}


def rule_of(rules: Sequence[PostRule], battle: Battle, columns: int) -> PostRule | None:
    """The first rule that decides a battle, None where the model does."""
    return next((rule for rule in rules if rule.forecast(columns) is not None and rule.holds(battle)), None)


def apply_rules(rules: Sequence[PostRule], battles: Sequence[Battle], probabilities: Sequence[Row]) -> Ruled:
    """The forecasts, those of the battles that a rule decides replaced by the rule's.

    Args:
        rules: tried in order; the first that holds decides.
        battles: in the order of the forecasts.
        probabilities: with the columns that the contest scores, see `outcome.for_contest`.
    """
    decided = Counter({rule.name: 0 for rule in rules})
    rows: list[Row] = []
    for battle, row in zip(battles, probabilities, strict=True):
        rule = rule_of(rules, battle, len(row))
        forecast = None if rule is None else rule.forecast(len(row))
        if rule is not None:
            decided[rule.name] += 1
        rows.append(row if forecast is None else forecast)
    return Ruled(tuple(rows), dict(decided))
