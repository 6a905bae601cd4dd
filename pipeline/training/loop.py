"""One plain loop, wherever it runs: steps of a fixed number of battles, each in micro-batches of so many tokens.

The same plan, data, base and machine give the same losses, to the last bit on a CPU, in one sitting or in several. What
it does not know: devices and processes (`placement`), files (`checkpoint`, `run_directory`), and how targets come about
(`examples`).
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pipeline.arena.battle import Battle, winners_of
from pipeline.arena.metric import accuracy, favourite, log_loss
from pipeline.arena.outcome import Row
from pipeline.errors import USAGE, OutputError, PipelineError, SettingsError
from pipeline.model.load import Classifier
from pipeline.text.encode import Encoder
from pipeline.training.adapt import Trainable, groups, prepare, trainables
from pipeline.training.examples import Example
from pipeline.training.forward import Forward, spare_id
from pipeline.training.hooks import Ended, Hooks, StepFacts
from pipeline.training.loss import cross_entropy_share
from pipeline.training.order import Order
from pipeline.training.placement.local import Local
from pipeline.training.placement.placement import Placement
from pipeline.training.plan import Plan
from pipeline.training.schedule import rate_factor
from pipeline.training.state import Evaluation, Progress, Tensors, capture, restore

if TYPE_CHECKING:
    import torch

# Losses are brought to the host so often: a device that is asked after every step waits for the host each time.
LOOK_EVERY: Final = 10
# A generator for each step and process, far apart from the seeds that people choose.
STRIDE: Final = 1_000_003
SMALLER: Final = "say --rate with a tenth of it, or --dtype float32"


class DivergedError(PipelineError, ArithmeticError):
    """The loss, or a weight, is no number any more: of the options, not of the tool."""

    exit_code = USAGE


@dataclass(frozen=True, slots=True)
class Trained:
    """A classifier after a run.

    Attributes:
        classifier: in evaluation mode.
        weights: what was trained, whole and on the host, by the model's own names.
        losses: the mean loss of every step, in nats.
        evaluations: all of them.
        held_out: the last forecasts of the held-out battles, in order.
        seconds: spent in the steps.
        steps: how many the run has; fewer were taken where it ended before.
        ended: how.
        shapes: of micro-batches that were run.
    """

    classifier: Classifier
    weights: Tensors
    losses: tuple[float, ...]
    evaluations: tuple[Evaluation, ...]
    held_out: tuple[Row, ...]
    seconds: float
    steps: int
    ended: Ended
    shapes: int


def train(
    classifier: Classifier,
    encoder: Encoder,
    examples: Sequence[Example],
    held_out: Sequence[Battle],
    plan: Plan,
    *,
    placement: Placement | None = None,
    hooks: Hooks | None = None,
) -> Trained:
    """Train what the plan names.

    Args:
        classifier: the base with a head, trained or fresh.
        encoder: template and length; scoring has to use the same.
        examples: to train on.
        held_out: to evaluate on, labelled; may be empty.
        plan: how.
        placement: where; the classifier's own device where None.
        hooks: who is told, and who keeps checkpoints.

    Raises:
        DivergedError: the loss is not finite; says at which step.
        SettingsError: there is nothing to train on, or a label that the head has no column for.
        OutputError: a run that was asked to stop cannot save where it is.
    """
    import torch

    _require_labels(examples, held_out, classifier.labels)
    placement = placement or Local(classifier.device)
    device = placement.place.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(plan.seed)
        prepared = prepare(classifier, plan)
        prepared = replace(prepared, model=placement.put(prepared.model), device=device)
        run = _Run(prepared, encoder, tuple(examples), tuple(held_out), plan, placement, hooks or Hooks())
        return run.carry_out()


def _require_labels(examples: Sequence[Example], held_out: Sequence[Battle], labels: int) -> None:
    if not examples:
        raise SettingsError("there is no battle to train on")
    for example in examples:
        if len(example.target) != labels:
            raise SettingsError(
                f"battle {example.battle.id} has a target of {len(example.target)} labels, the head {labels}"
            )
    for battle in held_out:
        if battle.winner is None or battle.winner >= labels:
            raise SettingsError(f"battle {battle.id} has no winner among the {labels} labels of the head")


@dataclass(slots=True)
class _Run:
    """A run under way: what changes from step to step, and how."""

    classifier: Classifier
    encoder: Encoder
    examples: tuple[Example, ...]
    held_out: tuple[Battle, ...]
    plan: Plan
    placement: Placement
    hooks: Hooks
    forward: Forward = field(init=False)
    order: Order = field(init=False)
    parts: tuple[Trainable, ...] = field(init=False)
    optimiser: "torch.optim.Optimizer" = field(init=False)
    scaler: "torch.amp.GradScaler" = field(init=False)
    losses: list[float] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    forecasts: tuple[Row, ...] = ()
    pending: "list[tuple[torch.Tensor, torch.Tensor]]" = field(default_factory=list)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        import torch

        pad = spare_id(self.classifier.tokenizer, self.encoder)
        self.forward = Forward(self.classifier, self.placement, self.plan, pad, self.encoder.max_length)
        self.order = Order(len(self.examples), self.plan)
        self.parts = trainables(self.classifier.model)
        self.optimiser = torch.optim.AdamW(groups(self.parts, self.plan))
        half = self.classifier.dtype == torch.float16
        self.scaler = torch.amp.GradScaler(self.placement.place.device.type, enabled=half)

    def carry_out(self) -> Trained:
        """Take the steps that are left."""
        self._resume()
        ended: Ended = "done"
        for number in range(len(self.losses), self.order.steps):
            ended = self._pass(number)
            if ended != "done":
                break
        self._look()
        weights = self._sound_weights()
        if ended == "done":  # what comes now, the held-out battles and the output, can fail; the steps are kept
            self._keep(must=False)
        if (
            ended != "stopped"
            and self.held_out
            and (not self.forecasts or self.evaluations[-1].step != len(self.losses))
        ):
            self._evaluate()
        self.classifier.model.eval()
        return Trained(
            self.classifier,
            weights,
            tuple(self.losses),
            tuple(self.evaluations),
            self.forecasts,
            self.seconds,
            self.order.steps,
            ended,
            len(self.forward.shapes),
        )

    def _sound_weights(self) -> Tensors:
        """What was trained, by the model's own names; no loss comes after the last step to tell of its harm."""
        weights = {name.removeprefix("model/"): each for name, each in capture(self.parts, None).items()}
        bad = next((name for name, each in weights.items() if not each.isfinite().all()), None)
        if bad is not None:
            raise DivergedError(f"after step {len(self.losses)} {bad} holds what is no number", fix=SMALLER)
        return weights

    def _pass(self, number: int) -> Ended:
        """One step and what is due after it; how the run ends here, `done` for not yet."""
        began = time.perf_counter()
        seen = self._seen(number)
        self.pending.append(self._take_step(number, seen))
        done = number + 1
        self.hooks.advance(len(seen))
        if self._is_due(done):
            self._look()
            self.seconds += time.perf_counter() - began
            self._evaluate()
        else:
            if len(self.pending) >= LOOK_EVERY:
                self._look()
            self.seconds += time.perf_counter() - began
        stop, due = self._agreed(done)
        if (stop or due) and done < self.order.steps:
            self._keep(must=stop is not None)
        return stop or "done"

    def _seen(self, number: int) -> list[Example]:
        sights = self.order.step(number)
        return [self.examples[each.place].swapped() if each.swapped else self.examples[each.place] for each in sights]

    def _take_step(self, number: int, seen: Sequence[Example]) -> "tuple[torch.Tensor, torch.Tensor]":
        """One step of the optimiser; returns mean loss and norm, which are on the device still."""
        import torch

        place = self.placement.place
        torch.manual_seed(self.plan.seed + STRIDE * (number * place.processes + place.rank + 1))
        rows = self.encoder.encode([each.battle for each in seen])
        self.optimiser.zero_grad(set_to_none=True)
        factor = rate_factor(number, self.order.steps, self._warmup(), self.plan.schedule)
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * factor
        total = sum(each.weight for each in seen)
        loss = torch.zeros((), device=place.device)
        for micro in self.forward.mine(rows):
            logits_BC = self.forward.logits(rows, micro)
            target_BC, weight_B = _asked([seen[at] for at in micro.places], micro.height, self.classifier.labels, total)
            feed = self.placement.feed
            share = cross_entropy_share(logits_BC, feed(target_BC), feed(weight_B))
            self.scaler.scale(share).backward()  # type: ignore[no-untyped-call]  # torch has no types for it
            loss += share.detach()
        self.placement.total([loss])
        norm = self._apply()
        self.placement.end_step()
        return loss, norm

    def _apply(self) -> "torch.Tensor":
        """Put the gradients together, clip them, and step."""
        import torch

        parameters = [each.parameter for each in self.parts]
        for each in parameters:
            if each.grad is None:
                each.grad = torch.zeros_like(each)
        self.placement.gather([each.grad for each in parameters if each.grad is not None])
        self.scaler.unscale_(self.optimiser)
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.plan.clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        return norm

    def _look(self) -> None:
        """Bring what the steps left on the device to the host, and see whether the run is still sound."""
        whole = [(loss, norm.full_tensor() if hasattr(norm, "full_tensor") else norm) for loss, norm in self.pending]
        self.pending.clear()
        for loss, norm in [(float(loss), float(norm)) for loss, norm in whole]:
            step = len(self.losses) + 1
            if not -float("inf") < loss < float("inf"):
                raise DivergedError(f"the loss of step {step} is {loss}", fix=SMALLER)
            self.losses.append(loss)
            factor = rate_factor(step - 1, self.order.steps, self._warmup(), self.plan.schedule)
            self.hooks.stepped(StepFacts(step, loss, self.plan.rate * factor, norm))

    def _warmup(self) -> int:
        return max(1, round(self.plan.warmup * self.order.steps))

    def _is_due(self, done: int) -> bool:
        every = self.plan.evaluate_every
        return done % self.order.per_epoch == 0 or bool(every and done % every == 0)

    def _evaluate(self) -> None:
        step, per_epoch = len(self.losses), self.order.per_epoch
        mean = sum(self.losses[-per_epoch:]) / max(1, len(self.losses[-per_epoch:]))
        text = f"step {step} of {self.order.steps}: training log loss {mean:.4f}"
        if self.held_out:
            self.classifier.model.eval()
            self.forecasts = self.forward.forecasts(self.encoder.encode(self.held_out))
            self.classifier.model.train()
            if not all(math.isfinite(each) for row in self.forecasts for each in row):
                raise DivergedError(f"after step {step} a held-out battle's forecast is no number", fix=SMALLER)
            last = _evaluation(self.forecasts, self.held_out, self.examples, step=step, epoch=step / per_epoch)
            if last not in self.evaluations:  # a run that had ended when it was killed is only forecast again
                self.evaluations.append(last)
                self.hooks.evaluated(last)
            text += (
                f", held out {last.loss:.4f} (prior {last.loss_prior:.4f}), accuracy {last.accuracy:.3f}"
                f" on {last.battles} battles"
            )
        self.hooks.tell(text)

    def _agreed(self, done: int) -> tuple[Ended | None, bool]:
        """Whether to stop and whether a checkpoint is due: what the first process says, where there are several.

        Those are asked together now and then, because asking costs a wait.
        """
        import torch

        place = self.placement.place
        if place.processes == 1:
            return self.hooks.stop(), self.hooks.checkpoint_due()
        if done % LOOK_EVERY:
            return None, False
        stop, due = (self.hooks.stop(), self.hooks.checkpoint_due()) if place.is_first else (None, False)
        votes = torch.tensor([stop == "stopped", stop == "out of time", due], dtype=torch.float32, device=place.device)
        self.placement.total([votes])
        stopped, late, wanted = (bool(each) for each in votes.tolist())
        return "stopped" if stopped else "out of time" if late else None, wanted

    def _keep(self, *, must: bool) -> None:
        """Write a checkpoint; a run goes on where one that is only due cannot be written."""
        if self.hooks.checkpoints is None:
            return
        self._look()
        tensors = capture(self.parts, self.optimiser)
        if not self.placement.place.is_first:
            return
        try:
            self.hooks.checkpoints.keep(self._progress(), tensors)
        except OutputError as error:
            if must:
                raise
            self.hooks.tell(f"no checkpoint at step {len(self.losses)}: {error}; the last one is whole")

    def _progress(self) -> Progress:
        return Progress(
            step=len(self.losses),
            losses=tuple(self.losses),
            evaluations=tuple(self.evaluations),
            seconds=self.seconds,
            scale=self.scaler.state_dict() or None,
        )

    def _resume(self) -> None:
        found = self.hooks.checkpoints.latest() if self.hooks.checkpoints else None
        if found is None:
            self.hooks.began(0)
            return
        restore(self.parts, self.optimiser, found.tensors)
        if found.progress.scale:
            self.scaler.load_state_dict(found.progress.scale)
        self.losses, self.evaluations = list(found.progress.losses), list(found.progress.evaluations)
        self.seconds = found.progress.seconds
        self.hooks.began(found.progress.step)
        self.hooks.advance(sum(len(self.order.step(number)) for number in range(found.progress.step)))


