"""`resolver path MODEL`: the directory on stdout, all else on stderr."""

import argparse
from typing import Final

from resolver.cli.exit_codes import FINDINGS, NOT_FOUND, USABLE
from resolver.cli.options import add_model
from resolver.cli.output import deliver, write_path, write_stderr
from resolver.cli.session import Session
from resolver.cli.trouble import UsageError
from resolver.errors import MalformedReference, ModelNotFound, ModelRejected
from resolver.finding import Report
from resolver.host import this_host
from resolver.report.blocks import Told
from resolver.resolve import Resolution, resolve

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
        found = resolve(text, session.environment, host, session.policy)
    except MalformedReference as error:
        raise UsageError(str(error)) from error
    except ModelNotFound as error:
        from resolver.cli.refusal import not_found_report

        return _refused(session, not_found_report(text, error, host.accelerator), NOT_FOUND)
    except ModelRejected as error:
        report = _judged_by_wish(session, error.report)
        if report.errors():
            return _refused(session, report, FINDINGS)
        found = _accepted(report)
    return _found(session, found)


def _found(session: Session, found: Resolution) -> int:
    for note in found.notes:
        from resolver.report.escape import escape

        write_stderr(f"note: {escape(note)}\n")
    if session.is_json or session.options.report is not None:
        deliver(session, lambda _: f"{_told_in_words(found)}\n", Told(resolutions=(found,)))
    if not session.is_json or session.options.report is not None:
        write_path(found.path)
    return USABLE


def _told_in_words(found: Resolution) -> str:
    from resolver.report.escape import escape

    return "\n".join(
        [f"found: {escape(found.reference)} ({found.confidence}, {escape(found.source)}) {escape(found.path)}"]
        + [f"  {escape(each)}" for each in (*found.evidence, *found.notes)]
    )


def _refused(session: Session, report: Report, code: int) -> int:
    from resolver.cli.refusal import refuse

    refuse(session, report, Told(reports=(report,), resolutions=()))
    return session.exit_code(code)


def _judged_by_wish(session: Session, report: Report) -> Report:
    """The rejection without the findings of rules that the user does not want judged; the policy's stay."""
    from resolver.rules.policy import CODES

    wanted = tuple(
        finding
        for finding in report.findings
        if finding.code in CODES
        or (finding.code not in session.ignored and (not session.selected or finding.code in session.selected))
    )
    return report.replaced(findings=wanted)


def _accepted(report: Report) -> Resolution:
    """A rejected directory whose every error is ignored: the user has decided."""
    return Resolution.of(
        report.model,
        report.trail,
        ("taken although it was rejected: every error is of a rule that is ignored",),
    )
