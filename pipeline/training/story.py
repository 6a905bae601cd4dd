"""Tell how a run goes: a line of JSON a step and an evaluation, TensorBoard's events, and a picture of the curves.

Lines and events of steps that a resumed run takes again are removed first, so that each step stands once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipeline.output import replacing
from pipeline.training.hooks import StepFacts
from pipeline.training.run_directory import CURVES, METRICS, TENSORBOARD, add_line
from pipeline.training.state import Evaluation

Line = Mapping[str, Any]


class Story:
    """The metrics of a run in its directory.

    Args:
        directory: of the run.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._metrics = directory / METRICS
        self._events: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def begin(self, steps: int) -> None:
        """A sitting begins behind so many steps: what was told of later ones is forgotten."""
        kept = [line for line in read_metrics(self._metrics) if line["step"] <= steps]
        with replacing(self._metrics) as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        self.close()
        if find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(str(self._directory / TENSORBOARD), purge_step=steps + 1)

    def stepped(self, facts: StepFacts) -> None:
        """A step was taken."""
        add_line(self._metrics, {"kind": "step", **asdict(facts)})
        self._add({"training/loss": facts.loss, "training/rate": facts.rate, "training/norm": facts.norm}, facts.step)

    def evaluated(self, evaluation: Evaluation) -> None:
        """The held-out battles were forecast."""
        add_line(self._metrics, {"kind": "evaluation", **evaluation.model_dump()})
        self._add({"held_out/loss": evaluation.loss, "held_out/accuracy": evaluation.accuracy}, evaluation.step)

    def close(self) -> None:
        """Write what is buffered."""
        if self._events is not None:
            self._events.close()
            self._events = None

    def _add(self, scalars: Mapping[str, float], step: int) -> None:
        if self._events is not None:
            for name, value in scalars.items():
                self._events.add_scalar(name, value, step)


def read_metrics(path: Path) -> list[Line]:
    """The lines of a metrics file; a last one that was cut off is left out, an absent file has none."""
    if not path.is_file():
        return []
    lines: list[Line] = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            lines.append(line)
    return lines


def draw_curves(directory: Path) -> bool:
    """The losses and the rate of a run as a picture; False where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = read_metrics(directory / METRICS)
    steps = [line for line in lines if line.get("kind") == "step"]
    evaluations = [line for line in lines if line.get("kind") == "evaluation"]
    figure = Figure(figsize=(8, 6), layout="constrained")
    losses, rates = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    numbers = [line["step"] for line in steps]
    losses.plot(numbers, [line["loss"] for line in steps], color="#9ab", linewidth=0.8, label="training, each step")
    losses.plot(numbers, _smooth([line["loss"] for line in steps]), color="#246", label="training, running mean")
    if evaluations:
        held_out = [line["step"] for line in evaluations]
        losses.plot(held_out, [line["loss"] for line in evaluations], "o-", color="#c40", label="held out")
        losses.axhline(evaluations[-1]["loss_prior"], color="#c40", linestyle=":", label="held out, best constant")
    losses.set_ylabel("log loss, nats")
    losses.legend()
    rates.plot(numbers, [line["rate"] for line in steps], color="#246")
    rates.set_ylabel("rate")
    rates.set_xlabel("step")
    with replacing(directory / CURVES) as temporary:
        FigureCanvasAgg(figure).print_figure(str(temporary), format="png", dpi=120)
    return True


def _smooth(values: Sequence[float]) -> list[float]:
    """A running mean over a tenth of the steps."""
    width = max(1, len(values) // 10)
    return [
        sum(values[max(0, end - width) : end]) / len(values[max(0, end - width) : end])
        for end in range(1, len(values) + 1)
    ]
