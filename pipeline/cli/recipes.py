"""List the recipes of `arena train`, or show one.

A recipe is a complete run by name: model, length, plan and the machine that it is meant for.
"""

import argparse
import inspect
from typing import Any

from pipeline.cli.options import add_report, check_report, tell
from pipeline.training.recipes import RECIPES, Recipe, recipe_of

EXAMPLES = """\
examples:
  arena recipes
  arena recipes llama3_8b_qlora_t4x2
  arena train --recipe smoke_cpu --train train.csv --output adapter --dry-run
"""


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of `arena recipes`."""
    command.add_argument("name", nargs="?", metavar="NAME", help="show this one, with what its figures come from")
    add_report(command)


def carry_out(options: argparse.Namespace) -> int:
    """List or show; returns the exit code."""
    check_report(options)
    shown = [each() for each in RECIPES] if options.name is None else [recipe_of(options.name)]
    values = {"recipes": [_values(each) for each in shown]}
    tell(options, _table(shown) if options.name is None else _page(shown[0]), values)
    return 0


def about(name: str) -> str:
    """A recipe's docstring, without its indentation."""
    return next(inspect.getdoc(each) or "" for each in RECIPES if each.__name__ == name)


def _values(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(mode="json") | {"about": about(recipe.name)}


def _table(recipes: list[Recipe]) -> str:
    head = ("recipe", "accelerator", "tokens", "trained", "what it is")
    rows = [
        (each.name, each.accelerator, str(each.max_length), _trained(each), about(each.name).partition("\n")[0])
        for each in recipes
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head) - 1)]
    lines = (
        "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row[:-1], widths, strict=True)), row[-1]])
        for row in (head, *rows)
    )
    return "\n".join(lines) + "\n"


def _trained(recipe: Recipe) -> str:
    plan = recipe.plan
    bits = "" if plan.quantize == "none" else f" over {plan.quantize}"
    return f"{plan.tune} {plan.rank}{bits}" if plan.tune == "lora" else plan.tune


def _page(recipe: Recipe) -> str:
    told = recipe.model_dump(mode="json")
    plan = told.pop("plan")
    settings = [f"  {key} = {value}" for key, value in (told | plan).items()]
    return "\n".join([about(recipe.name), "", "settings:", *settings]) + "\n"
