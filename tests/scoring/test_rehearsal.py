"""A rehearsal of several models, beside the run that it is of: the devices are made up and their clock is not the wall's."""

from dataclasses import replace
from typing import Any

import pytest
from light_engine import LENGTH, FakeClock, FakeDevices, battles, encode, job

from pipeline.scoring.deadline import Deadline
from pipeline.scoring.engine import Engine
from pipeline.scoring.job import Hooks, Job
from pipeline.scoring.rehearsal import enlarged, rehearse
from pipeline.scoring.rehearsed import Rehearsal
from pipeline.scoring.work import Stage

ROWS = 4000
SOME = battles(ROWS)
LOAD_S = 50.0


def rehearsed(asked: Job, deadline: Deadline | None = None) -> Rehearsal:
    devices = FakeDevices(FakeClock(), load_s=LOAD_S)
    found = rehearse(asked, devices, deadline or Deadline(), load_s=20.0, clock=devices.clock)
    assert len(devices.packs) < 60 * len(asked.stages)
    return found


def cascade(swap: Any = "none", **second: Any) -> Job:
    return replace(job(SOME, swap=swap), stages=(Stage(encode, LENGTH), Stage(encode, LENGTH, weight=0.5, **second)))


def test_each_model_of_a_cascade_has_its_own_looks_time_and_loading() -> None:
    found = rehearsed(cascade(share=0.3))
    first, second = found.models
    assert (first.looks, second.looks) == (ROWS, pytest.approx(0.3 * ROWS))
    assert second.first_s == pytest.approx(0.3 * first.first_s, rel=0.2)
    assert (first.load_s, second.load_s) == (20.0, LOAD_S)
    assert found.total_s == pytest.approx(first.first_s + second.first_s + 20.0 + LOAD_S)
    assert "model 2: 1,200 rows of" in found.text()
    assert "all of it, 4,000 rows:" in found.text()


def test_second_looks_are_reckoned_for_every_model_that_looks() -> None:
    found = rehearsed(cascade("all", share=0.3))
    assert [each.second_s for each in found.models] == [each.first_s for each in found.models]
    assert found.looks == pytest.approx(2 * 1.3 * ROWS)
    assert found.look_tokens / found.tokens_per_second == pytest.approx(found.first_s + found.second_s)


@pytest.mark.parametrize("second", [{"share": 0.3}, {"below": 0.2}, {"share": 0.3, "below": 0.5}])
@pytest.mark.parametrize("swap", ["none", "uncertain"])
def test_a_cascade_has_the_looks_that_its_run_takes(swap: str, second: dict[str, float]) -> None:
    asked = cascade(swap, **second)
    scored = Engine(asked, FakeDevices(FakeClock())).run()
    found = rehearsed(asked)
    assert found.looks == pytest.approx(len(scored.logits), rel=0.1)
    assert found.look_tokens == pytest.approx(scored.meter.tokens, rel=0.1)


@pytest.mark.parametrize("share", [1.05, 1.2, 1.4, 3.0])
def test_a_deadline_drops_of_a_cascade_about_what_the_rehearsal_says(share: float) -> None:
    """Its second model does not fit at all, or half of it, or all of it."""
    asked = cascade(share=0.5)
    free = rehearsed(asked)
    limit_s = (20.0 + LOAD_S + free.models[0].first_s * share) / 0.9
    devices = FakeDevices(FakeClock(now=20.0), load_s=LOAD_S)
    dropped: list[str] = []
    deadline = Deadline(limit_s, 0.0, devices.clock)
    looks = Engine(asked, devices, deadline=deadline, hooks=Hooks(tell=dropped.append)).run().logits
    left_out = 1 - sum(look.stage == 1 for look in looks) / (0.5 * ROWS)
    said = rehearsed(asked, Deadline(limit_s)).drops
    assert bool(said) == bool(dropped)
    assert len(said) < 2
    told = int(said[0].partition("%")[0]) / 100 if said and not said[0].startswith("all ") else float(bool(said))
    assert told == pytest.approx(left_out, abs=0.1)


def test_where_not_even_the_first_looks_fit_all_else_is_left_out_first() -> None:
    asked = cascade("all", share=0.5)
    said = rehearsed(asked, Deadline(rehearsed(asked).models[0].first_s)).drops
    assert said[:3] == (
        "all second looks are left out",
        "all looks of model 2 are left out",
        "all second looks of model 2 are left out",
    )
    assert "rows are cut to about" in said[3]


def test_the_visible_rows_stand_for_as_many_as_the_contest_has() -> None:
    few = replace(cascade(share=0.3), battles=enlarged(SOME[:40], ROWS))
    assert rehearsed(few).rows == ROWS
