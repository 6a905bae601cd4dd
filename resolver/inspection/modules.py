"""modules.json of a sentence-transformers model: the parts that it is put together from, in order."""

from typing import Final

from resolver.inspection.files import Listing
from resolver.inspection.listed import MAX_MODULES_BYTES, MODULES_FILE, read_listed
from resolver.record import Record

MAX_PARTS: Final = 64


class ModulePart(Record):
    """One part: its folder below the model ("" for the model's own directory) and the name of its class."""

    path: str
    kind: str


class ModulesFacts(Record):
    """What modules.json says; `fault` where it is no list of parts."""

    parts: tuple[ModulePart, ...] = ()
    fault: str | None = None


def read_modules(files: Listing) -> ModulesFacts | None:
    """Read modules.json; None where there is none. Raises nothing."""
    if files.get(MODULES_FILE) is None:
        return None
    read = read_listed(files, MODULES_FILE, max_bytes=MAX_MODULES_BYTES)
    if not isinstance(read.value, list):
        return ModulesFacts(fault=read.fault or "is no array")
    parts = [
        ModulePart(path.strip("/"), kind.rpartition(".")[2])
        for each in read.value[:MAX_PARTS]
        if isinstance(each, dict) and isinstance(path := each.get("path"), str)
        if isinstance(kind := each.get("type"), str)
    ]
    return ModulesFacts(tuple(parts))
