"""What staging is asked for, and what it says that it has made."""

from pathlib import Path
from typing import Literal

from resolver.inspection.lock import LockedSource
from resolver.record import Record, field
from resolver.staging.plan import ToStage
from resolver.staging.wheels import WheelRequest

State = Literal["made", "unchanged", "joined"]


class Request(Record):
    """What is asked for.

    Attributes:
        models: in the order in which they were named.
        target: the directory to make.
        command: what was typed, for whoever has to go on.
        shard_bytes: the size of new files of weights; None to leave them as they are.
        link: give files a second name instead of copying them.
        wheels: the packages to lay beside them; None for none.
    """

    models: tuple[ToStage, ...]
    target: Path
    command: str
    shard_bytes: int | None = None
    link: bool = False
    wheels: WheelRequest | None = None


class StagedModel(Record):
    """One model of a bundle: what it is called, where it lies in it, where it came from, and its digest."""

    reference: str
    folder: str
    source: LockedSource
    files: int
    size_bytes: int
    tree_sha256: str


class Staged(Record):
    """What was made.

    Attributes:
        target: the directory.
        state: "made"; "unchanged" where it was there already and is the same; "joined" out of volumes.
        models: what is in it; empty for a joined one.
        files: names of all files.
        size_bytes: how large they are together.
        taken_over: how many files an earlier run had finished.
        wheels: names of the packages.
        notes: what somebody should know who uses it.
        volumes: where the volumes lie; None where there are none.
        volume_count: how many there are.
    """

    target: Path
    state: State
    models: tuple[StagedModel, ...] = ()
    files: tuple[str, ...] = ()
    size_bytes: int = 0
    taken_over: int = 0
    wheels: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)
    volumes: Path | None = None
    volume_count: int = 0
