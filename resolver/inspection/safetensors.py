"""The header of a safetensors file: names, dtypes, shapes and places of its tensors, or why there is none.

Reads eight bytes and the header they announce, never the data behind it. What the safetensors library refuses is a
`HeaderFault`; what it takes against the format is listed under `irregular`. Source of every rule: the format text
and the parser of safetensors 0.8.0, compared with it in `tests/inspection/test_safetensors.py`.
"""

import json
import math
import os
import re
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from resolver.record import Record, field

HEADER_LIMIT: Final = 100_000_000  # the library refuses more
HEADER_CAP: Final = 32 * 1024 * 1024  # 92,000 tensors take 12 MB; more than this is meant to hurt
UNSIGNED_64: Final = 1 << 64
MAX_NOTED: Final = 20

BITS: Final[Mapping[str, int]] = {
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}

FaultKind = Literal[
    "unreadable",  # the file cannot be opened or read
    "too-small",  # fewer than eight bytes
    "too-large",  # announces more than HEADER_LIMIT bytes: most often no safetensors file at all
    "bomb",  # announces more than HEADER_CAP bytes: not parsed
    "length",  # announces more bytes than the file has, and does not begin like a header
    "cut",  # begins like a header and ends before the header does
    "utf-8",
    "json",
    "metadata",  # __metadata__ is no map of strings
    "entry",  # a tensor's entry lacks a field or has one of a wrong type
    "dtype",  # a dtype that the library does not know
    "offset",  # data does not begin where the tensor before it ends: a hole, an overlap, an alias
    "overflow",  # shape x dtype exceeds 64 bits
    "sub-byte",  # elements of less than a byte do not fill the last one
    "size",  # the data's length is not shape x dtype
    "coverage",  # the tensors' data ends before or after the file does
]


class Tensor(NamedTuple):
    """One tensor as the header says it is stored: `start` and `end` count from the end of the header.

    A named tuple and not a dataclass: a mixture of experts has tens of thousands, and this is built four times faster.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class HeaderFault(Record):
    """Why the library refuses a file.

    Attributes:
        kind: the broken condition.
        message: what was met, in words and numbers.
        tensor: the name of the first tensor that breaks it, None where none does.
        expected_bytes: for "coverage" and "cut": how long the header says that the file is.
    """

    kind: FaultKind
    message: str
    tensor: str | None = None
    expected_bytes: int | None = None


class Header(Record):
    """What a valid header says.

    Attributes:
        tensors: by name, in the order of their data.
        metadata: the free text map, e.g. {"format": "pt"}.
        header_bytes: length of the JSON text.
        bytes_by_dtype: bytes of data for each dtype.
        irregular: what the library accepts against the format.
    """

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict)
    header_bytes: int = 0
    bytes_by_dtype: Mapping[str, int] = field(default_factory=dict)
    irregular: tuple[str, ...] = ()

    @property
    def data_bytes(self) -> int:
        """Bytes of all tensors."""
        return sum(self.bytes_by_dtype.values())

    @property
    def elements_by_dtype(self) -> dict[str, int]:
        """Elements for each dtype."""
        return {dtype: size * 8 // BITS[dtype] for dtype, size in self.bytes_by_dtype.items()}


class _Refused(Exception):  # noqa: N818 - it never leaves this file
    def __init__(self, kind: FaultKind, message: str, tensor: str | None = None) -> None:
        super().__init__(message)
        self.fault = HeaderFault(kind, message, tensor)


def read_header(path: Path | str) -> Header | HeaderFault:
    """Read one file's header. Raises nothing; a file that the library would refuse gives a `HeaderFault`."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        return HeaderFault("unreadable", error.strerror or str(error))
    try:
        size = os.fstat(handle).st_size
        length = os.read(handle, 9)  # one byte more than the length: whether a header begins at all
        fault = _announced(length, size)
        if fault is not None:
            return fault
        (count,) = struct.unpack("<Q", length[:8])
        return parse_header(os.pread(handle, count, 8), size)
    except OSError as error:
        return HeaderFault("unreadable", error.strerror or str(error))
    finally:
        os.close(handle)


def _announced(length: bytes, size: int) -> HeaderFault | None:
    if len(length) < 8:  # noqa: PLR2004 - the length is eight bytes
        return HeaderFault("too-small", f"{size} bytes; the length of the header alone takes 8")
    (count,) = struct.unpack("<Q", length[:8])
    if count > HEADER_LIMIT:
        return HeaderFault("too-large", f"the first 8 bytes announce a header of {count:,} bytes")
    if count > size - 8:
        message = f"announces a header of {count:,} bytes; {size - 8:,} follow"
        if length[8:] == b"{":
            return HeaderFault("cut", message, expected_bytes=count + 8)
        return HeaderFault("length", message)
    if count > HEADER_CAP:
        return HeaderFault(
            "bomb", f"announces a header of {count:,} bytes; {HEADER_CAP:,} are more than any model needs"
        )
    return None


