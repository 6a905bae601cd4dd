"""JSON and text of files that a listing has seen: nothing is opened that the listing would not open.

A link that leaves the directory, a pipe and what could not be read are faults here, so no reader follows them.
"""

from typing import Final

from resolver.inspection.files import Listing
from resolver.inspection.strict_json import MAX_BYTES, JsonFile, read_json

UNREAD: Final = "was not read"


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
