"""How a worker comes to its model: a value that can be sent to another process and called there.

What every kind of model shares is here too: how a process takes its device, and what becomes of an adapter.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipeline.model.load import load_classifier
from pipeline.model.quantise import Quantize
from pipeline.model.runner import Runner, runner_of

if TYPE_CHECKING:
    import torch

    from pipeline.model.language import LanguageModel
    from pipeline.model.load import Classifier

Loaded = TypeVar("Loaded", "Classifier", "LanguageModel")


def take_device(name: str) -> "torch.device":
    """The device of that name as torch has it; a GPU becomes the one that the process speaks of."""
    import torch

    device = torch.device(name)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def merged_into(loaded: Loaded) -> Loaded:
    """A model with an adapter over it as one whose adapter costs no time; over quantised weights it stays layers."""
    from pipeline.model.adapter import merged

    return loaded if loaded.quantised else replace(loaded, model=merged(loaded.model))


def loading_place(device: "torch.device", quantize: Quantize) -> "torch.device":
    """Where weights are read to: the device, but for fp8 beside it, where there is room for whole ones."""
    import torch

    return torch.device("cpu") if quantize == "fp8" else device


def rounded(loaded: Loaded, device: "torch.device", quantize: Quantize) -> Loaded:
    """A model whose weights become float8 once its adapter is in them, and go to the device; others stay."""
    if quantize != "fp8":
        return loaded
    from pipeline.model.fp8 import in_fp8

    return replace(loaded, model=in_fp8(loaded.model, device), device=device, quantised=True)


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

        from pipeline.model.adapter import attach_adapter

        place = take_device(device)
        classifier = load_classifier(
            self.path,
            labels=self.labels,
            dtype=getattr(torch, self.dtype),
            device=loading_place(place, self.quantize),
            head_may_be_new=self.adapter is not None,
            quantize=self.quantize,
        )
        if self.adapter is not None:
            classifier = merged_into(attach_adapter(classifier, self.adapter))
        classifier = rounded(classifier, place, self.quantize)
        return runner_of(classifier)