def _asked(seen: Sequence[Example], height: int, labels: int, total: float) -> "tuple[torch.Tensor, torch.Tensor]":
    """Targets [B, C] and weights [B] of a micro-batch, on the host; 0 for the rows that are padding."""
    import torch

    target_BC, weight_B = torch.zeros(height, labels), torch.zeros(height)
    for row, example in enumerate(seen):
        target_BC[row] = torch.tensor(example.target)
        weight_B[row] = example.weight / total
    return target_BC, weight_B


def _evaluation(
    forecasts: Sequence[Row], held_out: Sequence[Battle], examples: Sequence[Example], *, step: int, epoch: float
) -> Evaluation:
    """The prior is the one of the examples trained on, mirrored where battles are seen both ways."""
    winners = winners_of(held_out)
    total = sum(each.weight for each in examples)
    columns = zip(*(each.target for each in examples), strict=True)
    constant = tuple(
        sum(share * each.weight for share, each in zip(column, examples, strict=True)) / total for column in columns
    )
    return Evaluation(
        step=step,
        epoch=epoch,
        loss=log_loss(forecasts, winners),
        accuracy=accuracy([favourite(row) for row in forecasts], winners),
        loss_prior=log_loss([constant] * len(winners), winners),
        battles=len(winners),
    )
