"""Preflight a model, then forecast every battle of a file into a submission.

A model that cannot be used is refused before torch is loaded. From the first second on the output is a valid submission
that holds the prior, and it is replaced as forecasts come. A run that was stopped or killed goes on where it was.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.arena.post_rules import RULE_SETS, apply_rules
from pipeline.arena.table import Table, read_table
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
from pipeline.cli.score_surface import is_surface_alone, score_surface
from pipeline.errors import SettingsError
from pipeline.output import check_writable, replacing
from pipeline.scoring.deadline import CONTEST_LIMIT_S, parse_duration
from pipeline.scoring.delivery import prior_of
from pipeline.scoring.members import Members, read_members
from pipeline.scoring.preparation import Request, prepare
from pipeline.scoring.rehearsal import ROWS, enlarged, rehearse
from pipeline.scoring.rehearsed import Rehearsal
from pipeline.scoring.run import Place, Run, deadline_of, devices_of, score_file
from pipeline.scoring.throughput import Facts, profile_text
from pipeline.scoring.watch import PATIENCE_S
from pipeline.training.origin import base_named_by

CONTEST = "contest"
INTERRUPTED = 130
# Of a rehearsal, over all its models.
TOTALS = ("looks", "tokens", "tokens_per_second", "load_s", "first_s", "second_s", "total_s")
EXAMPLES = """\
examples:
  arena score --model meta-llama/Meta-Llama-3-8B-Instruct --adapter ./adapter --test test.csv --output submission.csv
  arena score --adapter ./adapter --test test.csv --output submission.csv
  arena score --model ./model --test test.parquet --output submission.csv --swap time --deadline 8h30m
  arena score --model ./model --test test.csv --swap all --deadline contest --rehearse
  arena score --members members.toml --test test.csv --deadline contest --rehearse --record speed.toml
  arena score --members members.toml --test test.csv --output submission.csv --deadline contest
  arena score --calibration surface.json --test test.csv --output submission.csv
  arena score --model ./model --test parts/ --output scored/ --engine ray --workers 2
"""


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of `arena score`."""
    add_model(command)
    command.add_argument("--test", type=Path, required=True, metavar="F", help="battles: csv (LMSYS) or parquet (WSDM)")
    command.add_argument("--output", type=Path, metavar="FILE", help="the submission to write; a directory for Ray")
    add_engine(command)
    command.add_argument(
        "--deadline",
        type=_deadline,
        metavar="T",
        help="be done by then, from the start of the process: 8h30m, 90m, or `contest` for what the contest allows",
    )
    command.add_argument(
        "--workers",
        type=_workers,
        metavar="N",
        help="processes: one each GPU, one for the CPU; 0 runs in this one, as small tables do",
    )
    command.add_argument(
        "--patience",
        type=_duration,
        default=PATIENCE_S,
        metavar="T",
        help="a worker that says nothing for so long, and for 20 times what its pack should take, is replaced (10m)",
    )
    command.add_argument("--fresh", action="store_true", help="begin anew although an earlier run can be gone on from")
    command.add_argument("--keep-journal", action="store_true", help="leave .FILE.journal when the run ends well")
    command.add_argument(
        "--rehearse",
        action="store_true",
        help="only say how long it would take, of all members too, and what the deadline would drop",
    )
    command.add_argument(
        "--rows", type=positive, default=ROWS, metavar="N", help=f"of a rehearsal, as the contest has them ({ROWS:,})"
    )
    command.add_argument(
        "--record", type=Path, metavar="FILE", help="write the measured speed there, as a profile for resolver.toml"
    )
    command.add_argument(
        "--force",
        action="store_true",
        help="replace an output that is there; go on although the adapter's record differs",
    )
    add_calibration(command)
    add_rules(command)
    add_contest(command)
    add_roots(command)
    add_report(command)


def add_engine(command: argparse.ArgumentParser) -> None:
    """`--engine` and `--address`."""
    command.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="ray: millions of battles, from parquet parts into a directory of ids and probabilities (local)",
    )
    command.add_argument("--address", metavar="A", help="of a Ray cluster; without it Ray runs on this machine")


def _deadline(text: str) -> float | str:
    if text == CONTEST:
        return text
    return _duration(text)


