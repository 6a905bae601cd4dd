"""Instances of the notebook's classes, tables, option parsers and the built-in functions of sequences."""

from typing import Final

from resolver.notebook import methods
from resolver.notebook.reading import Reading, member
from resolver.notebook.values import (
    NONE,
    Arguments,
    Constant,
    Function,
    Items,
    Text,
    Thing,
    Unknown,
    Value,
    Values,
    texts_of,
    united,
    unknown,
)

MAX_ITEMS: Final = 8


def instance(reading: Reading, cls: Thing, arguments: Arguments) -> Values:
    """An instance of a class of the notebook: its attributes, a dataclass's fields, what __init__ sets."""
    reading.note_instance(cls)
    made = Thing("instance", dict(cls.members), cls.fields)
    init = cls.members.get("__init__")
    if init is None:
        for name, values in zip(cls.fields, arguments.positional, strict=False):
            made.members[name] = values
        made.members.update(arguments.named)
    for function in member(made, "__init__") or ():
        if isinstance(function, Function):
            reading.invoke(function, arguments)
    for function in member(made, "__post_init__") or ():
        if isinstance(function, Function):
            reading.invoke(function, Arguments())
    return (made,)


def method(reading: Reading, owner: Thing, name: str, arguments: Arguments) -> Values | None:
    """What a method of a thing that the notebook did not define gives; None for one that is not known."""
    if owner.kind == "parser":
        return _parser_method(reading, owner, name, arguments)
    if owner.kind == "resolved":
        return owner.members["path"] if name in ("__str__", "__fspath__", "as_posix") else None
    return methods.of_table(owner, name, arguments)


def table(_: Reading, arguments: Arguments) -> Values:
    """A dict, a namespace or a configuration object of what is given."""
    made = Thing("table")
    for values in arguments.positional:
        for value in values:
            if isinstance(value, Thing):
                if value.kind in ("instance", "table") and not arguments.named and len(arguments.positional) == 1:
                    return (value,)  # vars(), asdict(): the same members
                made.members.update(value.members)
    made.members.update(arguments.named)
    return (made,)


def parser(_: Reading, __: Arguments) -> Values:
    """An `argparse.ArgumentParser`: its options are its members."""
    return (Thing("parser"),)


def _parser_method(reading: Reading, owner: Thing, name: str, arguments: Arguments) -> Values | None:
    if name == "add_argument":
        _add_option(owner, arguments)
        return NONE
    if name in ("add_argument_group", "add_mutually_exclusive_group"):
        return (owner,)
    if name == "set_defaults":
        owner.members.update(arguments.named)
        return NONE
    if name in ("parse_args", "parse_known_args"):
        given = _given(reading, arguments)
        options = Thing("table", {**owner.members, **_from_words(owner, given)})
        return (options,) if name == "parse_args" else (Items(((options,), (Items(()),))),)
    return None


def _add_option(owner: Thing, arguments: Arguments) -> None:
    flags = [text for values in arguments.positional for text in texts_of(values)]
    named = texts_of(arguments.named.get("dest", ()))
    long = [flag for flag in flags if flag.startswith("--")]
    if not flags and not named:
        return
    name = named[0] if named else (long or flags)[0].lstrip("-").replace("-", "_")
    default = arguments.named.get("default")
    if default is None:
        stores = texts_of(arguments.named.get("action", ()))
        default = (
            (Constant(stores[0] == "store_false"),)
            if stores and stores[0].startswith("store_")
            else unknown(f"the option {flags[0] if flags else name}")
        )
    owner.members[name] = default


def _given(reading: Reading, arguments: Arguments) -> tuple[str, ...]:
    """The words of a command line: those that are passed, or those that the script was started with."""
    passed = arguments.take(0, "args")
    if passed and isinstance(passed[0], Items):
        return tuple(text for values in passed[0].items for text in texts_of(values)[:1])
    return (reading.argv or ())[1:]


