"""What a library is given to call, and with what: `partial`, `map` and its kind, `spawn`, `Thread(target=…)`."""

from collections.abc import Iterator
from typing import Final

from resolver.notebook import objects
from resolver.notebook.reading import Reading
from resolver.notebook.site import Site, dotted
from resolver.notebook.values import (
    DEEP_ITEM,
    Arguments,
    Function,
    Imported,
    Items,
    Partial,
    Unknown,
    Value,
    Values,
    unknown,
)
from resolver.record import Record

_MAPS: Final = ("map", "imap", "imap_unordered", "map_async", "starmap", "spawn")


class Handed(Record):
    """Something that a library will call: the value, what it is given, and the call that it stands in, by its name."""

    value: Value
    arguments: Arguments
    site: Site


def handed(site: Site, arguments: Arguments) -> Iterator[Handed]:
    """What a library is given and will call with arguments that are said beside it."""
    target = arguments.named.get("target") or arguments.named.get("initializer") or ()
    given = arguments.named.get("args") or arguments.named.get("initargs") or ()
    for function in target:
        if isinstance(function, Function) and given and isinstance(given[0], Items):
            yield Handed(function, Arguments(given[0].items), site)
    if len(arguments.positional) > 1:
        rest = Arguments(arguments.positional[1:], arguments.named)  # submit(f, *arguments)
        for value in arguments.positional[0]:
            if _is_callable(value, site):
                yield Handed(value, rest, first_of(site))


def first_of(site: Site) -> Site:
    """The call as its first argument's own."""
    return Site(dotted(site.node.args[0]), site.node)


def _is_callable(value: Value, site: Site) -> bool:
    """Whether a first argument is called at once: a function of the notebook, or a loader by its name."""
    if site.name.rpartition(".")[2] in ("partial", *_MAPS):
        return False
    if isinstance(value, Function | Partial):
        return True
    name = dotted(site.node.args[0]) if site.node.args else ""
    return isinstance(value, Imported | Unknown) and name.endswith(".from_pretrained")


def rows(site: Site, arguments: Arguments) -> tuple[Arguments, ...] | None:
    """What `map` and its kind call their first argument with, call after call; None where that is not known."""
    last = site.name.rpartition(".")[2]
    if last not in _MAPS or not site.node.args or not arguments.positional:
        return None
    if last == "spawn":  # torch.multiprocessing: the rank first
        given = arguments.take(1, "args") or ()
        items = objects.known_items(given)
        return None if items is None else (Arguments((unknown("the rank of a process"), *items)),)
    lists = [objects.known_items(each) for each in arguments.positional[1:]]
    if not lists or any(each is None or len(each) > objects.MAX_ITEMS for each in lists):
        return None
    if last == "starmap":
        return tuple(Arguments(objects.known_items(each) or (each,)) for each in lists[0] or ())
    return tuple(Arguments(row) for row in zip(*(each or () for each in lists), strict=False))


def any_row(known: tuple[Arguments, ...]) -> Arguments:
    """A row in the place of all, where they are too many to be followed."""
    return Arguments(tuple(DEEP_ITEM for _ in (known[0].positional if known else ())))


def more(given: Arguments, then: Arguments) -> Arguments:
    """What a partial call was given already, and what it is given then."""
    named = {**given.named, **then.named}
    return Arguments((*given.positional, *then.positional), named, given.is_open or then.is_open)


def partial(_: Reading, arguments: Arguments, site: Site) -> Values:
    """`functools.partial`."""
    given = Arguments(arguments.positional[1:], arguments.named, arguments.is_open)
    name = dotted(site.node.args[0]) if site.node.args else site.name
    return tuple(Partial(each, name, given) for each in arguments.take(0) or ())
