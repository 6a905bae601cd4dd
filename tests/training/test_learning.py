"""What is learned, against truths that are known: noise to its entropy, soft labels, WSDM's two ways, and nothing."""

import math
import random
from pathlib import Path

import pytest
from tiny_classifier import battle, learnable, save_classifier
from training_runs import LENGTH, plan

from pipeline.arena.battle import Battle, winners_of
from pipeline.arena.metric import log_loss
from pipeline.text.encode import Encoder
from pipeline.training.examples import Example, examples_of
from pipeline.training.loop import Trained, train

# What comes true where the answers are made of a letter: the optimum of any forecast is the entropy of these.
TRUTH = {"a": (0.8, 0.15, 0.05), "b": (0.1, 0.85, 0.05), "c": (0.1, 0.1, 0.8)}


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_classifier(tmp_path_factory.mktemp("llama") / "model", family="llama", head=False)


def drawn(count: int, seed: int, *, shuffled: bool = False) -> list[Battle]:
    """Battles whose winners are drawn by the truth, or by that of another battle."""
    draw = random.Random(seed)  # noqa: S311 - battles, not secrets
    battles = []
    for n in range(count):
        letter = "abc"[n % 3]
        shares = TRUTH[draw.choice("abc") if shuffled else letter]
        winner = draw.choices((0, 1, 2), shares)[0]
        battles.append(battle(f"{seed}-{n}", f"p{seed}.{n}", letter * 6, letter * 6, winner=winner))
    return battles


def learn(base: Path, examples: tuple[Example, ...], held_out: list[Battle], *, labels: int = 3) -> Trained:
    import torch

    from pipeline.model.load import load_classifier

    torch.set_num_threads(1)
    classifier = load_classifier(
        base, labels=labels, dtype=torch.float32, device=torch.device("cpu"), head_may_be_new=True
    )
    how = plan(epochs=4, rate=1e-2, dropout=0.0, swap="none", batch_size=16)
    return train(classifier, Encoder(classifier.tokenizer, LENGTH), examples, held_out, how)


def optimum(battles: list[Battle]) -> float:
    return log_loss([TRUTH[each.answers_a[0][0]] for each in battles], winners_of(battles))


def test_a_known_truth_is_learned_to_near_its_optimum(llama: Path) -> None:
    held_out = drawn(300, 2)
    trained = learn(llama, examples_of(drawn(480, 1), plan(), labels=3), held_out)
    found, best = trained.evaluations[-1], optimum(held_out)
    assert best < 0.7 < found.loss_prior
    assert found.loss < best + 0.05


def test_shuffled_labels_stay_at_the_prior(llama: Path) -> None:
    held_out = drawn(300, 4, shuffled=True)
    trained = learn(llama, examples_of(drawn(480, 3, shuffled=True), plan(), labels=3), held_out)
    assert trained.evaluations[-1].loss == pytest.approx(trained.evaluations[-1].loss_prior, abs=0.05)


def test_a_teachers_probabilities_are_learned_as_they_are(llama: Path) -> None:
    """Battles that nobody has labelled, learned from a teacher who knows the truth: the forecasts come out as it."""
    unlabelled = [battle(f"t{n}", f"p{n}", "abc"[n % 3] * 6, "abc"[n % 3] * 6) for n in range(480)]
    teacher = {each.id: TRUTH[each.answers_a[0][0]] for each in unlabelled}
    trained = learn(llama, examples_of(unlabelled, plan(), labels=3, teacher=teacher), learnable(3))
    for letter, row in zip("abc", trained.held_out, strict=True):
        assert row == pytest.approx(TRUTH[letter], abs=0.05)
    entropy = sum(-sum(p * math.log(p) for p in shares) for shares in TRUTH.values()) / 3
    assert sum(trained.losses[-8:]) / 8 == pytest.approx(entropy, abs=0.02)


def test_where_nobody_ties_two_columns_are_learned(llama: Path) -> None:
    battles = [each for each in learnable(120) if each.winner != 2]
    trained = learn(llama, examples_of(battles, plan(), labels=2), battles[:20], labels=2)
    assert {len(row) for row in trained.held_out} == {2}
    assert trained.evaluations[-1].loss < 0.1


def test_the_fixture_draws_what_it_says() -> None:
    """Else the optimum above would be none."""
    battles = drawn(3000, 9)
    for letter, shares in TRUTH.items():
        winners = [each.winner for each in battles if each.answers_a[0][0] == letter]
        for column, share in enumerate(shares):
            assert winners.count(column) / len(winners) == pytest.approx(share, abs=0.04)
