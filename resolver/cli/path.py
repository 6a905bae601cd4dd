"""`resolver path MODEL`: the directory on stdout, all else on stderr."""

import argparse
import sys
from typing import TYPE_CHECKING, Final

from resolver.cli.exit_codes import FINDINGS, NOT_FOUND, USABLE
from resolver.cli.options import add_model
from resolver.cli.output import deliver, wants_colour, write_path, write_stderr
from resolver.cli.session import Session
from resolver.cli.trouble import UsageError
from resolver.errors import MalformedReference, ModelNotFound, ModelRejected
from resolver.finding import Identity, Report
from resolver.host import this_host
from resolver.resolve import Resolution, resolve

if TYPE_CHECKING:
    from resolver.report.document import Told

DESCRIPTION: Final = """\
Print the directory that holds a model, alone on stdout; everything else goes to stderr.
A directory whose bytes are unusable anywhere is rejected (exit 1); `resolver check` judges everything."""
EXAMPLES: Final = """\
  resolver path meta-llama/Meta-Llama-3-8B-Instruct
  model=$(resolver path metaresearch/llama-3/transformers/8b-chat-hf/1) && echo "$model"
  resolver path hf://google/gemma-2-9b-it@main --root /mnt/models"""


def define(parser: argparse.ArgumentParser) -> None:
    """The flags of this command alone."""
    add_model(parser)


def execute(session: Session) -> int:
    """Resolve one reference."""
    text: str = session.options.model
    host = this_host(session.environment)
    try:
        found = resolve(text, session.environment, host, minimum_confidence=session.settings.minimum_confidence)
    except MalformedReference as error:
        raise UsageError(str(error)) from error
    except ModelNotFound as error:
        return _absent(session, _unfound(text, error, host.accelerator))
    except ModelRejected as error:
        report = _judged_by_wish(session, error.report)
        if report.errors():
            return _refused(session, report)
        found = _accepted(report)
    return _found(session, found)


def _found(session: Session, found: Resolution) -> int:
    for note in found.notes:
        from resolver.report.escape import escape

        write_stderr(f"note: {escape(note)}\n")
    if session.is_json or session.options.report is not None:
        deliver(session, lambda _: f"{_told_in_words(found)}\n", lambda: _told((), (found,)))
    if not session.is_json or session.options.report is not None:
        write_path(found.path)
    return USABLE


def _told_in_words(found: Resolution) -> str:
    from resolver.report.escape import escape

    return "\n".join(
        [f"found: {escape(found.reference)} ({found.confidence}, {escape(found.source)}) {escape(found.path)}"]
        + [f"  {escape(each)}" for each in (*found.evidence, *found.notes)]
    )


def _absent(session: Session, report: Report) -> int:
    _tell(session, report)
    return session.exit_code(NOT_FOUND)


def _refused(session: Session, report: Report) -> int:
    _tell(session, report)
    return session.exit_code(FINDINGS)


def _tell(session: Session, report: Report) -> None:
    """On stderr, so that `$(resolver path X)` stays empty; as JSON or in a file where that was asked for."""
    from resolver.report.terminal import render

    places = ("command line, argument 1",)
    if session.is_json or session.options.report is not None:
        deliver(session, lambda colour: render((report,), colour=colour, places=places), lambda: _told((report,), ()))
    if not session.is_json:
        write_stderr(render((report,), colour=wants_colour(session, sys.stderr), places=places))


def _told(reports: tuple[Report, ...], found: tuple[Resolution, ...]) -> "Told":
    from resolver.report.document import Told

    return Told(reports=reports, resolutions=found)


def _unfound(text: str, error: ModelNotFound, accelerator: str) -> Report:
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


def _judged_by_wish(session: Session, report: Report) -> Report:
    """The rejection without the findings of rules that the user does not want judged."""
    wanted = tuple(
        finding
        for finding in report.findings
        if finding.code not in session.ignored and (not session.selected or finding.code in session.selected)
    )
    return report.replaced(findings=wanted)


def _accepted(report: Report) -> Resolution:
    """A rejected directory whose every error is ignored: the user has decided."""
    model = report.model
    if model.path is None or model.source is None or model.confidence is None:
        raise AssertionError("a rejected model has a directory")  # the resolver's own promise
    return Resolution(
        reference=model.reference,
        path=model.path,
        source=model.source,
        confidence=model.confidence,
        evidence=model.evidence,
        trail=report.trail,
        hub_id=model.hub_id,
        kaggle_handle=model.kaggle_handle,
        revision=model.revision,
        notes=("taken although it was rejected: every error is of a rule that is ignored",),
    )
