"""What is said while a site is waited for: nothing to a file, nothing in the first two seconds, nothing left behind."""

import io

import pytest

from resolver.cli.progress import Waiting


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def waited(stream: io.StringIO, *moments: float) -> str:
    times = iter((0.0, *moments))
    with Waiting("asking kaggle", stream, stream.write, lambda: next(times)) as waiting:
        for _ in moments:
            waiting()
    return stream.getvalue()


def test_after_two_seconds_a_terminal_is_told_once_a_second_and_the_line_is_wiped() -> None:
    said = waited(Terminal(), 1.9, 2.0, 2.1, 3.0)
    first, second = "\r  asking kaggle, 2 s", "\r  asking kaggle, 3 s"
    assert said == f"{first}{second}\r{' ' * (len(second) - 1)}\r"


def test_a_file_is_told_nothing() -> None:
    assert waited(io.StringIO(), 5.0) == ""


def interrupted(stream: io.StringIO) -> None:
    times = iter((0.0, 3.0))
    with Waiting("x", stream, stream.write, lambda: next(times)) as waiting:
        waiting()
        raise KeyboardInterrupt


def test_the_line_is_wiped_after_an_interruption_too() -> None:
    stream = Terminal()
    with pytest.raises(KeyboardInterrupt):
        interrupted(stream)
    assert stream.getvalue().endswith("\r")
