"""How long a worker may be silent."""

import doctest
import os

import pytest

import pipeline.scoring.watch
from pipeline.scoring.watch import SLOW, Watch, worked


def test_the_examples_in_the_docstrings_are_true() -> None:
    result = doctest.testmod(pipeline.scoring.watch)
    assert result.attempted
    assert not result.failed


def test_patience_follows_the_slowest_recent_pack_and_is_never_below_the_floor() -> None:
    watch = Watch(10.0)
    assert watch.pack_s(1_000_000) == 10.0
    watch.learn(0.1, 1000)
    assert watch.pack_s(1000) == 10.0
    watch.learn(5.0, 1000)
    watch.learn(0.1, 1000)
    assert watch.pack_s(2000) == pytest.approx(SLOW * 10.0)


def test_what_a_model_took_says_nothing_of_the_next() -> None:
    watch = Watch(10.0)
    watch.learn(500.0, 1000)
    watch.forget()
    assert watch.pack_s(1000) == 10.0


def test_a_pack_of_long_ago_is_forgotten() -> None:
    watch = Watch(1.0)
    watch.learn(500.0, 1)
    for _ in range(100):
        watch.learn(0.001, 1)
    assert watch.pack_s(1) == 1.0


def test_what_a_process_worked_rises_with_its_work() -> None:
    before = worked(os.getpid())
    if before is None:
        pytest.skip("this system says nothing of it")
    while worked(os.getpid()) == before:
        sum(range(10_000))
    assert (worked(os.getpid()) or 0) > before
    assert worked(2**30) is None
