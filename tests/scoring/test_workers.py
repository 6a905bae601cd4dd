"""Workers that die, refuse, or run out of memory; each is a real process with a light model."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from light_engine import LightLoad, LightRunner, battles, inline, job

from pipeline.errors import ModelUnusableError
from pipeline.scoring.device import Inline
from pipeline.scoring.engine import Engine
from pipeline.scoring.job import Hooks, Scored
from pipeline.scoring.journal import FileJournal, NoJournal
from pipeline.scoring.workers import Workers, WorkersLostError

SOME = battles(400)


@dataclass(frozen=True)
class DiesOnce:
    """A model whose process is killed, as the kernel would, by a pack with that many rows; once, a file remembers."""

    mark: Path
    rows: int = 5
    always: bool = False

    def __call__(self, _device: str) -> Any:
        runner = LightRunner()
        runner.short_of = self._die
        return runner

    def _die(self, rows: Any) -> bool:
        if len(rows) >= self.rows and (self.always or self._is_first()):
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    def _is_first(self) -> bool:
        """Two workers may ask at once."""
        try:
            self.mark.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


@dataclass(frozen=True)
class Fails:
    """A model that cannot be loaded, in a way that another process would meet too or not."""

    known: bool

    def __call__(self, _device: str) -> Any:
        if self.known:
            raise ModelUnusableError("it has no head", fix="train one")
        raise RuntimeError("CUDA error: an illegal memory access was encountered")


def over(load: Any, count: int, said: list[str], **hooks: Any) -> Scored:
    devices = Workers((load,), ("cpu",) * count, 1, said.append).start()
    try:
        return Engine(job(SOME), devices, hooks=Hooks(**hooks)).run()
    finally:
        devices.close()


WHOLE = Engine(job(SOME), inline()).run().probabilities


@pytest.mark.parametrize("count", [1, 2])
def test_workers_give_what_one_process_gives(count: int) -> None:
    said: list[str] = []
    assert over(LightLoad(), count, said).probabilities == WHOLE
    assert said == []


def test_a_worker_that_is_killed_is_replaced_and_its_packs_are_done_again(tmp_path: Path) -> None:
    said: list[str] = []
    assert over(DiesOnce(tmp_path / "mark"), 2, said).probabilities == WHOLE
    assert len(said) == 1
    assert "is gone (SIGKILL: short of memory, perhaps); another takes its place" in said[0]


def test_packs_on_which_workers_die_are_run_in_smaller_parts(tmp_path: Path) -> None:
    """The kernel kills who takes all the memory, and would kill the next one at the same pack."""
    said: list[str] = []
    devices = Workers((DiesOnce(tmp_path / "mark", rows=20, always=True),), ("cpu",), 1, said.append).start()
    same = battles(1)[0]
    tiny = [type(same)(str(n), ("p",), ("x",), ("y",)) for n in range(60)]
    try:
        scored = Engine(job(tiny, swap="none"), devices).run()
    finally:
        devices.close()
    assert len(scored.logits) == 60
    assert 2 <= len(said) <= 5


def test_a_device_without_luck_is_given_up_and_the_last_one_ends_the_run(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(WorkersLostError, match="no device is left to run on: RuntimeError: CUDA error"):
        over(Fails(known=False), 1, said)
    assert "warning: cpu is given up, worker after worker is gone" in said[-1]


def test_a_model_that_no_process_could_load_is_refused_at_once() -> None:
    said: list[str] = []
    with pytest.raises(ModelUnusableError, match="it has no head") as caught:
        over(Fails(known=True), 2, said)
    assert (caught.value.fix, said) == ("train one", [])


def test_no_process_is_left_behind() -> None:
    devices = Workers((LightLoad(),), ("cpu", "cpu"), 1).start()
    devices.planner(0)
    ids = devices.processes
    devices.close()
    assert len(ids) == 2
    for each in ids:
        with pytest.raises(ProcessLookupError):
            os.kill(each, 0)


def test_a_worker_changes_models_between_stages() -> None:
    both = Engine(job(SOME, stages=2), inline()).run()
    devices = Workers((LightLoad(), LightLoad()), ("cpu",), 1).start()
    try:
        scored = Engine(job(SOME, stages=2), devices).run()
    finally:
        devices.close()
    assert scored.probabilities == both.probabilities
    assert sum(look.stage == 1 and not look.swapped for look in scored.logits) == 120


@dataclass(frozen=True)
class Poisoned:
    """A model whose process dies of any pack with that token."""

    token: int = ord("!") + 1

    def __call__(self, _device: str) -> Any:
        runner = LightRunner()
        runner.short_of = self._die
        return runner

    def _die(self, rows: Any) -> bool:
        if any(self.token in row for row in rows):
            os.kill(os.getpid(), signal.SIGKILL)
        return False


@dataclass(frozen=True)
class DiesFrom:
    """A model whose processes die of every pack after the first few."""

    tally: Path
    packs: int = 5

    def __call__(self, _device: str) -> Any:
        runner = LightRunner()
        runner.short_of = self._die
        return runner

    def _die(self, _rows: Any) -> bool:
        with self.tally.open("ab") as file:
            file.write(b".")
        if self.tally.stat().st_size > self.packs:
            os.kill(os.getpid(), signal.SIGKILL)
        return False


def test_a_battle_of_which_every_worker_dies_costs_its_pack_and_not_the_run() -> None:
    poison = type(SOME[0])("poison", ("!",), ("x" * 40,), ("y" * 40,))
    devices, said = Workers((Poisoned(),), ("cpu",), 1).start(), list[str]()
    some = [*SOME[:60], poison]
    try:
        scored = Engine(job(some, swap="none"), devices, hooks=Hooks(tell=said.append)).run()
    finally:
        devices.close()
    assert 60 in scored.too_large
    assert len(scored.too_large) < 10
    assert len(scored.logits) + len(scored.too_large) == 61


def test_when_all_devices_are_lost_what_was_done_is_known(tmp_path: Path) -> None:
    devices = Workers((DiesFrom(tmp_path / "tally"),), ("cpu",), 1).start()
    engine = Engine(job(SOME, swap="none"), devices)
    try:
        with pytest.raises(WorkersLostError):
            engine.run()
    finally:
        devices.close()
    assert engine.any_known()
    assert len(engine.probabilities()) == len(SOME)


TWO = (LightLoad(), LightLoad(split_at=60))


def two_models(journal: Any, loads: Any = TWO, said: list[str] | None = None) -> Scored:
    devices = Workers(loads, ("cpu", "cpu"), 1, [].append if said is None else said.append).start()
    try:
        return Engine(job(SOME, stages=2), devices, journal).run()
    finally:
        devices.close()


def test_a_later_model_is_packed_in_its_own_way_also_where_nothing_of_it_is_left_to_do(tmp_path: Path) -> None:
    alone = Engine(job(SOME, stages=2), Inline(lambda stage: TWO[stage]("cpu"))).run()  # type: ignore[arg-type,return-value]
    assert alone.probabilities != Engine(job(SOME, stages=2), inline()).run().probabilities
    for kept in (100, 0):
        journal = FileJournal(tmp_path / "journal")
        journal.open({"rows": "x"})
        before = journal.packs
        scored = two_models(journal)
        assert scored.probabilities == alone.probabilities
        assert (journal.packs - before > kept) is bool(kept)
        journal.close()


def test_a_worker_that_dies_with_the_second_model_is_replaced_by_one_with_the_second_model(tmp_path: Path) -> None:
    said: list[str] = []
    scored = two_models(NoJournal(), (LightLoad(), DiesOnce(tmp_path / "mark", rows=2)), said)
    assert scored.probabilities == Engine(job(SOME, stages=2), inline()).run().probabilities
    assert len(said) == 1


# Beyond what a small pack takes on a machine that is busy, and no longer.
PATIENCE_S = 1.0
POISON = type(SOME[0])("poison", ("!",), ("x" * 40,), ("y" * 40,))


@dataclass(frozen=True)
class Hangs:
    """A model whose process stops for good, every thread of it, at a pack with a token; once, or every time."""

    mark: Path
    always: bool = False
    token: int = ord("!") + 1

    def __call__(self, _device: str) -> Any:
        runner = LightRunner()
        runner.short_of = self._hang
        return runner

    def _hang(self, rows: Any) -> bool:
        if any(self.token in row for row in rows) and (self.always or not self.mark.exists()):
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        return False


def with_patience(load: Any, count: int, some: list[Any], said: list[str]) -> Scored:
    devices = Workers((load,), ("cpu",) * count, 1, said.append, patience_s=PATIENCE_S).start()
    try:
        return Engine(job(some, swap="none"), devices).run()
    finally:
        devices.close()


@pytest.mark.parametrize("count", [1, 2])
def test_a_worker_that_hangs_is_killed_and_its_packs_are_done_again(tmp_path: Path, count: int) -> None:
    said: list[str] = []
    scored = with_patience(Hangs(tmp_path / "mark"), count, [*SOME[:60], POISON], said)
    assert scored.probabilities == Engine(job([*SOME[:60], POISON], swap="none"), inline()).run().probabilities
    assert any("is gone (it hung: not a word for" in each for each in said)


def test_a_battle_at_which_every_worker_hangs_costs_itself_and_no_other_of_its_pack(tmp_path: Path) -> None:
    said: list[str] = []
    scored = with_patience(Hangs(tmp_path / "mark", always=True), 1, [*SOME[:60], POISON], said)
    assert scored.too_large == (60,)
    assert len(scored.logits) == 60
    assert scored.probabilities[60] == job([]).prior
    assert "warning: workers hung at a row again and again, which hold the prior" in said


@dataclass(frozen=True)
class LoadsNever:
    """A model whose loading stops for good the first time."""

    mark: Path

    def __call__(self, _device: str) -> Any:
        if not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        return LightRunner()


def test_a_worker_that_hangs_while_it_loads_is_replaced(tmp_path: Path) -> None:
    said: list[str] = []
    scored = with_patience(LoadsNever(tmp_path / "mark"), 1, list(SOME[:60]), said)
    assert len(scored.logits) == 60
    assert len(said) == 1
    assert "it hung" in said[0]