def parse_header(text: bytes, size: int) -> Header | HeaderFault:
    """Judge the JSON text of a header as the library does.

    Args:
        text: the bytes between the length and the data.
        size: bytes of the whole file; the tensors must end exactly there.
    """
    try:
        return _parse(text, size)
    except _Refused as refused:
        return refused.fault


def _parse(text: bytes, size: int) -> Header | HeaderFault:
    items = _items(text)
    noted = _Notes(text)
    metadata = noted.metadata(items)
    tensors: dict[str, Tensor] = {}
    for name, entry in items:
        if name == "__metadata__":
            continue
        if name in tensors:
            noted.add(f"tensor name {name!r} occurs twice: the last one wins")
        tensors[name] = _tensor(name, entry, noted)
    ordered = dict(sorted(tensors.items(), key=_by_place))
    by_dtype = _tile(ordered, noted)
    end = max((tensor.end for tensor in ordered.values()), default=0)
    expected = 8 + len(text) + end
    if expected != size:
        by = f"{expected - size:,} bytes are missing" if expected > size else f"{size - expected:,} bytes too many"
        return HeaderFault("coverage", f"the header describes {expected:,} bytes; {by}", expected_bytes=expected)
    return Header(ordered, metadata, len(text), by_dtype, noted.result())


def _by_place(item: tuple[str, Tensor]) -> tuple[int, int]:
    return item[1].start, item[1].end


class _Twice(dict[str, Any]):
    """A JSON object in which a key occurs twice; `items_read` holds all of them."""

    items_read: list[tuple[str, Any]]


