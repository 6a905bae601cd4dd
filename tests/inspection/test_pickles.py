"""Scanning any file and any archive: never an exception, bounded, and raw storages stay what they are."""

import os
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from hostile import call, zipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolver.inspection import pickles
from resolver.inspection.files import list_files
from resolver.inspection.pickles import PickleFacts, scan_pickles

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))
FUZZ = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
STARTS = st.sampled_from(
    [b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0", b"\x93NUMPY\x01\0", b"\x80\x02", b"GGUF"]
)


def scan(folder: Path, data: bytes, name: str = "x.bin") -> tuple[PickleFacts, ...]:
    (folder / name).write_bytes(data)
    return scan_pickles(list_files(folder))


@FUZZ
@given(start=STARTS, data=st.binary(max_size=120))
def test_any_bytes_never_raise(tmp_path: Path, start: bytes, data: bytes) -> None:
    scan(tmp_path, start + data)


@FUZZ
@given(edits=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_archives_of_hostile_members_are_never_judged_clean(
    tmp_path: Path, edits: list[tuple[int, int]]
) -> None:
    """Either the payload is found, or the archive is said to be broken; the members' data is left as it is."""
    payload = call("os.system")
    data = bytearray(zipped({"archive/data.pkl": payload, "archive/version": b"3\n"}))
    begins = data.index(payload)
    for where, byte in edits:
        at = where % len(data)
        if at > 3 and not begins <= at < begins + len(payload):
            data[at] = byte
    found = scan(tmp_path, bytes(data))
    assert any(each.forbidden or each.fault for each in found), found


def test_stored_member_with_two_sizes_is_broken(tmp_path: Path) -> None:
    """Found by fuzzing: too large to be summed, and moved by a byte, it was taken for no pickle at all."""
    payload = call("os.system")
    data = bytearray(zipped({"archive/data.pkl": payload, "archive/version": b"3\n"}))
    data[28] = 1  # its own header's extra field: the data begins a byte later
    data[148] = 4  # the directory's size before packing: 64 MB more
    (found,) = scan(tmp_path, bytes(data))
    assert "in another size" in str(found.fault)


def test_text_that_begins_like_a_pickle_is_none(tmp_path: Path) -> None:
    """Both were met in site-packages: INST without a mark stops the unpickler before it resolves anything."""
    (tmp_path / "top_level.txt").write_text("isympy\nsympy\n")
    (tmp_path / "precedence.pth").write_text(
        "import os; var = 'X'; enabled = os.environ.get(var, 'local') == 'local'; \n"
    )
    assert scan_pickles(list_files(tmp_path)) == ()


def test_sixty_four_bit_archive_is_read(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "x.bin", "w") as archive,
        archive.open("a/data.pkl", "w", force_zip64=True) as member,
    ):
        member.write(call("os.system"))
    (found,) = scan_pickles(list_files(tmp_path))
    assert (found.member, found.forbidden, found.fault) == ("a/data.pkl", ("os.system",), None)


def test_torch_files_of_both_forms_are_clean(tmp_path: Path) -> None:
    state = {f"layer.{n}": torch.randn(300, 300) for n in range(4)}
    torch.save(state, tmp_path / "new.bin")
    torch.save(state, tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    found = scan_pickles(list_files(tmp_path))
    assert [(each.file, each.forbidden, each.fault) for each in found] == [("new.bin", (), None), ("old.bin", (), None)]
    assert all(each.names for each in found)


def test_raw_storages_of_an_old_torch_file_are_not_followed(tmp_path: Path) -> None:
    storage = torch.frombuffer(bytearray(call("os.system", protocol=4).ljust(64, b"N")), dtype=torch.uint8)
    torch.save({"a": storage}, tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    (found,) = scan_pickles(list_files(tmp_path))
    assert (found.forbidden, found.fault) == ((), None)


def test_magic_number_alone_does_not_hide_what_follows(tmp_path: Path) -> None:
    magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
    assert scan(tmp_path, magic + call("os.system"))[0].forbidden == ("os.system",)


def test_gigabytes_are_not_read(tmp_path: Path) -> None:
    """A sparse file stands for a large one: what is read stays below the bound."""
    torch.save({"a": torch.ones(4)}, tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    with (tmp_path / "old.bin").open("ab") as stream:
        stream.truncate(40 * 1024**3)
    with (tmp_path / "huge.pkl").open("wb") as stream:
        stream.write(b"\x80\x04B" + struct.pack("<I", 2**31))
        stream.truncate(3 * 1024**3)
    found = {each.file: each.fault for each in scan_pickles(list_files(tmp_path))}
    assert found["old.bin"] is None
    assert str(found["huge.pkl"]).startswith("longer than")


def test_bound_of_a_directory_is_a_fault_and_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        (tmp_path / f"{number}.pkl").write_bytes(call("os.system"))
    budget = pickles._Budget(bytes_left=0)
    monkeypatch.setattr(pickles, "_Budget", lambda: budget)
    found = scan_pickles(list_files(tmp_path))
    assert [each.fault is not None for each in found] == [True, True, True]
