"""Checks, throughput, rehearsal and fingerprint: the figures that are told, and what they are taken from."""

import doctest
import math
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from light_engine import FakeClock, FakeDevices, LightRunner, battles, inline, job
from tiny_classifier import save_classifier

import pipeline.scoring.checks
import pipeline.scoring.deadline
import pipeline.scoring.journal
import pipeline.scoring.rehearsal
import pipeline.scoring.sampling
from pipeline.scoring.checks import calibration, check
from pipeline.scoring.deadline import Deadline
from pipeline.scoring.fingerprint import directory_digest
from pipeline.scoring.rehearsal import enlarged, rehearse
from pipeline.scoring.sampling import spread
from pipeline.scoring.throughput import Facts, Meter, matmul_flops, profile_text, share_of_matmul
from pipeline.scoring.work import Look

SOME = battles(300)
MODULES = (
    pipeline.scoring.checks,
    pipeline.scoring.deadline,
    pipeline.scoring.journal,
    pipeline.scoring.rehearsal,
    pipeline.scoring.sampling,
)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_examples_in_the_docstrings_are_true(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


def logs(*rows: tuple[float, ...]) -> list[tuple[float, ...]]:
    return [tuple(map(math.log, row)) for row in rows]


def test_two_looks_that_agree_are_told_and_two_that_do_not_are_a_warning() -> None:
    one, other = logs((0.7, 0.2, 0.1), (0.2, 0.7, 0.1))
    agreeing = {Look(at): one for at in range(40)} | {Look(at, 0, swapped=True): other for at in range(40)}
    found = check([(0.7, 0.2, 0.1)] * 40, agreeing, SOME[:40])
    assert found.agree == 1
    assert found.apart == pytest.approx(0)
    assert found.warnings() == ()
    following_the_side = {Look(at): one for at in range(40)} | {Look(at, 0, swapped=True): one for at in range(40)}
    found = check([(0.45, 0.45, 0.1)] * 40, following_the_side, SOME[:40])
    assert (found.agree, found.apart) == (0, pytest.approx(1 / 3))
    assert found.moved == pytest.approx(1 / 6)
    assert "the forecast follows the side" in found.warnings()[0]


def test_calibration_is_told_where_winners_are_known() -> None:
    labelled = [type(each)(each.id, each.prompts, each.answers_a, each.answers_b, 1) for each in SOME[:40]]
    found = check([(0.9, 0.05, 0.05)] * 40, {}, labelled)
    assert found.calibration == pytest.approx(0.9)
    assert found.loss == pytest.approx(-math.log(0.05))
    assert "off by 0.900" in found.warnings()[0]
    assert check([(0.9, 0.05, 0.05)] * 40, {}, SOME[:40]).calibration is None
    assert calibration([(0.6, 0.4)] * 5, [0, 0, 0, 1, 1]) == pytest.approx(0)


def test_one_slow_pack_does_not_move_the_speed() -> None:
    meter = Meter()
    assert meter.rate(0, 1) is None
    for seconds in (1.0, 1.0, 50.0, 1.0):
        meter.count(stage=0, tokens=100, rows=2, computed=125, seconds=seconds, waited_s=0.0)
    assert meter.rate(0, 2) == 200
    assert meter.padding() == pytest.approx(0.2)
    assert meter.rate(1, 1) is None


def test_the_share_of_matrix_products_is_reckoned_from_the_parameters_and_the_lengths() -> None:
    meter = Meter()
    meter.count(stage=0, tokens=1000, rows=10, computed=1000, seconds=2.0, waited_s=0.0)
    facts = Facts("gpu", flops=1e9, block_parameters=1_000_000, attention=64)
    assert share_of_matmul([facts], meter) == pytest.approx(1000 * (2e6 + 2 * 64 * 100) / 2 / 1e9)
    assert share_of_matmul([Facts("gpu")], meter) is None
    assert share_of_matmul([], meter) is None


def test_the_rate_of_this_machine_is_a_number() -> None:
    import torch

    assert matmul_flops(torch.device("cpu"), torch.float32) > 1e8


def test_the_profile_is_one_that_the_resolver_reads(tmp_path: Path) -> None:
    from resolver.own_accelerators import read_profiles

    text = profile_text(
        [Facts("NVIDIA H200", memory_bytes=150 * 10**9)] * 2,
        tokens_per_second=51_234.5,
        looks=25_000,
        tokens_per_look=1_196.4,
        time_limit_s=32_400,
    )
    profiles = read_profiles(tmp_path / "resolver.toml", tomllib.loads(text)["accelerators"])
    made = profiles["measured-nvidia-h200"]
    assert made.throughput is not None
    assert (made.throughput.rows, made.throughput.tokens_per_row, made.time_limit_s) == (25_000, 1196, 32_400)
    assert len(made.devices) == 2
    bare = profile_text([], tokens_per_second=0, looks=0, tokens_per_look=0, time_limit_s=None)
    assert "measured-machine" in read_profiles(tmp_path, tomllib.loads(bare)["accelerators"])


def test_a_rehearsal_says_hours_of_many_rows_from_few_packs() -> None:
    devices = FakeDevices(FakeClock(), speed=1000.0)
    some = enlarged(SOME, 5000)
    found = rehearse(job(some), devices, Deadline(), load_s=30.0)
    tokens = sum(min(120, 3 + sum(map(len, (*each.prompts, *each.answers_a, *each.answers_b)))) for each in some)
    assert found.tokens == pytest.approx(tokens, rel=0.05)
    assert found.first_s == pytest.approx(tokens / 1000, rel=0.05)
    assert (found.second_s, found.drops) == (found.first_s, ())
    assert len(devices.packs) < 40
    assert "5,000 rows of" in found.text()


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (3.0, None),
        (1.5, "of the second looks are left out"),
        (0.7, "rows are cut to about"),
        (0.2, "of the rows hold the prior"),
    ],
)
def test_a_rehearsal_says_what_the_deadline_would_drop(share: float, words: str | None) -> None:
    devices = FakeDevices(FakeClock(), speed=1000.0)
    free = rehearse(job(enlarged(SOME, 5000)), devices, Deadline(), load_s=0.0)
    limit = free.first_s * share / 0.9
    bound = rehearse(job(enlarged(SOME, 5000)), FakeDevices(FakeClock(), speed=1000.0), Deadline(limit), load_s=0.0)
    assert (words is None and bound.drops == ()) or (words is not None and words in " ".join(bound.drops))


