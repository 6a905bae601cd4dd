"""Train a tiny classifier at a place, as a process of its own or one of several: what the tests of placements compare.

    placed_run.py BASE OUTPUT [DEVICE [PARALLEL]] [--compile] [--eager-attention] [--rows N --bucket N ...]

The first process writes `weights.safetensors` and `losses.json` into OUTPUT.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_classifier import learnable, load

if TYPE_CHECKING:
    import torch

    from pipeline.training.placement.placement import Placement

BATTLES, EPOCHS, STEP, LENGTH = 23, 2, 5, 80


@dataclass(frozen=True)
class Placed:
    losses: tuple[float, ...]
    norms: tuple[float, ...]  # of the gradients: AdamW and clipping hide a factor from the losses
    forecasts: tuple[tuple[float, ...], ...]
    weights: dict[str, torch.Tensor]

    def save(self, output: Path) -> None:
        from safetensors.torch import save_file

        save_file(self.weights, output / "weights.safetensors")
        (output / "losses.json").write_text(json.dumps([self.losses, self.norms, self.forecasts]))

    def farthest(self, other: Placed) -> float:
        """The largest difference in a trained weight or a forecast."""
        assert self.weights.keys() == other.weights.keys()
        weights = [float((self.weights[name] - other.weights[name]).abs().max()) for name in other.weights]
        pairs = zip(self.forecasts, other.forecasts, strict=True)
        return max(*weights, *(abs(ours - theirs) for row in pairs for ours, theirs in zip(*row, strict=True)))

    @classmethod
    def read(cls, output: Path) -> Placed:
        from safetensors.torch import load_file

        losses, norms, forecasts = json.loads((output / "losses.json").read_text())
        return cls(tuple(losses), tuple(norms), tuple(map(tuple, forecasts)), load_file(output / "weights.safetensors"))


def run(base: Path, placement: Placement, *, rows: int = 2, eager: bool = False, **more: Any) -> Placed:
    """Ten steps of an odd number of micro-batches each; no dropout, which differs by process."""
    from pipeline.text.encode import Encoder
    from pipeline.training.examples import Example
    from pipeline.training.hooks import Hooks
    from pipeline.training.loop import train
    from pipeline.training.plan import Plan

    classifier = load(base, new_head=True)
    if eager:
        classifier.model.set_attn_implementation("eager")
    encoder = Encoder(classifier.tokenizer, LENGTH)
    examples = [Example(each, tuple(float(label == each.winner) for label in range(3))) for each in learnable(BATTLES)]
    plan = Plan(
        epochs=EPOCHS, batch_size=STEP, batch_tokens=rows * LENGTH, rate=5e-3, rank=4, alpha=8, dropout=0.0, **more
    )
    norms: list[float] = []
    hooks = Hooks(stepped=lambda facts: norms.append(facts.norm))
    trained = train(classifier, encoder, examples, learnable(5), plan, placement=placement, hooks=hooks)
    return Placed(trained.losses, tuple(norms), trained.held_out, dict(trained.weights))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("base", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("device", nargs="?", default="cpu")
    parser.add_argument("parallel", nargs="?", default="auto")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--eager-attention", action="store_true")
    parser.add_argument("--rows", type=int, default=2)
    parser.add_argument("--bucket", type=int, action="append", default=[])
    options = parser.parse_args()

    from pipeline.training.placement.choose import choose_placement

    placement = choose_placement(options.device, options.parallel, compiled=options.compile)
    eager, buckets = options.eager_attention, tuple(options.bucket)
    placed = run(options.base, placement, rows=options.rows, eager=eager, buckets=buckets)
    if placement.place.is_first:
        placed.save(options.output)
    placement.close()


if __name__ == "__main__":
    main()
