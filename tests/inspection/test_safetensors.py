"""The header reader against the library it stands in for: the same verdict on any bytes, and no byte read too many."""

import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_factory import header_bytes, write_safetensors
from safetensors import SafetensorError, safe_open

from resolver.inspection.safetensors import BITS, HEADER_CAP, Header, HeaderFault, parse_header, read_header

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def library_takes(path: Path) -> bool:
    try:
        with safe_open(path, "np"):
            return True
    except SafetensorError:
        return False


def agrees(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    mine = read_header(path)
    assert isinstance(mine, Header | HeaderFault)
    if not (isinstance(mine, HeaderFault) and mine.kind == "bomb"):
        assert isinstance(mine, Header) == library_takes(path), (mine, data[:400])


@FUZZ
@given(data=st.binary(max_size=200))
def test_any_bytes_give_a_header_or_a_fault(tmp_path: Path, data: bytes) -> None:
    agrees(tmp_path / "x", data)


@FUZZ
@given(text=st.binary(max_size=120), data=st.integers(0, 16))
def test_any_text_as_a_header_is_judged_as_by_the_library(tmp_path: Path, text: bytes, data: int) -> None:
    agrees(tmp_path / "x", struct.pack("<Q", len(text)) + text + bytes(data))


@st.composite
def headers(draw: st.DrawFn) -> tuple[list[tuple[str, Any]], int]:
    """A valid header as pairs, and the length of its data."""
    at = 0
    pairs: list[tuple[str, Any]] = []
    for number in range(draw(st.integers(0, 4))):
        dtype = draw(st.sampled_from(sorted(BITS)))
        shape = draw(st.lists(st.integers(0, 5), max_size=3))
        bits = BITS[dtype]
        for factor in shape:
            bits *= factor
        size = -(-bits // 8)
        pairs.append((f"t{number}", {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}))
        at += size
    if draw(st.booleans()):
        pairs.insert(0, ("__metadata__", draw(st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2))))
    return draw(st.permutations(pairs)), at


ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 20), st.sampled_from([2**40, 2**63, 2**64 - 1, 2**64, 10**30, -0.0, 1.0, 1e300]),
    st.text(max_size=3), st.lists(st.integers(0, 9), max_size=3), st.dictionaries(st.text(max_size=2), st.integers(0, 3), max_size=2),
    st.sampled_from(["F32", "f32", "F128", "BF16", "\ud800", "\0"]),
)  # fmt: skip


@FUZZ
@given(
    drawn=headers(),
    edits=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 5), ODD), max_size=3),
    more=st.integers(-1, 1),
)
def test_random_headers_are_judged_as_by_the_library(
    tmp_path: Path, drawn: tuple[list[tuple[str, Any]], int], edits: list[tuple[int, int, Any]], more: int
) -> None:
    pairs, size = json.loads(json.dumps(drawn[0])), drawn[1]
    for where, how, odd in edits:
        if not pairs:
            break
        pair = pairs[where % len(pairs)]
        entry = pair[1]
        if how == 0 or not isinstance(entry, dict) or "dtype" not in entry:
            pair[1] = odd
        elif how == 1:
            entry[["dtype", "shape", "data_offsets"][where % 3]] = odd
        elif how == 2:
            entry["data_offsets"] = [odd, size]
        elif how == 3:
            entry["shape"] = [*entry["shape"], odd] if isinstance(entry["shape"], list) else odd
        elif how == 4:
            entry[str(odd)] = odd
        else:
            pairs.append([pair[0], entry])
    text = "{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in pairs) + "}"
    raw = text.encode()
    agrees(tmp_path / "x", struct.pack("<Q", len(raw)) + raw + bytes(max(0, size + more)))


