"""How good are forecasts, beside those that need no model?"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.arena.battle import LABELS
from pipeline.arena.metric import accuracy, favourite, log_loss, prior


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """One outcome: how often it came, how often it was forecast, and how many of its battles were forecast right."""

    label: str
    battles: int
    forecast: int
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """Forecasts against what happened.

    Attributes:
        battles: how many.
        log_loss: in nats; None where the forecasts are labels and not probabilities.
        log_loss_uniform: of equal probabilities; None as above.
        log_loss_prior: of the best constant forecast of these very battles, known only afterwards; None as above.
        accuracy: share of battles whose favourite won.
        accuracy_prior: share of the most frequent outcome.
        classes: one each outcome, in the order of the columns.
    """

    battles: int
    log_loss: float | None
    log_loss_uniform: float | None
    log_loss_prior: float | None
    accuracy: float
    accuracy_prior: float
    classes: tuple[ClassMetrics, ...]


def measure(forecasts: Sequence[Sequence[float]], winners: Sequence[int], *, are_probabilities: bool = True) -> Metrics:
    """All figures of a set of forecasts.

    Args:
        forecasts: one row a battle; columns A wins, B wins and, where it can happen, tie.
        winners: the column that came true, in the order of the rows.
        are_probabilities: False where each row only marks the favourite with a 1.

    Raises:
        ValueError: no battles, unequal lengths, a winner without a column.
    """
    labels = len(forecasts[0]) if forecasts else 0
    favourites = [favourite(row) for row in forecasts]
    constant = prior(winners, labels) if winners else ()
    uniform = (1 / labels,) * labels if labels else ()
    score = log_loss if are_probabilities else _not_scored
    return Metrics(
        battles=len(winners),
        log_loss=score(forecasts, winners),
        log_loss_uniform=score([uniform] * len(winners), winners),
        log_loss_prior=score([constant] * len(winners), winners),
        accuracy=accuracy(favourites, winners),
        accuracy_prior=max(constant),
        classes=tuple(_class(column, favourites, winners) for column in range(labels)),
    )


def _not_scored(_forecasts: Sequence[Sequence[float]], _winners: Sequence[int]) -> None:
    return None


def _class(column: int, favourites: Sequence[int], winners: Sequence[int]) -> ClassMetrics:
    of_class = [said for said, came in zip(favourites, winners, strict=True) if came == column]
    right = sum(said == column for said in of_class)
    return ClassMetrics(
        LABELS[column],
        len(of_class),
        sum(said == column for said in favourites),
        right / len(of_class) if of_class else None,
    )


def as_text(metrics: Metrics) -> str:
    """The figures as a table of plain text."""
    lines = [f"battles   {metrics.battles}"]
    if metrics.log_loss is not None:
        lines.append(
            f"log loss  {metrics.log_loss:.4f}   uniform {metrics.log_loss_uniform:.4f},"
            f" best constant {metrics.log_loss_prior:.4f}"
        )
    lines.append(f"accuracy  {metrics.accuracy:.4f}   most frequent outcome {metrics.accuracy_prior:.4f}")
    for each in metrics.classes:
        right = "none came" if each.accuracy is None else f"{each.accuracy:.4f} of them forecast"
        lines.append(f"  {each.label:<4} {each.battles:>6} battles, {each.forecast:>6} forecasts, {right}")
    return "\n".join(lines)
