"""`arena score` where there is a calibration and no model."""

import argparse

from pipeline.arena.battle import LABELS
from pipeline.arena.outcome import for_contest
from pipeline.arena.post_rules import RULE_SETS, apply_rules
from pipeline.arena.submission import check_target, write_submission
from pipeline.arena.table import Table
from pipeline.cli.options import note, tell
from pipeline.errors import OutputError, SettingsError
from pipeline.progress import Progress
from pipeline.scoring.surface_only import forecast_surface, read_surface_calibration


def is_surface_alone(options: argparse.Namespace) -> bool:
    """Whether there is a calibration and no model for it to calibrate."""
    return options.calibration is not None and all(
        given is None for given in (options.model, options.adapter, options.members)
    )


def score_surface(options: argparse.Namespace, table: Table) -> int:
    """Forecast from the surface of the battles alone; returns the exit code."""
    calibration = read_surface_calibration(options.calibration)
    if options.rehearse:
        raise SettingsError("--rehearse: there is no model whose time could be told", fix="leave it out")
    if options.output.exists() and not options.force:
        raise OutputError(f"{options.output} is there already", fix="name another file, or say --force to replace it")
    check_target(options.output, table.contest, force=options.force)
    note(f"no model is loaded: {calibration.says()}")
    with Progress("forecasting", len(table.battles), "battles") as progress:
        rows = for_contest(table.contest, forecast_surface(calibration, table.battles, progress.advance))
    ruled = apply_rules(RULE_SETS[options.rules], table.battles, rows)
    forecasts = {battle.id: row for battle, row in zip(table.battles, ruled.probabilities, strict=True)}
    note(write_submission(options.output, table, forecasts))
    means = [sum(column) / len(rows) for column in zip(*ruled.probabilities, strict=True)]
    shown = ", ".join(f"{label} {mean:.3f}" for label, mean in zip(LABELS, means, strict=False))
    text = f"{options.output}: {len(rows):,} rows from the surface of the battles alone\nmean forecast {shown}"
    values = {
        "output": str(options.output),
        "contest": table.contest,
        "rows": len(rows),
        "mean_forecast": means,
        "rules": dict(ruled.decided),
        "calibration": calibration.model_dump(mode="json"),
    }
    tell(options, text, values)
    return 0
