"""`resolver verify` beside two parallel `sha256sum`, on the same files in one interleaved run.

The files are made on the spot, of random bytes that are really written, so that no hole and no compression helps; they
lie in the page cache, because a disk would be slower than both. `lock` is told too; it does the same work. Many
a `sha256sum` does not use the processor's own instructions for it; `openssl dgst`, where it is there, does.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from measure import Figure, interleaved, run, table

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "tests"))

from model_factory import LLAMA_CONFIG, header_bytes, write_index  # noqa: E402 - the builders of the tests

FILES = 4
LEAST_RATIO, PEAK_MB = 0.95, 150
PIECE_BYTES = 1 << 24
HEAD = ("what", "GB/s", "of two sha256sum", "budget", "peak MB", "budget", "")


def lay_out(root: Path, gigabytes: float) -> int:
    """A model of four shards, each with one tensor of random bytes; returns the bytes of all files."""
    root.mkdir()
    (root / "config.json").write_text(json.dumps(LLAMA_CONFIG))
    size = int(gigabytes * 1e9 / FILES)
    for number in range(1, FILES + 1):
        entry = {f"t{number}": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}
        with (root / f"model-{number:05d}-of-{FILES:05d}.safetensors").open("wb") as stream:
            stream.write(header_bytes(entry))
            for begin in range(0, size, PIECE_BYTES):
                stream.write(os.urandom(min(PIECE_BYTES, size - begin)))
    names = sorted(each.name for each in root.glob("*.safetensors"))
    weight_map = {f"t{number}": name for number, name in enumerate(names, start=1)}
    write_index(root / "model.safetensors.index.json", weight_map, total_size=FILES * size)
    return sum(each.stat().st_size for each in root.iterdir())


def measured(root: Path, variables: dict[str, str], repeats: int) -> dict[str, Figure]:
    """Ours and theirs in turn."""
    resolver = (sys.executable, "-m", "resolver")
    lock = str(root.parent / "bench.lock")
    locking = (*resolver, "lock", str(root), "--output", lock)
    first = run(locking, variables)
    if first.exit_code:
        sys.exit(first.output)
    files = " ".join(str(each) for each in sorted(root.iterdir()))
    commands = {
        "resolver verify LOCK": (*resolver, "verify", lock),
        "two sha256sum": ("sh", "-c", f"printf '%s\\n' {files} | xargs -n 1 -P 2 sha256sum"),
        "resolver lock": locking,
        "resolver verify LOCK --only-size": (*resolver, "verify", lock, "--only-size"),
    }
    if shutil.which("openssl"):
        commands["two openssl dgst"] = ("sh", "-c", f"printf '%s\\n' {files} | xargs -n 1 -P 2 openssl dgst -sha256")
    figures = interleaved(commands, variables, repeats=repeats)
    for name, figure in figures.items():
        if figure.exit_code:
            sys.exit(f"{name}: {figure.output}")
    return figures


def rows(figures: dict[str, Figure], size_bytes: int) -> list[tuple[str, ...]]:
    """A row a command: its rate, its rate over theirs, its memory."""
    theirs = figures["two sha256sum"].milliseconds
    told = []
    for name, figure in figures.items():
        if name.endswith("--only-size"):
            told.append((name, "-", f"{figure.milliseconds:.0f} ms", "-", f"{figure.peak_bytes / 1e6:.0f}", "-", ""))
            continue
        ratio, peak = theirs / figure.milliseconds, figure.peak_bytes / 1e6
        ours = name.startswith("resolver")
        kept = "" if not ours else "kept" if ratio >= LEAST_RATIO and peak < PEAK_MB else "MISSED"
        rate = f"{size_bytes / figure.milliseconds / 1e6:.2f}"
        budgets = (f">= {LEAST_RATIO}", f"< {PEAK_MB}") if ours else ("-", "-")
        told.append((name, rate, f"{ratio:.3f}", budgets[0], f"{peak:.0f}", budgets[1], kept))
    return told


def main() -> None:
    """Lay out, measure, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--gigabytes", type=float, default=4.0, help="of all four files; default: 4")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "model"
        size_bytes = lay_out(root, asked.gigabytes)
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": place,
            "PYTHONPATH": str(PROJECT),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        figures = measured(root, variables, asked.repeats)
    print(f"{size_bytes / 1e9:.2f} GB in {FILES} files, median of {asked.repeats}")
    print(table(HEAD, rows(figures, size_bytes)))


if __name__ == "__main__":
    main()
