"""Ids on their way to a device. No GPU is here: that its copies are asked for as they should be is what can be shown."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from tiny_classifier import load, save_classifier

from pipeline.model import packed
from pipeline.model.runner import runner_of
from pipeline.model.transfer import to_device


@dataclass
class Asked:
    """A tensor that keeps what is asked of it."""

    calls: list[Any] = field(default_factory=list)

    def pin_memory(self) -> "Asked":
        self.calls.append("pinned")
        return self

    def to(self, device: torch.device, *, non_blocking: bool = False) -> "Asked":
        self.calls.append((device, non_blocking))
        return self


def test_a_copy_to_a_gpu_is_from_pinned_memory_and_is_not_waited_for() -> None:
    tensor, device = Asked(), torch.device("cuda", 1)
    to_device(tensor, device)  # type: ignore[arg-type]
    assert tensor.calls == ["pinned", (device, True)]


def test_on_a_cpu_nothing_is_copied() -> None:
    tensor = torch.arange(5)
    assert to_device(tensor, torch.device("cpu")) is tensor


def test_packed_rows_take_this_way(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = runner_of(load(save_classifier(tmp_path / "model")))
    rows = [(0, 5, 6, 1), (0, 7, 1)]
    before = runner.logits(rows)
    taken: list[torch.Tensor] = []

    def seen(host: torch.Tensor, device: torch.device) -> torch.Tensor:
        taken.append(host)
        return to_device(host, device)

    monkeypatch.setattr(packed, "to_device", seen)
    assert torch.equal(runner.logits(rows), before)
    assert [each.tolist() for each in taken] == [[[0, 5, 6, 1, 0, 7, 1]], [[0, 1, 2, 3, 0, 1, 2]]]
