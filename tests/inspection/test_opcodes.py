"""The abstract machine against the real one: no name that an unpickler would resolve escapes it.

The oracle is Python's own unpickler with `find_class` replaced: it records the name and hands back an inert object,
so nothing is imported or called.
"""

import io
import os
import pickle
import pickletools
from typing import Any, Self

import pytest
from hostile import FORBIDDEN, call
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.inspection.opcodes import UNRESOLVED, walk
from resolver.inspection.pickle_allowlist import ALLOWED

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))
FUZZ = settings(max_examples=EXAMPLES, deadline=None)


class Inert:
    """Takes anything, does nothing."""

    def __new__(cls, *_: Any, **__: Any) -> Self:
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass


class Recorder(pickle._Unpickler):
    """The pure Python unpickler: the one in C takes gigabytes for a memo with a large number."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.resolved: list[str] = []

    def find_class(self, module: str, name: str) -> Any:
        self.resolved.append(f"{'builtins' if module == '__builtin__' else module}.{name}")
        return Inert

    def persistent_load(self, _: Any) -> Any:
        return Inert()


def really_resolved(data: bytes) -> tuple[list[str], bool]:
    recorder = Recorder(data)
    try:
        recorder.load()
    except Exception:  # noqa: BLE001 - whatever stops it, what it resolved before counts
        return recorder.resolved, False
    return recorder.resolved, True


def nothing_escapes(data: bytes) -> None:
    found = walk(data)
    resolved, finished = really_resolved(data)
    bad = {name for name in resolved if name not in ALLOWED}
    if len(found.forbidden) < 20 and UNRESOLVED not in found.forbidden:
        assert bad <= set(found.forbidden), (bad, found, data)
    assert not bad or found.forbidden, data
    if finished:
        assert found.finished, (found, data)


SAFE = st.binary(max_size=60).map(lambda data: data.replace(b"\x96", b"N"))  # BYTEARRAY8 allocates before it reads
OPCODES = bytes(code.code.encode("latin-1")[0] for code in pickletools.opcodes)


@FUZZ
@given(data=SAFE)
def test_any_bytes_never_raise_and_nothing_escapes(data: bytes) -> None:
    nothing_escapes(data)


@FUZZ
@given(codes=st.lists(st.sampled_from(sorted(OPCODES)), max_size=40).map(bytes), tail=SAFE)
def test_any_opcodes_never_raise_and_nothing_escapes(codes: bytes, tail: bytes) -> None:
    nothing_escapes((codes + tail).replace(b"\x96", b"N"))


@FUZZ
@given(
    name=st.sampled_from(FORBIDDEN),
    protocol=st.integers(0, 5),
    edits=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255), st.booleans()), max_size=3),
)
def test_mutated_hostile_pickles_are_never_judged_clean(
    name: str, protocol: int, edits: list[tuple[int, int, bool]]
) -> None:
    data = bytearray(call(name, protocol=protocol))
    for where, byte, insert in edits:
        at = where % len(data)
        data[at : at + (not insert)] = bytes([byte]).replace(b"\x96", b"N")
    nothing_escapes(bytes(data))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.binary(min_size=1, max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3) | st.tuples(inner)
    ),
    max_leaves=12,
)


@FUZZ
@given(value=VALUES, protocol=st.integers(0, 5), name=st.sampled_from(FORBIDDEN), hide=st.booleans())
def test_plain_values_are_clean_and_a_payload_among_them_is_found(
    value: Any, protocol: int, name: str, hide: bool
) -> None:
    plain = pickle.dumps(value, protocol)
    found = walk(plain)
    assert (found.finished, found.forbidden, found.end) == (True, (), len(plain))
    # The value is pushed and dropped; then comes the payload, or its function's name from the memo.
    hostile = plain[:-1] + b"0" + (call(name, protocol=0) if not hide else _through_memo(name))
    assert walk(hostile).forbidden == (name,)
    nothing_escapes(hostile)


def _through_memo(name: str) -> bytes:
    module, _, function = name.rpartition(".")
    return f"V{module}\np900\n0V{function}\np901\n0g900\ng901\n".encode() + b"\x93(Vx\ntR."


@pytest.mark.parametrize("name", FORBIDDEN)
@pytest.mark.parametrize("protocol", range(6))
def test_every_forbidden_name_is_found_in_every_protocol(name: str, protocol: int) -> None:
    found = walk(call(name, protocol=protocol))
    assert (found.forbidden, found.calls, found.finished) == ((name,), True, True)


@pytest.mark.parametrize("name", sorted(ALLOWED)[::12])
def test_allowed_names_are_clean(name: str) -> None:
    assert walk(call(name)).forbidden == ()


def test_python_2_name_of_builtins_is_the_same_name() -> None:
    assert walk(b"\x80\x02c__builtin__\nset\n]\x85R.").forbidden == ()
    assert walk(b"\x80\x02c__builtin__\neval\n]\x85R.").forbidden == ("builtins.eval",)
