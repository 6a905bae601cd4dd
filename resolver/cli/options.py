"""The flags: those that every command has, and a parser that is built for one command alone."""

import argparse
import re
from pathlib import Path
from typing import Any, Final, NoReturn

from resolver.cli.trouble import UsageError
from resolver.version import VERSION

FORMATS: Final = ("text", "json")
REPORTS: Final = (*FORMATS, "sarif", "junit", "github", "html")  # for commands that judge
WIDTH: Final = 100


class Parser(argparse.ArgumentParser):
    """One command's parser; what it cannot take becomes a `UsageError`."""

    def error(self, message: str) -> NoReturn:
        """Raise rather than print and leave."""
        raise UsageError(message, f"{self.prog} --help")


class _Help(argparse.RawDescriptionHelpFormatter):
    """Examples keep their lines; the width does not depend on the window, so that pages can be compared."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=WIDTH)


def parse(name: str, module: Any, arguments: list[str]) -> argparse.Namespace:
    """The arguments of one command.

    Raises:
        UsageError: they are not what the command takes.
        SystemExit: after --help and --version.
    """
    # "-" in front of a path needs "--"; all else that begins so is a flag.
    return parser_of(name, module).parse_args(arguments)


def parser_of(name: str, module: Any) -> Parser:
    """The parser of a command: its own flags first, then the common ones."""
    parser = Parser(
        prog=f"resolver {name}",
        description=module.DESCRIPTION,
        epilog=f"examples:\n{module.EXAMPLES}",
        formatter_class=_Help,
        allow_abbrev=False,
    )
    module.define(parser)
    if getattr(module, "COMMON", True):
        _add_common(parser, getattr(module, "FORMATS", FORMATS))
    parser.add_argument("-V", "--version", action="version", version=f"resolver {VERSION}")
    return parser


def add_model(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """The reference to a model."""
    parser.add_argument(
        "models" if several else "model",
        metavar="MODEL",
        nargs="+" if several else None,
        help="hub id, Kaggle handle, package:NAME, URL or path",
    )


def whole_number(text: str) -> int:
    """A count from 1 on."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):  # noqa: PLR2004 - 32 bits
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def whole_size(text: str) -> int:
    """A number of bytes: 4GB in powers of ten, 4GiB in powers of two.

    >>> whole_size("4GB"), whole_size("512MiB"), whole_size("1000")
    (4000000000, 536870912, 1000)
    """
    match = re.fullmatch(r"(\d{1,9})\s?(?:([KMGT])(I?)B)?", text.upper(), re.ASCII)
    if match is None or not int(match[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no size, e.g. 4GB or 512MiB")
    power = "KMGT".index(match[2]) + 1 if match[2] else 0
    return int(match[1]) * int((1024 if match[3] else 1000) ** power)


def _add_common(parser: argparse.ArgumentParser, formats: tuple[str, ...]) -> None:
    common = parser.add_argument_group("options of every command")
    common.add_argument("--format", choices=formats, default="text", help="default: text")
    common.add_argument("--report", metavar="FILE", type=Path, help="write the report there, whole or not at all")
    common.add_argument(
        "--root", metavar="DIR", type=Path, action="append", default=[], help="search there too; repeatable"
    )
    common.add_argument("--config", metavar="FILE", type=Path, help="settings; default: resolver.toml, pyproject.toml")
    common.add_argument(
        "--select", metavar="CODES", action="append", default=[], help="only these rules: W102,C3 (prefixes too)"
    )
    common.add_argument("--ignore", metavar="CODES", action="append", default=[], help="not these rules")
    common.add_argument(
        "--fail-on", choices=("error", "warning"), help="what findings exit 1; default: error, and nothing for list"
    )
    common.add_argument(
        "--exit-zero", action="store_true", help="exit 0 also with findings (1) and where nothing is found (3)"
    )
