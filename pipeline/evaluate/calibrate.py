"""Fit a calibration on held-out forecasts and the battles' surface, and say what it is worth on unseen prompts.

Forecasts have to be of battles that the network was not trained on, else its confidence is learned as if it were
earned. What is reported is nested: a fold's forecasts come from coefficients, scales and a ridge that its battles had
no part in. The network's terms and the tie's constant bear no ridge: three numbers need none, and a good network must
not pay for a noisy surface.

Shapes: B battles, C outcomes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pipeline.arena.battle import LABELS, Battle, Contest, winners_of
from pipeline.arena.calibration import Calibration, Fitted, Outcomes, Term, term_names, term_values
from pipeline.arena.folds import fold_of_each
from pipeline.arena.metric import EPSILON, TOLERANCE
from pipeline.arena.outcome import TWO_WAY, Row
from pipeline.arena.surface import VERSION, surface_of
from pipeline.errors import SettingsError
from pipeline.evaluate.mirrored import Design, NotFittedError, fit, losses, probabilities
from pipeline.training.record import data_sha256

if TYPE_CHECKING:
    from pipeline.evaluate.mirrored import Numbers, Whole

Features = Literal["surface", "none"]

FOLDS: Final = 10
# What the ridge is chosen from, in battles; inside each fold once more by so many folds.
RIDGES: Final = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)
INNER_FOLDS: Final = 5
FEWEST: Final = 100
INNER_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Source:
    """Where the battles and the forecasts came from, for the record."""

    labelled: Path
    predictions: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A fitted calibration and its forecasts of every battle by the other folds' coefficients."""

    calibration: Calibration
    held_out: tuple[Row, ...]


def fit_calibration(
    battles: Sequence[Battle],
    forecasts_BC: Sequence[Row] | None,
    source: Source,
    *,
    contest: Contest = "lmsys",
    features: Features = "surface",
    folds: int = FOLDS,
) -> Calibrated:
    """Fit a calibration.

    Args:
        battles: with their winners.
        forecasts_BC: the network's, of battles that it was not trained on, in the order of the battles; None fits the
            surface alone.
        source: for the record.
        contest: whether there are ties.
        features: "surface" with the features of `arena/surface.py`, "none" with the network's log odds alone.
        folds: that share no prompt, at least 2.

    Raises:
        SettingsError: too few battles or prompts, an outcome that never came, rows that are no probabilities, or
            nothing to fit.
    """
    outcomes: Outcomes = 2 if contest == "wsdm" else 3
    if forecasts_BC is None and features == "none":
        raise SettingsError("there is nothing to fit: no forecasts and no features", fix="say --features surface")
    winners_B = winners_of(battles)
    _refuse_unfit(battles, winners_B, forecasts_BC, outcomes)
    values = _Values.of(battles, forecasts_BC, outcomes, with_surface=features == "surface")
    try:
        held_out_BC, used = _held_out(battles, values, winners_B, folds)
        ridge = _choose_ridge(battles, values, winners_B)
        side, tie, bias = _terms(values, winners_B, ridge)
    except NotFittedError as error:
        raise SettingsError(
            f"the calibration cannot be fitted: {error}", fix="see that the forecasts are sane"
        ) from None
    before_BC = forecasts_BC if forecasts_BC is not None else _constants(battles, winners_B, outcomes, folds)
    calibration = Calibration(
        surface=VERSION if features == "surface" else None,
        network=forecasts_BC is not None,
        outcomes=outcomes,
        side=side,
        tie=tie,
        bias=bias,
        ridge=ridge,
        fitted=_fitted(battles, before_BC, held_out_BC, source, used),
    )
    return Calibrated(calibration, held_out_BC)


def _refuse_unfit(
    battles: Sequence[Battle], winners_B: Sequence[int], forecasts_BC: Sequence[Row] | None, outcomes: int
) -> None:
    if len(battles) < FEWEST:
        raise SettingsError(
            f"{len(battles):,} battles are too few to calibrate on; {FEWEST} are the least",
            fix="give forecasts of more battles that the model was not trained on",
        )
    came = Counter(winners_B)
    missing = [LABELS[column] for column in range(outcomes) if not came[column]]
    if missing:
        raise SettingsError(f"no battle ended with {', '.join(missing)}; what never came cannot be fitted to")
    for battle, row in zip(battles, forecasts_BC or (), strict=forecasts_BC is not None):
        if len(row) != outcomes or not all(0 <= value <= 1 for value in row) or not abs(sum(row) - 1) <= TOLERANCE:
            told = ", ".join(f"{value:.6g}" for value in row)
            raise SettingsError(
                f"the forecast of battle {battle.id} is no probabilities of {outcomes} outcomes: {told}",
                fix="give probabilities as `arena score` and `arena train` write them",
            )


