"""How a command that promises a directory says that there is none: on stderr, and as a report where one is asked."""

import sys

from resolver.cli.output import deliver, wants_colour, write_stderr
from resolver.cli.session import Session
from resolver.errors import ModelNotFound
from resolver.finding import Identity, Report
from resolver.report.blocks import Told
from resolver.report.terminal import render

PLACES = ("command line, argument 1",)


def refuse(session: Session, report: Report, told: Told) -> None:
    """Tell people on stderr, so that stdout stays empty; tell programs, and the file of --report, in full."""
    if session.is_json or session.options.report is not None:
        deliver(session, lambda colour: render((report,), colour=colour, places=PLACES), told)
    if not session.is_json:
        write_stderr(render((report,), colour=wants_colour(session, sys.stderr), places=PLACES))


def not_found_report(text: str, error: ModelNotFound, accelerator: str) -> Report:
    """The report of a reference that no directory answers to."""
    return Report(
        level="quick",
        purpose="load",
        accelerator=accelerator,
        judged_with={},
        model=Identity(reference=text),
        verdict="not-found",
        trail=error.trail,
        not_found=error.diagnosis,
    )
