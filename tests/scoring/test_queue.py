"""The queue over light devices: memory that is short, a clock that runs out, a journal that goes on."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from light_engine import BUDGET, LENGTH, FakeClock, FakeDevices, LightRunner, battles, inline, job

from pipeline.arena.battle import Battle
from pipeline.scoring.deadline import Deadline
from pipeline.scoring.engine import Engine
from pipeline.scoring.job import Hooks, Scored, TooLargeError
from pipeline.scoring.journal import FileJournal
from pipeline.scoring.work import Look

SOME = battles(700)
PRIOR = (352 / 999, 352 / 999, 295 / 999)


def run(some: Any = SOME, devices: Any = None, deadline: Any = None, **more: Any) -> Scored:
    hooks = more.pop("hooks", Hooks())
    journal = more.pop("journal", None)
    extra = {} if journal is None else {"journal": journal}
    return Engine(job(some, **more), devices or inline(), deadline=deadline or Deadline(), hooks=hooks, **extra).run()


def timed(limit_s: float, *, speed: float = 1000.0, slow_after: int = 1_000_000) -> dict[str, Any]:
    clock = FakeClock()
    return {"devices": FakeDevices(clock, speed, slow_after), "deadline": Deadline(limit_s, 0.0, clock)}


def known(scored: Scored, *, swapped: bool = False, stage: int = 0) -> int:
    return sum(look.swapped == swapped and look.stage == stage for look in scored.logits)


TOKENS = sum(min(LENGTH, 3 + sum(map(len, (*each.prompts, *each.answers_a, *each.answers_b)))) for each in SOME)


def test_every_battle_has_its_looks_and_nothing_is_left_out() -> None:
    scored = run()
    assert set(scored.logits) == {Look(at, 0, swapped) for at in range(len(SOME)) for swapped in (False, True)}
    assert (scored.without, scored.dropped, scored.stopped) == ((), (), False)


def test_the_first_pack_holds_the_longest_battle_and_the_second_looks_begin_with_the_most_uncertain() -> None:
    devices = FakeDevices(FakeClock())
    scored = run(devices=devices)
    firsts = [pack for pack in devices.packs if not pack.looks[0].swapped]
    seconds = [pack for pack in devices.packs if pack.looks[0].swapped]
    assert devices.packs == firsts + seconds
    assert max(map(len, firsts[0].rows)) == max(len(row) for pack in firsts for row in pack.rows)
    first_only = run(swap="none")
    gaps = [abs(row[0] - row[1]) for row in first_only.probabilities]
    probe = {look.place for pack in seconds for look in pack.looks[:]} and [
        look.place for pack in seconds for look in pack.looks
    ]
    assert max(gaps[at] for at in probe[:16]) <= min(gaps[at] for at in probe[16:])
    assert len(scored.swapped) == len(SOME)


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 200), max_size=60), st.integers(2, 40))
def test_memory_that_is_short_at_random_packs_loses_no_row(short: set[int], rows: int) -> None:
    """Once at each of these forwards, and always where too many rows are run together."""
    runner = LightRunner()
    runner.short_of = lambda some: len(runner.runs) in short or len(some) > rows
    scored = run(SOME[:120], inline(runner), swap="none")
    alone_too_large = set(scored.too_large)
    assert known(scored) == 120 - len(alone_too_large)
    assert scored.without == scored.too_large


def test_the_same_shortage_gives_the_same_bits() -> None:
    def once() -> Scored:
        return run(devices=inline(LightRunner(short_of=lambda some: sum(map(len, some)) > 150)))

    assert once().probabilities == once().probabilities


def test_a_budget_that_does_not_fit_is_not_tried_again_by_every_pack() -> None:
    runner, said = LightRunner(short_of=lambda some: sum(map(len, some)) > 150), list[str]()
    run(devices=inline(runner), swap="none", hooks=Hooks(tell=said.append))
    failed = sum(1 for at in said if "do not fit in memory" in at)
    assert 1 <= failed <= 2  # 400, 200, 100
    assert len(runner.runs) < 2.2 * TOKENS / 100


def test_a_battle_that_does_not_fit_alone_holds_the_prior() -> None:
    runner = LightRunner(short_of=lambda some: any(len(row) == LENGTH for row in some))
    scored = run(devices=inline(runner))
    assert 0 < len(scored.too_large) < len(SOME)
    assert all(scored.probabilities[at] == PRIOR for at in scored.too_large)
    with pytest.raises(TooLargeError, match="no battle fits in memory, not even"):
        run(devices=inline(LightRunner(short_of=lambda _: True)))


def test_with_time_enough_nothing_is_dropped() -> None:
    assert run(**timed(10 * TOKENS / 1000)).probabilities == run().probabilities


def test_second_looks_at_the_most_certain_are_dropped_first() -> None:
    clocked = timed(1.5 * TOKENS / 1000 / 0.9)
    scored = run(**clocked)
    assert known(scored) == len(SOME)
    assert 0.35 * len(SOME) < known(scored, swapped=True) < 0.6 * len(SOME)
    assert clocked["deadline"].left_s() > -1
    assert "second looks are left out for want of time" in scored.dropped[0]
    gaps = [abs(row[0] - row[1]) for row in run(swap="none").probabilities]
    chosen = set(scored.swapped)
    others = [gaps[at] for at in range(len(SOME)) if at not in chosen]
    # Groups are packed by length, so the last group that was begun may be in part.
    assert sum(gap < sorted(gaps)[len(chosen) // 2] for gap in others) == 0


def test_second_looks_leave_time_for_the_next_model() -> None:
    scored = run(stages=2, **timed(1.6 * TOKENS / 1000 / 0.9))
    share = len([look for look in scored.logits if look.stage == 1 and not look.swapped])
    assert share == 210
    assert 0 < known(scored, swapped=True) < 0.5 * len(SOME)
    gaps = [abs(row[0] - row[1]) for row in run(swap="none").probabilities]
    assert all(gaps[look.place] < 0.4 for look in scored.logits if look.stage == 1)


class SlowToLoad(FakeDevices):
    """Says so every now and then while the second model is being loaded."""

    def turn_to(self, stage: int, timeout_s: float) -> bool:
        if stage == 0 or self.load_s <= 0:
            return True
        self.clock.now += timeout_s
        self.load_s -= timeout_s
        return False


@pytest.mark.parametrize(("load_s", "looks"), [(10.0, 210), (1e6, 0)])
def test_a_second_model_that_takes_too_long_to_load_is_left_out(load_s: float, looks: int) -> None:
    clock = FakeClock()
    deadline = Deadline(3 * TOKENS / 1000, 0.0, clock)
    scored = run(devices=SlowToLoad(clock, load_s=load_s), deadline=deadline, stages=2, swap="none")
    assert known(scored, stage=1) == looks
    assert any("210 of 210 looks of model 2 are left out" in each for each in scored.dropped) is (looks == 0)
    assert deadline.left_s() > -1
    assert (known(scored), scored.without) == (len(SOME), ())


def test_a_later_model_is_chosen_by_the_mean_and_not_by_what_is_told_of_it() -> None:
    plain = run(stages=2, swap="none")
    told = run(stages=2, swap="none", temperature=3.0, finish=lambda place, row: (1.0, 0.0, 0.0) if place % 2 else row)
    assert set(told.logits) == set(plain.logits)
    assert told.probabilities != plain.probabilities


def test_rows_are_cut_shorter_before_any_is_left_out() -> None:
    clocked = timed(0.8 * TOKENS / 1000 / 0.9)
    scored = run(**clocked)
    assert known(scored) == len(SOME)
    assert any("rows are cut to" in each for each in scored.dropped)
    assert known(scored, swapped=True) < 0.1 * len(SOME)
    assert clocked["deadline"].left_s() > -1


def test_at_last_battles_hold_the_prior_and_the_deadline_is_kept() -> None:
    clocked = timed(0.2 * TOKENS / 1000)
    scored = run(**clocked)
    assert 0 < known(scored) < len(SOME)
    assert len(scored.without) == len(SOME) - known(scored)
    assert all(scored.probabilities[at] == PRIOR for at in scored.without)
    assert clocked["deadline"].clock() < 0.2 * TOKENS / 1000


def test_a_device_that_becomes_slow_is_noticed() -> None:
    clocked = timed(2.2 * TOKENS / 1000, slow_after=40)
    scored = run(**clocked)
    assert clocked["deadline"].clock() < 2.2 * TOKENS / 1000
    assert len(scored.probabilities) == len(SOME)


def test_a_device_that_does_not_answer_does_not_cost_the_deadline() -> None:
    clocked = timed(3 * TOKENS / 1000)
    devices = clocked["devices"]
    answer = devices.collect

    def collect(timeout_s: float) -> Any:
        if len(devices.packs) < 30:
            return answer(timeout_s)
        devices.clock.now += timeout_s
        return ()

    devices.collect = collect
    scored = run(**clocked)
    assert devices.clock.now < 3 * TOKENS / 1000
    assert "packs under way are given up" in scored.dropped[-1]
    assert 0 < known(scored) < len(SOME)
    assert len(scored.probabilities) == len(SOME)


def stopping_after(packs: int, devices: Any) -> Hooks:
    return Hooks(stop=lambda: len(devices.packs) >= packs)


@pytest.mark.parametrize("packs", [1, 7, 60, 200])
@pytest.mark.parametrize("limit", [10.0, 1.5, 0.8])
def test_a_run_that_goes_on_decides_as_before_and_gives_the_same_bits(tmp_path: Path, packs: int, limit: float) -> None:
    """The clock of the second run is another, but what the first had decided is repeated."""

    def begun(name: str) -> FileJournal:
        journal = FileJournal(tmp_path / name)
        journal.open({})
        return journal

    journal = begun("whole")
    whole = run(journal=journal, **timed(limit * TOKENS / 1000))
    journal.close()
    journal = begun("whole")
    again = run(journal=journal, **timed(limit * TOKENS / 1000, speed=900.0))
    assert (again.probabilities, again.meter.tokens) == (whole.probabilities, 0)
    assert again.dropped == whole.dropped
    journal.close()
    journal, clocked = begun("cut"), timed(limit * TOKENS / 1000)
    cut = run(journal=journal, hooks=stopping_after(packs, clocked["devices"]), **clocked)
    journal.close()
    assert cut.stopped == (packs <= len(clocked["devices"].packs))
    journal = begun("cut")
    if limit == 10.0:
        assert run(journal=journal).probabilities == whole.probabilities
    journal.close()


def test_fifty_equal_battles_have_fifty_forecasts() -> None:
    same = [Battle(str(n), ("p",), ("x" * 30,), ("y" * 30,)) for n in range(50)]
    scored = run(same)
    assert (len(scored.probabilities), known(scored), known(scored, swapped=True)) == (50, 50, 50)


@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17])
def test_few_battles_are_as_good_as_many(count: int) -> None:
    scored = run(SOME[:count])
    assert known(scored) == count
    assert len(scored.probabilities) == count


def test_a_row_of_a_million_characters_is_cut_and_run() -> None:
    huge = Battle("huge", ("p",), ("x" * 1_000_000,), ("",))
    scored = run([*SOME[:20], huge])
    assert known(scored) == 21
    assert BUDGET > LENGTH
