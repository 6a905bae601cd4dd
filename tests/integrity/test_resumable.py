"""Hashing that goes on where it was: the same hashes, fewer bytes, and nothing that is not so."""

import hashlib
import os
from pathlib import Path

import pytest

from resolver.integrity import resumable
from resolver.integrity.journal import Journal, Midstate, key_of
from resolver.integrity.midstate import library_version, portable_digest
from resolver.integrity.reading import BUFFER_BYTES
from resolver.integrity.resumable import Wanted, hash_resumably

SUBJECT = "ab" * 32
SIZE = 3 * BUFFER_BYTES + 17


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of three pieces and a rest, which has lain there for long enough."""
    path = tmp_path / "a"
    path.write_bytes(os.urandom(SIZE))
    monkeypatch.setattr("resolver.integrity.journal.SETTLED_NS", -1)
    monkeypatch.setattr(resumable, "KEPT_EVERY_S", -1.0)
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def interrupted(place: Path, path: Path, algorithm: str, at: int) -> None:
    """The journal of a run that was killed after so many bytes."""
    digest = portable_digest(algorithm, SIZE)
    digest.take(bytearray(path.read_bytes()[:at]), at)
    journal = Journal(place, SUBJECT)
    journal.note_midstate(key_of(str(path)), algorithm, Midstate(at, digest.state(), library_version()))
    os.close(journal._handle)
    journal._handle = None


def resumed(place: Path, path: Path, algorithm: str = "sha256"):
    with Journal(place, SUBJECT) as journal:
        return hash_resumably([Wanted(str(path), SIZE, algorithm)], journal)[0]


@pytest.mark.skipif(not library_version(), reason="this Python's libcrypto has no states to give")
@pytest.mark.parametrize("algorithm", ["sha256", "git-sha1"])
@pytest.mark.parametrize("at", [0, 1, 64, BUFFER_BYTES, 2 * BUFFER_BYTES + 5, SIZE])
def test_the_middle_of_a_file_is_where_it_goes_on(file: Path, tmp_path: Path, algorithm: str, at: int) -> None:
    with Journal(tmp_path / "none", SUBJECT, keep=False) as journal:
        (whole,) = hash_resumably([Wanted(str(file), SIZE, algorithm)], journal)
    interrupted(tmp_path / "runs", file, algorithm, at)
    found = resumed(tmp_path / "runs", file, algorithm)
    assert (found.text, found.read_bytes, found.resumed_bytes) == (whole.text, SIZE - at, at)


@pytest.mark.skipif(not library_version(), reason="this Python's libcrypto has no states to give")
def test_a_file_that_was_touched_is_read_from_its_beginning(file: Path, tmp_path: Path) -> None:
    interrupted(tmp_path / "runs", file, "sha256", BUFFER_BYTES)
    os.utime(file)
    found = resumed(tmp_path / "runs", file)
    assert (found.text, found.read_bytes, found.resumed_bytes) == (sha256(file), SIZE, 0)


@pytest.mark.skipif(not library_version(), reason="this Python's libcrypto has no states to give")
def test_a_state_of_another_library_is_not_taken(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(tmp_path / "runs", file, "sha256", BUFFER_BYTES)
    monkeypatch.setattr(resumable, "library_version", lambda: "another")
    assert resumed(tmp_path / "runs", file).read_bytes == SIZE


def test_without_states_whole_files_are_gone_on_with(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumable, "portable_digest", lambda *_: None)
    second = tmp_path / "b"
    second.write_bytes(os.urandom(SIZE))
    journal = Journal(tmp_path / "runs", SUBJECT)
    hash_resumably([Wanted(str(file), SIZE, "sha256")], journal)
    os.close(journal._handle)
    with Journal(tmp_path / "runs", SUBJECT) as again:
        wanted = [Wanted(str(each), SIZE, "sha256") for each in (file, second)]
        first, other = hash_resumably(wanted, again)
    assert (first.text, first.read_bytes, first.resumed_bytes) == (sha256(file), 0, SIZE)
    assert (other.text, other.read_bytes) == (sha256(second), SIZE)


def test_a_run_that_ended_gives_nothing_to_the_next(file: Path, tmp_path: Path) -> None:
    assert resumed(tmp_path / "runs", file).read_bytes == SIZE
    assert resumed(tmp_path / "runs", file).read_bytes == SIZE


def test_a_file_that_changes_while_it_is_read_has_no_hash(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writes the first byte while the last is read, and puts the time back."""
    status = file.stat()
    take = resumable._Task.take

    def taken(self, buffer, count) -> None:
        take(self, buffer, count)
        if count < BUFFER_BYTES:
            with file.open("r+b") as stream:
                stream.write(b"?")
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    monkeypatch.setattr(resumable._Task, "take", taken)
    found = resumed(tmp_path / "runs", file)
    assert (found.text, found.fault) == (None, "it changed while it was read")


def test_a_file_that_is_young_is_not_noted(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(SIZE))
    journal = Journal(tmp_path / "runs", SUBJECT)
    hash_resumably([Wanted(str(path), SIZE, "sha256")], journal)
    assert journal._path.read_bytes() == b""
    os.close(journal._handle)


@pytest.mark.parametrize("kind", ["absent", "shorter", "longer", "pipe"])
def test_what_cannot_be_read_to_its_end_says_why(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind != "absent":
        path.write_bytes(bytes(SIZE + (5 if kind == "longer" else -5)))
    found = resumed(tmp_path / "runs", path)
    assert found.text is None
    assert found.fault
