"""What tensors hold: NaN, infinity, nothing but zeros, more than half precision can say. Standard library alone.

A float's highest byte decides whether it can be any of these, and in sound weights almost none can. That byte of
every element is cut out with one slice and looked up with one translation, both at memory speed; only the elements
that remain are decoded. 4 GB/s of bfloat16 on one core, where torch's own isfinite does 0.5.
"""

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from typing import Final, NamedTuple

from resolver.inspection.safetensors import BITS, Header, Tensor
from resolver.record import Record, field

FP16_OVERFLOW: Final = 65_520.0  # what lies below rounds to 65,504, the largest that half precision has
COUNTED: Final = 100_000  # not-finite elements of one tensor that are counted; a tensor of NaN has millions
FEW: Final = 64  # so many elements are picked out one by one
ALL: Final = bytes(range(256))


class _Format(NamedTuple):
    """How an element is stored.

    Attributes:
        width: its bytes.
        suspects: the highest bytes to look closer at.
        zeros: the highest bytes that a zero can have.
        letter: by which `struct` reads it after `pad` zero bytes were put before it; "" where a suspect is a NaN.
        pad: see `letter`.
    """

    width: int
    suspects: bytes
    zeros: bytes
    letter: str
    pad: int = 0


def _from(lowest: int) -> bytes:
    """The bytes that are at least so large without their sign bit."""
    return bytes(each for each in ALL if each & 0x7F >= lowest)


SIGNED: Final = b"\x00\x80"
FLOATS: Final[Mapping[str, _Format]] = {
    "F64": _Format(8, _from(0x40), SIGNED, "d"),  # from 2.0 on
    "F32": _Format(4, _from(0x47), SIGNED, "f"),  # from 32,768 on
    "C64": _Format(4, _from(0x47), SIGNED, "f"),
    "BF16": _Format(2, _from(0x47), SIGNED, "f", 2),
    "F16": _Format(2, _from(0x7C), SIGNED, "e"),
    "F8_E5M2": _Format(1, _from(0x7C), SIGNED, "e", 1),
    "F8_E4M3": _Format(1, _from(0x7F), SIGNED, ""),
    "F8_E4M3FNUZ": _Format(1, b"\x80", b"\x00", ""),
    "F8_E5M2FNUZ": _Format(1, b"\x80", b"\x00", ""),
    "F8_E8M0": _Format(1, b"\xff", b"", ""),  # powers of two alone: it has no zero
}
TABLES: Final = {name: bytes(each in kind.suspects for each in ALL) for name, kind in FLOATS.items()}


class TensorValues(Record):
    """What one tensor holds.

    Attributes:
        name, dtype, shape: as stored.
        begin, end: its bytes, from the beginning of the file.
        nan, inf: how many elements; at least so many where `more` is set.
        more: counting stopped at COUNTED.
        zero: every element is zero; False for an empty tensor.
        overflowing: finite elements that become infinite in half precision.
        largest: the largest magnitude among those; None where there are none.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int
    nan: int = 0
    inf: int = 0
    more: bool = False
    zero: bool = False
    overflowing: int = 0
    largest: float | None = None


class FileValues(Record):
    """What the tensors of one file hold.

    Attributes:
        read: how many tensors of float dtypes were looked at.
        notable: those of all dtypes of which there is something to say.
    """

    read: int = 0
    notable: tuple[TensorValues, ...] = field(default_factory=tuple)


class Scanner:
    """Looks at the values of a safetensors file as its bytes come."""

    def __init__(self, header: Header) -> None:
        """Begin with the file's first byte, header included."""
        self._at = 0
        self._left = _tensors(header)
        self._tensor = next(self._left, None)
        self._notable: list[TensorValues] = []
        self._read = 0

    def take(self, buffer: bytearray, count: int) -> None:
        """As `Consumer.take`."""
        first, last = self._at, self._at + count
        self._at = last
        while (tensor := self._tensor) is not None and tensor.begin < last:
            tensor.take(buffer, max(tensor.begin, first) - first, min(tensor.end, last) - first)
            if tensor.end > last:
                return
            self._read += tensor.is_float
            if tensor.is_notable():
                self._notable.append(tensor.values())
            self._tensor = next(self._left, None)

    def values(self) -> FileValues:
        """What has been seen so far."""
        return FileValues(self._read, tuple(self._notable))


