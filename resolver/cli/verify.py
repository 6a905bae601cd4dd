"""`resolver verify LOCK|MODEL [NAME=DIR]...`: are these the bytes that were put on record? Always reads them."""

import argparse
from typing import Final

from resolver.cli.exit_codes import worst
from resolver.cli.options import REPORTS
from resolver.cli.output import deliver, expect_apart, write_stderr
from resolver.cli.progress import ReadingProgress
from resolver.cli.session import Session
from resolver.cli.trouble import UsageError
from resolver.errors import MalformedReference
from resolver.host import this_host
from resolver.report.blocks import Told
from resolver.verification import Asked, Verified, verify
from resolver.verification_subjects import NotALock, Search

FORMATS: Final = REPORTS
DESCRIPTION: Final = """\
Say whether every file is the one that was put on record: by a lock, or by what lies beside the model (a resolver.lock,
the lists and blob names of a Hugging Face cache, the metadata of a download). Every byte is read, two files at a time;
a run that was interrupted goes on where it was. What nothing is on record of is unverifiable, and no pass.

A lock's model lies where NAME=DIR says, else where the lock says, else where its reference leads to on this machine."""
EXAMPLES: Final = """\
  resolver verify resolver.lock
  resolver verify resolver.lock meta-llama/Meta-Llama-3-8B-Instruct=/kaggle/input/llama-3/transformers/8b-chat-hf/1
  resolver verify meta-llama/Meta-Llama-3-8B-Instruct
  resolver verify ./model --only-size --format json"""


def define(parser: argparse.ArgumentParser) -> None:
    """The flags of this command alone."""
    parser.add_argument("subject", metavar="LOCK|MODEL", help="a lock; or a hub id, handle, package:NAME, URL or path")
    parser.add_argument(
        "places",
        metavar="NAME=DIR",
        nargs="*",
        default=[],
        help="where a model of the lock lies, by its reference there",
    )
    parser.add_argument(
        "--only-size",
        action="store_true",
        help="compare sizes and headers and read no file: milliseconds, and no proof",
    )


def execute(session: Session) -> int:
    """Verify all models of a lock, or one model; the worst of them is the exit code."""
    options, environment = session.options, session.environment
    expect_apart(options.report, environment.expand(options.subject), "what is verified")
    search = Search(environment, this_host(environment), session.policy, _places(options.places))
    asked = Asked(options.only_size, session.selected, session.ignored)
    try:
        with ReadingProgress() as progress:
            done = verify(options.subject, search, asked, progress)
    except NotALock as error:
        raise UsageError(str(error), "resolver verify --help") from error
    except MalformedReference as error:
        raise UsageError(str(error)) from error
    except KeyboardInterrupt:
        write_stderr("the same command goes on from here\n")
        raise
    _tell(session, done)
    return session.exit_code(worst(session.verdict_code(each.report) for each in done))


def _places(pairs: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, place = pair.rpartition("=")
        if not (name and equals and place):
            raise UsageError(f"{pair!r} is not NAME=DIR", "resolver verify --help")
        if name in found:
            raise UsageError(f"{name} is named twice", "resolver verify --help")
        found[name] = place
    return found


def _tell(session: Session, done: tuple[Verified, ...]) -> None:
    from resolver.report.verification import render_verifications, verification_line

    told = [(each.report, each.told) for each in done]
    summary = ""
    if session.options.report is not None:
        summary = "".join(f"{verification_line(*each)}\n" for each in told)
    deliver(
        session,
        lambda colour: render_verifications(told, colour=colour, place="command line, argument 1"),
        Told(
            reports=tuple(each.report for each in done),
            fail_on=session.options.fail_on or "error",
            verifications=tuple(each.told for each in done),
        ),
        summary,
    )
