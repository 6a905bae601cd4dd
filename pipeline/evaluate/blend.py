"""A blend of several members: weights fitted on labelled battles, judged on folds that share no prompt.

Shapes: M members, B battles, C columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.arena.battle import Battle
from pipeline.arena.cascade import most_uncertain
from pipeline.arena.folds import fold_of_each
from pipeline.arena.metric import log_loss
from pipeline.arena.mixture import blend_rows
from pipeline.arena.outcome import Row
from pipeline.evaluate.weights import Members, fit_temperature, fit_weights

FOLDS: Final = 5
# Of all battles, for the others in a cascade: those that entries used, a half, and all.
SHARES: Final = (0.15, 0.25, 0.35, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Blend:
    """A fitted blend; log losses are means in nats.

    Attributes:
        weights: fitted on all battles; one a member, summing to 1.
        gap: by how much at most their log loss is above the least there is.
        temperature: of the mean; 1 where another was no better on battles that it had not seen.
        alone: log loss of each member.
        equal: of equal weights.
        seen: of these weights on the battles they were fitted on: too good.
        held_out: with each fold forecast by weights of the others: what to expect.
        folds: the folds, which share no prompt.
        fold_weights: the weights of each, for how far they scatter.
        cascade: share of battles, and the log loss where the members after the first see only the most uncertain.
    """

    weights: tuple[float, ...]
    gap: float
    temperature: float
    alone: tuple[float, ...]
    equal: float
    seen: float
    held_out: float
    folds: int
    fold_weights: tuple[tuple[float, ...], ...]
    cascade: tuple[tuple[float, float], ...]


def fit_blend(
    battles: Sequence[Battle], members_MBC: Members, winners_B: Sequence[int], *, folds: int = FOLDS
) -> tuple[Blend, list[Row]]:
    """Fit a blend, and judge it on battles whose prompts it has not seen.

    Args:
        battles: whose prompts keep together.
        members_MBC: every member's forecast of every battle, the cascade's first member first.
        winners_B: the column that came true.
        folds: at least 2.

    Returns:
        The blend, and every battle's forecast by weights that were fitted without its fold.

    Raises:
        ValueError: as `fit_weights`, or all battles have one prompt.
    """
    fit = fit_weights(members_MBC, winners_B)
    weights = fit.weights
    fold_of = fold_of_each(battles, folds)
    used = sorted(set(fold_of))
    if len(used) < 2:  # noqa: PLR2004 - one fold has no other to learn from
        raise ValueError("all battles have the same prompt: nothing can be held out")
    plain, tempered, fold_weights = _held_out(members_MBC, winners_B, fold_of, used)
    losses = (log_loss(plain, winners_B), log_loss(tempered, winners_B))
    is_better = losses[1] < losses[0]
    mixed = blend_rows(members_MBC, weights)
    temperature = fit_temperature(mixed, winners_B) if is_better else 1.0
    blend = Blend(
        weights=weights,
        gap=fit.gap,
        temperature=temperature,
        alone=tuple(log_loss(rows, winners_B) for rows in members_MBC),
        equal=log_loss(blend_rows(members_MBC, [1.0] * len(members_MBC)), winners_B),
        seen=log_loss(blend_rows(members_MBC, weights, temperature), winners_B),
        held_out=min(losses),
        folds=len(used),
        fold_weights=fold_weights,
        cascade=measure_cascade(members_MBC, winners_B, weights, temperature),
    )
    return blend, tempered if is_better else plain


def _held_out(
    members_MBC: Members, winners_B: Sequence[int], fold_of: Sequence[int], folds: Sequence[int]
) -> tuple[list[Row], list[Row], tuple[tuple[float, ...], ...]]:
    """Every battle forecast by weights of the other folds: without and with their temperature; and those weights."""
    plain: dict[int, Row] = {}
    tempered: dict[int, Row] = {}
    fold_weights: list[tuple[float, ...]] = []
    for fold in folds:
        others = [place for place, each in enumerate(fold_of) if each != fold]
        own = [place for place, each in enumerate(fold_of) if each == fold]
        members, winners = _at(members_MBC, others), [winners_B[place] for place in others]
        weights = fit_weights(members, winners).weights
        temperature = fit_temperature(blend_rows(members, weights), winners)
        plain |= zip(own, blend_rows(_at(members_MBC, own), weights), strict=True)
        tempered |= zip(own, blend_rows(_at(members_MBC, own), weights, temperature), strict=True)
        fold_weights.append(weights)
    order = range(len(winners_B))
    return [plain[place] for place in order], [tempered[place] for place in order], tuple(fold_weights)


def _at(members_MBC: Members, places: Sequence[int]) -> list[list[Row]]:
    return [[rows[place] for place in places] for rows in members_MBC]


def measure_cascade(
    members_MBC: Members,
    winners_B: Sequence[int],
    weights: Sequence[float],
    temperature: float = 1.0,
    *,
    shares: Sequence[float] = SHARES,
) -> tuple[tuple[float, float], ...]:
    """Share by share, the log loss where only the first member's most uncertain battles go to the others."""
    measured = []
    for share in shares:
        chosen = set(most_uncertain(members_MBC[0], share=share))
        later = [[row if place in chosen else None for place, row in enumerate(rows)] for rows in members_MBC[1:]]
        rows = blend_rows([members_MBC[0], *later], weights, temperature)
        measured.append((share, log_loss(rows, winners_B)))
    return tuple(measured)


def as_text(blend: Blend, names: Sequence[str]) -> str:
    """The figures as lines of plain text; the weights as a members file takes them."""
    lines = [
        f"blend     log loss {blend.held_out:.4f} held out in {blend.folds} folds, {blend.seen:.4f} as fitted,",
        f"          {blend.equal:.4f} with equal weights; temperature = {blend.temperature:.3f}",
    ]
    for place, (name, weight, loss) in enumerate(zip(names, blend.weights, blend.alone, strict=True)):
        scattered = [each[place] for each in blend.fold_weights]
        lines.append(
            f"  weight = {weight:.4f}   folds {min(scattered):.4f} to {max(scattered):.4f}, alone {loss:.4f}   {name}"
        )
    shown = ", ".join(f"{share:.0%} {loss:.4f}" for share, loss in blend.cascade)
    lines.append(f"  the others only on the first one's most uncertain: {shown}")
    return "\n".join(lines)
