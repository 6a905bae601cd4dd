"""What could not be read, as a value: which file, where in it, and what was met."""

from resolver.inspection.strict_json import JsonFile
from resolver.record import Record


class Fault(Record):
    """One thing in one file that is not as it has to be.

    Attributes:
        file: relative name of the file.
        message: what was met, e.g. "not JSON: Expecting value" or "hidden_size is a string, not a whole number".
        line, column: where decoding stopped, from 1; None where that has no meaning.
        pointer: JSON pointer of the value, e.g. "/hidden_size"; None where the whole file is meant.
        met: of a value with a wrong type: what it is instead, e.g. "a string".
        bomb: the file is larger or deeper than an honest one can be.
    """

    file: str
    message: str
    line: int | None = None
    column: int | None = None
    pointer: str | None = None
    met: str | None = None
    bomb: bool = False


def fault_of(file: str, read: JsonFile) -> Fault | None:
    """The fault of a JSON file that had to be an object; None where it is one.

    A byte order mark is a fault although the value behind it can be read: every loader stops at it.
    """
    if read.fault is not None:
        return Fault(file, read.fault, read.line, read.column, bomb=read.bomb)
    if not read.is_object:
        return Fault(file, f"is {kind_of(read.value)}, not an object", pointer="")
    if "byte order mark" in read.irregular:
        return Fault(file, "begins with a byte order mark", 1, 1)
    return None


def kind_of(value: object) -> str:
    """What a JSON value is, in words.

    >>> kind_of(True), kind_of("8"), kind_of([])
    ('true', 'a string', 'an array')
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    names = {str: "a string", int: "a whole number", float: "a fraction", list: "an array", dict: "an object"}
    return names.get(type(value), type(value).__name__)
