"""What torchrun told this process: which one of how many it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.errors import SettingsError

NUMBERS: Final = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
MEETING_PLACE: Final = ("MASTER_ADDR", "MASTER_PORT")
# How a command of ours is started several times; with the number of processes it is a line to paste.
TORCHRUN: Final = "torchrun --nproc-per-node {} -m pipeline train ..."


@dataclass(frozen=True, slots=True)
class Launch:
    """A process among others.

    Attributes:
        rank: its number, from 0.
        processes: how many there are, on all machines.
        local_rank: its number on this machine, from 0; the device of that number is its own.
    """

    rank: int
    processes: int
    local_rank: int


def read_launch(environment: Mapping[str, str]) -> Launch | None:
    """What torchrun said; None where it said nothing, or that there is one process only.

    Args:
        environment: the variables of this process.

    Raises:
        SettingsError: some of torchrun's variables are there and others are not, or they are no such numbers.
    """
    if not any(name in environment for name in NUMBERS):
        return None
    absent = [name for name in (*NUMBERS, *MEETING_PLACE) if not environment.get(name)]
    if absent:
        there = ", ".join(f"{name}={environment[name]}" for name in NUMBERS if environment.get(name))
        raise SettingsError(
            f"{there or 'a variable of torchrun'} is set and {', '.join(absent)} is not: torchrun did not start this"
            " process",
            fix=f"{TORCHRUN.format(2)}, or unset {' '.join(name for name in NUMBERS if name in environment)}",
        )
    launch = Launch(*(_number(name, environment[name]) for name in NUMBERS))
    if launch.rank >= launch.processes:
        raise SettingsError(
            f"RANK={launch.rank} is no number of one of WORLD_SIZE={launch.processes} processes, counted from 0",
            fix=TORCHRUN.format(launch.processes),
        )
    return launch if launch.processes > 1 else None


def _number(name: str, text: str) -> int:
    if not text.isdecimal():
        raise SettingsError(f"{name}={text} is no number", fix=f"{TORCHRUN.format(2)} sets it")
    return int(text)
