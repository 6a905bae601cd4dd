"""`resolver check MODEL...`: the preflight."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from resolver.cli.exit_codes import USAGE, worst
from resolver.cli.options import REPORTS, add_model, whole_number
from resolver.cli.output import deliver, write_stderr
from resolver.cli.session import Session
from resolver.cli.trouble import UsageError
from resolver.errors import ConfigurationError, MalformedReference
from resolver.finding import LEVELS, Report
from resolver.host import HOST, Host, this_host
from resolver.preflight import DTYPES, QUANTIZE, Question, check
from resolver.report.blocks import Told
from resolver.report.terminal import render

FORMATS: Final = REPORTS
DESCRIPTION: Final = """\
Say whether a model will load, score or train on this machine, with these versions, and why not.
An explicit directory that exists is always judged, whatever is in it. Nothing of the model is executed."""
EXAMPLES: Final = """\
  resolver check meta-llama/Meta-Llama-3-8B-Instruct
  resolver check /kaggle/input/gemma-2/transformers/gemma-2-9b-it/2 --for score --labels 3
  resolver check google/gemma-2-9b-it --adapter ./my-adapter --for score
  resolver check google/gemma-2-9b-it --for score --accelerator kaggle-t4x2 --max-length 2048 --batch-size 4
  resolver check google/gemma-2-9b-it --for score --accelerator kaggle-t4x2 --quantize int4
  resolver check ./a ./b --format json --report report.json --exit-zero"""


def define(parser: argparse.ArgumentParser) -> None:
    """The flags of this command alone."""
    add_model(parser, several=True)
    parser.add_argument(
        "--for", dest="purpose", choices=("load", "score", "train"), default="load", help="the purpose; default: load"
    )
    parser.add_argument(
        "--level",
        choices=LEVELS,
        default="quick",
        help="quick: files and headers; standard: the real loader without data; deep: the data too; default: quick",
    )
    parser.add_argument("--adapter", metavar="MODEL", help="an adapter that is laid over the model")
    parser.add_argument(
        "--accelerator",
        metavar="NAME",
        help="the machine that is judged for, e.g. kaggle-t4x2; an unknown name lists all; default: host, this one",
    )
    parser.add_argument(
        "--image", metavar="DATE", help="with the versions of Kaggle's image of that day; default: the newest"
    )
    parser.add_argument(
        "--environment",
        metavar="FILE",
        type=Path,
        help="judge for the machine that `resolver doctor --format json` recorded there",
    )
    parser.add_argument(
        "--head",
        choices=("classifier", "tokens"),
        default="classifier",
        help="with --for score: a classifier head, or the letters' logits; default: classifier",
    )
    parser.add_argument(
        "--labels", metavar="N", type=whole_number, default=3, help="with --for score: classes; default: 3"
    )

    parser.add_argument(
        "--max-length", metavar="N", type=whole_number, help="tokens a row, for the memory that it takes"
    )
    parser.add_argument("--batch-size", metavar="N", type=whole_number, help="rows a batch, as above; default: 1")
    parser.add_argument("--dtype", choices=DTYPES, help="the dtype that it runs in; default: what the files say")
    parser.add_argument(
        "--quantize", choices=QUANTIZE, help="the loader makes the weights so; default: they stay as they are stored"
    )


def execute(session: Session) -> int:
    """Judge each model; the worst of them is the exit code."""
    reports: list[Report] = []
    codes: list[int] = []
    places: list[str] = []
    for number, (report, code) in enumerate(_each(session), start=1):
        codes.append(code)
        if report is not None:
            reports.append(report)
            places.append(f"command line, argument {number}")
    if reports:
        _tell(session, tuple(reports), tuple(places))
    return session.exit_code(worst(codes))


def _each(session: Session) -> Iterator[tuple[Report | None, int]]:
    """Report and code of each model; one that cannot be judged does not keep the others from being judged."""
    options = session.options
    host = _host(session)
    question = Question(
        purpose=options.purpose,
        level=options.level,
        adapter=options.adapter,
        labels=options.labels,
        head=options.head,
        max_length=options.max_length,
        batch_size=options.batch_size,
        dtype=options.dtype,
        quantize=options.quantize,
        select=session.selected,
        ignored=session.ignored,
        policy=session.policy,
    )
    for text in options.models:
        try:
            report = _judged(text, session, host, question)
        except MalformedReference as error:
            yield None, _malformed(error)
        except Exception as error:  # noqa: BLE001 - the next model is judged all the same
            from resolver.cli.failure import failed

            yield None, failed(error, text)
        else:
            yield report, session.verdict_code(report)


def _host(session: Session) -> Host:
    options, settings, here = session.options, session.settings, this_host(session.environment)
    name = options.accelerator or settings.accelerator
    recorded: Path | None = options.environment
    if name == HOST and recorded is None and options.image is None:
        return here
    from resolver.target import target_host

    try:
        return target_host(
            here,
            name,
            settings.accelerators,
            image=options.image,
            recorded=None if recorded is None else session.environment.cwd / recorded,
            told=str(recorded),
        )
    except ConfigurationError as error:
        raise UsageError(str(error)) from error


def _judged(text: str, session: Session, host: Host, question: Question) -> Report:
    if question.level != "deep":
        return check(text, session.environment, host, question)
    from resolver.cli.progress import ReadingProgress

    with ReadingProgress() as progress:
        return check(text, session.environment, host, question, progress)


def _tell(session: Session, reports: tuple[Report, ...], places: tuple[str, ...]) -> None:
    summary = ""
    if session.options.report is not None:
        from resolver.report.summary import one_line

        summary = "".join(f"{one_line(report)}\n" for report in reports)
    deliver(
        session,
        lambda colour: render(reports, colour=colour, places=places),
        Told(reports=reports, fail_on=session.options.fail_on or "error"),
        summary,
    )


def _malformed(error: MalformedReference) -> int:
    from resolver.report.escape import escape

    write_stderr(f"error: {escape(error)}\n")
    return USAGE
