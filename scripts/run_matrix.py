"""The guard's tests beside each transformers that Kaggle's images have had: one environment a version.

    python scripts/run_matrix.py --environments .venv-matrix
    python scripts/run_matrix.py --environments .venv-matrix --only 4.57.6

Each environment is made once, from the pins in tests/matrix/; torch comes alone and first, as in the Makefile.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PINS = PROJECT / "tests" / "matrix"
SUMMARY = re.compile(r"\d+ (?:passed|failed|error)")


def main() -> int:
    """Make what is missing, run the tests in each, print one line a version.

    Returns:
        0 where every version passes, otherwise 1.
    """
    options = _options()
    rows = []
    for version in options.only or versions():
        started = time.monotonic()
        python = _environment(options.environments / version, version)
        done = subprocess.run(
            [python, "-m", "pytest", "-c", PINS / "pytest.ini", f"--rootdir={PROJECT}", "tests/guard"],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        last = (done.stdout.strip().splitlines() or [done.stderr.strip()])[-1]
        passed = done.returncode == 0 and SUMMARY.search(last) is not None
        if not passed:
            say(f"{done.stdout}\n{done.stderr}")
        rows.append((version, passed, last))
        say(f"transformers {version}: {last} ({time.monotonic() - started:.0f} s with its environment)")
    return 0 if all(passed for _, passed, _ in rows) else 1


def versions() -> list[str]:
    """The versions that there are pins for, the oldest first."""
    found = [path.stem.removeprefix("transformers-") for path in PINS.glob("transformers-*.txt")]
    return sorted(found, key=lambda text: [int(part) for part in text.split(".")])


def say(text: str) -> None:
    """A line of progress, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path, required=True, help="the directory that holds them")
    parser.add_argument("--only", action="append", choices=versions(), help="this version alone; repeatable")
    return parser.parse_args()


def _environment(directory: Path, version: str) -> Path:
    python = (directory / "bin" / "python").absolute()
    pins = PINS / f"transformers-{version}.txt"
    stamp = directory / ".installed"
    if stamp.is_file() and stamp.read_text() == pins.read_text():
        return python
    say(f"making the environment of transformers {version}")
    torch = re.search(r"^torch==.*$", (PROJECT / "constraints.txt").read_text(), re.MULTILINE)
    if torch is None:
        raise SystemExit("constraints.txt does not pin torch")
    _run(sys.executable, "-m", "venv", "--clear", directory)
    _run(python, "-m", "pip", "install", "--quiet", torch.group())
    _run(python, "-m", "pip", "install", "--quiet", "-r", pins)
    stamp.write_text(pins.read_text())
    return python


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted; an environment that was not finished is made anew next time")
