"""JSON and text of files that a listing has seen: nothing is opened that the listing would not open.

A link that leaves the directory, a pipe and what could not be read are faults here, so no reader follows them.
"""

from typing import Final

from resolver.inspection.fault import Fault
from resolver.inspection.files import Listing
from resolver.inspection.strict_json import MAX_BYTES, JsonFile, read_json

UNREAD: Final = "was not read"
MODULES_FILE: Final = "modules.json"
MAX_MODULES_BYTES: Final = 1 << 20


def is_readable(files: Listing, name: str) -> bool:
    """Whether the listing holds that file and could look into it."""
    facts = files.get(name)
    return facts is not None and facts.content != "unread"


def read_listed(files: Listing, name: str, *, max_bytes: int = MAX_BYTES) -> JsonFile:
    """Read a JSON file by its relative name; one that is not there is `JsonFile(fault="absent")`."""
    if files.get(name) is None:
        return JsonFile(fault="absent")
    if not is_readable(files, name):
        return JsonFile(fault=UNREAD)
    return read_json(files.path(name), max_bytes=max_bytes)


def transformer_folder(files: Listing) -> str:
    """The folder, with its slash, in which a sentence-transformers model keeps its config.json and its tokenizer.

    Older ones do ("0_Transformer/"); "" where config.json lies at the top, or there is no such model.
    """
    if files.get("config.json") is not None or files.get(MODULES_FILE) is None:
        return ""
    modules = read_listed(files, MODULES_FILE, max_bytes=MAX_MODULES_BYTES).value
    for module in modules if isinstance(modules, list) else ():
        path = module.get("path") if isinstance(module, dict) else None
        if isinstance(path, str) and path and files.get(f"{path}/config.json") is not None:
            return f"{path}/"
    return ""


def below(files: Listing, folder: str) -> Listing:
    """The listing of one folder of a listing, as if it had been listed itself."""
    inside = {name.removeprefix(folder): each for name, each in files.files.items() if name.startswith(folder)}
    return Listing(files.path(folder), inside, complete=files.complete)


def lifted(faults: tuple[Fault, ...], folder: str) -> tuple[Fault, ...]:
    """The same faults, their files named from the directory above the folder."""
    return tuple(
        Fault(folder + each.file, each.message, each.line, each.column, each.pointer, each.met, each.bomb)
        for each in faults
    )
