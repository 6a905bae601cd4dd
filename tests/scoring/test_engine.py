import math
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny_classifier import battle, load, save_classifier

from pipeline.model.runner import Padded, runner_of
from pipeline.scoring.job import Hooks, NotFiniteError
from pipeline.scoring.partition import score_rows
from pipeline.scoring.swap import mean_with, to_swap, turn_back
from pipeline.scoring.work import encode_with
from pipeline.text.encode import Encoder

BATTLES = [battle(str(n), "p" * (n % 7), "x" * (n * 13 % 90), "y" * (n * 29 % 90)) for n in range(23)]


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load(save_classifier(tmp_path_factory.mktemp("scoring") / "model"))


@pytest.fixture(scope="module", params=["packed", "padded"])
def runner(classifier: Any, request: pytest.FixtureRequest) -> Any:
    return (
        Padded(classifier)
        if request.param == "padded"
        else runner_of(replace(classifier, model=deepcopy(classifier.model)))
    )


def score(runner: Any, battles: list[Any], **more: Any) -> Any:
    tokenizer = runner.classifier.tokenizer
    encode = encode_with(Encoder(tokenizer, 120))
    return score_rows(runner, encode, battles, length=120, **({"batch_tokens": 500} | more))


def test_batches_give_the_same_forecasts_as_rows_one_by_one_in_the_same_order(runner: Any) -> None:
    together = score(runner, BATTLES).probabilities
    alone = [score(runner, [each], batch_tokens=1).probabilities[0] for each in BATTLES]
    for one, other in zip(together, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert len({round(row[0], 9) for row in together}) > 10


def test_every_row_sums_to_one(runner: Any) -> None:
    assert all(abs(math.fsum(row) - 1) < 1e-12 for row in score(runner, BATTLES, swap="all").probabilities)


def test_swapping_all_makes_the_forecast_blind_to_the_sides(runner: Any) -> None:
    forward = score(runner, BATTLES, swap="all")
    backward = score(runner, [each.swapped() for each in BATTLES], swap="all")
    for one, other in zip(forward.probabilities, backward.probabilities, strict=True):
        assert one == pytest.approx(turn_back(other), abs=1e-6)
    assert len(forward.swapped) == len(BATTLES)
    assert forward.probabilities != score(runner, BATTLES).probabilities


def test_swapping_the_uncertain_leaves_the_certain_alone() -> None:
    assert to_swap("uncertain", [(0.8, 0.1, 0.1), (0.4, 0.3, 0.3), (0.1, 0.5, 0.4)]) == (1,)
    assert to_swap("all", [(0.8, 0.1, 0.1), (0.4, 0.3, 0.3), (0.1, 0.5, 0.4)]) == (1, 2, 0)
    assert to_swap("none", [(0.3, 0.3, 0.4)]) == ()
    assert mean_with((0.6, 0.2, 0.2), (0.4, 0.4, 0.2)) == pytest.approx((0.5, 0.3, 0.2))
    assert turn_back((0.7, 0.3)) == (0.3, 0.7)


def test_every_battle_is_counted_once_a_look(runner: Any) -> None:
    seen: list[int] = []
    more: list[int] = []
    score(runner, BATTLES, swap="all", hooks=Hooks(advance=seen.append, expect=more.append))
    assert (sum(seen), sum(more)) == (2 * len(BATTLES), len(BATTLES))


def test_a_forecast_that_is_no_number_names_its_battle(tmp_path: Path) -> None:
    import torch

    broken = load(save_classifier(tmp_path / "model"))
    with torch.no_grad():
        broken.model.classifier.bias.fill_(float("nan"))
    with pytest.raises(NotFiniteError, match=r"no finite forecast for battle 12$"):  # the first of the first pack
        score(runner_of(broken), BATTLES)
    with pytest.raises(NotFiniteError, match=r"no finite forecast for battle 0$"):
        score(runner_of(broken), BATTLES[:1])


def test_padding_is_what_a_batch_computes_beyond_its_rows(classifier: Any) -> None:
    padded, packed = Padded(classifier), runner_of(replace(classifier, model=deepcopy(classifier.model)))
    assert score(padded, BATTLES, batch_tokens=1).meter.padding() == 0
    assert 0 < score(padded, BATTLES).meter.padding() < 0.5
    assert score(packed, BATTLES).meter.padding() == 0
    assert score(packed, BATTLES).meter.tokens == score(padded, BATTLES).meter.tokens
