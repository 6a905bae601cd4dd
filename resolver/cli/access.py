"""`resolver access MODEL`: are token, licence and consent in order, and what is to do. Online."""

import argparse
from typing import Final

from resolver.cli.exit_codes import FAILED, FINDINGS, NOT_FOUND, USABLE
from resolver.cli.options import add_model, whole_number
from resolver.cli.output import deliver
from resolver.cli.progress import Waiting
from resolver.cli.session import Session
from resolver.cli.trouble import ToolFailure, UsageError
from resolver.errors import MalformedReference
from resolver.online.access import CALL_S, ask_access
from resolver.online.answers import SITES, AccessReport, Verdict
from resolver.online.children import NotInstalled
from resolver.report.blocks import Told

DESCRIPTION: Final = """\
Ask Hugging Face and Kaggle whether this machine's account may have a model: is there a token, is it good and whose,
does the model exist, is it gated, has access been granted, is the licence accepted. Says where to click.
Online, read-only: nothing is fetched, accepted or written, and no token is ever shown. Needs the extra `online`.

exit codes: 0 granted on every site that was asked, 1 something is to do, 3 there is no such model, revision or
version, 4 a site could not be asked; the worst of both sites, as for several models"""
EXAMPLES: Final = """\
  resolver access meta-llama/Meta-Llama-3-8B-Instruct
  resolver access metaresearch/llama-3/transformers/8b-chat-hf/1 --site kaggle
  resolver access hf://google/gemma-2-9b-it@main --site huggingface --format json"""
CODES: Final[dict[Verdict, int]] = {"granted": USABLE, "to-do": FINDINGS, "missing": NOT_FOUND, "unknown": FAILED}


def define(parser: argparse.ArgumentParser) -> None:
    """The flags of this command alone."""
    add_model(parser)
    parser.add_argument("--site", choices=SITES, help="ask only this one; default: every site whose name is known")
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=whole_number,
        default=CALL_S,
        help=f"the most that one call may take; default: {CALL_S}",
    )


def execute(session: Session) -> int:
    """Ask about one model."""
    options = session.options
    sites = SITES if options.site is None else (options.site,)
    try:
        with Waiting("asking " + " and ".join(sites)) as waiting:
            told = ask_access(options.model, session.environment, sites=sites, seconds=options.timeout, waiting=waiting)
    except MalformedReference as error:
        raise UsageError(str(error), "resolver access --help") from error
    except NotInstalled as error:
        hint = "pip install 'offline-resolver[online]'"
        raise ToolFailure(f"{error}, so nobody can be asked: {hint}; no check was performed") from error
    if not told.was_answered and not session.is_json and options.report is None:
        raise ToolFailure(f"nobody could be asked: {_troubles(told)}; no check was performed")
    _tell(session, told)
    return session.exit_code(CODES[told.verdict])


def _troubles(told: AccessReport) -> str:
    return "; ".join(dict.fromkeys(each.answer.trouble for each in told.sites))


def _tell(session: Session, told: AccessReport) -> None:
    from resolver.report.access import one_line, render_access

    summary = f"{one_line(told)}\n" if session.options.report is not None else ""
    deliver(session, lambda colour: render_access(told, colour=colour), Told(access=told), summary)
