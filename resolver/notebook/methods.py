"""What the methods of texts, paths, lists and tables give, where all that they are given is known.

Pure: nothing here knows the notebook, and what is not known comes back as unknown.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import Final

from resolver.notebook.values import (
    MAX_ALTERNATIVES,
    MAX_TEXT,
    Arguments,
    Constant,
    Items,
    Text,
    Thing,
    Value,
    Values,
    as_text,
    joined,
    united,
    unknown,
    why_unknown,
)

_FIELD: Final = re.compile(r"\{\{|\}\}|\{(\w*)\}")
_PERCENT: Final = re.compile(r"%%|%[sd]|%\((\w+)\)[sd]")
_SAME: Final = frozenset(
    ["resolve", "absolute", "expanduser", "as_posix", "copy", "encode", "decode", "__str__", "__fspath__"]
)
_MADE: Final[dict[str, Callable[..., str]]] = {
    "strip": str.strip,
    "rstrip": str.rstrip,
    "lstrip": str.lstrip,
    "lower": str.lower,
    "upper": str.upper,
    "title": str.title,
    "replace": str.replace,
    "removeprefix": str.removeprefix,
    "removesuffix": str.removesuffix,
    "with_suffix": lambda path, suffix: posixpath.splitext(path)[0] + suffix,
    "with_name": lambda path, name: posixpath.join(posixpath.dirname(path), name),
}
_PARTS: Final[dict[str, Callable[[str], str]]] = {
    "parent": posixpath.dirname,
    "name": posixpath.basename,
    "stem": lambda path: posixpath.splitext(posixpath.basename(path))[0],
    "suffix": lambda path: posixpath.splitext(path)[1],
}


def of_text(text: Text, name: str, arguments: Arguments) -> Values | None:
    """What a method of a text or a path gives; None for one that is not known here."""
    if name in _SAME:
        return (text.replaced(is_path=text.is_path and name != "as_posix"),)
    if name == "joinpath":
        return path_of([(text,), *arguments.positional])
    if name == "join" and arguments.positional:
        return _joined_items(text, arguments.positional[0])
    if name == "format":
        return formatted(text, arguments)
    if name == "split":
        return _split(text, arguments)
    made = _MADE.get(name)
    return None if made is None else _each(text, made, arguments)


def _each(text: Text, made: Callable[..., str], arguments: Arguments) -> Values:
    """A function of texts, for every alternative of what it is given."""
    given = [[each for value in values if (each := as_text(value)) is not None] for values in arguments.positional]
    complete = all(len(texts) == len(values) for texts, values in zip(given, arguments.positional, strict=True))
    count = 1
    for texts in given:
        count *= len(texts)
    if not complete or not 0 < count <= MAX_ALTERNATIVES or sum(len(t[0].text) for t in given) > MAX_TEXT:
        return unknown("a text that is made of what is not known")
    results: list[Value] = []
    for chosen in product(*given):
        try:
            new = made(text.text, *(each.text for each in chosen))
        except (TypeError, ValueError):
            return unknown("a method that fails")
        results.append(text.made(new[:MAX_TEXT]))
    return tuple(results)


def _split(text: Text, arguments: Arguments) -> Values:
    separator = arguments.take(0, "sep")
    if len(arguments.positional) + len(arguments.named) > 1:
        return unknown("a text that is split")
    if separator is None:
        return (Items(tuple((text.made(part),) for part in text.text.split()[:100])),)
    if len(separator) != 1 or not isinstance(separator[0], Text) or not separator[0].text:
        return unknown("a text that is split")
    return (Items(tuple((text.made(part),) for part in text.text.split(separator[0].text)[:100])),)


def _joined_items(between: Text, values: Values) -> Values:
    if len(values) != 1 or not isinstance(values[0], Items):
        return unknown(why_unknown(values) or "a list that is not known")
    return joined(values[0].items, between.text)


def formatted(text: Text, arguments: Arguments) -> Values:
    """`str.format` with plain fields; any other field is unknown."""
    parts: list[Values] = []
    at, number = 0, 0
    for found in _FIELD.finditer(text.text):
        parts.append((Text(text.text[at : found.start()]),))
        at = found.end()
        if found[1] is None:
            parts.append((Text(found[0][0]),))
            continue
        place = int(found[1]) if found[1].isdecimal() and len(found[1]) < 3 else number  # noqa: PLR2004 - 99 fields
        number += found[1] == ""
        values = arguments.take(place) if not found[1] or found[1].isdecimal() else arguments.named.get(found[1])
        parts.append(values or unknown("a field that is not given"))
    if "{" in _FIELD.sub("", text.text):
        return unknown("a text that is formatted with options")
    return joined([*parts, (Text(text.text[at:]),)])


def percent(text: Text, values: Values) -> Values:
    """`text % values` with %s and %d alone."""
    given = [each for value in values for each in (value.items if isinstance(value, Items) else ((value,),))]
    parts: list[Values] = []
    at = 0
    for found in _PERCENT.finditer(text.text):
        parts.append((Text(text.text[at : found.start()]),))
        at = found.end()
        if found[0] == "%%":
            parts.append((Text("%"),))
        elif found[1] is not None:
            parts.append(_keyed(values, found[1]))
        else:
            parts.append(given.pop(0) if given else unknown("a field that is not given"))
    return joined([*parts, (Text(text.text[at:]),)])


def _keyed(values: Values, key: str) -> Values:
    table = values[0] if values and isinstance(values[0], Thing) else None
    return table.members.get(key, unknown(f"the key {key}")) if table else unknown(f"the key {key}")


def path_of(parts: list[Values]) -> Values:
    """The paths that parts make as `os.path.join` and pathlib join them."""
    made: list[Text] = []
    for number, values in enumerate(parts):
        texts = [each for value in values if (each := as_text(value)) is not None]
        if len(texts) != len(values):
            return unknown(why_unknown(values) or "a part that is no text")
        made = texts if number == 0 else [_below(before, text) for before in made for text in texts]
        if len(made) > MAX_ALTERNATIVES:
            return unknown("too many possible values")
    return tuple(each.replaced(is_path=True) for each in made) if made else (Text(".", is_path=True),)


def _below(before: Text, text: Text) -> Text:
    (made,) = joined([(before,), (text,)], "")
    return Text(
        posixpath.join(before.text, text.text)[:MAX_TEXT],
        resolved=before.resolved,
        conditions=made.conditions if isinstance(made, Text) else (),
        parts=made.parts if isinstance(made, Text) else (),
    )


def attribute(text: Text, name: str) -> Values | None:
    """An attribute of a path (its parent, name, stem or suffix), and the value of an enumeration's member."""
    if name == "value":
        return (text,)
    made = _PARTS.get(name)
    if made is None or not text.is_path:
        return None
    return (text.made(made(text.text)),)


