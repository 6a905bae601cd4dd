"""`resolver lock MODEL... --output FILE`: which bytes a model consists of, as a file to keep with it."""

import argparse
from pathlib import Path
from typing import Final

from resolver.cli.exit_codes import FINDINGS, NOT_FOUND, USABLE
from resolver.cli.options import add_model
from resolver.cli.output import deliver, expect_apart, expect_writable, write_file, write_stderr
from resolver.cli.progress import ReadingProgress
from resolver.cli.refusal import not_found_report, refuse
from resolver.cli.session import Session
from resolver.cli.trouble import UsageError
from resolver.errors import MalformedReference, ModelNotFound
from resolver.host import this_host
from resolver.inspection.lock import LockFault, read_lock
from resolver.integrity.statement import is_statement
from resolver.locking import CannotLock, MadeLock, Written, make_lock
from resolver.report.blocks import Told

DESCRIPTION: Final = """\
Write which files a model consists of, with size and sha256: `resolver verify FILE` then tells every change.
Every byte is read once, two files at a time. Equal models give equal bytes: no time, no machine, no absolute path.
A run that was interrupted goes on where it was."""
EXAMPLES: Final = """\
  resolver lock ./model --output ./model/resolver.lock
  resolver lock meta-llama/Meta-Llama-3-8B-Instruct ./my-adapter --output resolver.lock
  resolver lock ./model --output resolver.lock --statement model.intoto.json"""
STATEMENT_BYTES: Final = 64 * 1024 * 1024


def define(parser: argparse.ArgumentParser) -> None:
    """The flags of this command alone."""
    add_model(parser, several=True)
    parser.add_argument(
        "--output", metavar="FILE", type=Path, required=True, help="the lock; one that is there is replaced"
    )
    parser.add_argument(
        "--statement",
        metavar="FILE",
        type=Path,
        help="the same of one model as an in-toto statement, to be signed; model-signing verifies it",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE also where it is something else")


def execute(session: Session) -> int:
    """Lock all models, or none."""
    options, here = session.options, session.environment.cwd
    target: Path = here / options.output
    beside: Path | None = None if options.statement is None else here / options.statement
    _expect_ours(target, beside, session)
    if beside is not None and len(options.models) > 1:
        raise UsageError("--statement is of one model; a statement has one subject", "resolver lock --help")
    if len(set(options.models)) < len(options.models):
        raise UsageError("a model is named twice", "resolver lock --help")
    try:
        made = _made(session, target, beside)
    except KeyboardInterrupt:
        write_stderr("the same command goes on from here\n")
        raise
    except CannotLock as error:
        from resolver.report.escape import escape

        write_stderr(f"error: {escape(error)}; nothing was written\n")
        return FINDINGS  # also with --exit-zero: there is no lock that a pipeline could go on with
    except MalformedReference as error:
        raise UsageError(str(error)) from error
    except ModelNotFound as error:
        report = not_found_report(error.reference, error, this_host(session.environment).accelerator)
        refuse(session, report, Told(reports=(report,)))
        return session.exit_code(NOT_FOUND)
    _write(session, made, target, beside)
    return USABLE


def _made(session: Session, target: Path, beside: Path | None) -> MadeLock:
    environment = session.environment
    with ReadingProgress() as progress:
        return make_lock(
            session.options.models,
            (target, beside),
            environment,
            this_host(environment),
            progress=progress,
            policy=session.policy,
        )


def _expect_ours(target: Path, beside: Path | None, session: Session) -> None:
    """Refuse early what would be overwritten and is not ours, and what cannot be written."""
    options = session.options
    expect_writable(target, "--output")
    expect_apart(options.report, target, "the file of --output")
    if target.is_file() and not options.force and isinstance(read_lock(target.resolve()), LockFault):
        raise UsageError(f"--output {options.output}: exists and is no lock; --force replaces it")
    if beside is None:
        return
    expect_writable(beside, "--statement")
    expect_apart(options.report, beside, "the file of --statement")
    if beside.resolve() == target.resolve():
        raise UsageError("--statement and --output name one file")
    if beside.is_file() and not options.force and not _is_statement(beside):
        raise UsageError(f"--statement {options.statement}: exists and is no statement; --force replaces it")


def _is_statement(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return is_statement(stream.read(STATEMENT_BYTES))
    except OSError:
        return False


def _write(session: Session, made: MadeLock, target: Path, beside: Path | None) -> None:
    from resolver.report.escape import escape
    from resolver.report.verification import render_lock

    if beside is not None and made.statement is not None:
        write_file(beside, made.statement, "--statement")
    write_file(target, made.data, "--output")
    for note in made.notes:
        write_stderr(f"note: {escape(note)}\n")
    written = Written(made.lock, session.options.output, session.options.statement)
    deliver(session, lambda _: render_lock(written), Told(lock=written))
