"""The loop: what it repeats to the last bit, what changes nothing, what it learns and what it refuses."""

from pathlib import Path
from typing import Any

import pytest
from tiny_classifier import battle, learnable, load, save_classifier
from training_runs import LENGTH, due_every, plan, run, stopping_after

from pipeline.errors import OutputError, SettingsError
from pipeline.text.encode import Encoder
from pipeline.training.checkpoint import Keeper
from pipeline.training.examples import Example, examples_of
from pipeline.training.loop import DivergedError, Trained, train
from pipeline.training.state import Progress, Tensors


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_classifier(tmp_path_factory.mktemp("base") / "model", head=False)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without dropout of its own, so that ways of computing the same can be compared."""
    return save_classifier(tmp_path_factory.mktemp("llama") / "model", family="llama", head=False)


def equal(one: Trained, other: Trained) -> bool:
    import torch

    return (
        one.losses == other.losses
        and one.evaluations == other.evaluations
        and one.held_out == other.held_out
        and one.weights.keys() == other.weights.keys()
        and all(torch.equal(each, other.weights[name]) for name, each in one.weights.items())
    )


def test_the_same_seed_gives_the_same_run_to_the_last_bit(base: Path) -> None:
    import torch

    first = run(base)
    torch.manual_seed(99)  # whatever else drew numbers before
    assert equal(first, run(base))
    assert run(base, plan(seed=1)).losses != first.losses


def test_the_global_random_state_is_left_alone(base: Path) -> None:
    import torch

    # Loading draws a head that is then drawn again from the seed; training itself draws nothing from outside.
    classifier = load(base, new_head=True)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    how = plan(epochs=1, rank=2)
    train(classifier, Encoder(classifier.tokenizer, LENGTH), examples_of(learnable(6), how, labels=3), (), how)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("tune", ["lora", "head", "full"])
@pytest.mark.parametrize(
    "way", [{"batch_tokens": 100}, {"checkpointing": True}, {"buckets": (48, 96)}], ids=lambda way: next(iter(way))
)
def test_ways_of_computing_the_same_change_no_loss(llama: Path, tune: str, way: dict[str, object]) -> None:
    plain = run(llama, plan(tune=tune, dropout=0.0))
    other = run(llama, plan(tune=tune, dropout=0.0, **way))
    assert other.losses == pytest.approx(plain.losses, abs=1e-5)
    assert [each for row in other.held_out for each in row] == pytest.approx(
        [each for row in plain.held_out for each in row], abs=1e-5
    )


def test_buckets_bound_the_number_of_shapes(llama: Path) -> None:
    assert run(llama, plan(buckets=(64, 96), batch_tokens=192)).shapes <= 2


@pytest.mark.parametrize(
    "more", [{"rslora": True}, {"dora": True}, {"targets": "attention"}, {"targets": "output-value"}]
)
def test_kinds_of_lora_learn(llama: Path, more: dict[str, object]) -> None:
    how = plan(epochs=8, rate=1e-2, dropout=0.0, swap="none", **more)
    trained = run(llama, how, battles=48, held_out=12)
    assert trained.evaluations[-1].loss < 0.8 * trained.evaluations[-1].loss_prior


@pytest.mark.parametrize("tune", ["lora", "full"])
def test_what_can_be_learned_is_learned(base: Path, tune: str) -> None:
    """A training that works leaves the prior far behind; one that does not stays at ln 3."""
    how = plan(tune=tune, epochs=12, rate=1e-2, rank=8, alpha=16, dropout=0.0, swap="none")
    trained = run(base, how, battles=48, held_out=12)
    assert trained.losses[0] > 0.8
    assert trained.evaluations[-1].loss < 0.5 * trained.evaluations[-1].loss_prior


def test_weights_of_zero_worth_change_nothing_and_heavy_ones_rule(llama: Path) -> None:
    """Two examples that contradict one another: the heavier one decides."""
    how = plan(epochs=20, rate=1e-2, dropout=0.0, swap="none", batch_size=2)
    right, wrong = battle("1", "p", "aaa", "bbb", winner=0), battle("2", "p", "aaa", "bbb", winner=1)
    classifier = load(llama, new_head=True)
    examples = [Example(right, (1.0, 0.0, 0.0), weight=9.0), Example(wrong, (0.0, 1.0, 0.0), weight=1.0)]
    trained = train(classifier, Encoder(classifier.tokenizer, LENGTH), examples, [right], how)
    a, b, _ = trained.held_out[0]
    assert a == pytest.approx(0.9, abs=0.05)
    assert b == pytest.approx(0.1, abs=0.05)


def test_every_epoch_is_evaluated_and_told(base: Path) -> None:
    said: list[str] = []
    sights: list[int] = []
    steps: list[Any] = []
    trained = run(base, plan(evaluate_every=3), tell=said.append, advance=sights.append, stepped=steps.append)
    assert [each.step for each in trained.evaluations] == [3, 4, 6, 8]
    assert len(said) == 4
    assert "held out" in said[0]
    assert sum(sights) == 48
    assert [each.step for each in steps] == list(range(1, 9))
    assert tuple(each.loss for each in steps) == trained.losses
    assert max(each.rate for each in steps) == 5e-3


@pytest.mark.parametrize("tune", ["lora", "full"])
@pytest.mark.parametrize("steps", [1, 3, 4, 7])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(base: Path, tmp_path: Path, tune: str, steps: int) -> None:
    how = plan(tune=tune, evaluate_every=3)
    keeper, began = Keeper(tmp_path, "run"), list[int]()
    stopped = run(base, how, checkpoints=keeper, stop=stopping_after(steps))
    assert (stopped.ended, len(stopped.losses)) == ("stopped", steps)
    again = run(base, how, checkpoints=keeper, began=began.append)
    assert began == [steps]
    assert equal(again, run(base, how))


def test_a_run_without_time_is_evaluated_where_it_is(base: Path, tmp_path: Path) -> None:
    trained = run(base, checkpoints=Keeper(tmp_path, "run"), stop=stopping_after(3, "out of time"))
    assert trained.ended == "out of time"
    assert trained.evaluations[-1].step == 3
    assert len(trained.held_out) == 6
    latest = Keeper(tmp_path, "run").latest()
    assert latest is not None
    assert latest.progress.step == 3


class Full:
    """Checkpoints on a disk that is full."""

    def latest(self) -> None:
        return None

    def keep(self, progress: Progress, tensors: Tensors) -> None:
        raise OutputError("no space left on device")


def test_a_checkpoint_that_cannot_be_written_ends_only_a_run_that_was_asked_to_stop(base: Path) -> None:
    said: list[str] = []
    trained = run(base, checkpoints=Full(), checkpoint_due=due_every(3), tell=said.append)
    assert trained.ended == "done"
    assert [line for line in said if line.startswith("no checkpoint at step 3: no space left")]
    with pytest.raises(OutputError, match="no space left"):
        run(base, checkpoints=Full(), stop=stopping_after(2))


def test_labels_that_the_head_has_no_column_for_are_refused(base: Path) -> None:
    classifier = load(base, new_head=True)
    encoder, how = Encoder(classifier.tokenizer, LENGTH), plan()
    with pytest.raises(SettingsError, match="battle 9 has a target of 2 labels"):
        train(classifier, encoder, [Example(battle("9"), (1.0, 0.0))], (), how)
    with pytest.raises(SettingsError, match="battle 9 has no winner"):
        train(classifier, encoder, examples_of(learnable(2), how, labels=3), [battle("9")], how)
    with pytest.raises(SettingsError, match="no battle to train on"):
        train(classifier, encoder, (), (), how)


def test_a_loss_that_is_no_number_stops_the_run(base: Path) -> None:
    with pytest.raises(DivergedError, match="the loss of step"):
        run(base, plan(rate=1e30))


def test_weights_that_are_no_numbers_after_the_last_step_are_not_kept(base: Path, tmp_path: Path) -> None:
    """A run of one step: no loss comes after it."""
    with pytest.raises(DivergedError, match=r"after step 1 .* is no number"):
        run(base, plan(epochs=1, batch_size=1000, rate=1e30, weight_decay=1e30), checkpoints=Keeper(tmp_path, "run"))
    assert Keeper(tmp_path, "run").latest() is None
