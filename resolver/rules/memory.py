"""How much memory a model takes on a device: one formula, in bytes. Knows no file, no rule and no device.

    needed = weights + activations + cache + adapter and its training + context

- weights: every stored element in the dtype that it runs in; packed ones as they are stored.
- activations: what is alive at the peak of one pass over batch x length tokens, padding included; a token in elements
  (h hidden, i inner, d head size):

      MLP          3i   gate, its activation, up (then their product takes the place of one)
                   4i   where gate and up are one matrix; 2i where there is no gate; k(h + 4e) for k experts of size e
      beside it    4h   embeddings, residual stream, its next state, the normed input; 3h in an encoder like BERT;
                   2d   rotary cosine and sine, once for all rows
      attention    s x heads x length   where scores are made in full ("eager"): Gemma 2 (s = 5), DeBERTa (s = 7)

  The larger of MLP and full attention counts, and what is beside it: the two are not alive at once. A row shorter
  than its batch adds a mask of batch x length x length bytes. All logits are vocabulary x batch x length; a classifier
  makes none.
- cache: 2 x layers x kv heads x d a token, only where the model generates; layers x (rank + rotary part) where it is
  compressed (MLA); layers with a sliding window keep no more than the window.
- training (LoRA): an adapter element takes 2 for itself, 2 for its gradient, 8 for Adam's two moments; activations with
  gradient checkpointing: a token's hidden state for each layer, and 6i + 12h for the layer that is run again.
- context: what CUDA and its libraries take before the first tensor, at the least.

It is a lower bound, measured against torch's own tensors in tests/rules/test_memory.py: what it says not to fit fails.
Sources: the model code of transformers 5.23; bitsandbytes 0.50 for the scales of int8 (4 bytes a row) and nf4 (4 bytes
for 64 elements); the scales of float8 are 4 bytes a row.
"""

from collections.abc import Callable
from typing import Final, Literal

from resolver.record import Record

Work = Literal["generate", "logits", "classify", "train"]
CONTEXT_BYTES: Final = 300_000_000
ADAPTER_BYTES: Final = 4  # an element and its gradient, 2 bytes each
OPTIMISER_BYTES: Final = 8
TRAINED_MLP, TRAINED_HIDDEN = 6, 12
BLOCK: Final = 64  # elements that share a scale in nf4
SCALE_BYTES: Final = 4


class Shape(Record):
    """The numbers of an architecture that memory depends on.

    Attributes:
        layers, hidden, heads, vocabulary: as in config.json.
        head_size: of one attention head.
        mlp: elements a token that are alive in the MLP.
        inner: the MLP's inner size, of all experts that see a token.
        rotary: whether positions are rotary, which goes with the way of a decoder.
        scores: copies of the attention scores that are made in full; 0 where they never are.
        cache: elements a token and layer in the cache.
        window: tokens that a sliding layer keeps; None where no layer slides.
        sliding: how many layers do.
    """

    layers: int
    hidden: int
    heads: int
    vocabulary: int
    head_size: int
    mlp: int
    inner: int
    rotary: bool = True
    scores: int = 0
    cache: int = 0
    window: int | None = None
    sliding: int = 0


class Plan(Record):
    """What is to be run.

    Attributes:
        work: "generate" keeps a cache and makes the last token's logits, "logits" makes all of them, "classify" and
            "train" none.
        weights_bytes: of one full copy.
        element_bytes: of an activation.
        shape: None where the architecture's numbers are not known: then weights alone count.
        adapter_elements: of the adapter that is laid over or trained.
        context_bytes: of the device; 0 for a CPU.
    """

    work: Work
    weights_bytes: int
    element_bytes: int = 2
    shape: Shape | None = None
    adapter_elements: int = 0
    context_bytes: int = CONTEXT_BYTES


class Demand(Record):
    """What a plan takes, part by part."""

    weights_bytes: int
    activations_bytes: int = 0
    cache_bytes: int = 0
    adapter_bytes: int = 0
    optimizer_bytes: int = 0
    context_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        """All parts together."""
        return (
            self.weights_bytes
            + self.activations_bytes
            + self.cache_bytes
            + self.adapter_bytes
            + self.optimizer_bytes
            + self.context_bytes
        )


def demand(plan: Plan, batch: int, length: int) -> Demand:
    """What a plan takes for so many rows of so many tokens; grows with both."""
    shape, trained = plan.shape, plan.work == "train"
    return Demand(
        weights_bytes=plan.weights_bytes,
        activations_bytes=0 if shape is None else activations_bytes(plan, shape, batch, length),
        cache_bytes=cache_bytes(shape, batch, length, plan.element_bytes) if shape and plan.work == "generate" else 0,
        adapter_bytes=plan.adapter_elements * (ADAPTER_BYTES if trained else plan.element_bytes),
        optimizer_bytes=plan.adapter_elements * OPTIMISER_BYTES if trained else 0,
        context_bytes=plan.context_bytes,
    )


def activations_bytes(plan: Plan, shape: Shape, batch: int, length: int) -> int:
    """The peak of one pass; see the module."""
    tokens = batch * length
    beside = (4 if shape.rotary else 3) * shape.hidden
    positions = 2 * shape.head_size * length if shape.rotary else 0
    if plan.work == "train":
        again = TRAINED_MLP * shape.inner + TRAINED_HIDDEN * shape.hidden
        elements = tokens * (shape.layers * shape.hidden + again)
    else:
        elements = tokens * (max(shape.mlp, shape.scores * shape.heads * length) + beside) + positions
    if plan.work == "logits":
        elements = max(elements, tokens * (shape.vocabulary + shape.hidden))
    mask = batch * length * length if batch > 1 else 0
    return elements * plan.element_bytes + mask


def cache_bytes(shape: Shape, batch: int, length: int, element_bytes: int) -> int:
    """Keys and values of every token that is kept."""
    kept = length if shape.window is None else min(length, shape.window)
    layered = (shape.layers - shape.sliding) * length + shape.sliding * kept
    return batch * layered * shape.cache * element_bytes


def largest_batch(plan: Plan, length: int, limit_bytes: int) -> int:
    """The most rows of that length that fit; 0 where not even one does."""
    return _largest(lambda batch: demand(plan, batch, length).total_bytes <= limit_bytes, 4_096)


def largest_length(plan: Plan, limit_bytes: int, longest: int) -> int:
    """The longest single row that fits, up to `longest`; 0 where not even one token does."""
    return _largest(lambda length: demand(plan, 1, length).total_bytes <= limit_bytes, longest)


def _largest(fits: Callable[[int], bool], most: int) -> int:
    """The largest number up to `most` that fits, of a question that once answered no stays no."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def byte_bytes(rows: int, columns: int) -> int:
    """A matrix in bitsandbytes' int8, or in float8 with a scale a row: a byte an element beside the scale.

    >>> byte_bytes(4096, 4096)
    16793600
    """
    return rows * columns + SCALE_BYTES * rows


def nf4_bytes(rows: int, columns: int) -> int:
    """A matrix in bitsandbytes' nf4: half a byte an element, a scale for each 64.

    >>> nf4_bytes(4096, 4096)
    9437184
    """
    return -(-rows * columns // 2) + SCALE_BYTES * -(-rows * columns // BLOCK)
