"""JSON from files that nobody vouches for: bounded, strict, and never an exception.

Python's own reader takes NaN, duplicate keys and any depth or length; here each is a fault beside the value. A
fault that leaves no value (`fault`) is told from one that merely should not be (`irregular`).
"""

import json
from pathlib import Path
from typing import Any, Final

from resolver.record import Record

MAX_SHOWN: Final = 20  # enough to show; a bomb has millions
MAX_BYTES: Final = 256 * 1024 * 1024  # the largest honest tokenizer.json known is 33 MB


class JsonFile(Record):
    """One JSON file as read.

    Attributes:
        value: the decoded value, or None where `fault` says why there is none.
        fault: why there is no value: "absent", "unreadable: …", "too large: …", "not UTF-8: …", "not JSON: …".
        line, column: where decoding stopped, from 1; None where that has no meaning.
        irregular: what was accepted against the standard: "duplicate key 'x'", "NaN", "byte order mark".
        bomb: the file is larger or deeper than an honest one can be.
    """

    value: Any = None
    fault: str | None = None
    line: int | None = None
    column: int | None = None
    irregular: tuple[str, ...] = ()
    bomb: bool = False

    @property
    def is_object(self) -> bool:
        """Whether a JSON object was read."""
        return isinstance(self.value, dict)


def read_json(path: Path, *, max_bytes: int = MAX_BYTES) -> JsonFile:
    """Read one JSON file of at most `max_bytes` bytes. Raises nothing; a bad file is a `JsonFile` with a fault."""
    try:
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except FileNotFoundError:
        return JsonFile(fault="absent")
    except OSError as error:
        return JsonFile(fault=f"unreadable: {error.strerror or error}")
    if len(data) > max_bytes:
        return JsonFile(fault=f"too large: more than {max_bytes:,} bytes", bomb=True)
    return parse_json(data)


def _twice(items: list[tuple[str, Any]]) -> list[str]:
    """The keys that stand more than once, at most MAX_SHOWN of them."""
    seen: set[str] = set()
    twice = [key for key, _ in items if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
    return twice[:MAX_SHOWN]


def parse_json(data: bytes) -> JsonFile:
    """Decode bytes as strict JSON.

    >>> parse_json(b'{"a": 1, "a": 2}').irregular
    ("duplicate key 'a'",)
    >>> parse_json(b'<html>').fault
    'not JSON: Expecting value'
    """
    irregular: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) != len(items) and len(irregular) < MAX_SHOWN:
            irregular.extend(f"duplicate key {key!r}" for key in _twice(items))
        return result

    def constant(name: str) -> float:
        irregular.append(name)
        return float(name.replace("Infinity", "inf"))

    if data.startswith(b"\xef\xbb\xbf"):
        irregular.append("byte order mark")
        data = data[3:]
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant)
    except UnicodeDecodeError as error:
        return JsonFile(fault=f"not UTF-8: byte {data[error.start]:#04x} at offset {error.start}")
    except json.JSONDecodeError as error:
        return JsonFile(fault=f"not JSON: {error.msg}", line=error.lineno, column=error.colno)
    except RecursionError:
        return JsonFile(fault="not JSON: nested too deeply", bomb=True)
    except ValueError as error:  # an integer of more than 4,300 digits
        return JsonFile(fault=f"not JSON: {error}", bomb=True)
    return JsonFile(value=value, irregular=tuple(irregular))
