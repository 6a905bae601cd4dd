"""What a repair makes, and how it says that it makes nothing."""

from pathlib import Path

from resolver.record import Record, field
from resolver.writing import CannotMake


class CannotRepair(CannotMake):
    """Nothing was written; the message says why."""


class Repair(Record):
    """What was made.

    Attributes:
        kind: "index" or "adapter".
        source: what was read.
        target: the new directory.
        files: what is in it, by name.
        size_bytes: how large they are together.
        tensors: how many the new index or adapter names.
        notes: what somebody should know who uses it.
    """

    kind: str
    source: Path
    target: Path
    files: tuple[str, ...]
    size_bytes: int
    tensors: int
    notes: tuple[str, ...] = field(default_factory=tuple)
