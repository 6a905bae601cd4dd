"""Do the rules help? On labelled battles: the log loss with and without each, and what the labels would say instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.arena.battle import Battle
from pipeline.arena.metric import log_loss
from pipeline.arena.outcome import Row
from pipeline.arena.post_rules import PostRule, apply_rules, rule_of

# A fit begins as if the rule's own numbers had been seen on so many battles: few labels move it little.
STRENGTH: Final = 10.0


@dataclass(frozen=True, slots=True)
class RuleMeasure:
    """One rule on the battles that it decides.

    Attributes:
        name: the rule's.
        battles: how many.
        without: mean log loss of the forecasts on them; None where there are none.
        with_rule: of the rule; None as above.
        fitted: what these labels make of the rule's numbers.
    """

    name: str
    battles: int
    without: float | None
    with_rule: float | None
    fitted: Row


@dataclass(frozen=True, slots=True)
class RulesMeasure:
    """All rules, and the mean log loss of all battles without and with them."""

    without: float
    with_rules: float
    rules: tuple[RuleMeasure, ...]


def measure_rules(
    rules: Sequence[PostRule],
    battles: Sequence[Battle],
    probabilities: Sequence[Row],
    winners: Sequence[int],
    *,
    strength: float = STRENGTH,
) -> RulesMeasure:
    """What rules do to forecasts, and what their numbers would be if they were fitted here.

    Args:
        rules: in the order in which they are tried.
        battles: labelled.
        probabilities: before the rules; columns A wins, B wins and, where it can happen, tie.
        winners: the column that came true, in the order of the rows.
        strength: battles that a rule's own numbers count for in the fit.

    Raises:
        ValueError: no battles, or unequal lengths.
    """
    ruled = apply_rules(rules, battles, probabilities).probabilities
    deciders = [rule_of(rules, battle, len(row)) for battle, row in zip(battles, probabilities, strict=True)]
    measures = []
    for rule in rules:
        places = [place for place, decider in enumerate(deciders) if decider is rule]
        came = [winners[place] for place in places]
        measures.append(
            RuleMeasure(
                rule.name,
                len(places),
                _loss([probabilities[place] for place in places], came),
                _loss([ruled[place] for place in places], came),
                fit_rule(rule, came, len(probabilities[0]), strength=strength),
            )
        )
    return RulesMeasure(log_loss(probabilities, winners), log_loss(ruled, winners), tuple(measures))


def fit_rule(rule: PostRule, winners: Sequence[int], columns: int, *, strength: float = STRENGTH) -> Row:
    """The rule's numbers after these outcomes: the mean of a Dirichlet that begins at them.

    >>> from pipeline.arena.post_rules import WINNERS
    >>> [round(share, 3) for share in fit_rule(WINNERS[2], [2] * 10, 3)]
    [0.03, 0.03, 0.94]
    """
    start = rule.forecast(columns) or (1 / columns,) * columns
    total = strength + len(winners)
    return tuple((strength * share + winners.count(column)) / total for column, share in enumerate(start))


def as_text(measured: RulesMeasure) -> str:
    """The figures as lines of plain text."""
    change = measured.with_rules - measured.without
    lines = [f"rules     log loss {measured.without:.4f} without, {measured.with_rules:.4f} with ({change:+.4f})"]
    for each in measured.rules:
        said = "none"
        if each.without is not None and each.with_rule is not None:
            fitted = ", ".join(f"{share:.2f}" for share in each.fitted)
            said = f"log loss {each.without:.4f} without, {each.with_rule:.4f} with; fitted here: {fitted}"
        lines.append(f"  {each.name:<26} {each.battles:>5} battles, {said}")
    return "\n".join(lines)


def _loss(rows: Sequence[Row], winners: Sequence[int]) -> float | None:
    return log_loss(rows, winners) if rows else None
