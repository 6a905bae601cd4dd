"""Pieces of parts in, ids and probabilities out: what an actor does, with the model that it loaded once.

It knows nothing of who calls it; the engine is `partition.score_rows`, as everywhere.
"""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.arena.battle import Contest
from pipeline.arena.calibration import Calibrating, Calibration
from pipeline.arena.outcome import for_contest
from pipeline.arena.parts import Piece, PieceReader
from pipeline.arena.post_rules import RULE_SETS, RuleSet, apply_rules
from pipeline.arena.table import ID, LABEL_NAMES, WINNERS
from pipeline.errors import PipelineError
from pipeline.model.load import Device, Dtype, choose_device, choose_dtype
from pipeline.model.runner import Runner
from pipeline.scoring.job import default_batch_tokens
from pipeline.scoring.partition import score_rows
from pipeline.scoring.preparation import Load
from pipeline.scoring.swap import Swap
from pipeline.scoring.work import Encode

# Whether the row is the model's; where not, it holds the prior. Counted by whoever writes the parts, and not written.
FORECAST = "forecast"
# Why a piece has no rows, as JSON of exit code, message and fix: Ray drops the error itself on its way. Not written.
FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BlockTask:
    """What is done with every piece; can be sent to another machine.

    Attributes:
        load: how the model is loaded.
        encode: the template.
        contest: whose cells the rows have, and whose columns are wanted.
        length: the longest row in tokens.
        swap: which battles are looked at a second time.
        rules: change forecasts last of all.
        device: what was asked for; each machine takes what it has.
        dtype: likewise.
        batch_tokens: of a pack; None takes what suits the device.
        threads: on a CPU; None leaves torch's.
        size: rows of a piece.
        calibration: of the model's forecasts, before the rules.
    """

    load: Load
    encode: Encode
    contest: Contest
    length: int
    swap: Swap
    rules: RuleSet
    device: Device
    dtype: Dtype
    batch_tokens: int | None
    threads: int | None
    size: int
    calibration: Calibration | None = None


@dataclass(slots=True)
class BlockScorer:
    """The model in memory, called for one piece after another."""

    task: BlockTask
    _runner: Runner = field(init=False)
    _budget: int = field(init=False)
    _reader: PieceReader = field(init=False)

    def __post_init__(self) -> None:
        import torch

        task = self.task
        self._reader = PieceReader(task.size)
        device = choose_device(task.device)
        if device.type == "cpu" and task.threads is not None:
            torch.set_num_threads(task.threads)
        named = str(choose_dtype(task.dtype, device)).removeprefix("torch.")
        self._runner = replace(task.load, dtype=named)("cuda:0" if device.type == "cuda" else "cpu")
        self._budget = task.batch_tokens or default_batch_tokens(device.type)

    def __call__(self, pieces: Any) -> Any:
        """The rows of some pieces, which are a pyarrow table with a column for each of their attributes."""
        import pyarrow as pa

        found = [self._told(Piece(**{**piece, "wanted": tuple(piece["wanted"])})) for piece in pieces.to_pylist()]
        return pa.concat_tables(found)

    def _told(self, piece: Piece) -> Any:
        import pyarrow as pa

        try:
            return self.rows(piece)
        except PipelineError as error:
            said = json.dumps([error.exit_code, str(error), error.fix])
            numbers = {name: pa.array([0.0], pa.float64()) for name in columns_of(self.task.contest)}
            return pa.table({ID: [""], **numbers, FORECAST: [False], FAILED: pa.array([said], pa.string())})

    def rows(self, piece: Piece) -> Any:
        """Ids and probabilities of a piece, and whether they are the model's, as a pyarrow table."""
        import pyarrow as pa

        task, names = self.task, columns_of(self.task.contest)
        battles = self._reader.battles(piece, task.contest)
        scored = score_rows(
            self._runner, task.encode, battles, length=task.length, batch_tokens=self._budget, swap=task.swap
        )
        without = set(scored.without)
        found = scored.probabilities
        if task.calibration is not None:
            calibrated = Calibrating(task.calibration, battles)
            found = tuple(row if at in without else calibrated(at, row) for at, row in enumerate(found))
        last = apply_rules(RULE_SETS[task.rules], battles, for_contest(task.contest, found)).probabilities
        return pa.table(
            {
                ID: pa.array([battle.id for battle in battles], pa.string()),
                **{name: pa.array([row[at] for row in last], pa.float64()) for at, name in enumerate(names)},
                FORECAST: pa.array([at not in without for at in range(len(battles))]),
                FAILED: pa.nulls(len(battles), pa.string()),
            }
        )


def columns_of(contest: Contest) -> tuple[str, ...]:
    """The columns of probabilities: A wins, B wins and, where there are ties, tie."""
    return LABEL_NAMES if contest == "wsdm" else WINNERS
