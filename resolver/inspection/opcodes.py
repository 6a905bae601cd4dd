"""A pickle's opcodes, followed without running one: which names it would resolve and whether it would call them.

An abstract machine: strings are kept, because a name may be put together on the stack or fetched from the memo; all
other values are opaque. Nothing is imported, built or called, and memory and time are bounded by the bytes given.
The pickle module is not used: it unpickles, and pickletools refuses bytes that unpicklers take.
"""

from collections.abc import Callable
from typing import Final

from resolver.inspection.pickle_allowlist import ALLOWED
from resolver.record import Record

MAX_OPCODES: Final = 3_000_000
MAX_FORBIDDEN: Final = 20
UNRESOLVED: Final = "<a name that is not written in the file>"
PYTHON_2: Final = {"__builtin__": "builtins"}
BIG_STRING: Final = 512  # no module or name is longer: what is, is kept as an opaque value


class Walk(Record):
    """What one pickle would do.

    Attributes:
        end: offset behind its last opcode.
        finished: whether STOP was reached; otherwise `fault` says what stood in the way.
        forbidden: names outside the allowlist, in the order in which they are resolved, "module.name".
        names: how many names are resolved.
        calls: whether anything is called or built with a state.
        fault: why it cannot be followed to its end.
            short: whether `fault` is that the data ended; with more of it the walk might go on.
        started: whether it opens with the PROTO opcode, as every pickle of protocol 2 and later does.
    """

    end: int
    finished: bool
    forbidden: tuple[str, ...] = ()
    names: int = 0
    calls: bool = False
    fault: str | None = None
    short: bool = False
    started: bool = False


class _Stop(Exception):  # noqa: N818 - it never leaves this file
    pass


class _Malformed(Exception):  # noqa: N818 - as above
    pass


class _Short(_Malformed):
    pass


_MARK: Final = object()
_OPAQUE: Final = None


def walk(data: bytes, start: int = 0) -> Walk:
    """Follow the pickle that begins at `start`. Raises nothing."""
    machine = _Machine(data, start)
    fault = None
    finished = short = False
    try:
        machine.run()
        fault = f"more than {MAX_OPCODES:,} opcodes"
    except _Stop:
        finished = True
    except _Malformed as error:
        fault, short = str(error), isinstance(error, _Short) or machine.cut
    return Walk(
        machine.at,
        finished,
        tuple(machine.forbidden),
        machine.names,
        machine.calls,
        fault,
        short,
        data[start : start + 1] == b"\x80",
    )


class _Machine:
    """The stack, the memo and the place in the bytes."""

    def __init__(self, data: bytes, start: int) -> None:
        self.data = data
        self.at = start
        self.stack: list[object] = []
        self.memo: dict[int, object] = {}
        self.forbidden: list[str] = []
        self.names = 0
        self.calls = False
        self.cut = False

    def run(self) -> None:
        data, size = self.data, len(self.data)
        for _ in range(MAX_OPCODES):
            if self.at >= size:
                raise _Short(f"ends at byte {size:,} without its last opcode")
            opcode = data[self.at]
            action = _ACTIONS[opcode]
            if action is None:
                raise _Malformed(f"byte {opcode:#04x} at offset {self.at:,} is no opcode")
            self.at += 1
            action(self)

    # --- reading arguments

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise _Short(f"an argument of {count:,} bytes at offset {self.at:,} exceeds the data")
        part = self.data[self.at : end]
        self.at = end
        return part

    def skip(self, count: int) -> None:
        if self.at + count > len(self.data):
            raise _Short(f"an argument of {count:,} bytes at offset {self.at:,} exceeds the data")
        self.at += count

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def line(self) -> bytes:
        end = self.data.find(b"\n", self.at)
        if end < 0:  # as the unpicklers: the last line of a file loses its last byte, and is taken all the same
            self.cut = True
            end = len(self.data)
            part = self.data[self.at : end - 1]
        else:
            part = self.data[self.at : end]
        self.at = min(end + 1, len(self.data))
        return part

    # --- the stack

    def push(self, value: object = _OPAQUE) -> None:
        self.stack.append(value)

    def pop(self, count: int = 1) -> None:
        if count > len(self.stack):
            raise _Malformed(f"takes from an empty stack before offset {self.at:,}")
        del self.stack[len(self.stack) - count :]

    def pop_to_mark(self) -> None:
        stack = self.stack
        while stack:
            if stack.pop() is _MARK:
                return
        raise _Malformed(f"takes a mark that is not there before offset {self.at:,}")

    def top(self) -> object:
        if not self.stack:
            raise _Malformed(f"takes from an empty stack before offset {self.at:,}")
        return self.stack[-1]

    def text(self, part: bytes) -> None:
        if len(part) > BIG_STRING:
            self.push()
        else:
            self.push(part.decode("utf-8", "surrogatepass") if _is_utf8(part) else _OPAQUE)

    # --- what matters

    def resolve(self, module: object, name: object) -> None:
        self.names += 1
        if isinstance(module, str) and isinstance(name, str):
            full = f"{PYTHON_2.get(module, module)}.{name}"
            if full in ALLOWED:
                return
        else:
            full = UNRESOLVED
        if full not in self.forbidden and len(self.forbidden) < MAX_FORBIDDEN:
            self.forbidden.append(full)


