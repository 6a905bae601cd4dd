"""What a saved state dict holds (`torch.save` of names and tensors): names, dtypes, shapes and places, unpickled never.

The opcodes are followed with a machine that knows the few that `torch.save` writes for a dictionary of tensors and
the five names that it calls; whatever else is met is refused. Nothing is imported or built, and a tensor's data is
only located: its bytes lie in a member of the archive, or behind the pickles in the older format.
"""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from resolver.record import Record

MAX_PICKLE: Final = 64 * 1024 * 1024
MAX_OPCODES: Final = 3_000_000
MAX_DIMENSIONS: Final = 16
MAGIC: Final = 0x1950A86A20F9469CFC6C
PROTOCOL: Final = 1001
ITEM_BYTES: Final = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
STORAGES: Final = {
    "torch.DoubleStorage": "F64",
    "torch.FloatStorage": "F32",
    "torch.HalfStorage": "F16",
    "torch.BFloat16Storage": "BF16",
    "torch.LongStorage": "I64",
    "torch.IntStorage": "I32",
    "torch.ShortStorage": "I16",
    "torch.CharStorage": "I8",
    "torch.ByteStorage": "U8",
    "torch.BoolStorage": "BOOL",
}
REBUILD: Final = "torch._utils._rebuild_tensor_v2"
PARAMETER: Final = "torch._utils._rebuild_parameter"
ORDERED: Final = "collections.OrderedDict"
WRAPPED: Final = ("state_dict", "model", "model_state_dict")  # where training scripts put it among other things


class StoredTensor(Record):
    """One tensor.

    Attributes:
        dtype: as safetensors names it.
        shape, stride: in elements.
        offset: of its first element, in elements from the beginning of its storage.
        at: where its storage begins in the file, in bytes.
        storage_bytes: how long that is.
    """

    dtype: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    at: int = 0
    storage_bytes: int = 0


class StateDict(Record):
    """The tensors of a file by name, or why it is not read: `fault` is None exactly where they are known."""

    tensors: Mapping[str, StoredTensor]
    fault: str | None = None


class Refused(Exception):  # noqa: N818 - says what is so
    """These bytes are no state dict that is read here; the message says why."""


class _Name(str):
    __slots__ = ()


class _Storage(Record):
    dtype: str
    key: str
    count: int


_MARK: Final = object()


