"""Whole files through the reader: every byte once, faults as values, memory that does not grow, Ctrl-C that ends it."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from command_runs import PROJECT
from huggingface_hub.utils.sha import git_hash
from hypothesis import given
from hypothesis import strategies as st
from model_factory import model_dir

from resolver.integrity.hashing import Digest, hash_files
from resolver.integrity.reading import BUFFER_BYTES, Reading, read_all


class Collector:
    def __init__(self) -> None:
        self.data = b""

    def take(self, buffer: bytearray, count: int) -> None:
        self.data += buffer[:count]


@given(st.lists(st.integers(0, 3 * BUFFER_BYTES // 2), max_size=5), st.integers(0, 9))
def test_hashes_are_those_of_hashlib_and_of_the_hub(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], seed: int
) -> None:
    root = tmp_path_factory.mktemp("hashed")
    contents = [random.Random(seed + at).randbytes(size) for at, size in enumerate(sizes)]  # noqa: S311 - data
    for at, data in enumerate(contents):
        (root / str(at)).write_bytes(data)
    paths = [(str(root / str(at)), len(data)) for at, data in enumerate(contents)]
    wanted = [(path, size, kind) for path, size in paths for kind in ("sha256", "git-sha1")]
    told = [each.text for each in hash_files(wanted)]
    assert told == [text for data in contents for text in (hashlib.sha256(data).hexdigest(), git_hash(data))]


def test_every_consumer_gets_every_byte_in_order(tmp_path: Path) -> None:
    data = os.urandom(2 * BUFFER_BYTES + 17)
    (tmp_path / "x").write_bytes(data)
    first, second = Collector(), Collector()
    (outcome,) = read_all([Reading(str(tmp_path / "x"), len(data), (first, second))])
    assert (outcome.read_bytes, outcome.fault) == (len(data), None)
    assert first.data == second.data == data


def test_progress_rises_to_the_total_and_comes_to_the_thread_that_asked(tmp_path: Path) -> None:
    readings = []
    for name in "abc":
        (tmp_path / name).write_bytes(bytes(BUFFER_BYTES))
        readings.append(Reading(str(tmp_path / name), BUFFER_BYTES, ()))
    seen: list[tuple[int, int, threading.Thread]] = []
    read_all(readings, lambda done, total: seen.append((done, total, threading.current_thread())))
    assert [done for done, *_ in seen] == sorted(done for done, *_ in seen)
    assert seen[-1][:2] == (3 * BUFFER_BYTES, 3 * BUFFER_BYTES)
    assert {thread for *_, thread in seen} == {threading.main_thread()}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda path: path.write_bytes(bytes(99)), "it changed while it was read"),
        (lambda path: path.write_bytes(bytes(101)), "it changed while it was read"),
        (lambda path: path.unlink(), "No such file or directory"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "it is no regular file any more"),
        (lambda path: (path.unlink(), path.mkdir()), "it is no regular file any more"),
    ],
)
def test_a_file_that_is_not_what_was_listed_is_a_fault(tmp_path: Path, change, fault: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(100))
    change(path)
    (other,) = (tmp_path / "sound",)
    other.write_bytes(b"abc")
    spoilt, sound = hash_files([(str(path), 100, "sha256"), (str(other), 3, "sha256")])
    assert (spoilt.text, spoilt.fault) == (None, fault)
    assert sound.text == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file here whose first byte cannot be read")
def test_a_disk_that_fails_is_a_fault_that_says_where() -> None:
    """The memory of a process is a regular file whose first page answers EIO, as a failing disk does."""
    (told,) = hash_files([("/proc/self/mem", 1 << 20, "sha256")])
    assert (told.text, told.fault) == (None, "Input/output error, at byte 0")


def test_what_a_consumer_raises_comes_out_and_no_thread_stays(tmp_path: Path) -> None:
    class Broken:
        def take(self, buffer: bytearray, count: int) -> None:
            raise ZeroDivisionError

    (tmp_path / "x").write_bytes(b"abc")
    before = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError):
        read_all([Reading(str(tmp_path / "x"), 3, (Broken(),))] * 4)
    assert set(threading.enumerate()) <= before


def test_nothing_to_read_is_nothing_done() -> None:
    assert read_all([]) == ()


def sparse_model(root: Path, size_bytes: int) -> Path:
    """One tensor of so many bytes, none of them on the disk."""
    rows = size_bytes // 2 // 4096
    return model_dir(root, tensors={"model.embed_tokens.weight": ("BF16", (rows, 4096), None)}, sparse=True)


MEASURED = """
import sys
from pathlib import Path
from resolver.inspection.describe import describe
from resolver.inspection.evidence import FileRecord, RecordedFiles
from resolver.integrity.contents import read_contents
root = Path(sys.argv[1])
record = RecordedFiles({"model.safetensors": FileRecord(None, "0" * 64, None, "here")})
(contents,) = read_contents((describe(root).replaced(on_record=record),))
read = contents.files["model.safetensors"]
assert read.fault is None and read.sha256 is not None and read.values.notable[0].zero, read
status = Path('/proc/self/status').read_text()
print(read.size_bytes, status.partition('VmHWM:')[2].split()[0])
"""


def measured(root: Path) -> tuple[int, int]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(root)], check=False, cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    size, peak = map(int, done.stdout.split())
    return size, peak * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not say what a process has held")
def test_memory_does_not_grow_with_the_model(tmp_path: Path) -> None:
    small, large = (measured(sparse_model(tmp_path / str(size), size << 20)) for size in (16, 1_024))
    assert large[0] - small[0] > 1_000 << 20
    assert large[1] < 100 << 20
    assert large[1] - small[1] < 16 << 20


ENDLESS = """
import sys
from pathlib import Path
from resolver.inspection.describe import describe
from resolver.integrity.contents import read_contents
def told(done, total):
    print(done, flush=True)
try:
    read_contents((describe(Path(sys.argv[1])),), told)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_ends_the_reading_within_moments_and_leaves_nothing(tmp_path: Path) -> None:
    root = sparse_model(tmp_path / "m", 2_000 << 30)
    before = sorted(each.name for each in root.iterdir())
    command = [sys.executable, "-c", ENDLESS, str(root)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert int(child.stdout.readline()) > 0  # it is at it
        child.send_signal(signal.SIGINT)
        began = time.monotonic()
        said, _ = child.communicate(timeout=30)
    assert time.monotonic() - began < 5
    assert said.endswith("interrupted\n")
    assert sorted(each.name for each in root.iterdir()) == before


def test_git_counts_the_size_and_no_other_hash_does() -> None:
    digest = Digest("git-sha1", 13)
    digest.take(bytearray(b"Hello, World!??"), 13)
    assert digest.text() == "b45ef6fec89518d314f546fd6c3025367b721684"