def _tensors(header: Header) -> Iterator["_Tensor"]:
    offset = 8 + header.header_bytes
    for name, stored in header.tensors.items():
        if stored.end > stored.start:
            yield _Tensor(name, stored, offset)


class _Tensor:
    """One tensor while its bytes come."""

    def __init__(self, name: str, stored: Tensor, offset: int) -> None:
        self.begin, self.end = stored.start + offset, stored.end + offset
        self._name, self._stored = name, stored
        self._format = FLOATS.get(stored.dtype) or _Format(max(1, BITS[stored.dtype] // 8), b"", b"\x00", "")
        self._table = TABLES.get(stored.dtype)
        self._carried = bytearray()
        self._nan = self._inf = self._overflowing = 0
        self._largest = 0.0
        self._zero = bool(self._format.zeros)
        self._more = False

    @property
    def is_float(self) -> bool:
        return self._table is not None

    def is_notable(self) -> bool:
        return bool(self._nan or self._inf or self._overflowing or self._zero)

    def values(self) -> TensorValues:
        dtype, shape = self._stored.dtype, self._stored.shape
        largest = self._largest if self._overflowing else None
        return TensorValues(
            self._name, dtype, shape, self.begin, self.end,
            self._nan, self._inf, self._more, self._zero, self._overflowing, largest,
        )  # fmt: skip

    def take(self, buffer: bytearray, start: int, stop: int) -> None:
        """Take a piece; an element that lies in two pieces waits for its other half."""
        width = self._format.width
        if self._carried:
            needed = width - len(self._carried)
            self._carried += buffer[start : min(start + needed, stop)]
            start = min(start + needed, stop)
            if len(self._carried) < width:
                return
            self._look(self._carried, 0, width)
            self._carried = bytearray()
        whole = stop - (stop - start) % width
        self._carried += buffer[whole:stop]
        if whole > start:
            self._look(buffer, start, whole)

    def _look(self, data: bytearray, start: int, stop: int) -> None:
        if self._zero:
            self._zero = self._is_zero(data, start, stop)
        if self._table is None or self._more:
            return
        width = self._format.width
        flags = data[start + width - 1 : stop : width].translate(self._table)
        if 1 in flags:
            self._weigh(self._decoded(_picked(data, start, stop, width, flags)))

    def _is_zero(self, data: bytearray, start: int, stop: int) -> bool:
        width = self._format.width
        if data[start:stop] == bytes(stop - start):  # at memory speed, where stripping a hole of gigabytes is not
            return True
        if data[start + width - 1 : stop : width].strip(self._format.zeros):
            return False
        return not any(data[start + lane : stop : width].strip(b"\x00") for lane in range(width - 1))

    def _decoded(self, elements: bytearray) -> Sequence[float]:
        width, pad, letter = self._format.width, self._format.pad, self._format.letter
        count = len(elements) // width
        if not letter:
            return [math.nan] * count
        wide = bytearray(count * (width + pad))
        for lane in range(width):
            wide[pad + lane :: width + pad] = elements[lane::width]
        return struct.unpack(f"<{count}{letter}", wide)

    def _weigh(self, values: Sequence[float]) -> None:
        self._nan += sum(map(math.isnan, values))
        self._inf += sum(map(math.isinf, values))
        over = [size for value in values if FP16_OVERFLOW <= (size := abs(value)) < math.inf]
        self._overflowing += len(over)
        self._largest = max(self._largest, *over, 0.0)
        self._more = self._nan + self._inf >= COUNTED


def _picked(data: bytearray, start: int, stop: int, width: int, flags: bytearray) -> bytearray:
    """The elements that are flagged, one after the other."""
    count = flags.count(1)
    picked = bytearray()
    if count <= FEW:
        at = flags.find(1)
        while at >= 0:
            picked += data[start + at * width : start + at * width + width]
            at = flags.find(1, at + 1)
        return picked
    picked = bytearray(count * width)
    for lane in range(width):
        picked[lane::width] = bytes(compress(data[start + lane : stop : width], flags))
    return picked
