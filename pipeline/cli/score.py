"""Preflight a model, then forecast every battle of a file into a submission.

A model that cannot be used is refused before torch is loaded; the submission is judged before it is put in place.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.arena.outcome import for_contest
from pipeline.arena.post_rules import RULE_SETS, apply_rules
from pipeline.arena.submission import check_target, write_submission
from pipeline.arena.table import read_table
from pipeline.cli.options import add_contest, add_model, add_report, add_roots, add_rules, check_report, note, tell
from pipeline.scoring.run import Request, Run, by_id, score_table

EXAMPLES = """\
examples:
  arena score --model meta-llama/Meta-Llama-3-8B-Instruct --adapter ./adapter --test test.csv --output submission.csv
  arena score --model ./model --adapter ./adapter --test test.parquet --output submission.csv --swap all
"""


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of `arena score`."""
    add_model(command, required=True)
    command.add_argument("--test", type=Path, required=True, metavar="F", help="battles: csv (LMSYS) or parquet (WSDM)")
    command.add_argument("--output", type=Path, required=True, metavar="FILE", help="the submission to write")
    command.add_argument(
        "--force",
        action="store_true",
        help="replace an output that is no submission; go on although the adapter's record differs",
    )
    add_rules(command)
    add_contest(command)
    add_roots(command)
    add_report(command)


def request_of(options: argparse.Namespace) -> Request:
    """What the options ask of a scoring run."""
    return Request(
        model=options.model,
        adapter=options.adapter,
        labels=options.labels,
        max_length=options.max_length,
        batch_tokens=options.batch_tokens,
        swap=options.swap,
        dtype=options.dtype,
        device=options.device,
        roots=tuple(options.root),
        config=options.config,
        force=options.force,
        truncate=options.truncate,
        prompt_cap=options.prompt_cap,
        head=options.head,
    )


def carry_out(options: argparse.Namespace) -> int:
    """Score; returns the exit code."""
    check_report(options)
    table = read_table(options.test, contest=options.contest)
    check_target(options.output, table.contest, force=options.force)
    run = score_table(request_of(options), table, note)
    ruled = apply_rules(RULE_SETS[options.rules], table.battles, for_contest(table.contest, run.scored.probabilities))
    scored = replace(run.scored, probabilities=ruled.probabilities)
    verdict = write_submission(options.output, table, by_id(table, scored))
    note(verdict)
    values = run_values(run, len(table.battles))
    text = (
        f"{options.output}: {len(table.battles):,} rows in {run.scored.seconds:.1f} s"
        f" ({values['rows_per_second']:.1f} rows a second), {run.scored.padding:.1%} padding"
    )
    if run.scored.swapped:
        text += f"\nswapped: {run.scored.swapped:,} battles, which moved a column by {run.scored.moved:.4f} in the mean"
    if ruled.decided:
        text += "\nrules: " + ", ".join(f"{name}: {battles:,} battles" for name, battles in ruled.decided.items())
    told = {"output": str(options.output), "contest": table.contest, "rules": dict(ruled.decided)}
    tell(options, text, {**told, **values})
    return 0


def run_values(run: Run, rows: int) -> dict[str, Any]:
    """The figures of a run, for JSON."""
    return {
        "rows": rows,
        "seconds": round(run.scored.seconds, 3),
        "rows_per_second": round(rows / run.scored.seconds, 3),
        "tokens": run.scored.tokens,
        "padding": round(run.scored.padding, 6),
        "swapped": run.scored.swapped,
        "max_length": run.max_length,
        "device": run.device,
        "dtype": run.dtype,
        "reports": run.checked.json["reports"],
    }
