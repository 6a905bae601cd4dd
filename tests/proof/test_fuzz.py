"""Every reader of untrusted bytes under a fuzzer that is guided by coverage, a few seconds each; `make fuzz` for more."""

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parents[2] / "fuzz"
SECONDS = 3


@pytest.fixture(scope="module", autouse=True)
def _fuzzer():
    pytest.importorskip("atheris", reason="atheris has no wheel for this Python")


def readers():
    code = "import sys; sys.path.insert(0, sys.argv[1]); from readers import READERS; print(*READERS)"
    said = subprocess.run([sys.executable, "-c", code, str(FUZZ)], capture_output=True, text=True, check=True)
    return said.stdout.split()


@pytest.mark.slow
def test_no_reader_raises_hangs_or_fills_the_memory(tmp_path):
    """No exception, no second of processor time, no 300 MB; several thousand cases a reader."""
    command = [sys.executable, str(FUZZ / "run.py"), "--seconds", str(SECONDS), "--cases", "10000000"]
    ended = subprocess.run([*command, "--corpus", str(tmp_path)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    rows = {line.split()[0]: int(line.split()[2].replace(",", "")) for line in ended.stdout.splitlines()}
    assert set(rows) == set(readers())
    assert min(rows.values()) > 200


def test_case_that_raises_is_found_and_kept(tmp_path):
    """The harness itself: a reader that fails on what coverage leads to must not pass."""
    bad = "def read(root):\n    data = (root / 'bytes').read_bytes()\n    if data[:1] == b'Q':\n        if data[1:2] == b'!':\n            raise ValueError\n"
    (tmp_path / "resolver").mkdir()
    (tmp_path / "resolver/__init__.py").write_text(bad)
    (tmp_path / "readers.py").write_text(
        "import collections, resolver\n"
        "Reader = collections.namedtuple('Reader', 'prepare files read more refusals')\n"
        "def prepare(root):\n    root.mkdir()\n    (root / 'bytes').write_bytes(b'P')\n"
        "READERS = {'bad': Reader(prepare, ('bytes',), resolver.read, (), (KeyError,))}\n"
    )
    for name in ("run.py", "one.py"):
        (tmp_path / name).write_text((FUZZ / name).read_text())
    command = [sys.executable, str(tmp_path / "run.py"), "--cases", "200000", "--corpus", str(tmp_path / "corpus")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "FAILED" in ended.stdout
    assert list((tmp_path / "corpus" / "bad").glob("crash-*"))
