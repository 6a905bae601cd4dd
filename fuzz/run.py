"""Fuzz readers, guided by coverage: `python fuzz/run.py [READER …] [--cases N] [--seconds S] [--corpus DIR]`.

Each reader in a process of its own; prints a line a reader: cases, the slowest, the most memory held. A case that
raises, takes a second of processor time or fills 300 MB ends its process, is kept, and makes the exit code 1.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FACTS = {"cases": "number_of_executed_units", "new": "new_units_added", "peak_mb": "peak_rss_mb"}

MEMORY = Path("/dev/shm")  # noqa: S108 - the system's own, where it has one


def main() -> int:
    """Run each reader that is asked for; 1 where one of them failed."""
    from readers import READERS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*", help=", ".join(READERS))
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=0, help="for each reader; 0 for no limit")
    parser.add_argument("--corpus", type=Path, default=Path(tempfile.gettempdir()) / "fuzz-corpus")
    asked = parser.parse_args()
    unknown = set(asked.readers) - set(READERS)
    if unknown:
        parser.error(f"no reader is called {', '.join(sorted(unknown))}")
    failed = [name for name in asked.readers or READERS if not _fuzz(name, asked)]
    if failed:
        print(f"failed: {', '.join(failed)}; the cases lie in {asked.corpus}")
    return 1 if failed else 0


def _fuzz(name: str, asked: argparse.Namespace) -> bool:
    corpus = asked.corpus / name
    corpus.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    limits = [f"-runs={asked.cases}", f"-max_total_time={asked.seconds}"]
    memory = MEMORY if MEMORY.is_dir() else None  # every case writes a file
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=memory) as place:
        command = [sys.executable, str(Path(__file__).with_name("one.py")), name, place, str(corpus), *limits]
        ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    took = time.monotonic() - started
    facts = {fact: _stat(said, ended.stderr) for fact, said in FACTS.items()}
    slowest = max((float(each) for each in re.findall(r"^slowest ([\d.]+)$", ended.stderr, re.MULTILINE)), default=0.0)
    told = " ".join(f"{fact} {number:,}" for fact, number in facts.items())
    print(f"{name:12} {told} slowest {slowest * 1000:.0f} ms, {took:.0f} s{'' if ended.returncode == 0 else ' FAILED'}")
    if ended.returncode != 0:
        print("\n".join(ended.stderr.splitlines()[-25:]))
    sys.stdout.flush()
    return ended.returncode == 0


def _stat(name: str, text: str) -> int:
    found = re.search(rf"^stat::{name}:\s*(\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
