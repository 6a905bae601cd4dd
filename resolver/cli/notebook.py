"""`resolver notebook FILE`: the preflight of a notebook or script before it is pushed."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resolver.cli.exit_codes import worst
from resolver.cli.options import REPORTS
from resolver.cli.output import deliver
from resolver.cli.session import Session
from resolver.cli.trouble import UsageError
from resolver.host import this_host
from resolver.notebook_preflight import NotebookQuestion, check_notebook
from resolver.report.blocks import Told

if TYPE_CHECKING:
    from resolver.notebook_preflight import NotebookReport

FORMATS: Final = REPORTS
DESCRIPTION: Final = """\
Say what will fail when a notebook or script runs offline on Kaggle: models that are not attached, hub ids, network
calls, paths that will not exist, tokens in the code. Its kernel-metadata.json is found beside it and says what will be
mounted. Nothing of it is executed or imported; models that this machine has are checked as by `resolver check`."""
EXAMPLES: Final = """\
  resolver notebook inference.ipynb
  resolver notebook train.py --metadata ./push/kernel-metadata.json
  resolver notebook inference.ipynb --format html --report runbook.html
  resolver notebook inference.ipynb --format json --fail-on warning"""


def define(parser: argparse.ArgumentParser) -> None:
    """The flags of this command alone."""
    parser.add_argument("file", metavar="FILE", type=Path, help="an .ipynb, or a .py: plain, percent form, or a script")
    parser.add_argument(
        "--metadata", metavar="FILE", type=Path, help="its kernel-metadata.json; default: the one beside it"
    )


def execute(session: Session) -> int:
    """Judge one notebook and the models of it that are here; the worst of them is the exit code."""
    here = session.environment.cwd
    path: Path = session.options.file
    metadata: Path | None = session.options.metadata
    for each in (path, metadata):
        if each is not None and not (here / each).is_file():
            raise UsageError(f"{each} is no file here", "resolver notebook --help")
    question = NotebookQuestion(metadata, session.selected, session.ignored, session.settings.accelerators)
    told = check_notebook(path, session.environment, this_host(session.environment), question)
    _tell(session, told)
    reports = (told.report, *told.models.values())
    return session.exit_code(worst(session.verdict_code(report) for report in reports))


def _tell(session: Session, told: "NotebookReport") -> None:
    from resolver.report.notebook import render_notebook
    from resolver.report.summary import one_line

    reports = (told.report, *told.models.values())
    summary = "".join(f"{one_line(report)}\n" for report in reports) if session.options.report is not None else ""
    deliver(
        session,
        lambda colour: render_notebook(told, colour=colour),
        Told(reports=reports, fail_on=session.options.fail_on or "error", notebook=told),
        summary,
    )
