"""The product's face, frozen: changing a flag, a code or a help is a visible act."""

import pytest

from resolver.cli import COMMANDS, command_module, exit_codes, main
from resolver.cli.completion import flags_of

COMMON = {"--help", "--version", "--format", "--report", "--root", "--config", "--select", "--ignore", "--fail-on",
          "--exit-zero"}  # fmt: skip
FLAGS = {
    "path": COMMON,
    "check": COMMON
    | {
        "--for",
        "--level",
        "--adapter",
        "--head",
        "--labels",
        "--environment",
        "--accelerator",
        "--image",
        "--max-length",
        "--batch-size",
        "--dtype",
        "--quantize",
    },
    "notebook": COMMON | {"--metadata", "--fix", "--in-place"},
    "list": COMMON,
    "inspect": COMMON,
    "lock": COMMON | {"--output", "--statement", "--force"},
    "verify": COMMON | {"--only-size"},
    "stage": COMMON
    | {
        "--to",
        "--online",
        "--link",
        "--shard-size",
        "--wheels",
        "--python",
        "--platform",
        "--volume-size",
        "--join",
    },
    "repair": COMMON | {"--to", "--link", "--base", "--alpha", "--task"},
    "access": COMMON | {"--site", "--timeout"},
    "explain": COMMON,
    "rules": COMMON,
    "doctor": COMMON,
    "completion": {"--help", "--version"},
}


def test_the_commands_are_these() -> None:
    assert list(COMMANDS) == list(FLAGS)


@pytest.mark.parametrize("command", FLAGS)
def test_the_flags_of_a_command_are_these(command: str) -> None:
    assert set(flags_of(command)) == FLAGS[command]


def test_the_exit_codes_are_these() -> None:
    codes = (exit_codes.USABLE, exit_codes.FINDINGS, exit_codes.USAGE, exit_codes.NOT_FOUND, exit_codes.FAILED)
    assert codes == (0, 1, 2, 3, 4)
    assert exit_codes.WORST_FIRST == (4, 2, 3, 1, 0)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(f"usage: resolver {command} ")
    examples = out.partition("examples:\n")[2]
    assert f"resolver {command} " in examples or f"resolver {command}\n" in examples


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "completion"])
def test_every_example_parses(command: str) -> None:
    """What the help shows can be typed."""
    import shlex

    from resolver.cli.options import parse

    module = command_module(command)
    for line in module.EXAMPLES.splitlines():
        words = shlex.split(line.replace("$(", " ").replace(")", " "), comments=True)
        at = words.index("resolver")
        arguments = words[at + 2 :]
        ends = [arguments.index(each) for each in ("&&", ">", "|") if each in arguments]
        parse(command, module, arguments[: min(ends, default=len(arguments))])


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["help"]])
def test_the_overview_names_every_command(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {name} " in out for name in COMMANDS)


@pytest.mark.parametrize("argv", [["--version"], ["-V"], ["check", "--version"]])
def test_the_version_is_told(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from resolver.version import VERSION

    assert main(argv) == 0
    assert capsys.readouterr().out == f"resolver {VERSION}\n"
