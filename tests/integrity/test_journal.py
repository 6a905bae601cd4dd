"""What an interrupted run left is taken as it was written, or not at all."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.integrity.journal import DAY_S, FileKey, Journal, Midstate, key_of, statements

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "200"))
SUBJECT = "ab" * 32
KEY = FileKey("/m/a", 10, 1, 2, 3, 4)
OTHER = FileKey("/m/b", 10, 1, 2, 3, 4)
STATE = Midstate(1 << 20, b"\x01" * 112, "OpenSSL")


def killed(journal: Journal) -> None:
    """Leave as a killed process does: nothing is removed, and the lock goes with the process."""
    os.close(journal._handle)
    journal._handle = None


def written(place: Path, clock=lambda: 1000.0) -> Path:
    journal = Journal(place, SUBJECT, clock=clock)
    journal.note_midstate(OTHER, "sha256", STATE)
    journal.note_finished(KEY, "sha256", "cd" * 32)
    killed(journal)
    (path,) = place.iterdir()
    return path


def read(place: Path, subject: str = SUBJECT, now: float = 1001.0) -> Journal:
    return Journal(place, subject, clock=lambda: now)


def test_a_killed_run_is_gone_on_with(tmp_path: Path) -> None:
    written(tmp_path / "runs")
    journal = read(tmp_path / "runs")
    assert journal.finished(KEY, "sha256") == "cd" * 32
    assert journal.midstate(OTHER, "sha256") == STATE
    assert journal.finished(KEY, "git-sha1") is journal.midstate(KEY, "sha256") is None


def test_a_run_that_ended_leaves_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "runs", SUBJECT) as journal:
        journal.note_finished(KEY, "sha256", "cd" * 32)
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_run_that_was_interrupted_leaves_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "runs", SUBJECT, clock=lambda: 1000.0)
    journal.note_finished(KEY, "sha256", "cd" * 32)
    journal.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert read(tmp_path / "runs").finished(KEY, "sha256") == "cd" * 32


@pytest.mark.parametrize("change", [{"size_bytes": 11}, {"mtime_ns": 9}, {"ctime_ns": 9}, {"inode": 9}, {"device": 9}, {"path": "/m/c"}])  # fmt: skip
def test_a_file_that_lies_otherwise_is_another_file(tmp_path: Path, change: dict) -> None:
    written(tmp_path / "runs")
    assert read(tmp_path / "runs").finished(KEY.replaced(**change), "sha256") is None


def test_another_subject_does_not_take_it_even_under_the_same_name(tmp_path: Path) -> None:
    """The name is a part of the subject alone; the checksum of each line is over all of it."""
    written(tmp_path / "runs")
    other = SUBJECT[:32] + "cd" * 16
    assert read(tmp_path / "runs", other).finished(KEY, "sha256") is None


@pytest.mark.parametrize("now", [1000.0 + DAY_S + 1, 999.0])
def test_what_is_a_day_old_or_of_the_future_is_not_taken(tmp_path: Path, now: float) -> None:
    written(tmp_path / "runs")
    assert read(tmp_path / "runs", now=now).finished(KEY, "sha256") is None


def test_a_second_run_at_the_same_time_keeps_nothing(tmp_path: Path) -> None:
    first = Journal(tmp_path / "runs", SUBJECT)
    with Journal(tmp_path / "runs", SUBJECT) as second:
        second.note_finished(KEY, "sha256", "cd" * 32)
    assert first._path.exists()
    killed(first)
    assert read(tmp_path / "runs").finished(KEY, "sha256") is None


def test_every_damage_of_a_byte_costs_that_line_at_most(tmp_path: Path) -> None:
    """All bytes, each turned in one bit: a statement is as it was written, or absent."""
    path = written(tmp_path / "runs")
    whole = path.read_bytes()
    for at in range(len(whole)):
        for bit in (0x01, 0x10, 0x80):
            damaged = bytearray(whole)
            damaged[at] ^= bit
            found = list(statements(bytes(damaged), SUBJECT))
            assert len(found) <= 1 or bytes(damaged) == whole
            assert all(each in list(statements(whole, SUBJECT)) for each in found)


def test_a_line_that_was_being_written_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = written(tmp_path / "runs")
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        journal = read(tmp_path / "runs")
        journal.note_finished(OTHER, "sha256", "ef" * 32)
        killed(journal)
        again = read(tmp_path / "runs", now=1002.0)
        assert again.finished(OTHER, "sha256") == "ef" * 32
        assert again.finished(KEY, "sha256") in {None, "cd" * 32}
        killed(again)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_no_statement(data: bytes) -> None:
    assert list(statements(data, SUBJECT)) == []


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(["file", "algorithm", "digest", "at", "state", "library", "time"]), each), max_leaves=8))  # fmt: skip
def test_any_statement_of_another_version_is_passed_over(tmp_path_factory: pytest.TempPathFactory, value) -> None:
    import json

    from resolver.integrity.journal import _checksum

    place = tmp_path_factory.mktemp("runs")
    text = json.dumps(value).encode()
    path = place / f"{SUBJECT[:32]}.journal"
    path.write_bytes(_checksum(SUBJECT, text) + b" " + text + b"\n")
    path.chmod(0o600)
    killed(read(place))


def test_it_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "state" / "runs")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("of", ["file", "folder"])
def test_what_others_may_write_is_not_believed(tmp_path: Path, of: str) -> None:
    """A journal says what need not be read: it has to be ours."""
    path = written(tmp_path / "runs")
    (path if of == "file" else path.parent).chmod(0o777)
    assert read(tmp_path / "runs").finished(KEY, "sha256") is None


def test_a_link_or_a_pipe_in_its_place_is_not_followed(tmp_path: Path) -> None:
    path = written(tmp_path / "runs")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert read(tmp_path / "runs").finished(KEY, "sha256") is None
    path.unlink()
    os.mkfifo(path, 0o600)
    with read(tmp_path / "runs") as journal:
        journal.note_finished(KEY, "sha256", "cd" * 32)


def test_where_nothing_can_be_kept_nothing_is_and_nobody_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Journal(tmp_path / "file" / "runs", SUBJECT) as journal:
        journal.note_finished(KEY, "sha256", "cd" * 32)
        assert journal.finished(KEY, "sha256") is None


def test_what_nobody_went_on_with_is_forgotten(tmp_path: Path) -> None:
    path = written(tmp_path / "runs")
    os.utime(path, (0, 0))
    with Journal(tmp_path / "runs", "cd" * 32):
        assert not path.exists()


def test_a_key_changes_with_every_writing(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x")
    before = key_of(str(file))
    status = file.stat()
    file.write_bytes(b"y")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))  # whoever puts the time back cannot put ctime back
    after = key_of(str(file))
    assert before is not None
    assert after is not None
    assert (before.mtime_ns, before.size_bytes) == (after.mtime_ns, after.size_bytes)
    assert before != after
    assert key_of(str(tmp_path)) is key_of(str(tmp_path / "absent")) is None


def test_a_file_that_has_just_been_written_is_not_settled(tmp_path: Path) -> None:
    import time

    (tmp_path / "a").write_bytes(b"x")
    key = key_of(str(tmp_path / "a"))
    assert key is not None
    assert not key.is_settled(time.time_ns())
    assert key.is_settled(time.time_ns() + 3 * 10**9)
