"""What an expression may be, as far as a file says it: texts, tables, objects; several where branches differ.

Never a value of the notebook's own: nothing is executed, so every kind of value here is one of ours.
"""

import ast
from collections.abc import Iterable, Mapping
from typing import Final

from resolver.notebook.facts import Condition, Spot
from resolver.record import Record, field

MAX_ALTERNATIVES: Final = 12
MAX_TEXT: Final = 8_192
DEVICE: Final = "an accelerator"  # in the place of a path: what the code has asked for before it takes one


class Text(Record):
    """A text or a path.

    Attributes:
        text: itself.
        origin: the literal that it comes from; None where it is composed of several.
        is_path: a pathlib.Path.
        resolved: it comes from a call that resolved or fetched a name, which was recorded there.
        conditions: places that the code has asked for before it took this value.
        fallback: it stands in an `except`: it is taken only where what is tried fails.
        parts: the literals that it is composed of, where it is.
    """

    text: str
    origin: Spot | None = None
    is_path: bool = False
    resolved: bool = False
    conditions: tuple[Condition, ...] = ()
    fallback: bool = False
    parts: tuple[Spot, ...] = ()

    @property
    def literals(self) -> tuple[Spot, ...]:
        """The literals that it comes from, whole or in part."""
        return self.parts if self.origin is None else (self.origin,)

    def made(self, text: str) -> "Text":
        """Another text that is made of this one."""
        return self if text == self.text else self.replaced(text=text, origin=None, parts=self.literals)


class Constant(Record):
    """A number, a truth value or None."""

    value: int | float | bool | None


class Unknown(Record):
    """What cannot be known before running; `why` says what it hangs on."""

    why: str


class Items(Record):
    """A list or a tuple, each item with its alternatives."""

    items: tuple["Values", ...]


class Thing:
    """A module, class, instance, namespace or dict: names and keys with what they may be. It changes, as they do."""

    def __init__(
        self, kind: str = "", members: "dict[str, Values] | None" = None, fields: tuple[str, ...] = ()
    ) -> None:
        """Kind is what it was made by; `fields` the order of a dataclass's."""
        self.kind = kind
        self.members: dict[str, Values] = members if members is not None else {}
        self.fields = fields


class Exists(Record):
    """The answer to "is that there", of a place or of the accelerator (`DEVICE`); `wanted` is False behind a `not`."""

    place: str
    wanted: bool = True


class Home(Record):
    """Where code stands: its cell, the file that the notebook writes it to, and the lines of its source."""

    cell: int | None
    file: str | None
    lines: tuple[str, ...]

    @property
    def place(self) -> tuple[int | None, str | None]:
        """Its cell and file: what tells it from any other."""
        return self.cell, self.file


class Function(Record):
    """A function of the notebook: its definition, the names around it, and the instance that it is bound to.

    `kind` says what a decorator made of a method: "static", "class" or "property".
    """

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: "Scope"
    home: Home
    bound: Thing | None = None
    kind: str = ""


class Partial(Record):
    """`functools.partial`: what it calls, its name as written, and what it is given already."""

    target: "Value"
    name: str
    arguments: "Arguments"


class Imported(Record):
    """A name of a package: its dotted name; `is_instance` where it was called (what came of it)."""

    name: str
    is_instance: bool = False


Value = Text | Constant | Unknown | Exists | Items | Thing | Function | Partial | Imported
Values = tuple[Value, ...]
NONE: Final[Values] = (Constant(None),)


class Arguments(Record):
    """What a call is given; `is_open` where more may come that cannot be known (`*rest`, `**options`)."""

    positional: tuple[Values, ...] = ()
    named: Mapping[str, Values] = field(default_factory=dict)
    is_open: bool = False

    def take(self, position: int, *names: str) -> Values | None:
        """The argument of one of those names, or at that position; None where it is not given."""
        for name in names:
            if name in self.named:
                return self.named[name]
        return self.positional[position] if 0 <= position < len(self.positional) else None


class Scope:
    """Names and what they may be; a function's names hide those around it."""

    def __init__(self, around: "Scope | None" = None) -> None:
        """`around` is the scope that names are looked up in next."""
        self.names: dict[str, Values] = {}
        self.around = around
        self.outer: set[str] = set()  # declared `global` here

    def find(self, name: str) -> Values | None:
        """What a name may be; None where it was never bound."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.around
        return None

    def bind(self, name: str, values: Values) -> None:
        """Give a name its value, in the module where the name was declared global."""
        scope = self
        while name in self.outer and scope.around is not None:
            scope = scope.around
        scope.names[name] = values


# An item of a loop within so many loops that its turns are not followed one by one.
DEEP_ITEM: Final[Values] = (Unknown("an item of loops within loops, too many to be followed"),)


def united(*several: Values) -> Values:
    """All alternatives, each once; too many are unknown."""
    kept: list[Value] = []
    for values in several:
        for value in values:
            if value not in kept:
                kept.append(value)
    return tuple(kept) if len(kept) <= MAX_ALTERNATIVES else (Unknown("too many possible values"),)


def unknown(why: str) -> Values:
    """One value that cannot be known."""
    return (Unknown(why),)


def why_unknown(values: Values) -> str | None:
    """What the first alternative that cannot be known hangs on; None where all are known."""
    return next((value.why for value in values if isinstance(value, Unknown)), None)


def joined(parts: Iterable[Values], between: str = "") -> Values:
    """Every text that the parts make, one behind the other; a part that is no text makes the whole unknown."""
    made: list[Text] | None = None
    for values in parts:
        texts = [text for value in values if (text := as_text(value)) is not None]
        if len(texts) != len(values) or len(texts) * (1 if made is None else len(made)) > MAX_ALTERNATIVES:
            return unknown(why_unknown(values) or "a value that is no text")
        made = texts if made is None else [_behind(before, between, text) for before in made for text in texts]
    return tuple(made) if made else (Text(""),)


def _behind(before: Text, between: str, text: Text) -> Text:
    return Text(
        f"{before.text}{between}{text.text}"[:MAX_TEXT],
        resolved=before.resolved,
        conditions=tuple(dict.fromkeys((*before.conditions, *text.conditions))),
        fallback=before.fallback or text.fallback,
        parts=tuple(dict.fromkeys((*before.literals, *text.literals))),
    )


def as_text(value: Value) -> Text | None:
    """A value as `str()` writes it; None where that cannot be known."""
    if isinstance(value, Text):
        return value.replaced(is_path=False) if value.is_path else value
    if isinstance(value, Constant):
        return Text(str(value.value))
    if isinstance(value, Thing) and value.kind == "resolved":
        return next((each for each in value.members["path"] if isinstance(each, Text)), None)
    return None


def texts_of(values: Values) -> tuple[str, ...]:
    """The texts among the alternatives."""
    return tuple(value.text for value in values if isinstance(value, Text))


def truth(values: Values) -> bool | None:
    """Whether all alternatives are true, or all false; None where that cannot be known."""
    found = {_truth(value) for value in values}
    return found.pop() if len(found) == 1 else None


def _truth(value: Value) -> bool | None:
    if isinstance(value, Constant):
        return bool(value.value)
    if isinstance(value, Text):
        return value.is_path or bool(value.text)
    if isinstance(value, Items):
        return bool(value.items)
    if isinstance(value, Function) or (isinstance(value, Imported) and not value.is_instance):
        return True
    return None
