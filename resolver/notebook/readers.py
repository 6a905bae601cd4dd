"""What a reader of models or data is given, and how it is told to read."""

from collections.abc import Iterator
from typing import Final

from resolver.notebook import known_calls
from resolver.notebook.reading import How, Reading
from resolver.notebook.site import Site
from resolver.notebook.values import (
    NONE,
    Arguments,
    Constant,
    Imported,
    Items,
    Text,
    Unknown,
    Value,
    Values,
    as_text,
    texts_of,
)

_ADDRESS: Final = ("http://", "https://", "ftp://", "s3://", "gs://", "hf://")
DTYPES: Final = ("float16", "bfloat16", "float32")


def read(reading: Reading, reader: known_calls.Reader, arguments: Arguments, site: Site) -> Values | None:
    """Record what a reader is given; what it gives where that is the place of what it fetched."""
    how = _how(reading, arguments)
    fetched: Values | None = None
    for role, position, names in reader.arguments:
        values = arguments.take(position, *names)
        if values is None:
            if position == 0 and arguments.is_open and not reader.takes_objects:
                reading.is_dynamic(site.name, "arguments that are unpacked", role, reading.spot(site.node))
            continue
        for value in flat(values):
            read_value(reading, value, role, how, site, takes_objects=reader.takes_objects)
        fetched = fetched or values
    if not reader.fetches or fetched is None:
        return None
    placed = arguments.named.get("local_dir") or fetched
    return tuple(
        each.replaced(resolved=True, origin=None) if isinstance(each, Text) else Unknown(f"what {site.name}() gives")
        for each in placed
    )


def read_value(reading: Reading, value: Value, role: str, how: How, site: Site, *, takes_objects: bool) -> None:
    """Record one value that a reader is given."""
    text = as_text(value) if not isinstance(value, Constant) else None
    at = reading.spot(site.node)
    if text is not None and text.text.startswith(_ADDRESS) and role == "data":
        reading.needs_network(f"{site.name} of an address", at, "attach what it fetches as a dataset")
    elif text is not None:
        reading.use(text, role, site.name, at, how)  # type: ignore[arg-type]
    elif isinstance(value, Unknown) and not takes_objects:
        reading.is_dynamic(site.name, value.why, role, at)  # type: ignore[arg-type]


def flat(values: Values) -> Iterator[Value]:
    """Values, and those inside of lists."""
    for value in values:
        if isinstance(value, Items):
            for item in value.items[:50]:
                yield from item
        else:
            yield value


def _how(reading: Reading, arguments: Arguments) -> How:
    pinned = []
    for name in known_calls.PINS:
        values = arguments.named.get(name, NONE)
        if name == "cache_dir" and values == NONE:
            values = _cache(reading)
        if values != NONE:
            texts = texts_of(values)
            pinned.append((name, texts[0] if len(texts) == len(values) == 1 else ""))
    dtype = arguments.named.get("dtype") or arguments.named.get("torch_dtype") or ()
    return How(tuple(pinned), tuple(sorted(arguments.named)), _dtype(dtype))


def _cache(reading: Reading) -> Values:
    """The cache that the environment names for the libraries of Hugging Face; None where it names none."""
    named = (reading.environ[name] for name in known_calls.CACHES if name in reading.environ)
    return next(named, NONE)


def _dtype(values: Values) -> str | None:
    if len(values) != 1 or not isinstance(values[0], Text | Imported):
        return None
    name = values[0].text if isinstance(values[0], Text) else values[0].name
    last = name.rpartition(".")[2]
    return {"half": "float16", "float": "float32"}.get(last, last if last in DTYPES else None)