def _duration(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _workers(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes") from None
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number


def request_of(options: argparse.Namespace, table: Table) -> Request:
    """What the options ask of a scoring run."""
    deadline = getattr(options, "deadline", None)
    asked = Request(
        model=_model(options),
        adapter=options.adapter,
        labels=options.labels,
        max_length=options.max_length,
        batch_tokens=options.batch_tokens,
        swap=options.swap,
        dtype=options.dtype,
        quantize=options.quantize,
        device=options.device,
        workers=getattr(options, "workers", None),
        deadline_s=CONTEST_LIMIT_S[table.contest] if deadline == CONTEST else deadline,
        patience_s=getattr(options, "patience", PATIENCE_S),
        roots=tuple(options.root),
        config=options.config,
        force=options.force,
        truncate=options.truncate,
        prompt_cap=options.prompt_cap,
        head=options.head,
        rules=options.rules,
        calibration=options.calibration,
        calibrate=not options.no_calibration,
    )
    return asked if options.members is None else _members(options).request(asked)


def _model(options: argparse.Namespace) -> str:
    """What is scored with: the model, the members file, or the base that the adapter names."""
    if options.members is not None:
        return str(options.members)
    if options.model is not None:
        return str(options.model)
    if options.adapter is None:
        raise SettingsError(
            "there is no model to score with",
            fix="say --model, --members, or --adapter of one; or --calibration of the surface alone",
        )
    return base_named_by(options.adapter, roots=options.root, config=options.config)


def _members(options: argparse.Namespace) -> Members:
    if options.adapter is not None or options.head != "classifier":
        raise SettingsError(
            "--adapter and --head belong to one model", fix=f"write them into {options.members}, for each member"
        )
    return read_members(options.members)


def carry_out(options: argparse.Namespace) -> int:
    """Score; returns the exit code."""
    check_report(options)
    if options.engine == "ray":
        return _score_parts(options)
    if options.address is not None:
        raise SettingsError("--address is of a Ray cluster", fix="say --engine ray")
    if options.record is not None:
        check_writable(options.record)
    if options.output is None and not options.rehearse:
        raise SettingsError("there is no --output to write", fix="name a file, or say --rehearse")
    table = read_table(options.test, contest=options.contest)
    if is_surface_alone(options):
        return score_surface(options, table)
    request = request_of(options, table)
    return _rehearse(options, request, table) if options.rehearse else _score(options, request, table)


def _score(options: argparse.Namespace, request: Request, table: Table) -> int:
    place = Place(options.output, force=options.force, fresh=options.fresh, keep_journal=options.keep_journal)
    try:
        run = score_file(request, table, place, note)
    except KeyboardInterrupt:
        if not options.output.exists():
            raise
        note(f"interrupted: {options.output} is valid; battles without a forecast hold the prior")
        return INTERRUPTED
    if run.exit_code:
        known = len(table.battles) - len(run.scored.without)
        note(
            f"interrupted: {known:,} of {len(table.battles):,} battles are forecast in {options.output}, the others"
            " hold the prior; the same command goes on from there"
        )
        return run.exit_code
    note(run.verdict)
    for warning in _warnings(run):
        note(warning)
    profile = run.throughput.profile(run.facts, looks=len(run.scored.logits), time_limit_s=request.deadline_s)
    _record(options, profile)
    decided = dict(apply_rules(RULE_SETS[request.rules], table.battles, run.scored.probabilities).decided)
    values = {"output": str(options.output), "contest": table.contest, "rules": decided}
    values |= run_values(run, len(table.battles))
    text = _text(options, run, len(table.battles))
    if decided:
        text += "\nrules: " + ", ".join(f"{name}: {battles:,} battles" for name, battles in decided.items())
    tell(options, text, values | {"profile": profile})
    return 0


# What a run on Ray has no use for, with the value where it is not asked for.
NOT_WITH_RAY = {
    "deadline": None,
    "patience": PATIENCE_S,
    "members": None,
    "rehearse": False,
    "record": None,
    "keep_journal": False,
    "fresh": False,
}


def _score_parts(options: argparse.Namespace) -> int:
    from pipeline.scoring.ray_engine import Cluster, score_parts

    _refuse_with_ray(options)
    request = request_of(options, Table(options.test, options.contest or "lmsys", ()))
    cluster = Cluster(options.address, options.workers)
    try:
        run = score_parts(request, options.test, options.output, cluster, note, contest=options.contest)
    except KeyboardInterrupt:
        note(f"interrupted: what is done is in {options.output}; the same command goes on from there")
        return INTERRUPTED
    if run.without:
        names = ", ".join(run.without[:5])
        note(f"warning: {len(run.without):,} battles have no forecast of the model and hold the prior: {names}")
    new = run.rows - run.before
    speed = new / max(run.seconds, 1e-9)
    text = (
        f"{options.output}: {run.rows:,} rows in {run.parts:,} parts, each id once; {new:,} of them in"
        f" {run.seconds:.1f} s ({speed:.1f} rows a second) by {run.actors} actors"
    )
    values = {
        "output": str(options.output),
        "rows": run.rows,
        "rows_before": run.before,
        "parts": run.parts,
        "actors": run.actors,
        "seconds": round(run.seconds, 3),
        "rows_per_second": round(speed, 3),
        "without_forecast": len(run.without),
    }
    tell(options, text, values)
    return 0


def _refuse_with_ray(options: argparse.Namespace) -> None:
    if options.output is None:
        raise SettingsError("there is no --output to write", fix="name a directory")
    asked = [name for name, default in NOT_WITH_RAY.items() if getattr(options, name) != default]
    asked += ["swap time"] if options.swap == "time" else []
    if asked:
        said = ", ".join(f"--{name.replace('_', '-')}" for name in asked)
        raise SettingsError(f"{said}: not with --engine ray", fix="leave it out, or the engine")
    if options.workers == 0:
        raise SettingsError("--workers 0: Ray needs an actor", fix="say --workers 1, or leave it out")


def _warnings(run: Run) -> tuple[str, ...]:
    """What is said last and loudest, so that it is not lost above."""
    said = [f"warning: {each}" for each in run.checks.warnings()]
    if "warning[P004]" in run.verdict:
        said.append(
            "WARNING: the submission is valid and surely not meant (P004 above): do not hand it in before you know why"
        )
    return tuple(said)


def _text(options: argparse.Namespace, run: Run, rows: int) -> str:
    seconds = run.scored.seconds
    lines = [f"{options.output}: {rows:,} rows in {seconds:.1f} s ({rows / max(seconds, 1e-9):.1f} rows a second)"]
    if len(members := _looked(run)) > 1:
        lines += [f"{each['model']}: looked at {each['battles']:,} battles" for each in members]
    if run.prepared.calibration is not None:
        lines.append(f"calibration: {run.prepared.calibration.says()}")
    lines += [run.checks.text(prior_of(run.prepared.labels)), run.throughput.text(), *run.scored.dropped]
    return "\n".join(lines)


def _looked(run: Run) -> list[dict[str, Any]]:
    """The models in order, and at how many battles each has looked."""
    counts = Counter(look.stage for look in run.scored.logits if not look.swapped)
    return [
        {
            "model": model.part.request.model,
            "adapter": model.part.request.adapter,
            "max_length": model.length,
            "weight": model.part.weight,
            "battles": counts[number],
        }
        for number, model in enumerate(run.prepared.models)
    ]


def run_values(run: Run, rows: int) -> dict[str, Any]:
    """The figures of a run, for JSON."""
    calibration = run.prepared.calibration
    return {
        "rows": rows,
        "seconds": round(run.scored.seconds, 3),
        "rows_per_second": round(rows / max(run.scored.seconds, 1e-9), 3),
        "tokens": run.throughput.tokens,
        "padding": round(run.throughput.padding, 6),
        "swapped": len(run.scored.swapped),
        "without_forecast": len(run.scored.without),
        "dropped": list(run.scored.dropped),
        "checks": asdict(run.checks),
        "throughput": asdict(run.throughput),
        "max_length": run.prepared.length,
        "device": run.prepared.device,
        "dtype": run.prepared.dtype,
        "calibration": None if calibration is None else calibration.model_dump(mode="json"),
        "models": _looked(run),
        "reports": run.prepared.reports,
    }


def _record(options: argparse.Namespace, profile: str) -> None:
    if options.record is None:
        return
    if not profile:
        note(f"warning: the journal held all forecasts, so no speed was measured and {options.record} is not written")
        return
    with replacing(options.record) as temporary:
        temporary.write_text(profile, encoding="utf-8")


def _rehearse(
    options: argparse.Namespace, request: Request, table: Table, clock: Callable[[], float] = time.monotonic
) -> int:
    deadline = deadline_of(request)
    prepared = prepare(request, table, note)
    battles = enlarged(table.battles, options.rows)
    note(f"rehearsing {len(battles):,} rows like the {len(table.battles):,} of {options.test}")
    with devices_of(prepared, len(battles), note) as devices:
        devices.planner(0)
        found = rehearse(prepared.job(battles), devices, deadline, load_s=clock() - deadline.began)
        facts = tuple(devices.facts())
    profile = _rehearsed_profile(found, facts, request.deadline_s)
    _record(options, profile)
    totals = {name: getattr(found, name) for name in TOTALS}
    values = asdict(found) | totals | {"limit_s": request.deadline_s, "profile": profile}
    tell(options, f"{found.text()}\nno submission was written", values | {"reports": prepared.reports})
    return 0


def _rehearsed_profile(found: Rehearsal, facts: tuple[Facts, ...], limit_s: float | None) -> str:
    return profile_text(
        facts,
        tokens_per_second=found.tokens_per_second,
        looks=round(found.looks),
        tokens_per_look=found.look_tokens / found.looks,
        time_limit_s=limit_s,
    )
