"""The whole evaluation: scikit-learn's figures, and what must hold whatever the battles are."""

import json
import math
import random
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_forecasts import made_up, swapped, table_of

from pipeline.arena.battle import Battle
from pipeline.evaluate.evaluation import Other, evaluate
from pipeline.evaluate.evaluation_text import as_text
from pipeline.evaluate.page import render
from pipeline.evaluate.sample import Sample
from pipeline.evaluate.sentences import sentences_of

FEW = 60


def evaluated(battles, rows, *, origins=False, **more):
    return evaluate(table_of(list(battles), origins=origins), rows, draws=FEW, **more)


def told(found):
    """As text, as JSON and as a page: none of them fails, and there is no number that is none."""
    page = render(found, "s.csv", "solution.csv")
    assert "nan" not in json.dumps(asdict(found), allow_nan=False)
    assert " nan" not in as_text(found) + page
    return page


def test_loss_accuracy_and_confusion_are_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    battles, rows = made_up(300)
    found = evaluated(battles, rows)
    winners = [each.winner for each in battles]
    favourites = [int(np.argmax(row)) for row in rows]
    assert found.log_loss.value == pytest.approx(metrics.log_loss(winners, rows, labels=[0, 1, 2]))
    assert found.accuracy.value == pytest.approx(metrics.accuracy_score(winners, favourites))
    assert [list(each.forecast) for each in found.confusion] == metrics.confusion_matrix(winners, favourites).tolist()
    uniform, constant, length = found.baselines
    assert uniform.log_loss.value == pytest.approx(math.log(3))
    prior = np.bincount(winners, minlength=3) / 300
    assert constant.log_loss.value == pytest.approx(metrics.log_loss(winners, [prior] * 300, labels=[0, 1, 2]))
    assert constant.gain.value == pytest.approx(constant.log_loss.value - found.log_loss.value)
    assert length.name == "length only"
    told(found)


def test_length_alone_leads_where_people_follow_it_and_nowhere_else() -> None:
    follows, _ = made_up(800, length=0.8), None
    by_length = evaluated(*follows).baselines
    assert by_length[2].log_loss.value < by_length[1].log_loss.value - 0.02
    ignores = evaluated(*made_up(800, length=0.0)).baselines
    assert ignores[2].log_loss.value > ignores[1].log_loss.value


@pytest.mark.parametrize("columns", [2, 3])
def test_the_order_of_the_rows_changes_no_digit(columns: int) -> None:
    battles, rows = made_up(90, prompts=30, columns=columns)
    table = table_of(battles, origins=True)
    other = Other("b", made_up(90, prompts=30, columns=columns, sharpness=2)[1])
    places = random.Random(5).sample(range(90), 90)  # noqa: S311 - an order
    turned = replace(table, battles=tuple(battles[p] for p in places), origins=tuple(table.origins[p] for p in places))
    one = evaluate(table, rows, other=other, draws=FEW)
    rival = Other("b", [other.rows[p] for p in places])
    assert evaluate(turned, [rows[p] for p in places], other=rival, draws=FEW) == one


def test_exchanging_the_sides_mirrors_the_figures() -> None:
    battles, rows = made_up(150, side=0.4)
    one, other = evaluated(battles, rows), evaluated(*swapped(battles, rows))
    assert one.log_loss.value == pytest.approx(other.log_loss.value)
    assert one.log_loss.low == pytest.approx(other.log_loss.low)
    assert one.accuracy == other.accuracy
    turn = [1, 0, 2]
    assert [[one.confusion[r].forecast[c] for c in turn] for r in turn] == [list(e.forecast) for e in other.confusion]
    assert one.position.excess.value == pytest.approx(-other.position.excess.value)
    assert one.length.excess.value == pytest.approx(other.length.excess.value)
    assert one.calibration.class_wise == pytest.approx(other.calibration.class_wise)
    assert one.calibration.temperature.value == pytest.approx(other.calibration.temperature.value)
    for here, there in zip(one.baselines, other.baselines, strict=True):
        assert here.gain.value == pytest.approx(there.gain.value)


def battle(number, winner, prompt=None):
    return Battle(str(number), (prompt or f"p{number}",), ("x" * number,), ("y",), winner)