def of_items(items: Items, name: str, arguments: Arguments) -> Values | None:
    """What a list is after a method that changes it; None for one that does not."""
    if name == "append" and arguments.positional:
        return (Items((*items.items, arguments.positional[0])),)
    if name == "extend" and arguments.positional:
        more = arguments.positional[0]
        if len(more) == 1 and isinstance(more[0], Items):
            return (Items((*items.items, *more[0].items)),)
        return unknown(why_unknown(more) or "a list that is extended")
    return None


def of_table(table: Thing, name: str, arguments: Arguments) -> Values | None:
    """What a method of a dict gives; None for one that is not known here."""
    if name in ("get", "pop"):
        keys = arguments.take(0) or ()
        default = arguments.take(1, "default") or (Constant(None),)
        found = [table.members.get(key.text, default) for key in keys if isinstance(key, Text)]
        return united(*found) if found and len(found) == len(keys) else unknown("a key that is not known")
    if name in ("keys", "values", "items"):
        return (Items(tuple(_listed(table, name))),)
    if name in ("copy", "model_copy", "__copy__"):
        return (Thing(table.kind, dict(table.members), table.fields),)
    if name == "update":
        for value in arguments.take(0) or ():
            if isinstance(value, Thing):
                table.members.update(value.members)
        table.members.update(arguments.named)
        return (Constant(None),)
    if name == "setdefault":
        for key in arguments.take(0) or ():
            if isinstance(key, Text):
                return table.members.setdefault(key.text, arguments.take(1) or (Constant(None),))
    return None


def _listed(table: Thing, name: str) -> Iterator[Values]:
    for key, values in table.members.items():
        if name == "keys":
            yield (Text(key),)
        elif name == "values":
            yield values
        else:
            yield (Items(((Text(key),), values)),)