def read_state_dict(path: Path | str) -> StateDict:
    """The tensors of a file that torch saved. Raises nothing."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        return StateDict({}, error.strerror or str(error))
    try:
        size = os.fstat(handle).st_size
        zipped = os.pread(handle, 4, 0) == b"PK\x03\x04"
        return StateDict(_of_zip(handle, size) if zipped else _of_legacy(handle, size))
    except Refused as refused:
        return StateDict({}, str(refused))
    except OSError as error:
        return StateDict({}, error.strerror or str(error))
    finally:
        os.close(handle)


def _of_zip(handle: int, size: int) -> dict[str, StoredTensor]:
    from resolver.inspection.zips import BrokenZip, members  # noqa: PLC0415 - only where there is one

    try:
        listed = list(members(handle, size))
    except BrokenZip as broken:
        raise Refused(f"a zip archive that cannot be read: {broken}") from broken
    found = {each.name: each for each in listed}
    pickles = [name for name in found if name.endswith("data.pkl")]
    irregular = next((each for each in listed if each.fault or each.method), None)
    if len(pickles) != 1 or len(found) != len(listed) or irregular is not None:
        told = f": {irregular.name} {irregular.fault or 'is packed'}" if irregular else ""
        raise Refused(f"an archive that torch.save has not written{told}")
    prefix = pickles[0].removesuffix("data.pkl")
    order = found.get(f"{prefix}byteorder")
    if order is not None and order.read(handle, 16)[0] != b"little":
        raise Refused("its numbers are stored in another byte order")
    data, whole = found[pickles[0]].read(handle, MAX_PICKLE)
    if not whole:
        raise Refused(f"its pickle is longer than the {MAX_PICKLE:,} bytes that are looked into")
    wanted = _tensors(_Machine(data, 0).run())
    placed = {}
    for name, (tensor, storage) in wanted.items():
        member = found.get(f"{prefix}data/{storage.key}")
        if member is None:
            raise Refused(f"the data of {name} is not in the archive")
        placed[name] = _placed(name, tensor, member.at, member.size_bytes)
    return placed


def _of_legacy(handle: int, size: int) -> dict[str, StoredTensor]:
    """Five pickles in a row, then every storage: a count of eight bytes and the numbers."""
    data = os.pread(handle, MAX_PICKLE, 0)
    at, values = 0, []
    for _ in range(5):
        machine = _Machine(data, at)
        values.append(machine.run())
        at = machine.at
        if type(values[0]) is not int or values[0] != MAGIC:
            raise Refused("neither the archive nor the row of pickles that torch.save writes")
    system = values[2] if isinstance(values[2], dict) else {}
    if type(values[1]) is not int or values[1] != PROTOCOL or not isinstance(values[4], list):
        raise Refused("a row of pickles that torch.save has not written")
    if system.get("little_endian") is not True:
        raise Refused("its numbers are stored in another byte order")
    wanted = _tensors(values[3])
    storages = {storage.key: storage for _, storage in wanted.values()}
    places: dict[object, tuple[int, int]] = {}
    for key in values[4]:
        known = storages.get(key) if isinstance(key, str) else None
        if known is None:  # its width is not known, and so not where the next one begins
            raise Refused("it holds data that belongs to no tensor of it")
        length = int.from_bytes(os.pread(handle, 8, at), "little") * ITEM_BYTES[known.dtype]
        places[key] = (at + 8, length)
        at += 8 + length
        if at > size:
            raise Refused(f"cut short: it should have {at:,} bytes and has {size:,}")
    if not all(storage.key in places for _, storage in wanted.values()):
        raise Refused("a tensor's data is not in it")
    return {name: _placed(name, tensor, *places[storage.key]) for name, (tensor, storage) in wanted.items()}


def _placed(name: str, tensor: StoredTensor, at: int, storage_bytes: int) -> StoredTensor:
    last = tensor.offset + sum((length - 1) * step for length, step in zip(tensor.shape, tensor.stride, strict=True))
    if 0 not in tensor.shape and (last + 1) * ITEM_BYTES[tensor.dtype] > storage_bytes:
        raise Refused(f"{name} reaches beyond its data")
    if math.prod(tensor.shape) * ITEM_BYTES[tensor.dtype] > storage_bytes:  # one number repeated without end
        raise Refused(f"{name} is larger than its data")
    return tensor.replaced(at=at, storage_bytes=storage_bytes)


_Found = tuple[StoredTensor, _Storage]


def _tensors(value: object) -> dict[str, _Found]:
    """The dictionary of tensors that was saved, itself or under a name that training scripts give it."""
    inner = [value[name] for name in WRAPPED if isinstance(value.get(name), dict)] if isinstance(value, dict) else []
    chosen = inner[0] if inner else value
    if isinstance(chosen, dict) and chosen and all(map(_is_tensor, chosen.values())):
        return chosen
    raise Refused("it is no dictionary of names and tensors")


def _is_tensor(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], StoredTensor)  # noqa: PLR2004 - a pair


class _Machine:
    """The stack, the memo and the place in the bytes; a tensor is a pair of itself and its storage."""

    def __init__(self, data: bytes, start: int) -> None:
        self.data, self.at = data, start
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        """The value that the pickle stands for."""
        try:
            for _ in range(MAX_OPCODES):
                opcode = self.take(1)
                if opcode == b".":
                    return self.stack.pop()
                self.step(opcode)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise Refused(f"a pickle that torch.save has not written, at byte {self.at:,}") from error
        raise Refused(f"more than {MAX_OPCODES:,} opcodes")

    def take(self, count: int) -> bytes:
        part = self.data[self.at : self.at + count]
        if len(part) < count:
            raise Refused(f"ends at byte {len(self.data):,} in the middle of its pickle")
        self.at += count
        return part

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def line(self) -> str:
        end = self.data.find(b"\n", self.at, self.at + 200)
        if end < 0:
            raise Refused("a name without an end")
        part, self.at = self.data[self.at : end], end + 1
        return part.decode("ascii", "replace")

    def marked(self) -> list[Any]:
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise IndexError
        values = self.stack[at + 1 :]
        del self.stack[at:]
        return values

    def last(self, count: int) -> tuple[Any, ...]:
        if count > len(self.stack):
            raise IndexError
        values = tuple(self.stack[-count:])
        del self.stack[-count:]
        return values

    def step(self, opcode: bytes) -> None:
        if opcode in _CONSTANTS:
            self.stack.append(_CONSTANTS[opcode]())
        elif opcode in _ACTIONS:
            _ACTIONS[opcode](self)
        else:
            raise Refused(f"opcode {opcode[0]:#04x}, which a dictionary of tensors does not need")

    # --- what is known of the opcodes

    def text(self, width: int) -> None:
        self.stack.append(self.take(self.number(width)).decode("utf-8"))

    def whole(self, width: int, *, signed: bool = False) -> None:
        self.stack.append(int.from_bytes(self.take(width), "little", signed=signed))

    def long(self) -> None:
        self.whole(self.number(1), signed=True)

    def put(self, place: int) -> None:
        self.memo[place] = self.stack[-1]

    def get(self, place: int) -> None:
        self.stack.append(self.memo[place])

    def name(self) -> None:
        self.allow(f"{self.line()}.{self.line()}")

    def stacked_name(self) -> None:
        module, name = self.last(2)
        self.allow(f"{module}.{name}")

    def allow(self, full: str) -> None:
        if full not in STORAGES and full not in {REBUILD, PARAMETER, ORDERED}:
            raise Refused(f"it calls {full[:100]}, which a dictionary of tensors does not need")
        self.stack.append(_Name(full))

    def items(self) -> None:
        values = self.marked()
        for key, value in zip(values[::2], values[1::2], strict=True):
            self.store(key, value)

    def item(self) -> None:
        self.store(*self.last(2))

    def store(self, key: Any, value: Any) -> None:
        if not isinstance(key, str):  # a tuple of tuples of … takes for ever to hash
            raise TypeError
        self.stack[-1].update({key: value})

    def appended(self) -> None:
        values = self.marked()
        self.stack[-1].extend(values)

    def persistent(self) -> None:
        """Where a tensor's data lies: ("storage", class, key, device, count) and, in the older format, a view."""
        kind, storage, key, _, count, *view = self.stack.pop()
        if kind != "storage" or not isinstance(storage, _Name) or not isinstance(key, str) or type(count) is not int:
            raise ValueError
        if view and view[0] is not None:
            raise Refused("it holds views of data in the oldest format: save it again with a torch of today")
        self.stack.append(_Storage(STORAGES[storage], key, count))

    def reduce(self) -> None:
        called, given = self.last(2)
        if called == ORDERED and given == ():
            self.stack.append({})
        elif called == PARAMETER and _is_tensor(given[0]):
            self.stack.append(given[0])
        elif called == REBUILD and isinstance(called, _Name):
            self.stack.append(_rebuilt(*given[:4]))
        else:
            raise ValueError

    def build(self) -> None:
        """The attributes of an OrderedDict, `_metadata`: versions of modules, which nobody needs."""
        state = self.stack.pop()
        if not isinstance(state, dict) or not isinstance(self.stack[-1], dict):
            raise TypeError