def _object(items: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(items)
    if len(value) == len(items):
        return value
    twice = _Twice(value)
    twice.items_read = items
    return twice


def _pairs(value: dict[str, Any]) -> list[tuple[str, Any]]:
    return value.items_read if isinstance(value, _Twice) else list(value.items())


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _Refused("json", "a number out of range")
    return value


def _constant(text: str) -> float:
    raise _Refused("json", f"{text} is not JSON")


def _whole(text: str) -> float:
    """As the library's parser: "-0" and what exceeds 64 bits are no whole numbers but fractions."""
    if text == "-0":
        return -0.0
    if len(text) > 40:  # noqa: PLR2004 - beyond 64 bits, and int() has a limit of its own
        return _number(text)
    value = int(text)
    return value if -(1 << 63) <= value < UNSIGNED_64 else _number(text)


# Where any of these occurs, numbers and characters have to be looked at one by one; honest headers have none.
SUSPICIOUS: Final = re.compile(rb"-0|[0-9]{19}|\\[uU][dD]")
DEEPEST: Final = 127  # the library's parser refuses the 128th level


def _items(text: bytes) -> list[tuple[str, Any]]:
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Refused("utf-8", f"byte {text[error.start]:#04x} at offset {error.start} is not UTF-8") from None
    careful = SUSPICIOUS.search(text) is not None
    whole: Callable[[str], Any] | None = _whole if careful else None
    try:
        value = json.loads(
            decoded, object_pairs_hook=_object, parse_float=_number, parse_constant=_constant, parse_int=whole
        )
    except json.JSONDecodeError as error:
        raise _Refused("json", f"{error.msg} at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise _Refused("json", "nested too deeply") from None
    if not isinstance(value, dict):
        raise _Refused("json", "not an object")
    # A level needs a bracket; what an honest header opens is 3 a tensor.
    brackets = text.count(b"{") + text.count(b"[") - 3 * len(value)
    if brackets >= DEEPEST - 3 and _depth(value) > DEEPEST:
        raise _Refused("json", "nested too deeply")
    if careful:
        _refuse_surrogates(value)
    return _pairs(value)


def _depth(value: object) -> int:
    """Levels of nesting, counted without recursion; honest headers have three."""
    level: list[object] = [value]
    depth = 0
    while level and depth <= DEEPEST:
        depth += 1
        below: list[object] = []
        for each in level:
            if isinstance(each, dict):
                below += [inner for _, inner in _pairs(each) if isinstance(inner, dict | list)]
            elif isinstance(each, list):
                below += [inner for inner in each if isinstance(inner, dict | list)]
        level = below
    return depth


def _refuse_surrogates(value: object) -> None:
    for each in _strings(value):
        try:
            each.encode("utf-8")
        except UnicodeEncodeError:
            raise _Refused("json", "a lone surrogate in a string") from None


def _strings(value: object) -> list[str]:
    found: list[str] = []
    queue = [value]
    for each in queue:
        if isinstance(each, str):
            found.append(each)
        elif isinstance(each, dict):
            queue += [part for pair in _pairs(each) for part in pair]
        elif isinstance(each, list):
            queue += each
    return found


class _Notes:
    """What is accepted although the format forbids it."""

    def __init__(self, text: bytes) -> None:
        self._noted: list[str] = []
        if text[:1] != b"{":
            self.add("white space stands before the header")
        if text.rstrip(b" ").endswith((b"\n", b"\t", b"\r")):
            self.add("the header ends in white space that is no blank")

    def add(self, what: str) -> None:
        if len(self._noted) < MAX_NOTED and what not in self._noted:
            self._noted.append(what)

    def result(self) -> tuple[str, ...]:
        return tuple(self._noted)

    def metadata(self, items: list[tuple[str, Any]]) -> dict[str, str]:
        """The `__metadata__` of the header, {} where there is none."""
        values = [value for name, value in items if name == "__metadata__"]
        if not values:
            return {}
        if len(values) > 1:
            raise _Refused("metadata", "__metadata__ occurs twice")
        (value,) = values
        if value is None:
            self.add("__metadata__ is null")
            return {}
        if not isinstance(value, dict):
            raise _Refused("metadata", "__metadata__ is no object")
        if any(not isinstance(each, str) for _, each in _pairs(value)):
            raise _Refused("metadata", "__metadata__ holds something that is no string")
        if isinstance(value, _Twice):
            self.add("a key of __metadata__ occurs twice: the last one wins")
        return dict(value)


FIELDS: Final = frozenset({"dtype", "shape", "data_offsets"})


def _tensor(name: str, entry: Any, noted: _Notes) -> Tensor:
    if type(entry) is not dict:
        entry = _unusual(name, entry, noted)
    if len(entry) != len(FIELDS):
        noted.add(f"tensor {name!r} has fields that the format does not know")
    try:
        dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    except KeyError as error:
        raise _Refused("entry", f"lacks {error.args[0]}", name) from None
    except (TypeError, ValueError):
        raise _Refused("entry", "data_offsets is not two whole numbers", name) from None
    if type(entry["data_offsets"]) is not list or not (_is_unsigned(start) and _is_unsigned(end)):
        raise _Refused("entry", "data_offsets is not two whole numbers from 0", name)
    if type(shape) is not list or not all(map(_is_unsigned, shape)):
        raise _Refused("entry", "shape is not a list of whole numbers from 0", name)
    if type(dtype) is not str or dtype not in BITS:
        dtype = _unusual_dtype(name, dtype, noted)
    if not name or "\0" in name:
        noted.add(f"tensor name {name!r} is empty or holds a NUL")
    return Tensor(dtype, tuple(shape), start, end)


def _is_unsigned(value: object) -> bool:
    return type(value) is int and 0 <= value < UNSIGNED_64


def _unusual(name: str, entry: Any, noted: _Notes) -> dict[str, Any]:
    """Forms of an entry that the library takes although no writer makes them."""
    if isinstance(entry, _Twice):
        keys = [key for key, _ in entry.items_read if key in FIELDS]
        if len(keys) != len(set(keys)):
            raise _Refused("entry", "a field occurs twice", name)
        return dict(entry)
    if isinstance(entry, list) and len(entry) == len(FIELDS):
        noted.add(f"tensor {name!r} is a list and no object")
        return {"dtype": entry[0], "shape": entry[1], "data_offsets": entry[2]}
    raise _Refused("entry", "is no object", name)


def _unusual_dtype(name: str, dtype: Any, noted: _Notes) -> str:
    if isinstance(dtype, dict) and len(dtype) == 1 and not isinstance(dtype, _Twice):
        ((inner, nothing),) = dtype.items()
        if inner in BITS and nothing is None:
            noted.add(f"the dtype of tensor {name!r} is an object")
            return str(inner)
    if isinstance(dtype, str):
        raise _Refused("dtype", f"dtype {dtype!r} is not known", name)
    raise _Refused("entry", "dtype is no string", name)


def _tile(ordered: Mapping[str, Tensor], noted: _Notes) -> dict[str, int]:
    """Bytes by dtype, once it is sure that the tensors lie side by side and each is as long as its shape says."""
    at = 0
    by_dtype: dict[str, int] = {}
    for name, (dtype, shape, start, end) in ordered.items():
        if start != at or end < start:
            raise _Refused("offset", _offset_message(start, end, at), name)
        at = end
        bits = BITS[dtype]
        needed = math.prod(shape) * bits
        if needed >= UNSIGNED_64 or needed == 0:
            _refuse_overflow(name, shape, bits)
        if needed % 8:
            raise _Refused("sub-byte", f"{needed} bits of {dtype} do not end at a whole byte", name)
        if needed != (end - start) * 8:
            message = f"{dtype} {list(shape)} takes {needed // 8:,} bytes, its offsets span {end - start:,}"
            raise _Refused("size", message, name)
        if bits > 8 and start % (bits // 8):  # noqa: PLR2004 - a byte lies anywhere
            noted.add(f"tensor {name!r} is {dtype} and begins at byte {start}")
        by_dtype[dtype] = by_dtype.get(dtype, 0) + end - start
    return by_dtype


def _offset_message(start: int, end: int, at: int) -> str:
    if end < start:
        return f"ends at byte {end:,}, before it begins at {start:,}"
    return f"begins at byte {start:,} where the data before it ends at {at:,}"


def _refuse_overflow(name: str, shape: tuple[int, ...], bits: int) -> None:
    """The library multiplies from the left and stops at 64 bits, even where a later 0 would make it nothing."""
    product = 1
    for factor in (*shape, bits):
        product *= factor
        if product >= UNSIGNED_64:
            raise _Refused("overflow", f"shape {list(shape)} exceeds 64 bits", name)
