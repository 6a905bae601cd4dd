"""How a figure is taken: whole processes, interleaved with what they are compared with, medians and peak memory."""

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """One process, from start to end: wall time in ms, peak resident memory in bytes, exit code, what it printed."""

    milliseconds: float
    peak_bytes: int
    exit_code: int
    output: str


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of several runs of one command, and the largest memory that any of them took."""

    milliseconds: float
    peak_bytes: int
    exit_code: int
    output: str


def run(command: Sequence[str], variables: Mapping[str, str]) -> Run:
    """Run a command to its end."""
    begun = time.perf_counter()
    with subprocess.Popen(
        command, env=dict(variables), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        output = child.stdout.read() if child.stdout else ""
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return Run((time.perf_counter() - begun) * 1e3, usage.ru_maxrss * 1024, child.returncode, output)


def interleaved(
    commands: Mapping[str, Sequence[str]], variables: Mapping[str, str], *, repeats: int
) -> dict[str, Figure]:
    """Every command once and unmeasured, then all of them in turn, `repeats` times: noise falls on all alike."""
    for command in commands.values():
        run(command, variables)
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            runs[name].append(run(command, variables))
    return {name: _median(taken) for name, taken in runs.items()}


def _median(taken: Sequence[Run]) -> Figure:
    return Figure(
        statistics.median(each.milliseconds for each in taken),
        max(each.peak_bytes for each in taken),
        taken[-1].exit_code,
        taken[-1].output,
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, ["-" * width for width in widths], *rows)
    ]
    return "\n".join(line.rstrip() for line in lines)