def _is_utf8(part: bytes) -> bool:
    try:
        part.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


Action = Callable[[_Machine], None]


def _constant(width: int) -> Action:
    def act(machine: _Machine) -> None:
        machine.skip(width)
        machine.push()

    return act


def _counted(width: int, *, text: bool) -> Action:
    def act(machine: _Machine) -> None:
        size = machine.number(width)
        if text and size <= BIG_STRING:
            machine.text(machine.take(size))
        else:
            machine.skip(size)
            machine.push()

    return act


def _line_constant(machine: _Machine) -> None:
    machine.line()
    machine.push()


def _line_text(machine: _Machine) -> None:
    """UNICODE: written with escapes; only what needs none is a name that we know."""
    part = machine.line()
    machine.text(part) if b"\\" not in part else machine.text(_unescaped(part))


def _unescaped(part: bytes) -> bytes:
    try:
        return part.decode("raw-unicode-escape").encode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return b"\xff"  # an unpickler stops here; so that it is no name


def _line_string(machine: _Machine) -> None:
    """STRING: a quoted literal of Python 2."""
    part = machine.line().strip()
    quoted = len(part) > 1 and part[:1] == part[-1:] and part[:1] in {b"'", b'"'}
    if not quoted:
        raise _Malformed(f"a string without quotes before offset {machine.at:,}")
    machine.text(part[1:-1]) if b"\\" not in part else machine.push()


def _pops(count: int) -> Action:
    def act(machine: _Machine) -> None:
        machine.pop(count)

    return act


def _pops_and_pushes(count: int) -> Action:
    def act(machine: _Machine) -> None:
        machine.pop(count)
        machine.push()

    return act


def _calls(count: int) -> Action:
    def act(machine: _Machine) -> None:
        machine.pop(count)
        machine.push()
        machine.calls = True

    return act


def _build(machine: _Machine) -> None:
    machine.pop()
    machine.calls = True


def _mark(machine: _Machine) -> None:
    machine.push(_MARK)


def _from_mark(machine: _Machine) -> None:
    machine.pop_to_mark()
    machine.push()


def _into_container(machine: _Machine) -> None:
    machine.pop_to_mark()
    machine.top()


def _pop_mark(machine: _Machine) -> None:
    machine.pop_to_mark()


def _object(machine: _Machine) -> None:
    _from_mark(machine)
    machine.calls = True


def _duplicate(machine: _Machine) -> None:
    machine.push(machine.top())


def _stop(machine: _Machine) -> None:
    machine.top()
    raise _Stop


def _name_line(machine: _Machine) -> str | None:
    part = machine.line()
    try:
        return part.decode("utf-8")
    except UnicodeDecodeError:  # every unpickler decodes before it imports, and stops here
        raise _Malformed(f"a name that is not UTF-8 before offset {machine.at:,}") from None


def _global(machine: _Machine) -> None:
    module = _name_line(machine)
    machine.resolve(module, _name_line(machine))
    machine.push()


def _instance(machine: _Machine) -> None:
    module = _name_line(machine)
    machine.resolve(module, _name_line(machine))
    _object(machine)


def _stack_global(machine: _Machine) -> None:
    machine.top()
    stack = machine.stack
    if len(stack) < 2:  # noqa: PLR2004 - the module and the name
        raise _Malformed(f"takes from an empty stack before offset {machine.at:,}")
    name, module = stack.pop(), stack.pop()
    machine.resolve(module, name)
    machine.push()


def _extension(width: int) -> Action:
    def act(machine: _Machine) -> None:
        code = machine.number(width)
        machine.names += 1
        if len(machine.forbidden) < MAX_FORBIDDEN:
            machine.forbidden.append(f"<extension registry, code {code}>")
        machine.push()

    return act


def _put_line(machine: _Machine) -> None:
    machine.memo[_line_number(machine)] = machine.top()


def _get_line(machine: _Machine) -> None:
    _fetch(machine, _line_number(machine))


def _line_number(machine: _Machine) -> int:
    try:  # as the unpicklers do: int() also takes "+1" and "1_0"
        number = int(machine.line())
    except ValueError:
        number = -1
    if number < 0:
        raise _Malformed(f"a memo's number that is none before offset {machine.at:,}")
    return number


