"""Paths as texts: what they are put together of, whether they are there, and what opening one does."""

from collections.abc import Callable
from typing import Final

from resolver.notebook import methods
from resolver.notebook.facts import WORKING
from resolver.notebook.readers import read_value
from resolver.notebook.reading import PLAIN, Reading
from resolver.notebook.site import Site
from resolver.notebook.values import (
    NONE,
    Arguments,
    Constant,
    Exists,
    Text,
    Unknown,
    Values,
    as_text,
    texts_of,
    unknown,
    why_unknown,
)

_GIVES_UP: Final = ("exists", "isdir", "isfile", "lexists", "is_dir", "is_file")


def of_text(reading: Reading, text: Text, name: str, arguments: Arguments, site: Site) -> Values:
    """What a method of a text or a path gives."""
    if text.is_path and name in _GIVES_UP:
        return _exists(reading, (text,))
    if text.is_path and name in ("open", "read_text", "read_bytes", "glob", "rglob", "iterdir"):
        mode = arguments.take(0, "mode") if name == "open" else None
        return _opened(reading, (text,), mode, site)
    if text.is_path and name in ("write_text", "write_bytes", "mkdir", "touch", "symlink_to"):
        reading.writes((text,))
        return NONE
    given = methods.of_text(text, name, arguments)
    return unknown(f"what {site.name}() gives") if given is None else given


def path(_: Reading, arguments: Arguments, __: Site) -> Values:
    """`Path(…)`."""
    return methods.path_of(list(arguments.positional))


def join(_: Reading, arguments: Arguments, __: Site) -> Values:
    """`os.path.join(…)`."""
    return tuple(
        each.replaced(is_path=False) if isinstance(each, Text) else each
        for each in methods.path_of(list(arguments.positional))
    )


def as_string(_: Reading, arguments: Arguments, site: Site) -> Values:
    """`str(…)` and what gives the same text."""
    values = arguments.take(0) or (Text(""),)
    texts = [as_text(each) for each in values]
    if any(each is None for each in texts):
        return unknown(why_unknown(values) or f"what {site.name}() gives")
    return tuple(each for each in texts if each is not None)


def part(made: Callable[[str], str]) -> Callable[[Reading, Arguments, Site], Values]:
    """A function that gives a part of a path."""

    def taken(_: Reading, arguments: Arguments, site: Site) -> Values:
        values = arguments.take(0) or ()
        return tuple(
            each.made(made(each.text)) if isinstance(each, Text) else Unknown(f"what {site.name}() gives")
            for each in values
        ) or unknown(f"what {site.name}() gives")

    return taken


def _exists(reading: Reading, values: Values) -> Values:
    """Whether places are there, as far as Kaggle's own are concerned."""
    texts = [each for each in values if isinstance(each, Text)]
    if len(texts) != 1 or len(values) != 1:
        return unknown("a place that may be there")
    place = reading.absolute(texts[0].text)
    if place in ("/kaggle", "/kaggle/input", WORKING, "/kaggle/lib", "/kaggle/temp", "/kaggle/src"):
        return (Constant(value=True),)
    if place.startswith("/kaggle/input/"):
        return (Exists(place),)
    if place.startswith(("/content", "/mnt", "/home", "/Users", "/data", "/workspace", "/root/autodl")):
        return (Constant(value=False),)
    return unknown("a place that may be there")


def asked_exists(reading: Reading, arguments: Arguments, _: Site) -> Values:
    """`os.path.exists(…)` and its kind."""
    return _exists(reading, arguments.take(0, "path", "s") or ())


def open_file(reading: Reading, arguments: Arguments, site: Site) -> Values:
    """`open(…)` and its kind."""
    return _opened(reading, arguments.take(0, "file") or (), arguments.take(1, "mode"), site)


def _opened(reading: Reading, values: Values, mode: Values | None, site: Site) -> Values:
    modes = texts_of(mode or (Text("r"),))
    if any(set(each) & set("wax+") for each in modes):
        reading.writes(values)
    else:
        for value in values:
            read_value(reading, value, "data", PLAIN, site, takes_objects=True)
    return unknown("what a file holds")
