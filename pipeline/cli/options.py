"""Options that several commands share, and how a result is told."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.arena.battle import Contest
from pipeline.arena.post_rules import RULE_SETS
from pipeline.errors import SettingsError
from pipeline.output import check_writable, replacing
from pipeline.text.truncate import WAYS, check_cap

CONTESTS: tuple[Contest, ...] = ("lmsys", "wsdm")


def positive(text: str) -> int:
    """A whole number above 0, for argparse."""
    number = _whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def positive_real(text: str) -> float:
    """A finite number above 0, for argparse."""
    number = _real(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def share(text: str) -> float:
    """A number in [0, 1), for argparse."""
    number = _real(text)
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not in [0, 1)")
    return number


def _whole(text: str) -> int:
    """Left to itself argparse would tell the name of the function that refused."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None


def add_report(command: argparse.ArgumentParser) -> None:
    """`--format` and `--report`."""
    command.add_argument("--format", choices=("text", "json"), default="text", help="how the result is told (text)")
    command.add_argument("--report", type=Path, metavar="FILE", help="tell the result there instead of on stdout")


def add_roots(command: argparse.ArgumentParser) -> None:
    """`--root` and `--config`."""
    command.add_argument(
        "--root", type=Path, action="append", default=[], metavar="DIR", help="another directory to search models in"
    )
    command.add_argument("--config", type=Path, metavar="FILE", help="settings; by default resolver.toml here")


def add_contest(command: argparse.ArgumentParser) -> None:
    """`--contest`."""
    command.add_argument("--contest", choices=CONTESTS, help="whose columns and cells; by default told from the file")


def prompt_cap(text: str) -> str:
    """A number of tokens or a share in percent, for argparse."""
    try:
        return check_cap(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_truncation(command: argparse.ArgumentParser, default: str) -> None:
    """`--truncate` and `--prompt-cap`; `default` says what is done where they are left out."""
    command.add_argument(
        "--truncate", choices=WAYS, metavar="WAY", help=f"how too long rows are cut: {', '.join(WAYS)} ({default})"
    )
    command.add_argument(
        "--prompt-cap",
        type=prompt_cap,
        metavar="N",
        help="the most that the prompt has in a row that is cut: tokens, or 20%% of the room",
    )


def add_rules(command: argparse.ArgumentParser) -> None:
    """`--rules`."""
    command.add_argument(
        "--rules",
        choices=tuple(RULE_SETS),
        default="none",
        help="last of all, decide battles with an empty answer or two identical ones as a winner did (none)",
    )


def add_calibration(command: argparse.ArgumentParser) -> None:
    """`--calibration` and `--no-calibration`."""
    either = command.add_mutually_exclusive_group()
    either.add_argument(
        "--calibration",
        type=Path,
        metavar="FILE",
        help="calibrate the forecasts, before the rules, by what `arena calibrate` wrote there (the adapter's own)",
    )
    either.add_argument("--no-calibration", action="store_true", help="leave the forecasts as the model makes them")


def add_model(command: argparse.ArgumentParser) -> None:
    """`--model`, `--adapter` and what is said about running them."""
    from pipeline.model.load import DEVICES, DTYPES
    from pipeline.model.quantise import QUANTIZE
    from pipeline.scoring.swap import SWAPS

    either = command.add_mutually_exclusive_group()
    either.add_argument(
        "--model",
        metavar="M",
        help="hub id, Kaggle handle, package:NAME or directory (the base that the adapter names)",
    )
    either.add_argument(
        "--members", type=Path, metavar="FILE", help="a blend or cascade: TOML with several models, see docs/winners.md"
    )
    command.add_argument("--adapter", metavar="A", help="a PEFT adapter that carries its head, by any of these")
    command.add_argument(
        "--labels", type=int, choices=(2, 3), help="columns of the head (the adapter's; else 3, for WSDM 2)"
    )
    command.add_argument(
        "--max-length", type=positive, metavar="N", help="tokens of a row (the adapter's; else up to 1024)"
    )
    add_truncation(command, "the adapter's; else middle")
    command.add_argument(
        "--head",
        choices=("classifier", "tokens"),
        default="classifier",
        help="a classifier's head, or the letters A, B (C: tie) that a generative model answers with (classifier)",
    )
    command.add_argument("--batch-tokens", type=positive, metavar="N", help="tokens of a batch (2048; on a GPU 16384)")
    command.add_argument(
        "--swap", choices=SWAPS, default="none", help="score again with A and B exchanged and take the mean (none)"
    )
    command.add_argument(
        "--dtype", choices=DTYPES, default="auto", help="float32 on a CPU; bfloat16 or float16 on a GPU"
    )
    command.add_argument(
        "--quantize",
        choices=QUANTIZE,
        default="none",
        help="make all weights but the head's smaller: int8, int4 with bitsandbytes, fp8 with torch (none)",
    )
    command.add_argument("--device", choices=DEVICES, default="auto", help="a GPU where there is one")


def check_report(options: argparse.Namespace) -> None:
    """Refuse a report file that cannot be written, or that is the command's own product, before the work."""
    if options.report is None:
        return
    output = getattr(options, "output", None)
    if output is not None and options.report.absolute() == output.absolute():
        raise SettingsError("--report and --output name the same file", fix="name two files")
    refuse_input(options, "report")
    check_writable(options.report)


def refuse_input(options: argparse.Namespace, name: str) -> None:
    """Refuse a file to write that another option names: a report in its place would be the end of the data.

    Args:
        options: of a command, parsed.
        name: of the option that names the file to write.

    Raises:
        SettingsError: it is the file of another option.
    """
    target = getattr(options, name)
    if target is None:
        return
    for other, value in vars(options).items():
        if other != name and any(each.resolve() == target.resolve() for each in _paths(value)):
            raise SettingsError(f"--{name} and --{other} name the same file: {target}", fix="name two files")


def _paths(value: object) -> Iterator[Path]:
    """The paths in the value of an option, which may hold several, each perhaps with a number."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _paths(each)


def tell(options: argparse.Namespace, text: str, values: dict[str, Any]) -> None:
    """The result of a command, as text or as one JSON object, on stdout or in the report file."""
    from pipeline.preflight import tool_version

    shown = text
    if options.format == "json":
        envelope = {
            "schema_version": 1,
            "tool": {"name": "arena", "version": tool_version()},
            "command": options.command,
        }
        shown = json.dumps(envelope | values, indent=2, ensure_ascii=False, allow_nan=False)
    if options.report is None:
        sys.stdout.write(shown.rstrip("\n") + "\n")
        return
    with replacing(options.report) as temporary:
        temporary.write_text(shown.rstrip("\n") + "\n", encoding="utf-8")


def note(text: str) -> None:
    """A line about what is going on, on stderr."""
    sys.stderr.write(text.rstrip("\n") + "\n")
    sys.stderr.flush()
