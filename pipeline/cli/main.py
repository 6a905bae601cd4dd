"""Parse the command line, carry out one command, and turn what goes wrong into one line and an exit code."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final

from pipeline.cli import calibrate, evaluate, merge, recipes, score, train, validate
from pipeline.errors import FAILED, USAGE, PipelineError

COMMANDS: Final = {
    "score": score,
    "train": train,
    "recipes": recipes,
    "merge": merge,
    "calibrate": calibrate,
    "evaluate": evaluate,
    "validate": validate,
}
INTERRUPTED: Final = 130
EXIT_CODES: Final = """\
exit codes:
  0  done        1  findings: the model or the submission cannot be used
  2  usage: an option, an input or an output that cannot be used
  3  not found   4  arena itself failed
  130, 143  interrupted: a submission has what was forecast until then, a training run a checkpoint
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="arena",
        description="Train and score preference classifiers where there is no network.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        lines = (module.__doc__ or "").splitlines()
        command = commands.add_parser(
            name,
            help=lines[0].rstrip("."),
            description=lines[0],
            epilog=module.EXAMPLES + "\n" + EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_options(command)
        command.set_defaults(carry_out=module.carry_out)
    return top


def run(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; returns the exit code. A traceback is never shown."""
    try:
        options = parser().parse_args(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else USAGE
    carry_out: Callable[[argparse.Namespace], int] = options.carry_out
    # torch's threads otherwise spin while they wait: on a machine that is shared, six times the processor time.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        return carry_out(options)
    except PipelineError as error:
        _say(error)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing was written\n")
        return INTERRUPTED
    except BrokenPipeError:
        return FAILED
    except Exception as error:  # noqa: BLE001 - whatever else happens, the user gets one line and the exit code 4
        text = " ".join(f"{type(error).__name__}: {error}".split())[:400]
        sys.stderr.write(f"error: arena {options.command} failed: {text}\n")
        return FAILED


def _say(error: PipelineError) -> None:
    """What was wrong, on stderr; an error may quote files that came with a model, and is one line whatever they say."""
    from pipeline.preflight import harmless

    if error.report:
        sys.stderr.write(error.report.rstrip("\n") + "\n")
    sys.stderr.write(f"error: {harmless(error)}\n")
    if error.fix:
        sys.stderr.write(f"  = fix: {harmless(error.fix)}\n")
