"""How a worker comes to its model: a value that can be sent to another process and called there."""

from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.model.load import load_classifier
from pipeline.model.quantise import Quantize
from pipeline.model.runner import Runner, runner_of


@dataclass(frozen=True, slots=True)
class LoadClassifier:
    """Load a classifier, its adapter over it, and the best way to run it.

    Attributes:
        path: a directory that passed the preflight.
        adapter: likewise; None where there is none.
        labels: columns of the head.
        dtype: as torch names it, without "torch.".
        quantize: make the base's weights so; an adapter then stays layers over it, and is merged into it otherwise.
    """

    path: Path
    adapter: Path | None
    labels: int
    dtype: str
    quantize: Quantize = "none"

    def __call__(self, device: str) -> Runner:
        """The model on a device.

        Raises:
            ModelUnusableError: the libraries refuse it.
        """
        import torch

        from pipeline.model.adapter import attach_adapter, merged

        place = torch.device(device)
        if place.type == "cuda":
            torch.cuda.set_device(place)
        classifier = load_classifier(
            self.path,
            labels=self.labels,
            dtype=getattr(torch, self.dtype),
            device=place,
            head_may_be_new=self.adapter is not None,
            quantize=self.quantize,
        )
        if self.adapter is not None:
            classifier = attach_adapter(classifier, self.adapter)
            if not classifier.quantised:
                classifier = replace(classifier, model=merged(classifier.model))
        return runner_of(classifier)
