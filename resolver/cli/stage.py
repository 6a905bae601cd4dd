"""`resolver stage MODEL... --to DIR`: a directory of checked models to carry to a machine without a network."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from resolver.cli.exit_codes import FINDINGS, NOT_FOUND, USABLE, worst
from resolver.cli.options import whole_size
from resolver.cli.output import deliver, expect_apart, write_stderr
from resolver.cli.progress import ReadingProgress
from resolver.cli.refusal import not_found_report
from resolver.cli.session import Session
from resolver.cli.trouble import ToolFailure, UsageError, stopped
from resolver.errors import MalformedReference, ModelNotFound, ModelRejected
from resolver.finding import Report
from resolver.host import this_host
from resolver.preflight import Question, examine
from resolver.report.blocks import Told
from resolver.report.terminal import render
from resolver.resolve import accepted, choose
from resolver.staging.joining import join
from resolver.staging.plan import SourceFault, ToStage
from resolver.staging.stage import stage
from resolver.staging.values import Request, Staged, StagedModel
from resolver.staging.volumes import split, volumes_of
from resolver.staging.wheels import CannotSatisfy, WheelRequest
from resolver.staging.workplace import BUNDLE, begin, left_over, tidy_after_fetching
from resolver.writing import CannotMake, TargetTaken

DESCRIPTION: Final = """\
Make a directory of models to upload as a dataset or to carry to a machine without a network.

Each model is checked, then the files that a loader opens are copied and hashed in one pass, with resolver.lock,
licence texts, dataset-metadata.json for Kaggle and a README.md that shows the line to use it. One model is the
directory itself; several have a folder each. Nothing is asked of a network unless --online or --wheels is given.