def _put(width: int) -> Action:
    def act(machine: _Machine) -> None:
        machine.memo[machine.number(width)] = machine.top()

    return act


def _get(width: int) -> Action:
    def act(machine: _Machine) -> None:
        _fetch(machine, machine.number(width))

    return act


def _fetch(machine: _Machine, place: int) -> None:
    if place not in machine.memo:
        raise _Malformed(f"fetches memo {place}, which is empty, before offset {machine.at:,}")
    machine.push(machine.memo[place])


def _memoize(machine: _Machine) -> None:
    machine.memo[len(machine.memo)] = machine.top()


def _skip(width: int) -> Action:
    def act(machine: _Machine) -> None:
        machine.skip(width)

    return act


def _nothing(machine: _Machine) -> None:
    machine.top()


# Every opcode of protocols 0 to 5; names as in CPython's pickle.py.
_TABLE: Final[dict[bytes, Action]] = {
    b"(": _mark,  # MARK
    b".": _stop,  # STOP
    b"0": _pops(1),  # POP
    b"1": _pop_mark,  # POP_MARK
    b"2": _duplicate,  # DUP
    b"F": _line_constant,  # FLOAT
    b"I": _line_constant,  # INT
    b"J": _constant(4),  # BININT
    b"K": _constant(1),  # BININT1
    b"L": _line_constant,  # LONG
    b"M": _constant(2),  # BININT2
    b"N": _constant(0),  # NONE
    b"P": _line_constant,  # PERSID
    b"Q": _pops_and_pushes(1),  # BINPERSID
    b"R": _calls(2),  # REDUCE
    b"S": _line_string,  # STRING
    b"T": _counted(4, text=True),  # BINSTRING
    b"U": _counted(1, text=True),  # SHORT_BINSTRING
    b"V": _line_text,  # UNICODE
    b"X": _counted(4, text=True),  # BINUNICODE
    b"a": _pops(1),  # APPEND
    b"b": _build,  # BUILD
    b"c": _global,  # GLOBAL
    b"d": _from_mark,  # DICT
    b"}": _constant(0),  # EMPTY_DICT
    b"e": _into_container,  # APPENDS
    b"g": _get_line,  # GET
    b"h": _get(1),  # BINGET
    b"i": _instance,  # INST
    b"j": _get(4),  # LONG_BINGET
    b"l": _from_mark,  # LIST
    b"]": _constant(0),  # EMPTY_LIST
    b"o": _object,  # OBJ
    b"p": _put_line,  # PUT
    b"q": _put(1),  # BINPUT
    b"r": _put(4),  # LONG_BINPUT
    b"s": _pops(2),  # SETITEM
    b"t": _from_mark,  # TUPLE
    b")": _constant(0),  # EMPTY_TUPLE
    b"u": _into_container,  # SETITEMS
    b"G": _constant(8),  # BINFLOAT
    b"B": _counted(4, text=False),  # BINBYTES
    b"C": _counted(1, text=False),  # SHORT_BINBYTES
    b"\x80": _skip(1),  # PROTO
    b"\x81": _calls(2),  # NEWOBJ
    b"\x82": _extension(1),  # EXT1
    b"\x83": _extension(2),  # EXT2
    b"\x84": _extension(4),  # EXT4
    b"\x85": _pops_and_pushes(1),  # TUPLE1
    b"\x86": _pops_and_pushes(2),  # TUPLE2
    b"\x87": _pops_and_pushes(3),  # TUPLE3
    b"\x88": _constant(0),  # NEWTRUE
    b"\x89": _constant(0),  # NEWFALSE
    b"\x8a": _counted(1, text=False),  # LONG1
    b"\x8b": _counted(4, text=False),  # LONG4
    b"\x8c": _counted(1, text=True),  # SHORT_BINUNICODE
    b"\x8d": _counted(8, text=True),  # BINUNICODE8
    b"\x8e": _counted(8, text=False),  # BINBYTES8
    b"\x8f": _constant(0),  # EMPTY_SET
    b"\x90": _into_container,  # ADDITEMS
    b"\x91": _from_mark,  # FROZENSET
    b"\x92": _calls(3),  # NEWOBJ_EX
    b"\x93": _stack_global,  # STACK_GLOBAL
    b"\x94": _memoize,  # MEMOIZE
    b"\x95": _skip(8),  # FRAME
    b"\x96": _counted(8, text=False),  # BYTEARRAY8
    b"\x97": _constant(0),  # NEXT_BUFFER
    b"\x98": _nothing,  # READONLY_BUFFER
}
_ACTIONS: Final[tuple[Action | None, ...]] = tuple(_TABLE.get(bytes((code,))) for code in range(256))
