"""`resolver list`: every model on this machine, and which of them are copies."""

import argparse
from collections.abc import Iterator
from typing import Final

from resolver.cli.exit_codes import worst
from resolver.cli.output import deliver, write_stderr
from resolver.cli.session import Session
from resolver.duplicates import Duplicates, find_duplicates
from resolver.host import this_host
from resolver.report.blocks import ListedModel, Told

DESCRIPTION: Final = """\
Show every model on this machine: reference, source, size, architecture, licence, and whether it loads here.
Below them, which are copies of one another and what the copies cost; nothing is deleted and no weights are read.
Searched are the Kaggle mounts, all caches, installed packages and the extra roots; `resolver doctor` names them."""
EXAMPLES: Final = """\
  resolver list
  resolver list --root /mnt/models --format json
  resolver list --fail-on error"""


def define(_: argparse.ArgumentParser) -> None:
    """No flags of its own."""


def execute(session: Session) -> int:
    """List and judge; exits 0 unless --fail-on says otherwise."""
    models = tuple(_models(session))
    if not models and not session.is_json:
        write_stderr("no model found; resolver doctor shows where was looked\n")
    duplicates = find_duplicates((each.report.model, each.description) for each in models)
    told = Told(models=models, duplicates=duplicates)
    deliver(session, lambda colour: _text(models, duplicates, colour=colour), told)
    return session.exit_code(worst(session.verdict_code(each.report, None) for each in models))


def _models(session: Session) -> Iterator[ListedModel]:
    from resolver.preflight import Question, examine
    from resolver.resolve import survey

    host = this_host(session.environment)
    question = Question(select=session.selected, ignored=session.ignored, policy=session.policy)
    for found in survey(session.environment):
        report, description = examine(found, session.environment, host, question)
        yield ListedModel(description, report)


def _text(models: tuple[ListedModel, ...], duplicates: tuple[Duplicates, ...], *, colour: bool) -> str:
    from resolver.report.pages import render_models

    return render_models(models, duplicates, colour=colour) if models else ""
