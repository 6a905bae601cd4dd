"""The pages below docs/ say what the code says."""

import argparse
import importlib.util
import re
from pathlib import Path

import pytest
from command_runs import PROJECT

import resolver
from pipeline.cli.main import COMMANDS as ARENA_COMMANDS
from pipeline.cli.main import parser as arena_parser
from resolver.cli import COMMANDS, command_module
from resolver.cli.options import parser_of
from resolver.environment import VARIABLES, Environment
from resolver.rules.rulebook import RULES
from resolver.settings import KEYS, load_settings

USAGE = (PROJECT / "docs" / "usage.md").read_text("utf-8")
# Kaggle's and the terminal's own marks, which are read and not meant to be set by a user.
NOT_SETTINGS = {"KAGGLE_KERNEL_RUN_TYPE", "KAGGLE_IS_COMPETITION_RERUN", "COLUMNS", "TERM"}


def generated() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("write_docs", PROJECT / "scripts" / "write_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


def test_the_generated_pages_are_what_the_code_says() -> None:
    """`make docs` puts it right."""
    docs = PROJECT / "docs"
    differ = [
        name
        for name, text in generated().items()
        if not (docs / name).is_file() or (docs / name).read_text("utf-8") != text
    ]
    assert differ == []
    assert sorted(path.stem for path in (docs / "rules").glob("*.md")) == [rule.code for rule in RULES]


def test_every_rule_stands_in_the_index_once_and_links_to_its_page() -> None:
    page = generated()["rules.md"]
    assert [page.count(f"| [{rule.code}](rules/{rule.code}.md) |") for rule in RULES] == [1] * len(RULES)


def test_every_variable_that_is_read_is_documented() -> None:
    assert [name for name in VARIABLES if name not in NOT_SETTINGS and f"`{name}`" not in USAGE] == []


def test_every_command_is_documented() -> None:
    named = [f"`resolver {name}" for name in COMMANDS] + [f"`{name}`" for name in ARENA_COMMANDS if name != "train"]
    assert [text for text in named if text not in USAGE] == []


def test_every_common_option_is_documented_and_no_other_is_invented() -> None:
    options = {text for action in parser_of("list", command_module("list"))._actions for text in action.option_strings}
    judging = {
        text
        for command in ("check", "notebook", "lock", "verify", "access", "stage")
        for action in parser_of(command, command_module(command))._actions
        for text in action.option_strings
    }
    chapters = re.split(r"^(?=## Training$|## Scoring$|## Evaluating$|## Exit codes$)", USAGE, flags=re.MULTILINE)
    before, training, scoring, evaluating, after = chapters
    told = named_options(before + after)
    assert {text for text in options if text.startswith("--")} - told == {"--version"}
    assert told - options - judging == set()
    assert named_options(training) - arena_options("train") == {"--nproc-per-node"}  # torchrun's
    assert named_options(scoring) - arena_options("score") == set()
    assert named_options(evaluating) - arena_options("evaluate") == set()


def test_the_page_of_placements_invents_no_option() -> None:
    page = (PROJECT / "docs" / "placements.md").read_text("utf-8")
    assert named_options(page) - arena_options("train") == {"--nproc-per-node"}


def named_options(text: str) -> set[str]:
    return set(re.findall(r"(--[a-z][a-z-]+)", text))


def arena_options(command: str) -> set[str]:
    (commands,) = (each for each in arena_parser()._actions if isinstance(each, argparse._SubParsersAction))
    return {text for action in commands.choices[command]._actions for text in action.option_strings}


def _tables_last(block: str) -> bool:
    return block.startswith("[")


def test_the_settings_file_that_is_shown_is_valid_and_shows_every_key(tmp_path: Path) -> None:
    shown = "\n".join(sorted(re.findall(r"^```toml\n(.*?)^```$", USAGE, re.DOTALL | re.MULTILINE), key=_tables_last))
    (tmp_path / "resolver.toml").write_text(shown, "utf-8")
    settings = load_settings(Environment(home=tmp_path, cwd=tmp_path))
    assert settings.roots[0] == tmp_path / "models"
    assert settings.ignores == {"L501": "our licence desk keeps the texts"}
    assert [key for key in KEYS if key not in shown] == []


ERRORS = [name for name in resolver.__all__ if "Error" in name or name.startswith(("Model", "Ambiguous", "Malformed"))]


@pytest.mark.parametrize("name", [name for name in ERRORS if name != "ResolverError"])
def test_every_public_error_is_documented(name: str) -> None:
    assert issubclass(getattr(resolver, name), resolver.ResolverError)
    assert f"`{name}`" in USAGE