@dataclass(frozen=True, slots=True)
class _Values:
    """The terms' values as they are [B, F] and [B, G], and how many of the first ones are the network's."""

    side: "Numbers"
    tie: "Numbers"
    network: int
    surface: bool
    outcomes: int

    @classmethod
    def of(
        cls, battles: Sequence[Battle], forecasts_BC: Sequence[Row] | None, outcomes: int, *, with_surface: bool
    ) -> "_Values":
        import numpy as np

        rows = [None] * len(battles) if forecasts_BC is None else forecasts_BC
        found = [
            term_values(surface_of(battle) if with_surface else None, row, outcomes)
            for battle, row in zip(battles, rows, strict=True)
        ]
        side_BF = np.array([side for side, _ in found], dtype=np.float64)
        tie_BG = np.array([tie for _, tie in found], dtype=np.float64).reshape(len(battles), -1)
        return cls(side_BF, tie_BG, int(forecasts_BC is not None), with_surface, outcomes)

    def scales(self, of_B: "Whole") -> "_Scales":
        """How the values of these battles are spread."""
        import numpy as np

        side_BF, tie_BG = self.side[of_B], self.tie[of_B]
        center_G = tie_BG.mean(axis=0)
        return _Scales(
            _above_zero(np.sqrt((side_BF**2).mean(axis=0))),
            np.abs(side_BF).max(axis=0),
            center_G,
            _above_zero(np.sqrt(((tie_BG - center_G) ** 2).mean(axis=0))),
            tie_BG.min(axis=0),
            tie_BG.max(axis=0),
        )


@dataclass(frozen=True, slots=True)
class _Scales:
    """Root mean square and furthest value of the side's terms; mean, spread and range of the tie's."""

    side: "Numbers"
    most: "Numbers"
    center: "Numbers"
    tie: "Numbers"
    low: "Numbers"
    high: "Numbers"

    def design(self, values: _Values) -> Design:
        """The values of all battles, scaled and held to these ranges, with the constant of the tie first."""
        import numpy as np

        side_BF = np.clip(values.side, -self.most, self.most) / self.side
        tie_BG = (np.clip(values.tie, self.low, self.high) - self.center) / self.tie
        ones_B1 = np.ones((len(tie_BG), int(values.outcomes > TWO_WAY)))
        return Design(side_BF, np.hstack([ones_B1, tie_BG]), values.network, 1 + values.network)


def _above_zero(spread: "Numbers") -> "Numbers":
    """The spread; 1 where there is none, or so little that it is rounding."""
    import numpy as np

    spread_: Numbers = np.where(spread > TOLERANCE, spread, 1.0)
    return spread_


def _held_out(
    battles: Sequence[Battle], values: _Values, winners_B: Sequence[int], folds: int
) -> tuple[tuple[Row, ...], int]:
    """Every battle's forecast without its fold, and how many folds there were."""
    import numpy as np

    fold_B = _folds(battles, folds, seed=0)
    came_B, rows = np.array(winners_B), np.empty((len(battles), values.outcomes))
    for fold in sorted(set(fold_B.tolist())):
        own_B, others_B = np.flatnonzero(fold_B == fold), np.flatnonzero(fold_B != fold)
        ridge = _choose_ridge(battles, values, winners_B, others_B)
        design = values.scales(others_B).design(values)
        rows[own_B] = probabilities(design.rows(own_B), fit(design.rows(others_B), came_B[others_B], ridge))
    return tuple(map(tuple, rows.tolist())), len(set(fold_B.tolist()))


def _choose_ridge(
    battles: Sequence[Battle], values: _Values, winners_B: Sequence[int], of_B: "Whole | None" = None
) -> float:
    """The ridge with the least log loss on folds of these battles, of all by default; any where there is no surface."""
    import numpy as np

    if not values.surface:
        return RIDGES[0]
    places_B = np.arange(len(battles)) if of_B is None else of_B
    fold_B = _folds([battles[place] for place in places_B], INNER_FOLDS, seed=INNER_SEED)
    came_B = np.array(winners_B)
    totals = [0.0] * len(RIDGES)
    for fold in sorted(set(fold_B.tolist())):
        own_B, others_B = places_B[fold_B == fold], places_B[fold_B != fold]
        design = values.scales(others_B).design(values)
        for number, ridge in enumerate(RIDGES):
            weights_W = fit(design.rows(others_B), came_B[others_B], ridge)
            totals[number] += float(losses(probabilities(design.rows(own_B), weights_W), came_B[own_B]).sum())
    return RIDGES[totals.index(min(totals))]


