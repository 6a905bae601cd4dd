"""The process that `run.py` starts for one reader: `python fuzz/one.py READER PLACE CORPUS -runs=N …`."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["resolver"]):
    from readers import READERS, Reader

LIMITS = ("-rss_limit_mb=300", "-timeout=20", "-max_len=16384", "-print_final_stats=1", "-verbosity=0")
SLOW_S = 1.0


def main() -> None:
    """Prepare and run; does not return, because the fuzzer ends the process."""
    name, place, corpus, *options = sys.argv[1:]
    reader, root = READERS[name], Path(place) / "model"
    reader.prepare(root)
    _seed(reader, root, Path(corpus))
    atheris.Setup([sys.argv[0], *LIMITS, *options, f"-artifact_prefix={corpus}/", corpus], _case(reader, root))
    atheris.Fuzz()


def _seed(reader: Reader, root: Path, corpus: Path) -> None:
    contents = [(number, (root / name).read_bytes()) for number, name in enumerate(reader.files)]
    contents += [(number, data) for number in range(len(reader.files)) for data in reader.more]
    for count, (number, data) in enumerate(contents):
        (corpus / f"seed-{count}").write_bytes(bytes([number]) + data)


def _case(reader: Reader, root: Path) -> Callable[[bytes], None]:
    """One case: write it, read it, put the whole file back. A new slowest one is told on stderr."""
    whole = {file: (root / file).read_bytes() for file in reader.files}
    slowest = [0.01]

    def case(data: bytes) -> None:
        if not data:
            return
        file = reader.files[data[0] % len(reader.files)]
        (root / file).write_bytes(data[1:])
        started = time.process_time()
        try:
            reader.read(root)
        except reader.refusals:
            return
        finally:
            (root / file).write_bytes(whole[file])
        took = time.process_time() - started
        if took > slowest[0]:
            slowest[0] = took
            print(f"slowest {took:.4f}", file=sys.stderr, flush=True)
        if took > SLOW_S:
            raise TimeoutError(f"{took:.2f} s of processor time")

    return case


if __name__ == "__main__":
    main()
