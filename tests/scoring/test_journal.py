"""Wherever a file is cut or a byte is flipped, whole records come back as they were, and nothing else does."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SettingsError
from pipeline.scoring.journal import FileJournal, frame, frames, pack_payload

FINGERPRINT = {"model": "m", "rows": "r"}
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "200"))
payloads = st.lists(st.binary(max_size=40) | st.just(b"\nARENA1\n"), min_size=1, max_size=6)


def file_of(records: list[bytes]) -> tuple[bytes, list[int]]:
    data, ends = b"", []
    for each in records:
        data += frame(each, len(data))
        ends.append(len(data))
    return data, ends


@settings(max_examples=EXAMPLES, deadline=None)
@given(payloads, st.data())
def test_a_cut_keeps_exactly_the_records_before_it(records: list[bytes], data: st.DataObject) -> None:
    whole, ends = file_of(records)
    cut = data.draw(st.integers(0, len(whole)))
    assert list(frames(whole[:cut])) == [each for each, end in zip(records, ends, strict=True) if end <= cut]


@settings(max_examples=EXAMPLES, deadline=None)
@given(payloads, st.data())
def test_a_flipped_byte_loses_its_own_record_alone(records: list[bytes], data: st.DataObject) -> None:
    whole, ends = file_of(records)
    at, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    broken = bytearray(whole)
    broken[at] ^= 1 << bit
    hit = next(number for number, end in enumerate(ends) if at < end)
    assert list(frames(bytes(broken))) == records[:hit] + records[hit + 1 :]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_journal_hold_no_record(noise: bytes) -> None:
    assert list(frames(noise)) == []
    assert list(frames(b"x" + frame(b"moved", 0) + noise)) == []


def opened(path: Path, **more: object) -> FileJournal:
    journal = FileJournal(path)
    journal.open(FINGERPRINT, **more)  # type: ignore[arg-type]
    return journal


def test_what_was_kept_comes_back_to_the_bit(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = opened(path)
    row = (0.10000000149011612, -3.5, float("inf"))  # a float32, as all logits are
    journal.keep("a", (row, None))
    journal.decide({"kind": "stop", "at": 3})
    journal.close()
    again = opened(path)
    assert (again.logits("a"), again.logits("b")) == ((row, None), None)
    assert again.decisions() == ({"kind": "stop", "at": 3},)
    again.close(remove=True)
    assert not path.exists()


@pytest.mark.parametrize("cut", [1, 5, 60, 150])
def test_a_damaged_journal_is_made_whole_before_it_is_appended_to(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "j"
    journal = opened(path)
    for key in "abc":
        journal.keep(key, ((1.0, 2.0, 3.0),))
    journal.close()
    path.write_bytes(path.read_bytes()[:-cut])
    again = opened(path)
    kept = again.packs
    again.keep("d", ((4.0, 5.0, 6.0),))
    again.close()
    third = opened(path)
    assert (third.packs, third.logits("d")) == (kept + 1, ((4.0, 5.0, 6.0),))
    assert kept < 3
    third.close()


def test_another_runs_journal_is_refused_by_what_differs_and_forgotten_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = opened(path)
    journal.keep("a", ((1.0,),))
    journal.close()
    before = path.read_bytes()
    with pytest.raises(SettingsError, match="it is the journal of another run: model differs"):
        FileJournal(path).open(FINGERPRINT | {"model": "other"})
    assert path.read_bytes() == before
    other = FileJournal(path)
    other.open(FINGERPRINT | {"model": "other"}, fresh=True)
    assert other.packs == 0
    other.close()
    assert json.loads(next(frames(path.read_bytes())))["fingerprint"]["model"] == "other"


def test_two_runs_do_not_write_one_journal(tmp_path: Path) -> None:
    journal = opened(tmp_path / "j")
    with pytest.raises(SettingsError, match="another run is writing it"):
        opened(tmp_path / "j")
    journal.close()
    opened(tmp_path / "j").close()


def test_a_lock_survives_that_the_damaged_file_is_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b"noise")
    journal = opened(path)
    with pytest.raises(SettingsError, match="another run is writing it"):
        opened(path)
    journal.close()


def test_a_full_disk_ends_the_journal_and_not_the_run(tmp_path: Path) -> None:
    """In a process of its own: a limit on the size of files stands for the disk."""
    code = (
        "import resource, sys; from pathlib import Path; from pipeline.scoring.journal import FileJournal\n"
        "said = []\n"
        "journal = FileJournal(Path(sys.argv[1]), said.append); journal.open({})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "for n in range(100): journal.keep(str(n), ((1.0, 2.0, 3.0),))\n"
        "assert journal.packs == 100 and len(said) == 1, said\n"
        "journal.close()\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "j")],
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    again = FileJournal(tmp_path / "j")
    again.open({})
    assert 5 < again.packs < 100
    again.close()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_record_holds_float32_and_says_what_is_absent() -> None:
    head, _, body = pack_payload("k", (None, (1.0, 2.0))).partition(b"\0")
    assert json.loads(head) == {"pack": "k", "rows": 2, "columns": 2, "absent": [0]}
    assert len(body) == 4 * 4
