"""Labelled battles with their forecasts as arrays, in an order that does not depend on the file's.

They are sorted by prompt and id, so battles of one prompt stand together, and the same battles in another order give
the same figures to the last bit.

Shapes: B battles, C columns (A wins, B wins and, where it can happen, tie), G prompts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.arena.battle import A_WINS, B_WINS, LABELS, Battle, winners_of
from pipeline.arena.metric import EPSILON
from pipeline.arena.outcome import Row
from pipeline.arena.table import Origin

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

# A battle's id -> both looks at it, the second turned back.
Looks = Mapping[str, tuple[Row, Row]]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Forecasts and what came true.

    Attributes:
        battles: sorted by prompt and id.
        origins: one a battle, empty ones where the table does not say.
        rows: the forecasts [B, C]; each row sums to 1.
        winners: the column that came true [B].
        groups: the number of each battle's prompt [B], 0 .. G - 1, never falling.
        are_probabilities: False where each row only marks the favourite with a 1.
    """

    battles: tuple[Battle, ...]
    origins: tuple[Origin, ...]
    rows: Numbers
    winners: Places
    groups: Places
    are_probabilities: bool = True

    @classmethod
    def of(
        cls,
        battles: Sequence[Battle],
        rows: Sequence[Row],
        *,
        origins: Sequence[Origin] = (),
        are_probabilities: bool = True,
    ) -> "Sample":
        """Of battles with winners and their forecasts, in any order.

        Raises:
            ValueError: no battles, a battle without winner, or unequal lengths.
        """
        if not battles or len(rows) != len(battles):
            raise ValueError(f"{len(rows)} forecasts for {len(battles)} battles")
        keys = [battle.prompt_key() for battle in battles]
        order = sorted(range(len(battles)), key=lambda place: (keys[place], battles[place].id))
        told = origins or (Origin(),) * len(battles)
        numbers = {key: number for number, key in enumerate(sorted(set(keys)))}
        return cls(
            battles=tuple(battles[place] for place in order),
            origins=tuple(told[place] for place in order),
            rows=np.array([rows[place] for place in order], dtype=np.float64),
            winners=np.array(winners_of(battles), dtype=np.int64)[order],
            groups=np.array([numbers[keys[place]] for place in order], dtype=np.int64),
            are_probabilities=are_probabilities,
        )

    @property
    def prompts(self) -> int:
        """How many different prompts there are."""
        return int(self.groups[-1]) + 1

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the columns."""
        return LABELS[: self.rows.shape[1]]

    @property
    def came(self) -> Numbers:
        """1 in the column that came true [B, C]."""
        came_BC: Numbers = np.eye(self.rows.shape[1])[self.winners]
        return came_BC

    @property
    def favourites(self) -> Places:
        """The column with the highest probability [B], the first of equals."""
        return favourites_of(self.rows)

    @property
    def losses(self) -> Numbers:
        """The log loss of each battle [B], in nats."""
        return losses_of(self.rows, self.winners)

    @property
    def hits(self) -> Numbers:
        """1 where the favourite won [B]."""
        return hits_of(self.rows, self.winners)


def lead_of(rows_BC: Numbers) -> Numbers:
    """A less B of each row [B]."""
    lead_B: Numbers = rows_BC[:, A_WINS] - rows_BC[:, B_WINS]
    return lead_B


def favourites_of(rows_BC: Numbers) -> Places:
    """The column with the highest probability in each row [B], the first of equals."""
    favourites_B: Places = rows_BC.argmax(axis=1)
    return favourites_B


def hits_of(rows_BC: Numbers, winners_B: Places) -> Numbers:
    """1 where the favourite won [B]."""
    hits_B: Numbers = (favourites_of(rows_BC) == winners_B).astype(np.float64)
    return hits_B


def losses_of(rows_BC: Numbers, winners_B: Places) -> Numbers:
    """The log loss of each battle, in nats, with probabilities held to [eps, 1 - eps] as in `metric.log_loss`."""
    came_B = rows_BC[np.arange(len(winners_B)), winners_B]
    losses_B: Numbers = -np.log(np.clip(came_B, EPSILON, 1 - EPSILON))
    return losses_B
