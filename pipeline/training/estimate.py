"""Memory, operations, time and disk of a run, reckoned before it: plain arithmetic, no model and no file.

    memory of a device = weights + gradients + optimiser + casts + activations + context

- weights as the census has them; a gradient is 4 bytes and Adam's two moments are 8 for each trained element, all in
  float32; autocast keeps a copy of what is trained in 16 bits.
- activations that the backward pass wants, bytes a token and layer (h hidden, i inner, a all heads together, e bytes of
  an element, n of a dropout's mask: 1 on a GPU, 4 elsewhere, where noise is a float):

      norms        4h each       their input in float32
      attention    4ae           queries, keys, values (a copy for each head), their mixture
      scores       8 x heads x length, where they are made in full: softmax in float32, and its input or its cast;
                   12 where they meet a dropout
      MLP          3ie with a gate (gate, its activation, up), else ie
      dropouts     hn each
      trained      (e + n) for every element of the input of a layer with a LoRA, e without dropout or LoRA
      cache        he            keys and values that transformers keeps in training too

  A head alone keeps the cache only: a forward pass takes 3ie + 4he + 8h (2ie without a gate), and scores.
  With checkpointing a layer keeps its input, he, and one layer is run again. Either way the layer in work takes
  (2i + 2h) x 4 more, for what flows back; the mask of a batch takes rows x length x length. What H701 reckons is never
  undercut.
- operations: 2 for each element of a product a token; once for the product, once for what flows back through it, once
  more where it is trained (the third of Kaplan et al. 2020, 6ND, that a LoRA saves); attention 4 x length x a a token
  and layer, with twice that backward, of full rows, not of half; with checkpointing the forward pass again.
- time: operations over peak rate, at a share of it that is assumed and told.

tests/training/test_estimate.py compares with torch's own tensors and its own counter of operations.
"""

from dataclasses import dataclass
from typing import Final

from pipeline.preflight import Machine, least_activations
from pipeline.training.census import Census
from pipeline.training.plan import Plan
from pipeline.training.workload import Load