def _from_words(owner: Thing, words: tuple[str, ...]) -> dict[str, Values]:
    found: dict[str, Values] = {}
    for number, word in enumerate(words):
        if not word.startswith("-"):
            continue
        flag, equals, value = word.partition("=")
        name = flag.lstrip("-").replace("-", "_")
        if name in owner.members:
            following = words[number + 1] if number + 1 < len(words) else ""
            if equals or (following and not following.startswith("--")):
                found[name] = (Text(value if equals else following),)
            else:
                found[name] = (Constant(value=True),)
    return found


def known_items(values: Values) -> tuple[Values, ...] | None:
    """The items of a list that is known, or the keys of a table; None where there is no telling."""
    if len(values) != 1:
        return None
    value = values[0]
    if isinstance(value, Items):
        return value.items
    if isinstance(value, Thing) and value.kind in ("table", ""):
        return tuple((Text(key),) for key in value.members)
    return None


def listed(_: Reading, arguments: Arguments) -> Values:
    """`list`, `tuple`, `sorted`, `set` of something known."""
    given = arguments.take(0)
    if given is None:
        return (Items(()),)
    items = known_items(given)
    return unknown("a list that is made while it runs") if items is None else (Items(items),)


def enumerated(_: Reading, arguments: Arguments) -> Values:
    """`enumerate` of something known."""
    items = known_items(arguments.take(0) or ())
    if items is None:
        return unknown("a list that is made while it runs")
    return (Items(tuple((Items(((Constant(number),), values)),) for number, values in enumerate(items))),)


def zipped(_: Reading, arguments: Arguments) -> Values:
    """`zip` of lists that are known."""
    lists = [known_items(values) for values in arguments.positional]
    known = [each for each in lists if each is not None]
    if not lists or len(known) != len(lists):
        return unknown("a list that is made while it runs")
    return (Items(tuple((Items(tuple(row)),) for row in zip(*known, strict=False))),)


def ranged(_: Reading, arguments: Arguments) -> Values:
    """`range` of few known numbers."""
    numbers = [
        value.value
        for values in arguments.positional
        for value in values
        if isinstance(value, Constant) and isinstance(value.value, int)
    ]
    if len(numbers) != len(arguments.positional) or not 1 <= len(numbers) <= 3:  # noqa: PLR2004 - start, stop, step
        return unknown("a number that is counted while it runs")
    try:
        made = range(*numbers)
    except ValueError:
        return unknown("a range that fails")
    if len(made) > MAX_ITEMS:
        return unknown("a number that is counted while it runs")
    return (Items(tuple((Constant(number),) for number in made)),)


def get_attribute(_: Reading, arguments: Arguments) -> Values:
    """`getattr(thing, name, default)`."""
    names = texts_of(arguments.take(1) or ())
    default = arguments.take(2)
    found: list[Values] = []
    for value in arguments.take(0) or ():
        got = member(value, names[0]) if len(names) == 1 else None
        found.append(got or default or unknown(f"the attribute {names[0] if names else ''}".strip()))
    return united(*found) if found else unknown("an attribute")


def set_attribute(_: Reading, arguments: Arguments) -> Values:
    """`setattr(thing, name, value)`."""
    for name in texts_of(arguments.take(1) or ()):
        for value in arguments.take(0) or ():
            if isinstance(value, Thing):
                value.members[name] = arguments.take(2) or unknown("an attribute")
    return NONE


def item(values: Values, key: Values) -> Values:
    """`values[key]`, where both are known."""
    found: list[Values] = [_item(value, one) for value in values for one in key]
    return united(*found) if found else unknown("an item")


def _item(value: Value, key: Value) -> Values:
    if isinstance(value, Unknown):
        return (value,)
    if isinstance(value, Thing) and isinstance(key, Text):
        return value.members.get(key.text, unknown(f"the key {key.text}"))
    if isinstance(value, Thing) and isinstance(key, Constant):
        return value.members.get(str(key.value), unknown(f"the key {key.value}"))
    if isinstance(key, Constant) and isinstance(key.value, int):
        if isinstance(value, Items):
            inside = -len(value.items) <= key.value < len(value.items)
            return value.items[key.value] if inside else unknown("an item that is not there")
        if isinstance(value, Text):
            inside = -len(value.text) <= key.value < len(value.text)
            return (Text(value.text[key.value]),) if inside else unknown("a letter that is not there")
    return unknown("an item")
