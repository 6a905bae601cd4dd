"""The command line. Peeks at the first argument and loads that command alone; ends in a code, never in a traceback."""

import signal
import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from resolver.cli.exit_codes import FAILED, USABLE, USAGE
from resolver.cli.trouble import Terminated, ToolFailure, UsageError, stopped

# Command: the module that carries it out, and what it does.
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "path": ("path", "print the directory that holds a model, alone on stdout"),
    "check": ("check", "say whether a model will load, score or train on this machine"),
    "notebook": ("notebook", "say what will fail when a notebook or script runs offline on Kaggle"),
    "list": ("list_models", "show every model on this machine"),
    "inspect": ("inspect_model", "show what a model's files say: architecture, parameters, dtypes, licence"),
    "lock": ("lock", "write which bytes a model consists of"),
    "verify": ("verify", "say whether every file is the one that was put on record"),
    "stage": ("stage", "make a directory of checked models to carry to a machine without a network"),
    "repair": ("repair", "make of a damaged index or a bare adapter a directory that loads"),
    "access": ("access", "ask Hugging Face and Kaggle whether this account may have a model (online)"),
    "explain": ("explain", "print the page of a rule"),
    "rules": ("rules", "list all rules"),
    "doctor": ("doctor", "show this machine: caches, mounts, variables, versions, accelerators"),
    "completion": ("completion", "print a completion script for bash, zsh or fish"),
}

OVERVIEW: Final = """\
usage: resolver COMMAND [arguments]

Say which model you mean; get the local directory that holds it, proof that it will load,
or a message that says what is missing. Nothing here needs a network but `access` and `stage --online`.

{commands}

examples:
  resolver path meta-llama/Meta-Llama-3-8B-Instruct
  resolver check /kaggle/input/llama-3/transformers/8b-chat-hf/1 --for score
  resolver COMMAND --help

exit codes: 0 usable, 1 findings, 2 usage, 3 not found, 4 the tool itself failed
"""


def run() -> NoReturn:
    """The console's entry point."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(main(sys.argv[1:]))


def _terminate(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one ends at once
    raise Terminated


def main(argv: Sequence[str]) -> int:
    """Carry out one command line.

    Returns:
        The exit code: 0 usable, 1 findings, 2 usage, 3 not found, 4 the tool itself failed, 130 interrupted, 143
        terminated.
    """
    try:
        return _dispatch(list(argv))
    except SystemExit as left:  # argparse leaves this way after --help and --version
        return left.code if isinstance(left.code, int) else USABLE
    except UsageError as error:
        return _say(USAGE, str(error), error.hint)
    except ToolFailure as error:
        return _say(FAILED, str(error), None)
    except KeyboardInterrupt as by:
        code, word = stopped(by)
        return _say(code, f"{word}; no check was completed", None)
    except Exception as error:  # noqa: BLE001 - the last door: a traceback is no answer
        from resolver.cli.failure import failed

        return failed(error)


def _dispatch(argv: list[str]) -> int:
    from resolver.cli.output import write_stderr, write_stdout

    if not argv:
        write_stderr(_overview())
        return USAGE
    if argv[0] in ("-h", "--help", "help"):
        write_stdout(_overview())
        return USABLE
    if argv[0] in ("-V", "--version"):
        from resolver.version import VERSION

        write_stdout(f"resolver {VERSION}\n")
        return USABLE
    if argv[0] not in COMMANDS:
        raise UsageError(f"{argv[0]!r} is no command; known are {', '.join(COMMANDS)}", "resolver --help")
    return _carry_out(argv[0], argv[1:])


def _carry_out(name: str, arguments: list[str]) -> int:
    from resolver.cli.options import parse
    from resolver.cli.session import open_session

    module = command_module(name)
    options = parse(name, module, arguments)
    code: int = module.execute(open_session(options))
    return code


def command_module(name: str) -> Any:
    """The module of a command; `__import__` and not importlib, which costs a millisecond."""
    return __import__(f"resolver.cli.{COMMANDS[name][0]}", fromlist=["execute"])


def _overview() -> str:
    width = max(map(len, COMMANDS))
    return OVERVIEW.format(
        commands="\n".join(f"  {name.ljust(width)}  {summary}" for name, (_, summary) in COMMANDS.items())
    )


def _say(code: int, message: str, hint: str | None) -> int:
    from resolver.cli.output import write_stderr
    from resolver.report.escape import escape

    write_stderr(f"error: {escape(message)}\n")
    if hint is not None:
        write_stderr(f"  see: {hint}\n")
    return code