def test_a_rehearsal_finds_the_budget_that_fits() -> None:
    runner = LightRunner(short_of=lambda some: sum(map(len, some)) > 150)
    found = rehearse(job(enlarged(SOME, 600), swap="uncertain"), inline(runner), Deadline(), load_s=0.0)
    assert found.budget <= 200
    assert 0 <= found.second_s <= found.first_s


def test_samples_are_spread_wherever_one_stops() -> None:
    for count in (1, 2, 3, 5, 64, 99):
        assert sorted(spread(count)) == list(range(count))
    first = spread(99)[:8]
    assert max(min(abs(at - each) for each in first) for at in range(99)) < 20


def test_a_fingerprint_sees_any_file_of_a_model_and_no_time(tmp_path: Path) -> None:
    model = save_classifier(tmp_path / "model")
    before = directory_digest(model)
    weights = model / "model.safetensors"
    data = bytearray(weights.read_bytes())
    weights.write_bytes(data)  # another time, equal bytes
    assert directory_digest(model) == before
    data[-10] ^= 1
    weights.write_bytes(data)
    assert directory_digest(model) != before
    data[-10] ^= 1
    weights.write_bytes(data)
    (model / "config.json").write_text((model / "config.json").read_text() + "\n")
    assert directory_digest(model) != before
