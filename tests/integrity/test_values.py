"""What the scanner sees in tensors, compared with what torch sees in the same file."""

import json
import random
import struct
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from resolver.inspection.safetensors import BITS, Header, parse_header, read_header
from resolver.integrity.reading import Reading, read_all
from resolver.integrity.values import COUNTED, FLOATS, Scanner

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz,
    "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
    "F8_E8M0": torch.float8_e8m0fnu,
}


def scan(path: Path) -> dict:
    header = read_header(path)
    assert isinstance(header, Header), header
    scanner = Scanner(header)
    (outcome,) = read_all([Reading(str(path), path.stat().st_size, (scanner,))])
    assert outcome.fault is None
    assert scanner.values().read == sum(
        each.dtype in FLOATS and each.end > each.start for each in header.tensors.values()
    )
    return {each.name: each for each in scanner.values().notable}


def seen_by_torch(tensor: torch.Tensor) -> tuple[int, int, bool, int]:
    """NaN, infinite, all zero, finite and infinite once it is half precision."""
    wide = tensor.to(torch.float64)
    half = wide.to(torch.float16) if tensor.dtype != torch.float16 else tensor
    overflows = torch.isinf(half) & torch.isfinite(wide)
    if tensor.dtype == torch.float8_e8m0fnu:  # scales, powers of two: nobody turns them into half precision
        overflows = torch.zeros_like(overflows)
    return int(torch.isnan(wide).sum()), int(torch.isinf(wide).sum()), bool((wide == 0).all()), int(overflows.sum())


def told(values, name: str) -> tuple[int, int, bool, int]:
    each = values.get(name)
    return (0, 0, False, 0) if each is None else (each.nan, each.inf, each.zero, each.overflowing)


@pytest.mark.parametrize("name", sorted(DTYPES))
def test_not_finite_elements_at_random_places_are_counted_as_torch_counts_them(tmp_path: Path, name: str) -> None:
    dtype = DTYPES[name]
    seed = torch.Generator().manual_seed(len(name) * 1009 + ord(name[-1]))
    tensors = {"sound": (torch.randn(257, 129, generator=seed) * 0.05).to(dtype)}
    for number in range(12):
        size = int(torch.randint(1, 40_000, (1,), generator=seed))
        wide = torch.randn(size, generator=seed) * 0.05
        for value in (float("nan"), float("inf"), float("-inf"), 65_504.0, 65_520.0, 1e30, -70_000.0):
            count = int(torch.randint(0, 6 if number % 3 else 2_000, (1,), generator=seed))
            wide[torch.randint(0, size, (count,), generator=seed)] = value
        tensors[f"spoilt{number}"] = wide.to(dtype)
    path = tmp_path / "x.safetensors"
    safetensors.torch.save_file(tensors, path)
    values = scan(path)
    assert {each: told(values, each) for each in tensors} == {each: seen_by_torch(t) for each, t in tensors.items()}
    assert "sound" not in values
    assert any(each.nan for each in values.values())


@pytest.mark.parametrize("name", ["F32", "BF16", "F64"])
def test_the_largest_value_beyond_half_precision_is_told(tmp_path: Path, name: str) -> None:
    tensor = torch.randn(5_000)
    tensor[4_321] = -123_456.0
    tensor[17] = 99_000.0
    path = tmp_path / "x.safetensors"
    safetensors.torch.save_file({"w": tensor.to(DTYPES[name])}, path)
    assert scan(path)["w"].largest == pytest.approx(123_456.0, rel=0.01)


@pytest.mark.parametrize("name", [*sorted(DTYPES), "I32", "I8", "U8", "BOOL"])
def test_zeros_of_either_sign_are_seen_and_one_other_element_ends_it(tmp_path: Path, name: str) -> None:
    kind = {"I32": torch.int32, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool, **DTYPES}[name]
    zeros = torch.zeros(3_001) if name != "F8_E8M0" else torch.full((3_001,), 2.0**-127)
    negative = zeros.clone()
    negative[::2] = -0.0
    almost = zeros.clone()
    almost[2_999] = 1.0
    tensors = {"zeros": zeros.to(kind), "negative": negative.to(kind), "almost": almost.to(kind)}
    path = tmp_path / "x.safetensors"
    safetensors.torch.save_file(tensors, path)
    values = scan(path)
    assert {each: told(values, each)[2] for each in tensors} == {
        each: bool((tensor.to(torch.float64) == 0).all()) for each, tensor in tensors.items()
    }


def test_a_tensor_of_nan_alone_is_counted_as_far_as_it_helps(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    safetensors.torch.save_file({"w": torch.full((4_000, 1_000), float("nan"), dtype=torch.bfloat16)}, path)
    values = scan(path)["w"]
    assert values.more
    assert COUNTED <= values.nan <= 4_000_000


def test_every_pattern_of_sixteen_bits_is_judged_as_torch_judges_it(tmp_path: Path) -> None:
    """All 65,536 of them, each a tensor's share, for the two half-precision kinds."""
    raw = torch.arange(-32_768, 32_768, dtype=torch.int32).to(torch.int16)
    path = tmp_path / "x.safetensors"
    for dtype in (torch.bfloat16, torch.float16):
        tensors = {f"{n}": raw[n * 64 : n * 64 + 64].clone().view(dtype) for n in range(1_024)}
        safetensors.torch.save_file(tensors, path)
        values = scan(path)
        assert {each: told(values, each) for each in tensors} == {each: seen_by_torch(t) for each, t in tensors.items()}


PIECES = st.lists(st.tuples(st.sampled_from(sorted(BITS)), st.integers(0, 9)), min_size=1, max_size=8)


@given(PIECES, st.integers(0, 2**32), st.lists(st.integers(1, 40), min_size=1, max_size=40), st.integers(0, 7))
def test_how_the_bytes_are_cut_does_not_matter(pieces: list, seed: int, cuts: list[int], blanks: int) -> None:
    """Chunks end anywhere, headers have any length: an element may lie in several pieces."""
    entries, at = {}, 0
    for number, (dtype, count) in enumerate(pieces):
        end = at + 8 * count * BITS[dtype] // 8
        entries[f"t{number}"] = {"dtype": dtype, "shape": [8 * count], "data_offsets": [at, end]}
        at = end
    text = json.dumps(entries).encode() + b" " * blanks
    rng = random.Random(seed)  # noqa: S311 - repeatable bytes, not secrets
    spoilt = bytes(rng.choice((0, 0, 0x7F, 0xFF, 0x80, 0x7C, 0x47, rng.randrange(256))) for _ in range(at))
    data = bytearray(struct.pack("<Q", len(text)) + text + spoilt)
    header = parse_header(text, len(data))
    assert isinstance(header, Header), header
    whole, cut = Scanner(header), Scanner(header)
    whole.take(bytearray(data), len(data))
    rest = data
    while rest:
        count = min(cuts[len(rest) % len(cuts)], len(rest))
        cut.take(bytearray(rest[:count]) + b"\x7f\xff", count)
        rest = rest[count:]
    assert cut.values() == whole.values()
    for name, tensor in safetensors.torch.load(bytes(data)).items() if _torch_reads(pieces) else ():
        if tensor.dtype in DTYPES.values() and tensor.numel():
            each = {one.name: one for one in whole.values().notable}
            assert told(each, name)[:3] == seen_by_torch(tensor)[:3]


def _torch_reads(pieces: list) -> bool:
    return {dtype for dtype, _ in pieces} <= {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "I32", "U8", "I8"}