def _folds(battles: Sequence[Battle], folds: int, *, seed: int) -> "Whole":
    import numpy as np

    fold_B = np.array(fold_of_each(battles, folds, seed=seed))
    if len(set(fold_B.tolist())) < 2:  # noqa: PLR2004 - one fold has no other to learn from
        raise SettingsError("all battles have the same prompt: nothing can be held out", fix="give more battles")
    return fold_B


def _terms(values: _Values, winners_B: Sequence[int], ridge: float) -> tuple[tuple[Term, ...], tuple[Term, ...], float]:
    """The terms of side and tie fitted on all battles, and the tie's constant."""
    import numpy as np

    scales = values.scales(np.arange(len(winners_B)))
    weights = fit(scales.design(values), np.array(winners_B), ridge).tolist()
    side_names, tie_names = term_names(network=bool(values.network), surface=values.surface, outcomes=values.outcomes)
    split = len(side_names)
    most, spread = scales.most.tolist(), scales.side.tolist()
    side = tuple(
        Term(name=name, center=0.0, scale=scale, low=-far, high=far, coefficient=weight)
        for name, scale, far, weight in zip(side_names, spread, most, weights[:split], strict=True)
    )
    shape = zip(scales.center.tolist(), scales.tie.tolist(), scales.low.tolist(), scales.high.tolist(), strict=True)
    tie = tuple(
        Term(name=name, center=center, scale=scale, low=low, high=high, coefficient=weight)
        for name, (center, scale, low, high), weight in zip(tie_names, shape, weights[split + 1 :], strict=True)
    )
    return side, tie, weights[split] if values.outcomes > TWO_WAY else 0.0


def _constants(battles: Sequence[Battle], winners_B: Sequence[int], outcomes: int, folds: int) -> list[Row]:
    """How often each outcome came in the other folds, A and B made equal: what needs neither model nor surface."""
    fold_B = _folds(battles, folds, seed=0).tolist()
    rows: dict[int, Row] = {}
    for fold in set(fold_B):
        came = Counter(winner for winner, own in zip(winners_B, fold_B, strict=True) if own != fold)
        tie = came[2] / came.total()
        rows[fold] = ((1 - tie) / 2, (1 - tie) / 2, tie)[:outcomes]
    return [rows[fold] for fold in fold_B]


def _fitted(
    battles: Sequence[Battle], before_BC: Sequence[Row], held_out_BC: Sequence[Row], source: Source, folds: int
) -> Fitted:
    import numpy as np

    came_B = np.array(winners_of(battles))
    before_B, after_B = (
        losses(np.clip(np.array(rows), EPSILON, 1 - EPSILON), came_B) for rows in (before_BC, held_out_BC)
    )
    change_B = after_B - before_B
    return Fitted(
        labelled=source.labelled.name,
        predictions=tuple(path.name for path in source.predictions),
        battles=len(battles),
        sha256=data_sha256(battles),
        folds=folds,
        log_loss_before=float(before_B.mean()),
        log_loss=float(after_B.mean()),
        change=float(change_B.mean()),
        change_error=float(change_B.std(ddof=1) / np.sqrt(len(battles))),
    )


def as_text(calibration: Calibration, *, most: int = 8) -> str:
    """The figures as lines of plain text, and the terms that weigh most."""
    fitted = calibration.fitted
    before = "as forecast" if calibration.network else "a constant"
    terms = [("A over B", term) for term in calibration.side] + [("tie", term) for term in calibration.tie]
    terms.sort(key=lambda pair: -abs(pair[1].coefficient))
    lines = [
        f"log loss  {fitted.log_loss:.4f} held out in {fitted.folds} folds; {before} {fitted.log_loss_before:.4f}",
        f"          change {fitted.change:+.4f}, standard error {fitted.change_error:.4f}; {fitted.battles:,} battles",
        f"ridge     {calibration.ridge:g}; what weighs most, for a standard deviation:",
    ]
    lines += [f"  {of:<8} {term.coefficient:+.3f}  {term.name}" for of, term in terms[:most]]
    return "\n".join(lines)
