"""`resolver notebook FILE`: the preflight of a notebook or script before it is pushed."""

import argparse
from pathlib import Path
from typing import Final

from resolver.cli.exit_codes import FINDINGS, worst
from resolver.cli.options import REPORTS
from resolver.cli.output import deliver, write_stderr
from resolver.cli.session import Session
from resolver.cli.trouble import UsageError
from resolver.host import this_host
from resolver.notebook.metadata import NAME
from resolver.notebook_fix import Made, fixed_code, fixed_metadata, moved_by, plan
from resolver.notebook_preflight import NotebookQuestion, NotebookReport, check_notebook
from resolver.repair.notebook_files import read_text, write_beside, write_in_place
from resolver.repair.place import CannotRepair
from resolver.report.blocks import Told
from resolver.writing import CannotMake, TargetTaken

FORMATS: Final = REPORTS
DESCRIPTION: Final = """\
Say what will fail when a notebook or script runs offline on Kaggle: models that are not attached, hub ids, network
calls, paths that will not exist, tokens in the code. Its kernel-metadata.json is found beside it and says what will be
mounted. Nothing of it is executed or imported; models that this machine has are checked as by `resolver check`."""
EXAMPLES: Final = """\
  resolver notebook inference.ipynb
  resolver notebook train.py --metadata ./push/kernel-metadata.json
  resolver notebook inference.ipynb --fix
  resolver notebook inference.ipynb --format html --report runbook.html
  resolver notebook inference.ipynb --format json --fail-on warning"""


def define(parser: argparse.ArgumentParser) -> None:
    """The flags of this command alone."""
    parser.add_argument("file", metavar="FILE", type=Path, help="an .ipynb, or a .py: plain, percent form, or a script")
    parser.add_argument(
        "--metadata", metavar="FILE", type=Path, help="its kernel-metadata.json; default: the one beside it"
    )
    parser.add_argument(
        "--fix", action="store_true", help="write a notebook that runs offline, and its metadata, into FILE-fixed/"
    )
    parser.add_argument(
        "--in-place", action="store_true", help="with --fix: in place of the old ones, which are kept as .bak"
    )


def execute(session: Session) -> int:
    """Judge one notebook and the models of it that are here; the worst of them is the exit code."""
    options, here = session.options, session.environment.cwd
    path: Path = options.file
    metadata: Path | None = options.metadata
    for each in (path, metadata):
        if each is not None and not (here / each).is_file():
            raise UsageError(f"{each} is no file here", "resolver notebook --help")
    if options.in_place and not options.fix:
        raise UsageError("--in-place is of --fix", "resolver notebook --help")
    told = _judged(session, path, metadata)
    made: Made | None = None
    if options.fix:
        try:
            made = _fix(session, told)
        except CannotMake as error:
            return _refused(session, told, error)
        if made is not None:
            told = _judged(session, made.code, made.metadata)
    _tell(session, told, made)
    reports = (told.report, *told.models.values())
    return session.exit_code(worst(session.verdict_code(report) for report in reports))


def _judged(session: Session, path: Path, metadata: Path | None) -> NotebookReport:
    question = NotebookQuestion(
        metadata, session.selected, session.ignored, session.settings.accelerators, session.policy
    )
    return check_notebook(path, session.environment, this_host(session.environment), question)


def _fix(session: Session, told: NotebookReport) -> Made | None:
    """Write the fixed notebook; None where there is nothing to change."""
    planned = plan(told)
    if planned.is_empty:
        return None if not planned.todo else Made(told.code.path, _path_of(told), (), (), planned.todo)
    code = told.code.path
    metadata = _path_of(told)
    try:
        text = read_text(code)
        texts = [(code, fixed_code(text, told.code.form, planned))]
        written_as = plan(told, moved_by(text, told.code.form, planned))  # the same, told of what is written
        if metadata is not None:
            texts.insert(0, (metadata, fixed_metadata(read_text(metadata), planned)))
    except ValueError as error:
        raise CannotRepair(f"{code} cannot be rewritten: {error}") from error
    is_moved = written_as != planned
    if session.options.in_place:
        backups = write_in_place(texts)
        return Made(code, metadata, backups, written_as.changes, written_as.todo, is_moved)
    target = code.with_name(f"{code.stem}-fixed")
    write_beside(target, [(NAME if path == metadata else path.name, text) for path, text in texts])
    written = None if metadata is None else target / NAME
    return Made(target / code.name, written, (), written_as.changes, written_as.todo, is_moved)


def _path_of(told: NotebookReport) -> Path | None:
    return None if told.metadata is None else told.metadata.path


def _refused(session: Session, told: NotebookReport, error: CannotMake) -> int:
    from resolver.report.escape import escape

    if isinstance(error, TargetTaken):
        raise UsageError(f"--fix: {error}; remove it, or use --in-place") from error
    _tell(session, told, None)
    write_stderr(f"error: {escape(error)}; nothing was written\n")
    return FINDINGS


def _tell(session: Session, told: NotebookReport, made: Made | None) -> None:
    from resolver.report.notebook import render_notebook
    from resolver.report.summary import one_line

    reports = (told.report, *told.models.values())
    summary = "".join(f"{one_line(report)}\n" for report in reports) if session.options.report is not None else ""
    deliver(
        session,
        lambda colour: render_notebook(told, made, colour=colour),
        Told(reports=reports, fail_on=session.options.fail_on or "error", notebook=told, fix=made),
        summary,
    )