GRADIENT_BYTES: Final = 4
MOMENT_BYTES: Final = 8
FLOAT_BYTES: Final = 4
SCORE_BYTES: Final = 8
DROPPED_SCORE_BYTES: Final = 12
# Shares of the peak rate that loops of this kind reach: assumed. A CPU's is of a product of matrices that is measured.
UTILISATION: Final = {"cuda": (0.3, 0.5), "tpu": (0.3, 0.5), "cpu": (0.4, 0.8)}
TIGHT: Final = 0.9  # of the memory: as H702
CHECKPOINTS: Final = 2  # that are kept, while a third is written


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on one device, part by part, each a full copy."""

    weights: int
    gradients: int
    optimiser: int
    casts: int
    activations: int
    logits: int
    context: int

    @property
    def total(self) -> int:
        """All parts together."""
        return self.copied + self.activations + self.logits + self.context

    @property
    def copied(self) -> int:
        """What every device has a copy of, and what is divided where the model is sharded."""
        return self.weights + self.gradients + self.optimiser + self.casts

    def sharded(self, devices: int) -> int:
        """What a device takes where everything that belongs to a parameter is divided."""
        return self.total - self.copied + -(-self.copied // devices)


@dataclass(frozen=True, slots=True)
class Work:
    """Operations of a run.

    Attributes:
        forward, backward, again: of one token in training, by pass; `again` is checkpointing's.
        step: of an average step.
        run: of all steps and evaluations.
    """

    forward: float
    backward: float
    again: float
    step: float
    run: float


def memory_of(census: Census, plan: Plan, machine: Machine, *, longest: int, context: int = 0) -> Memory:
    """What a run takes on one device.

    Args:
        census: of the model.
        plan: micro-batches, checkpointing, dropout.
        machine: whose device it is.
        longest: tokens of the longest row.
        context: bytes that are taken before there is a model.
    """
    tokens, rows, length = largest_micro(plan, longest)
    return Memory(
        weights=census.weights_bytes,
        gradients=GRADIENT_BYTES * census.trained,
        optimiser=MOMENT_BYTES * census.trained,
        casts=census.element_bytes * census.trained if census.element_bytes < FLOAT_BYTES else 0,
        activations=_activations(census, plan, machine, tokens=tokens, rows=rows, length=length),
        logits=FLOAT_BYTES * 2 * 3 * tokens,
        context=context,
    )


def largest_micro(plan: Plan, longest: int) -> tuple[int, int, int]:
    """Tokens, rows and width of the micro-batch that takes most in training.

    Without buckets it has no more rows than a step; with them it is filled up.

    >>> largest_micro(Plan(batch_tokens=4096), 1024)
    (4096, 4, 1024)
    >>> largest_micro(Plan(batch_tokens=1000, buckets=(512, 1024)), 700)
    (1024, 1, 1024)
    """
    if not plan.buckets:
        rows = max(1, min(plan.batch_size, plan.batch_tokens // longest))
        return rows * longest, rows, longest
    shorter = [width for width in plan.buckets if width < longest]
    widths = plan.buckets[: len(shorter) + 1]
    tokens, width = max((max(1, plan.batch_tokens // width) * width, width) for width in widths)
    return tokens, tokens // width, width


def _activations(census: Census, plan: Plan, machine: Machine, *, tokens: int, rows: int, length: int) -> int:
    element, noise = census.element_bytes, 1 if machine.kind == "cuda" else FLOAT_BYTES
    scores = _score_bytes(census, machine) * length
    mask = tokens * length if rows > 1 else 0
    mlp = (3 if census.has_gate else 2) * census.inner
    if not flows_back(plan):
        cache = census.layers * census.hidden * element
        return tokens * (element * mlp + (4 * element + 8) * census.hidden + scores + cache) + mask
    working = FLOAT_BYTES * (2 * census.inner + 2 * census.hidden) + scores
    dropped = noise if plan.dropout and plan.tune == "lora" else 0
    saved = (
        FLOAT_BYTES * census.norms * census.hidden
        + 4 * census.attention * element
        + (3 if census.has_gate else 1) * census.inner * element
        + census.dropouts * census.hidden * noise
        + census.inputs / census.layers * (element + dropped)
        + census.hidden * element
        + scores
    )
    kept = census.layers * census.hidden * element + saved if plan.checkpointing else census.layers * saved
    least = least_activations(
        layers=census.layers, hidden=census.hidden, inner=census.inner, rows=rows, length=length, element_bytes=element
    )
    return max(round(tokens * (kept + working)) + mask, least)


def _score_bytes(census: Census, machine: Machine) -> int:
    """Bytes that are kept for each token that a token looks at."""
    heads = census.heads
    if census.drops_scores and (census.scores or machine.kind == "cpu"):
        return DROPPED_SCORE_BYTES * heads
    return SCORE_BYTES * heads if census.scores else 0


def flows_back(plan: Plan) -> bool:
    """Whether gradients go through the layers: for a head alone they need not, but checkpointing asks for them."""
    return plan.tune != "head" or plan.checkpointing


def work_of(census: Census, plan: Plan, load: Load) -> Work:
    """Operations of a run."""
    looking = 4 * load.width * census.attention * census.layers
    forward = 2 * (census.products + census.lora) + looking
    backward = 2 * (census.products + census.trained_products) + 4 * census.lora + 2 * looking
    back = backward if flows_back(plan) else 0.0
    again = forward if plan.checkpointing else 0.0
    trained = load.rows * load.width * (forward + back + again)
    evaluated = load.evaluations * load.held_out * load.width * forward
    return Work(forward, back, again, trained / load.steps, trained + evaluated)


def seconds_of(work: Work, machine: Machine, peak: float | None) -> tuple[float, float] | None:
    """The shortest and the longest that a run may take, at the assumed utilisation; None without a peak rate."""
    if peak is None:
        return None
    low, high = UTILISATION[machine.kind]
    whole = machine.devices * peak
    return work.run / (high * whole), work.run / (low * whole)


def disk_of(census: Census) -> tuple[int, int]:
    """Bytes of what is saved in the end, and of the checkpoints on the way: two that are kept and one in the making."""
    saved = FLOAT_BYTES * census.trained
    return saved, (CHECKPOINTS + 1) * (saved + MOMENT_BYTES * census.trained)
