"""Tokenise the next group of battles while the present one is run, so that no device waits for text."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from pipeline.scoring.schedule import Phase
from pipeline.text.prompt import Ids

Group = tuple[int, ...]
Task = tuple[Phase, Group, int]


class Ahead:
    """One thread that tokenises.

    Args:
        encode: a phase, places and a length -> rows.
    """

    def __init__(self, encode: Callable[[Phase, Sequence[int], int], Sequence[Ids]]) -> None:
        self._encode = encode
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokenise")
        self._tasks: dict[Task, Future[Sequence[Ids]]] = {}
        self.seconds = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def take(self, phase: Phase, group: Group, length: int, following: Sequence[Group]) -> Sequence[Ids]:
        """The rows of a group; those that follow are begun. What was begun at another length is thrown away."""
        wanted = [(phase, each, length) for each in (group, *following)]
        self._tasks = {task: future for task, future in self._tasks.items() if task in wanted}
        for task in wanted:
            if task not in self._tasks:
                self._tasks[task] = self._thread.submit(self._timed, *task)
        return self._tasks.pop(wanted[0]).result()

    def _timed(self, phase: Phase, group: Group, length: int) -> Sequence[Ids]:
        began = time.perf_counter()
        rows = self._encode(phase, group, length)
        self.seconds += time.perf_counter() - began
        return rows