def _rebuilt(storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> _Found:
    numbers = (offset, *shape, *stride)
    if len(shape) != len(stride) or len(shape) > MAX_DIMENSIONS or any(type(n) is not int or n < 0 for n in numbers):
        raise ValueError
    return StoredTensor(storage.dtype, shape, stride, offset), storage


_CONSTANTS: Final[dict[bytes, Any]] = {
    b"}": dict, b"]": list, b")": tuple, b"N": lambda: None, b"\x88": lambda: True, b"\x89": lambda: False,
    b"(": lambda: _MARK,
}  # fmt: skip
_ACTIONS: Final[dict[bytes, Any]] = {
    b"\x80": lambda m: m.take(1),
    b"\x95": lambda m: m.take(8),
    b"q": lambda m: m.put(m.number(1)),
    b"r": lambda m: m.put(m.number(4)),
    b"\x94": lambda m: m.put(len(m.memo)),
    b"h": lambda m: m.get(m.number(1)),
    b"j": lambda m: m.get(m.number(4)),
    b"X": lambda m: m.text(4),
    b"\x8c": lambda m: m.text(1),
    b"K": lambda m: m.whole(1),
    b"M": lambda m: m.whole(2),
    b"J": lambda m: m.whole(4, signed=True),
    b"\x8a": lambda m: m.long(),
    b"G": lambda m: (m.take(8), m.stack.append(None)),
    b"t": lambda m: m.stack.append(tuple(m.marked())),
    b"\x85": lambda m: m.stack.append(m.last(1)),
    b"\x86": lambda m: m.stack.append(m.last(2)),
    b"\x87": lambda m: m.stack.append(m.last(3)),
    b"c": lambda m: m.name(),
    b"\x93": lambda m: m.stacked_name(),
    b"u": lambda m: m.items(),
    b"s": lambda m: m.item(),
    b"e": lambda m: m.appended(),
    b"a": lambda m: m.stack[-2].append(m.stack.pop()),
    b"Q": lambda m: m.persistent(),
    b"R": lambda m: m.reduce(),
    b"b": lambda m: m.build(),
}