ENTRY = '"dtype":"F32","shape":[2],"data_offsets":[0,8]'
CORNERS = [
    f'{{"a":{{{ENTRY}}}}}', '{"a":["F32",[2],[0,8]]}', '{"a":["F32",[2],[0,8],1]}', f'{{"a":{{{ENTRY},"x":1e999}}}}',
    '{"a":{"dtype":{"F32":null},"shape":[2],"data_offsets":[0,8]}}', f'{{"a":{{{ENTRY},"x":{"9" * 400}}}}}',
    f'{{"a":{{{ENTRY},"x":{"9" * 5000}}}}}', f'{{"a":{{{ENTRY},"x":-0}}}}', f'{{"a":{{{ENTRY},"x":NaN}}}}',
    f'{{"a":{{{ENTRY},"x":"\\ud800"}}}}', f'{{"a":{{{ENTRY},"x":"\\ud83d\\ude00"}}}}', f'{{"a\\ud800":{{{ENTRY}}}}}',
    *(f'{{"a":{{{ENTRY},"x":{"[" * deep}{"]" * deep}}}}}' for deep in (123, 124, 125, 126, 127, 2000)),
    *(f'{{"a":{{{ENTRY},"x":{chr(123) + chr(34) + chr(34) + ":"}{"[" * deep}{"]" * deep}{chr(125)}}}}}' for deep in (124, 125)),
    f'{{"a":{{{ENTRY},"x":1,"x":2}}}}', f'{{"a":{{{ENTRY},"dtype":"F32"}}}}', f'{{"a":{{{ENTRY}}},"a":{{{ENTRY}}}}}',
    f'{{"a":3,"a":{{{ENTRY}}}}}', f'{{"a":{{"dtype":"X"}},"a":{{{ENTRY}}}}}', '{"__metadata__":null}',
    '{"__metadata__":{},"__metadata__":{}}', '{"__metadata__":{"a":"b","a":"c"}}', '{"__metadata__":{"a":"b","a":1}}',
    '{"a":{"dtype":"F32","shape":[1099511627776,1099511627776,0],"data_offsets":[0,0]}}',
    '{"a":{"dtype":"F32","shape":[0,1099511627776,1099511627776],"data_offsets":[0,0]}}',
    '{"a":{"dtype":"F32","shape":[18446744073709551615,0],"data_offsets":[0,0]}}',
    '{"a":{"dtype":"U8","shape":[18446744073709551615,0],"data_offsets":[0,0]}}',
    '{"a":{"dtype":"F32","shape":[18446744073709551616,0],"data_offsets":[0,0]}}',
    '{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}', '{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}',
    "{}", "  {}", "{}\n\t ", "{}\0", "\ufeff{}", "[]", "null", "[{},null]", "",
]  # fmt: skip


@pytest.mark.parametrize("size", [0, 1, 8])
@pytest.mark.parametrize("text", CORNERS)
def test_corners_are_judged_as_by_the_library(tmp_path: Path, text: str, size: int) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    agrees(tmp_path / "x", struct.pack("<Q", len(raw)) + raw + bytes(size))


def test_tensors_are_those_that_the_library_tells(tmp_path: Path) -> None:
    tensors = {"a": ("F32", (2, 3), None), "b": ("BF16", (4,), None), "c": ("I64", (), None), "d": ("U8", (0, 9), None)}
    path = write_safetensors(tmp_path / "x", tensors, metadata={"format": "pt", "who": "we"})
    header = read_header(path)
    assert isinstance(header, Header)
    with safe_open(path, "pt") as library:
        assert header.metadata == library.metadata()
        assert set(header.tensors) == set(library.keys())
        for name, tensor in header.tensors.items():
            told = library.get_slice(name)
            assert (tensor.dtype, list(tensor.shape)) == (told.get_dtype(), told.get_shape())
    assert header.bytes_by_dtype == {"F32": 24, "BF16": 8, "I64": 8, "U8": 0}
    assert header.elements_by_dtype == {"F32": 6, "BF16": 4, "I64": 1, "U8": 0}
    assert header.data_bytes == 40


def test_nothing_behind_the_header_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_safetensors(tmp_path / "x", {"a": ("F32", (1000,), None)})
    spans: list[tuple[int, int]] = []
    real_pread, real_read = os.pread, os.read

    def pread(handle: int, count: int, at: int) -> bytes:
        spans.append((at, at + count))
        return real_pread(handle, count, at)

    def read(handle: int, count: int) -> bytes:
        spans.append((0, count))
        return real_read(handle, count)

    monkeypatch.setattr(os, "pread", pread)
    monkeypatch.setattr(os, "read", read)
    header = read_header(path)
    assert isinstance(header, Header)
    assert max(end for _, end in spans) == 8 + header.header_bytes


def test_bomb_is_told_by_its_length_alone(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as stream:
        stream.write(struct.pack("<Q", HEADER_CAP + 1))
        stream.truncate(HEADER_CAP + 100)
    fault = read_header(tmp_path / "x")
    assert isinstance(fault, HeaderFault)
    assert fault.kind == "bomb"


def test_absent_file_and_directory_are_faults(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        fault = read_header(path)
        assert isinstance(fault, HeaderFault)
        assert fault.kind == "unreadable"


@pytest.mark.parametrize(
    ("header", "size", "kind", "tensor"),
    [
        ({"a": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}, 12, "offset", "a"),
        ({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}, 12, "offset", "b"),
        ({"a": {"dtype": "F33", "shape": [2], "data_offsets": [0, 8]}}, 8, "dtype", "a"),
        ({"a": {"shape": [2], "data_offsets": [0, 8]}}, 8, "entry", "a"),
        ({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 8]}}, 8, "overflow", "a"),
        ({"__metadata__": {"a": 1}}, 0, "metadata", None),
        ([1], 0, "json", None),
    ],
)  # fmt: skip
def test_each_broken_condition_has_its_name(header: Any, size: int, kind: str, tensor: str | None) -> None:
    text = header_bytes(header)[8:]
    fault = parse_header(text, 8 + len(text) + size)
    assert isinstance(fault, HeaderFault)
    assert (fault.kind, fault.tensor) == (kind, tensor)
