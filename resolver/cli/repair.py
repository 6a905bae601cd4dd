"""`resolver repair index` and `resolver repair adapter`: what a fix names as a command of ours."""

import argparse
import re
from pathlib import Path
from typing import Final

from resolver.cli.exit_codes import FINDINGS, NOT_FOUND, USABLE
from resolver.cli.options import add_model
from resolver.cli.output import deliver, write_stderr
from resolver.cli.progress import ReadingProgress
from resolver.cli.refusal import not_found_report, refuse
from resolver.cli.session import Session
from resolver.cli.trouble import ToolFailure, UsageError
from resolver.errors import MalformedReference, ModelNotFound
from resolver.host import this_host
from resolver.repair.adapter import TASKS, repair_adapter
from resolver.repair.index import repair_index
from resolver.repair.place import Repair
from resolver.report.blocks import Told
from resolver.resolve import Chosen, choose
from resolver.writing import CannotMake, TargetTaken

DESCRIPTION: Final = """\
Make of a damaged model a directory that loads; the source is only read.

  repair index MODEL --to DIR                             a copy of the model with a new index, from the shards' headers
  repair adapter FILE --base MODEL --alpha N --to DIR     a PEFT adapter out of a bare state dict of LoRA tensors

DIR is there whole or not at all. Nothing is unpickled: the tensors of a .pth are read from where its opcodes say.
lora_alpha is in no tensor: it is what the training run was given."""
EXAMPLES: Final = """\
  resolver repair index ./model --to ./model-mended
  resolver repair index ./model --to ./model-mended --link
  resolver repair adapter llama_3_finetuned_model.pth --base ./llama-3-8b --alpha 8 --to ./adapter"""


def define(parser: argparse.ArgumentParser) -> None:
    """What is mended, and the flags of either."""
    parser.add_argument("what", choices=("index", "adapter"), help="what is made anew")
    add_model(parser)
    parser.add_argument(
        "--to", metavar="DIR", type=Path, required=True, help="the directory to make; it must not exist"
    )
    parser.add_argument(
        "--link", action="store_true", help="index: second names for the same files on disk, instead of copies"
    )
    parser.add_argument("--base", metavar="MODEL", help="adapter: the model that it was trained on")
    parser.add_argument("--alpha", metavar="N", type=_alpha, help="adapter: lora_alpha of the training run")
    parser.add_argument("--task", choices=TASKS, help="adapter: default SEQ_CLS with a head, CAUSAL_LM without")


def _alpha(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text, re.ASCII) or float(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return float(text)


def execute(session: Session) -> int:
    """Make one directory."""
    options = session.options
    _refuse_strange_flags(options)
    made: Repair | int
    try:
        made = _index(session) if options.what == "index" else _adapter(session)
    except TargetTaken as error:
        raise UsageError(f"--to {error}") from error
    except CannotMake as error:
        from resolver.report.escape import escape

        write_stderr(f"error: {escape(error)}; nothing was written\n")
        return FINDINGS
    except OSError as error:
        raise ToolFailure(f"{error.filename or options.to}: {error.strerror or error}; nothing was written") from error
    if isinstance(made, int):
        return made
    repair = made
    deliver(session, lambda _: _text(repair), Told(repair=repair))
    return USABLE


def _refuse_strange_flags(options: argparse.Namespace) -> None:
    if options.what == "adapter":
        lacking = [name for name in ("base", "alpha") if getattr(options, name) is None]
        if lacking:
            raise UsageError(f"repair adapter needs --{lacking[0]}", "resolver repair --help")
        if options.link:
            raise UsageError("--link is of repair index", "resolver repair --help")
    elif given := [name for name in ("base", "alpha", "task") if getattr(options, name) is not None]:
        raise UsageError(f"--{given[0]} is of repair adapter", "resolver repair --help")


def _chosen(session: Session, text: str) -> Chosen | int:
    host = this_host(session.environment)
    try:
        return choose(text, session.environment, host, session.policy)
    except MalformedReference as error:
        raise UsageError(str(error)) from error
    except ModelNotFound as error:
        report = not_found_report(text, error, host.accelerator)
        refuse(session, report, Told(reports=(report,)))
        return session.exit_code(NOT_FOUND)


def _index(session: Session) -> Repair | int:
    model = _chosen(session, session.options.model)
    if isinstance(model, int):
        return model
    with ReadingProgress() as progress:
        return repair_index(model.description, _target(session), progress, link=session.options.link)


def _adapter(session: Session) -> Repair | int:
    source = session.environment.expand(session.options.model)
    if not source.is_file():
        raise UsageError(f"{session.options.model} is no file; repair adapter takes the file of the state dict")
    base = _chosen(session, session.options.base)
    if isinstance(base, int):
        return base
    named = session.options.base if not _is_path(session, base) else str(base.description.root)
    return repair_adapter(
        source, base.description, named, _target(session), alpha=session.options.alpha, task=session.options.task
    )


def _is_path(session: Session, base: Chosen) -> bool:
    """Whether the base was named by its place: then its whole place is written, and not one relative to here."""
    return base.identity.source == "path" or session.environment.expand(session.options.base).is_dir()


def _target(session: Session) -> Path:
    return session.environment.expand(str(session.options.to))


def _text(repair: Repair) -> str:
    from resolver.report.escape import escape
    from resolver.rules.words import size

    lines = [
        f"made: {escape(repair.target)}",
        f"  {len(repair.files)} files, {size(repair.size_bytes)}; {repair.tensors} tensors in the new {repair.kind}",
        *(f"  {escape(note)}" for note in repair.notes),
        f"  next: resolver check {escape(_argument(repair.target))}",
    ]
    return "\n".join(lines) + "\n"


def _argument(path: Path) -> str:
    from resolver.rules.words import quoted

    return quoted(path)
