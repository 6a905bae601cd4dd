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
            "fp8" is made of whole weights with the adapter in them, beside the device: it may have no room for those.
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
        from pipeline.model.fp8 import in_fp8

        place = torch.device(device)
        if place.type == "cuda":
            torch.cuda.set_device(place)
        is_fp8 = self.quantize == "fp8"
        classifier = load_classifier(
            self.path,
            labels=self.labels,
            dtype=getattr(torch, self.dtype),
            device=torch.device("cpu") if is_fp8 else place,
            head_may_be_new=self.adapter is not None,
            quantize=self.quantize,
        )
        if self.adapter is not None:
            classifier = attach_adapter(classifier, self.adapter)
            if not classifier.quantised:
                classifier = replace(classifier, model=merged(classifier.model))
        if is_fp8:
            classifier = replace(classifier, model=in_fp8(classifier.model, place), device=place, quantised=True)
        return runner_of(classifier)