SURE = {0: (1.0, 0.0, 0.0), 1: (0.0, 1.0, 0.0), 2: (0.0, 0.0, 1.0)}
CASES = {
    "one battle": ([battle(1, 0)], [(0.5, 0.3, 0.2)]),
    "two battles": ([battle(1, 0), battle(2, 1)], [(0.5, 0.3, 0.2), (0.2, 0.3, 0.5)]),
    "one class": ([battle(n, 1) for n in range(40)], [(0.5, 0.3, 0.2)] * 40),
    "only ties": ([battle(n, 2) for n in range(40)], [(0.2, 0.3, 0.5)] * 40),
    "no ties": ([battle(n, n % 2) for n in range(40)], [(0.5, 0.4, 0.1)] * 40),
    "equal forecasts": ([battle(n, n % 3) for n in range(40)], [(1 / 3, 1 / 3, 1 / 3)] * 40),
    "sure and right": ([battle(n, n % 3) for n in range(40)], [SURE[n % 3] for n in range(40)]),
    "sure and wrong": ([battle(n, n % 3) for n in range(40)], [SURE[(n + 1) % 3] for n in range(40)]),
    "all weight on ties": ([battle(n, n % 2) for n in range(40)], [SURE[2]] * 40),
    "one prompt": ([battle(n, n % 3, "same") for n in range(3000)], [(0.5, 0.3, 0.2)] * 3000),
    "two prompts": ([battle(n, n % 3, f"{n % 2}") for n in range(40)], [(0.5, 0.3, 0.2)] * 40),
    "two columns": ([battle(n, n % 2) for n in range(40)], [(0.7, 0.3)] * 40),
    "no text": ([Battle(str(n), (), (), (), n % 3) for n in range(40)], [(0.5, 0.3, 0.2)] * 40),
}


@pytest.mark.parametrize("name", CASES)
def test_whatever_the_battles_are_every_figure_is_a_number_or_is_not_there(name: str) -> None:
    battles, rows = CASES[name]
    found = evaluated(battles, rows, origins=True, other=Other("other", rows))
    page = told(found)
    assert sentences_of(found)
    assert f"{len(battles):,} battle" in page
    if name in ("one battle", "one prompt"):
        assert found.log_loss.low is None
        assert "all battles have one prompt: there are no intervals, and nothing can be held out" in found.notes
    if name == "sure and wrong":
        assert found.log_loss.value == pytest.approx(52 * math.log(2))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["p", "q", "r"]), st.integers(0, 9), st.lists(st.floats(0, 1), min_size=3, max_size=3)),
        min_size=1,
        max_size=12,
    )
)  # fmt: skip
def test_any_battles_are_told(case) -> None:
    battles = [Battle(str(n), (prompt,), ("x" * size,), ("y",), won) for n, (won, prompt, size, _) in enumerate(case)]
    rows = [tuple((each + 1e-9) / (math.fsum(row) + 3e-9) for each in row) for *_, row in case]
    told(evaluated(battles, rows))


def test_names_have_accuracy_and_neither_loss_nor_calibration() -> None:
    battles, rows = made_up(200, columns=2)
    named = [(1.0, 0.0) if row[0] >= row[1] else (0.0, 1.0) for row in rows]
    found = evaluated(battles, named, are_probabilities=False, other=Other("p", rows))
    assert (found.log_loss, found.calibration) == (None, None)
    assert [each.name for each in found.baselines] == ["best constant", "length only"]
    assert all(each.log_loss is None for sliced in found.slices for each in sliced.slices)
    assert found.against.metric == "accuracy"
    assert found.accuracy.value == evaluated(battles, rows).accuracy.value
    assert found.notes[0].startswith("the forecasts are names and not probabilities")
    page = told(found)
    assert "log loss" not in page.partition("How this is reckoned")[0].replace("neither log loss", "")


def test_few_battles_of_a_kind_are_marked() -> None:
    battles, rows = made_up(100)
    found = evaluated(battles, rows)
    for sliced in found.slices:
        assert all(each.is_small == (each.battles < 30) for each in sliced.slices)
    (turns,) = (each for each in found.slices if each.name == "turns")
    assert sum(each.battles for each in turns.slices) == 100
    weighted = sum(each.battles * each.log_loss.value for each in turns.slices) / 100
    assert weighted == pytest.approx(found.log_loss.value)
    prior = sum(each.battles * each.log_loss_prior for each in turns.slices) / 100
    assert prior == pytest.approx(found.baselines[1].log_loss.value)


def test_battles_without_winner_and_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="1 forecasts for 2 battles"):
        Sample.of([battle(1, 0), battle(2, 0)], [(1.0, 0.0)])
    with pytest.raises(ValueError, match="battle 1 has no winner"):
        Sample.of([battle(1, None)], [(1.0, 0.0)])
