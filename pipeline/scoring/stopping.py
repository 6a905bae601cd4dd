"""Being asked to stop: the first Ctrl-C or SIGTERM lets the run write what there is, the second ends it at once."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """While it is entered, signals are remembered instead of ending the process. Outside of the main thread nothing."""

    def __init__(self) -> None:
        self.asked: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        try:
            self._before = {each: signal.signal(each, self._ask) for each in SIGNALS}
        except ValueError:
            self._before = {}  # not the main thread: who runs there stops it in another way
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def __bool__(self) -> bool:
        return self.asked is not None

    @property
    def exit_code(self) -> int:
        """As shells give it: 130 for Ctrl-C."""
        return 128 + (self.asked or 0)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        if self.asked is not None:
            raise KeyboardInterrupt
        self.asked = signal.Signals(number)
