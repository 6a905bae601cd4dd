"""The line that says how far the reading of whole files is: on a terminal, after two seconds, and gone at the end."""

import io

import pytest

from resolver.cli.progress import ReadingProgress


class Stream(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def said(*steps: tuple[float, int], terminal: bool = True) -> str:
    """All that is written when so many GB of 16 are read at so many seconds."""
    written: list[str] = []
    clock = Clock()
    with ReadingProgress(Stream(terminal=terminal), written.append, clock) as progress:
        for seconds, gigabytes in steps:
            clock.now = 100.0 + seconds
            progress(gigabytes * 10**9, 16 * 10**9)
    return "".join(written)


def test_what_is_done_within_two_seconds_is_not_told() -> None:
    assert said((0, 0), (1, 8), (1.9, 16)) == ""


def test_rate_and_time_left_are_told_and_the_line_is_wiped() -> None:
    text = said((0, 0), (4, 8), (8, 16))
    first, second, wiped, _ = text.split("\r")[1:]
    assert first == "  reading 8.0 of 16.0 GB, 2.00 GB/s, 0:04 left"
    assert second.rstrip() == "  reading 16.0 of 16.0 GB, 2.00 GB/s, 0:00 left"
    assert wiped.strip() == ""
    assert len(wiped) == max(len(first), len(second))


def test_what_an_interrupted_run_had_read_does_not_count_as_speed() -> None:
    """It begins at 8 of 16: 4 more in 4 seconds are 1 a second, and the other 4 take as long."""
    assert said((0, 8), (4, 12)).split("\r")[1] == "  reading 12.0 of 16.0 GB, 1.00 GB/s, 0:04 left"


def test_a_file_or_a_pipe_is_told_nothing() -> None:
    assert said((0, 0), (4, 8), terminal=False) == ""


def test_ctrl_c_wipes_the_line_too() -> None:
    written: list[str] = []
    clock = Clock()
    progress = ReadingProgress(Stream(terminal=True), written.append, clock)
    progress(0, 10**9)
    clock.now += 5
    progress(10**6, 10**9)
    with pytest.raises(KeyboardInterrupt), progress:
        raise KeyboardInterrupt
    assert "83:15 left" in written[0]
    assert written[-1].strip() == ""


def test_a_line_that_gets_shorter_leaves_no_rest() -> None:
    lines = said((0, 0), (3, 1), (4_000, 15)).split("\r")[1:3]
    assert len(lines[1]) >= len(lines[0].rstrip())
