"""docs/winners.md says what the code does."""

import argparse
import re
import tomllib
from pathlib import Path

from pipeline.arena.post_rules import WINNERS
from pipeline.cli.main import parser
from pipeline.scoring.members import Member, Members
from pipeline.text.truncate import WAYS, Truncation

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "winners.md").read_text("utf-8")


def options() -> dict[str, set[str]]:
    """The options of each command."""
    (commands,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    return {
        name: {text for action in command._actions for text in action.option_strings}
        for name, command in commands.choices.items()
    }


def test_every_option_that_is_named_is_there_and_these_are_named() -> None:
    named = set(re.findall(r"(--[a-z][a-z-]+)", PAGE))
    assert named <= set().union(*options().values())
    assert {"--truncate", "--prompt-cap", "--head", "--rules", "--blend", "--folds"} <= named
    for command in ("train", "score", "evaluate"):
        assert {"--truncate", "--prompt-cap"} <= options()[command]
    for command in ("score", "evaluate"):
        assert {"--head", "--rules"} <= options()[command]


def test_every_way_of_cutting_has_its_row_and_the_default_is_said() -> None:
    assert [way for way in WAYS if f"\n| `{way}`" not in PAGE] == []
    assert f"| `{Truncation().way}` (default) |" in PAGE


def test_the_rules_numbers_are_those_of_the_code() -> None:
    rows = re.findall(r"\| (0\.\d\d) \| (0\.\d\d) \| (0\.\d\d) \|", PAGE)
    assert [tuple(map(float, row)) for row in rows] == [rule.row for rule in WINNERS]


def test_the_members_file_that_is_shown_is_valid_and_shows_every_key() -> None:
    (shown,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    members = Members.model_validate(tomllib.loads(shown))
    assert [member.head for member in members.members] == ["classifier", "tokens"]
    assert [key for key in Member.model_fields if key not in shown] == []
