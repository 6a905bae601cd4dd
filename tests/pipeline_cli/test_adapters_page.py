"""docs/adapters.md says what the code does: its commands parse, and what it names is there."""

import re
import shlex
from pathlib import Path

import pytest

from pipeline.cli.main import parser
from pipeline.training.record import NAME, TrainingRecord

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "adapters.md").read_text("utf-8")
LINES = [
    line for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE) for line in block.splitlines()
]


@pytest.mark.parametrize("line", LINES)
def test_every_command_of_the_page_parses(line: str) -> None:
    program, command, *arguments = shlex.split(line)
    if program == "arena":
        assert parser().parse_args([command, *arguments]).command == command
        return
    from resolver.cli import command_module
    from resolver.cli.options import parse

    assert program == "resolver"
    parse(command, command_module(command), arguments)


def test_the_page_shows_the_commands_that_it_is_about() -> None:
    assert {" ".join(line.split()[:2]) for line in LINES} >= {"arena merge", "arena score", "resolver repair"}


def test_every_option_that_the_page_names_is_one() -> None:
    (commands,) = (each for each in parser()._actions if hasattr(each, "choices") and isinstance(each.choices, dict))
    known = {
        text for name in ("merge", "score") for each in commands.choices[name]._actions for text in each.option_strings
    }
    prose = re.sub(r"^```sh\n.*?^```$", "", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"--[a-z][a-z-]+", prose)) <= known


def test_what_travels_stands_in_the_record() -> None:
    assert f"`{NAME}`" in PAGE
    assert {"template", "max_length", "truncation", "prompt_cap", "labels", "settings", "base"} <= set(
        TrainingRecord.model_fields
    )
