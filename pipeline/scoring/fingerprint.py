"""What makes the packs of two runs the same work, as digests by name; never times or paths.

Of weights the header, the size and sampled blocks are read: a shard of 5 GB costs as little as one of 5 MB, and weights
that were trained further differ everywhere.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipeline.arena.calibration import NAME as CALIBRATION
from pipeline.training.record import MAX_HEADER

BLOCK: Final = 4096
BLOCKS: Final = 64
# Weights; all else that a loader may open is small and read whole, up to a bound.
WEIGHTS: Final = (".safetensors", ".bin", ".pt", ".pth")
SMALL: Final = (".json", ".model", ".txt", ".jinja")
MOST: Final = 200_000_000


def directory_digest(path: Path) -> str:
    """A digest of a model's or an adapter's directory."""
    digest = hashlib.sha256()
    for file in sorted(each for each in path.iterdir() if each.is_file()):
        if file.suffix in WEIGHTS:
            digest.update(file.name.encode() + file.stat().st_size.to_bytes(8, "little"))
            for block in _sampled(file):
                digest.update(block)
        elif file.suffix in SMALL and file.name != CALIBRATION:  # it comes after the logits that a journal keeps
            with file.open("rb") as opened:
                digest.update(file.name.encode() + hashlib.sha256(opened.read(MOST)).digest())
    return digest.hexdigest()[:32]


def weights_bytes(path: Path) -> int:
    """Bytes of a directory's weights."""
    return sum(file.stat().st_size for file in path.iterdir() if file.suffix in WEIGHTS and file.is_file())


def _sampled(file: Path) -> Iterator[bytes]:
    size = file.stat().st_size
    with file.open("rb") as opened:
        if file.suffix == ".safetensors":
            length = int.from_bytes(opened.read(8), "little")
            yield opened.read(min(length, MAX_HEADER))
        for number in range(BLOCKS):
            opened.seek(max(0, size - BLOCK) * number // max(1, BLOCKS - 1))
            yield opened.read(BLOCK)
