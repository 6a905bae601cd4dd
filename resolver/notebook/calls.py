"""What the calls of libraries read, write, fetch and give.

Nothing is called: a name decides, and what a name does not tell stays unknown.
"""

from resolver.notebook import asked, callables, fetched, known_calls, objects, places, readers, services
from resolver.notebook.reading import Reading, member
from resolver.notebook.site import Site
from resolver.notebook.special_calls import SPECIAL
from resolver.notebook.values import (
    Arguments,
    Function,
    Imported,
    Partial,
    Text,
    Thing,
    Value,
    Values,
    united,
    unknown,
)


def call_value(reading: Reading, value: Value, arguments: Arguments, site: Site) -> Values:
    """What a call of a value gives."""
    if isinstance(value, Function):
        return reading.invoke(value, arguments)
    if isinstance(value, Partial):
        return call_value(
            reading, value.target, callables.more(value.arguments, arguments), Site(value.name, site.node)
        )
    if isinstance(value, Thing) and value.kind == "class":
        return objects.instance(reading, value, arguments)
    if isinstance(value, Thing) and (method := member(value, "__call__") or member(value, "forward")):
        return united(*(call_value(reading, each, arguments, site) for each in method))
    if isinstance(value, Imported) and value.is_instance:  # model(inputs), tokenizer(texts)
        _hand_over(reading, arguments, site)
        return unknown(f"what {site.name}() gives")
    return library(reading, value.name if isinstance(value, Imported) else site.name, arguments, site)


def call_method(reading: Reading, owner: Value, name: str, arguments: Arguments, site: Site) -> Values:
    """What a call of a value's method gives."""
    found = member(owner, name)
    if found is not None:
        return united(*(call_value(reading, each, arguments, site) for each in found))
    if isinstance(owner, Thing):
        given = objects.method(reading, owner, name, arguments)
        return library(reading, site.name, arguments, site) if given is None else given
    if isinstance(owner, Text):
        return places.of_text(reading, owner, name, arguments, site)
    return library(reading, f"{owner.name}.{name}" if isinstance(owner, Imported) else site.name, arguments, site)


def library(reading: Reading, name: str, arguments: Arguments, site: Site) -> Values:
    """What a call of a library's function gives, all that it reads and needs being recorded."""
    _hand_over(reading, arguments, site)
    asked.asks(reading, arguments, site)
    if name.startswith("torchvision.models."):
        fetched.zoo_model(reading, arguments, site)
    fetched.named_weights(reading, arguments, site)
    fetched.default_model(reading, name, arguments, site)
    services.reports(reading, arguments, site)
    for tail in known_calls.tails(name):
        if tail in SPECIAL:
            return SPECIAL[tail](reading, arguments, site)
    reader = known_calls.reader_of(name)
    given = None if reader is None else readers.read(reading, reader, arguments, site)
    writer = known_calls.writer_of(name)
    if writer is not None:
        target = arguments.take(writer[0], *writer[1])
        reading.writes(target)
        if name.rpartition(".")[2] in known_calls.UNPACKERS:
            reading.unpacks(target or (Text("."),))
    for keyword in known_calls.OUTPUTS:
        reading.writes(arguments.named.get(keyword))
    offline = known_calls.network_of(name)
    if (
        offline is not None
        and not services.is_switched_off(reading, name, arguments)
        and not services.is_local(arguments)
    ):
        reading.needs_network(site.name, reading.spot(site.node), offline)
        reading.raises_offline += 1
    if given is not None:
        return given
    last = name.rpartition(".")[2]
    is_object = last[:1].isupper() or last.startswith("from_") or reader is not None
    return (Imported(name, is_instance=True),) if is_object else unknown(f"what {site.name}() gives")


def _hand_over(reading: Reading, arguments: Arguments, site: Site) -> None:
    """Functions among the arguments: a library will call them, with what stands beside them where that is said."""
    rows = callables.rows(site, arguments)
    if rows is not None:
        with reading.loop(rows, callables.any_row(rows)) as turns:
            for called in arguments.positional[0]:
                for row in turns:
                    call_value(reading, called, row, callables.first_of(site))
        return
    for each in callables.handed(site, arguments):
        call_value(reading, each.value, each.arguments, each.site)
    for values in (*arguments.positional, *arguments.named.values()):
        reading.hand_over(values)
