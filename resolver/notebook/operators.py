"""What operators make of values: sums and texts, tests, and parts that are cut out."""

import ast
from collections.abc import Callable
from typing import Any, Final

from resolver.notebook import methods
from resolver.notebook.reading import Reading
from resolver.notebook.values import (
    DEVICE,
    Constant,
    Exists,
    Imported,
    Items,
    Text,
    Thing,
    Unknown,
    Value,
    Values,
    joined,
    texts_of,
    truth,
    united,
    unknown,
    why_unknown,
)

MAX_NUMBER: Final = 10**12
OPEN: Final = object()  # a value that cannot be known
_ARITHMETIC: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
}


def binary(operator: ast.operator, left: Values, right: Values) -> Values:
    """What an operator makes of two values: a path, a text, a table, a list or a number."""
    if isinstance(operator, ast.Div) and any(isinstance(each, Text) and each.is_path for each in (*left, *right)):
        return methods.path_of([left, right])
    if isinstance(operator, ast.Mod) and left and isinstance(left[0], Text):
        return united(*(methods.percent(each, right) for each in left if isinstance(each, Text)))
    if isinstance(operator, ast.Add) and any(isinstance(each, Text) for each in (*left, *right)):
        return joined([left, right])
    if isinstance(operator, ast.BitOr) and left and isinstance(left[0], Thing):
        tables = [each for each in (*left, *right) if isinstance(each, Thing)]
        return (Thing("table", {key: values for each in tables for key, values in each.members.items()}),)
    return united(*(_computed(operator, a, b) for a in left for b in right)) or unknown("a sum")


def _computed(operator: ast.operator, left: Value, right: Value) -> Values:
    if isinstance(left, Items) and isinstance(right, Items) and isinstance(operator, ast.Add):
        return (Items((*left.items, *right.items)),)
    compute = _ARITHMETIC.get(type(operator))
    if compute and isinstance(left, Constant) and isinstance(right, Constant):
        try:
            made = compute(left.value, right.value)
        except (TypeError, ZeroDivisionError, OverflowError):
            return unknown("a sum that fails")
        if isinstance(made, int | float) and abs(made) < MAX_NUMBER:
            return (Constant(made),)
    return unknown(why_unknown((left, right)) or "a value that is computed")


def unary(operator: ast.unaryop, values: Values) -> Values:
    """What `not` and a minus make of a value."""
    if isinstance(operator, ast.Not):
        if values == (Exists(DEVICE),):
            return values
        if len(values) == 1 and isinstance(values[0], Exists):
            return (values[0].replaced(wanted=not values[0].wanted),)
        known = truth(values)
        return unknown("a test") if known is None else (Constant(not known),)
    if isinstance(operator, ast.USub):
        return tuple(
            Constant(-value.value)
            if isinstance(value, Constant) and value.value is not None
            else Unknown("a number that is computed")
            for value in values
        )
    return unknown("a value that is computed")


def compared(reading: Reading, operator: ast.cmpop, left: Values, right: Values) -> bool | None:
    """Whether one value stands to another as a test asks; None where that cannot be known."""
    if isinstance(operator, ast.In | ast.NotIn):
        inside = _inside(reading, left, right)
        return None if inside is None else inside is isinstance(operator, ast.In)
    if len(left) != 1 or len(right) != 1:
        return None
    a, b = _plain(left[0]), _plain(right[0])
    if a is OPEN or b is OPEN:
        return None
    if isinstance(operator, ast.Eq | ast.Is):
        return bool(a == b)
    if isinstance(operator, ast.NotEq | ast.IsNot):
        return bool(a != b)
    return None


def _inside(reading: Reading, left: Values, right: Values) -> bool | None:
    names, where = texts_of(left), right[0] if len(right) == 1 else None
    if len(names) != 1 or len(left) != 1:
        return None
    name = names[0]
    if name in ("google.colab", "COLAB_GPU"):
        return False
    if isinstance(where, Imported) and where.name == "os.environ":
        return True if name in reading.environ else False if name.startswith("COLAB") else None
    return _contains(where, name)


def _contains(where: Value | None, name: str) -> bool | None:
    if isinstance(where, Text):
        return name in where.text
    if isinstance(where, Thing) and where.kind in ("table", ""):
        return name in where.members
    if isinstance(where, Items) and all(len(each) == 1 and isinstance(each[0], Text) for each in where.items):
        return name in {text for each in where.items for text in texts_of(each)}
    return None


def _plain(value: Value) -> Any:
    if isinstance(value, Text):
        return value.text
    if isinstance(value, Constant):
        return value.value
    return OPEN


def sliced(owner: Values, bounds: list[int | None]) -> Values:
    """The part of texts and lists between two bounds, at a step."""
    if bounds[2] == 0:
        return unknown("a part that is cut out")
    cut = slice(*bounds)
    return tuple(
        value.made(value.text[cut])
        if isinstance(value, Text)
        else value.replaced(items=value.items[cut])
        if isinstance(value, Items)
        else Unknown("a part that is cut out")
        for value in owner
    )
