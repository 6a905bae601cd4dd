"""Fit the last layer of a model's forecasts on held-out ones: its confidence, and what the surface of a battle says.

The forecasts have to be of battles that the model was not trained on. Without any, the surface alone is fitted: what
can be had without a model. `arena score` and `evaluate` apply what lies beside the adapter.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline.arena.battle import Battle
from pipeline.arena.calibration import NAME, Calibration, read_calibration
from pipeline.arena.outcome import Row
from pipeline.arena.submission import read_probabilities
from pipeline.arena.table import Table, read_table
from pipeline.cli.options import add_contest, add_report, check_report, note, positive, refuse_input, tell
from pipeline.errors import OutputError, SettingsError
from pipeline.evaluate.calibrate import FOLDS, Source, as_text, fit_calibration
from pipeline.output import check_writable, replacing

# What makes a directory one that a model or an adapter is loaded from.
LOADED: tuple[str, ...] = ("adapter_config.json", "config.json")
EXAMPLES = """\
examples:
  arena calibrate --predictions run/held_out.csv --labelled train.csv --output run/adapter
  arena calibrate --predictions fold0.csv fold1.csv --labelled train.csv --output calibration.json --features none
  arena calibrate --labelled train.csv --output surface.json --format json
"""


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of `arena calibrate`."""
    command.add_argument(
        "--predictions",
        type=Path,
        nargs="+",
        default=[],
        metavar="F",
        help="forecasts of held-out battles, as a submission has them; several files are several folds of one model",
    )
    command.add_argument(
        "--labelled", type=Path, required=True, metavar="F", help="battles with their winners, as in train"
    )
    command.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help=f"the calibration to write; of an adapter's or a model's directory, {NAME} in it",
    )
    command.add_argument(
        "--features",
        choices=("surface", "none"),
        default="surface",
        help="the surface of a battle beside the forecasts, or the forecasts alone (surface)",
    )
    command.add_argument(
        "--folds", type=positive, default=FOLDS, metavar="N", help=f"that the figures are held out in ({FOLDS})"
    )
    command.add_argument("--force", action="store_true", help="replace an output that is no calibration")
    add_contest(command)
    add_report(command)


def carry_out(options: argparse.Namespace) -> int:
    """Calibrate; returns the exit code."""
    if options.folds < 2:  # noqa: PLR2004 - one fold is no split
        raise SettingsError(f"--folds {options.folds}: one fold is no split", fix="say 2 or more")
    check_report(options)
    refuse_input(options, "output")
    target = target_of(options.output)
    _check_target(target, force=options.force)
    table = read_table(options.labelled, contest=options.contest, labelled=True)
    battles, forecasts = joined(table, options.predictions)
    if len(battles) < len(table.battles):
        note(f"{len(battles):,} of {len(table.battles):,} battles of {options.labelled} have a forecast")
    source = Source(options.labelled, tuple(options.predictions))
    found = fit_calibration(
        battles, forecasts, source, contest=table.contest, features=options.features, folds=options.folds
    ).calibration
    with replacing(target) as temporary:
        temporary.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if found.fitted.change > 0:
        note("warning: held out, the calibrated forecasts are worse than those before; see whether you want it")
    tell(options, f"{target}: written\n{as_text(found)}", _values(target, found))
    return 0


def target_of(output: Path) -> Path:
    """The file to write: the output, or its calibration where it is a directory that something is loaded from.

    Raises:
        OutputError: it is another directory.
    """
    if not output.is_dir():
        return output
    if not any((output / name).is_file() for name in LOADED):
        raise OutputError(
            f"{output}: it is a directory and no adapter's or model's: {' and '.join(LOADED)} are absent",
            fix="name a file, or the directory that --adapter or --model of `arena score` names",
        )
    return output / NAME


def joined(table: Table, predictions: Sequence[Path]) -> tuple[tuple[Battle, ...], tuple[Row, ...] | None]:
    """The battles that have a forecast, in the order of the table, and the forecasts; all and None without files.

    Raises:
        SettingsError: a battle has a forecast in two files, or one that the table does not hold has one; or the
            contest's submissions hold names.
        InvalidSubmissionError: a file holds no probabilities by id.
    """
    if not predictions:
        return table.battles, None
    if table.contest == "wsdm":
        raise SettingsError(
            "--predictions of this contest hold names, and what is calibrated are probabilities",
            fix="leave --predictions out, or give battles with the columns of LMSYS",
        )
    known = {battle.id for battle in table.battles}
    found: dict[str, Row] = {}
    for path in predictions:
        rows = read_probabilities(path)
        if foreign := [each for each in rows if each not in known]:
            raise SettingsError(
                f"{path}: {len(foreign):,} of its {len(rows):,} forecasts are of battles that {table.path} does not"
                f" hold, {foreign[0]} for one",
                fix="give the labelled battles that were forecast",
            )
        if twice := [each for each in rows if each in found]:
            raise SettingsError(
                f"{path}: {len(twice):,} of its battles have a forecast in a file before it, {twice[0]} for one",
                fix="give each battle's held-out forecast once",
            )
        found |= rows
    battles = tuple(battle for battle in table.battles if battle.id in found)
    return battles, tuple(found[battle.id] for battle in battles)


def _check_target(target: Path, *, force: bool) -> None:
    check_writable(target)
    if not target.exists() or force:
        return
    try:
        read_calibration(target)
    except SettingsError:
        raise OutputError(
            f"{target}: it is there and no calibration", fix="name another file, or say --force to replace it"
        ) from None


def _values(target: Path, found: Calibration) -> dict[str, object]:
    return {"output": str(target), "calibration": found.model_dump(mode="json")}