DIR is there whole or not at all. A run that ends early leaves DIR.incomplete, and the same command goes on there."""
EXAMPLES: Final = """\
  resolver stage google/gemma-2-9b-it --to ./gemma
  resolver stage ./adapter google/gemma-2-9b-it --to ./bundle --shard-size 4GB
  resolver stage hf://google/gemma-2-9b-it@main --online --to ./gemma
  resolver stage ./model --to ./bundle --wheels requirements.txt --python 3.12 --platform manylinux_2_28_x86_64
  resolver stage ./model --to ./bundle --volume-size 2GB
  resolver stage --join ./bundle.volumes/receipt.json --to ./bundle"""


def define(parser: argparse.ArgumentParser) -> None:
    """The flags of this command alone."""
    parser.add_argument(
        "models", metavar="MODEL", nargs="*", default=[], help="hub id, Kaggle handle, package:NAME, URL or path"
    )
    parser.add_argument("--to", metavar="DIR", type=Path, required=True, help="the directory to make")
    parser.add_argument(
        "--online",
        action="store_true",
        help="fetch hub ids and Kaggle handles from there, at their revision, with the extra `online`",
    )
    parser.add_argument(
        "--link",
        action="store_true",
        help="second names for the source's files instead of copies; an edit of either then reaches the other",
    )
    parser.add_argument(
        "--shard-size", metavar="SIZE", type=whole_size, help="divide safetensors into files of that size, e.g. 4GB"
    )
    parser.add_argument(
        "--wheels", metavar="FILE", type=Path, help="add wheels that meet a requirements file; asks pip's index"
    )
    parser.add_argument(
        "--python", metavar="V", type=_python, help="wheels for that Python, e.g. 3.12; default: this one"
    )
    parser.add_argument(
        "--platform", metavar="P", type=_platform, help="wheels for that platform, e.g. manylinux_2_28_x86_64"
    )
    parser.add_argument(
        "--volume-size", metavar="SIZE", type=whole_size, help="also cut DIR into DIR.volumes with a receipt, e.g. 2GB"
    )
    parser.add_argument("--join", metavar="RECEIPT", type=Path, help="check volumes and join them into DIR")


def _python(text: str) -> str:
    if not re.fullmatch(r"3\.\d{1,2}(\.\d{1,2})?", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is no version of Python, e.g. 3.12")
    return text


def _platform(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]{3,60}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is no platform tag, e.g. manylinux_2_28_x86_64")
    return text


def execute(session: Session) -> int:
    """Make one directory."""
    _refuse_strange_flags(session.options)
    target = _target(session)
    expect_apart(session.options.report, target, "the directory of --to")
    reports: list[Report] = []
    try:
        with ReadingProgress(doing="staging") as progress:
            if session.options.join is not None:
                receipt = session.environment.cwd / session.options.join
                if not receipt.is_file():
                    raise UsageError(f"--join {session.options.join} is no file")
                expect_apart(session.options.report, receipt, "the receipt")
                made = join(receipt, target, _command(session), progress)
            else:
                made = _staged(session, target, reports, progress)
    except _Refused as refused:
        return _refuse(session, refused.reports)
    except TargetTaken as error:
        raise UsageError(f"--to {error}") from error
    except (SourceFault, CannotSatisfy) as error:
        return _fault(error, target)
    except CannotMake as error:
        raise ToolFailure(f"{error}; {_left(target)}") from error
    except KeyboardInterrupt as by:
        code, word = stopped(by)
        write_stderr(f"{word}; {_shown(_left(target))}\n")
        return code
    deliver(session, lambda _: _text(made), Told(reports=tuple(reports), stage=made))
    return USABLE


def _refuse_strange_flags(options: argparse.Namespace) -> None:
    """Flags that say nothing together."""
    hint = "resolver stage --help"
    given = [name for name in ("online", "link", "shard_size", "wheels", "volume_size") if getattr(options, name)]
    if options.join is not None and (options.models or given):
        raise UsageError("--join takes a receipt and --to alone", hint)
    if options.join is None and not options.models:
        raise UsageError("name at least one MODEL, or a receipt with --join", hint)
    if options.wheels is None and (options.python or options.platform):
        raise UsageError("--python and --platform are of --wheels", hint)


def _staged(session: Session, target: Path, reports: list[Report], progress: ReadingProgress) -> Staged:
    options = session.options
    wheels = None
    if options.wheels is not None:
        requirements = session.environment.cwd / options.wheels
        if not requirements.is_file():
            raise UsageError(f"--wheels {options.wheels} is no file")
        expect_apart(options.report, requirements, "the file of --wheels")
        wheels = WheelRequest(requirements, options.python, options.platform)
    models = tuple(_chosen(session, target, reports, progress))
    request = Request(models, target, _command(session), options.shard_size, options.link, wheels)
    made = stage(request, progress)
    if options.volume_size is None:
        return made
    receipt = split(target, options.volume_size, request.command, progress)
    return made.replaced(volumes=volumes_of(target), volume_count=len(receipt.volumes))


class _Refused(Exception):  # noqa: N818 - carries the reports of models that are not staged
    def __init__(self, reports: tuple[Report, ...]) -> None:
        super().__init__()
        self.reports = reports


def _chosen(session: Session, target: Path, reports: list[Report], progress: ReadingProgress) -> Iterator[ToStage]:
    """Each model, found and checked; one that is not usable keeps all from being staged, after all were looked at."""
    refused: list[Report] = []
    found: list[ToStage] = []
    for text in session.options.models:
        answer = _one(session, target, text, progress)
        if isinstance(answer, Report):
            refused.append(answer)
        else:
            found.append(answer[0])
            reports.append(answer[1])
    if refused:
        raise _Refused(tuple(refused))
    yield from found


def _one(session: Session, target: Path, text: str, progress: ReadingProgress) -> "tuple[ToStage, Report] | Report":
    environment, host = session.environment, this_host(session.environment)
    named, source = environment.aliases.get(text, text), None
    if session.options.online:
        from resolver.online.fetch import fetched

        place = begin(target, BUNDLE, _command(session))
        try:
            arrived = fetched(named, place, environment, progress)
        except BaseException:
            tidy_after_fetching(place)
            raise
        if arrived is not None:
            named, source = str(arrived.root), arrived.source
    try:
        chosen = choose(named, environment, host, session.policy)
        accepted(chosen, environment, host, 0.0)
        question = Question(select=session.selected, ignored=session.ignored, policy=session.policy)
        report, description = examine(chosen, environment, host, question)
    except MalformedReference as error:
        raise UsageError(str(error)) from error
    except ModelNotFound as error:
        return not_found_report(text, error, host.accelerator)
    except ModelRejected as error:
        return error.report
    identity = chosen.identity if source is None else chosen.identity.replaced(reference=text)
    return ToStage(identity, description, source, ours=source is not None), report


def _refuse(session: Session, reports: tuple[Report, ...]) -> int:
    """Tell why nothing was made: to people on stderr, to programs as reports."""
    places = tuple("command line" for _ in reports)
    if session.is_json or session.options.report is not None:
        deliver(session, lambda colour: render(reports, colour=colour, places=places), Told(reports=reports))
    if not session.is_json:
        write_stderr(render(reports, colour=False, places=places))
        write_stderr("nothing was staged\n")
    code = worst(NOT_FOUND if each.verdict == "not-found" else FINDINGS for each in reports)
    return session.exit_code(code)


def _fault(error: CannotMake, target: Path) -> int:
    write_stderr(f"error: {_shown(error)}; {_shown(_left(target))}\n")
    return FINDINGS


def _left(target: Path) -> str:
    """What an unfinished run leaves behind, in words."""
    place = left_over(target)
    if not place.exists():
        return "nothing was staged"
    return f"{place} keeps what is finished: run the same command again to go on, or remove it"


def _target(session: Session) -> Path:
    return session.environment.expand(str(session.options.to))


def _command(session: Session) -> str:
    """What was typed, as far as it decides what is made, with places that hold wherever one stands."""
    options, cwd = session.options, session.environment.cwd
    places = [str(path) if (path := session.environment.expand(text)).exists() else text for text in options.models]
    words = ["resolver", "stage", *places, "--to", str(_target(session))]
    words += [f"--{name}" for name in ("online", "link") if getattr(options, name)]
    for name in ("shard_size", "python", "platform", "volume_size"):
        value = getattr(options, name)
        words += [] if value is None else [f"--{name.replace('_', '-')}", str(value)]
    for name in ("wheels", "join"):
        value = getattr(options, name)
        words += [] if value is None else [f"--{name}", str(cwd / value)]
    words += [word for root in options.root for word in ("--root", str(cwd / root))]
    words += [] if options.config is None else ["--config", str(cwd / options.config)]
    return " ".join(_quoted(word) for word in words)


def _text(made: Staged) -> str:
    from resolver.rules.words import size

    head = {"made": "made", "unchanged": "already there, and the same to the last byte", "joined": "joined"}[made.state]
    lines = [f"{head}: {_shown(made.target)}", f"  {len(made.files)} files, {size(made.size_bytes)}"]
    if made.taken_over:
        lines.append(f"  {made.taken_over} of them were finished by an earlier run, and checked again")
    lines += [f"  {_shown(_named(each))}: {each.files} files, tree {each.tree_sha256[:16]}" for each in made.models]
    if made.wheels:
        lines.append(f"  wheels: {len(made.wheels) - 1}, and the list of their hashes")
    lines += [f"  note: {_shown(note)}" for note in made.notes]
    if made.volumes is not None:
        lines.append(f"  volumes: {made.volume_count} and receipt.json in {_shown(made.volumes)}")
    if made.models:
        places = " ".join(_quoted(str(made.target / each.folder)) for each in made.models)
        lines.append(f"  next: resolver check {_shown(places)} --level deep")
    return "\n".join(lines) + "\n"


def _named(model: StagedModel) -> str:
    """A model by its name, one that has none by its folder, or as what it is where the bundle is the model."""
    if not model.reference.startswith("."):
        return model.reference
    return "the model" if model.folder == "." else f"folder {model.folder}"


def _shown(text: object) -> str:
    from resolver.report.escape import escape

    return escape(text)


def _quoted(text: str) -> str:
    from resolver.rules.words import quoted

    return quoted(text)
