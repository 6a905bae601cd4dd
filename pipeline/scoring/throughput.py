"""How fast a run was, beside what the device can do: tokens a second, share of its own matrix products, padding.

The rate of the device is measured on it, in the same process, when the model is loaded, and kept nowhere.
"""

import math
import statistics
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from pipeline.model.packed import FIRST_TOKEN
from pipeline.model.runner import Runner

if TYPE_CHECKING:
    import torch

    from pipeline.model.load import Classifier

# Encoders: a causal model does half of the attention.
BOTH_WAYS: Final = FIRST_TOKEN | {"modernbert", "deberta", "deberta-v2", "distilbert", "electra"}
# The side of the matrices whose product is timed, and how often: enough to be stable, little beside a load.
CPU_SIDE: Final = 1024
GPU_SIDE: Final = 8192
TRIES: Final = 5
# Packs that the present speed is told from; fewer than the second number say nothing yet.
RECENT: Final = 48
ENOUGH: Final = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """What a device and its model are, as far as the report needs it.

    Attributes:
        device: its name.
        flops: of its matrix products in the model's dtype, measured; 0 where that was not possible.
        block_parameters: of the model without embeddings.
        attention: layers times hidden size, twice that where every token looks at all others; 0 where the config does
            not say.
        memory_bytes: of the device; 0 on a CPU.
    """

    device: str
    flops: float = 0.0
    block_parameters: int = 0
    attention: int = 0
    memory_bytes: int = 0

    def flop_of(self, tokens: int, mean_length: float) -> float:
        """Operations of a forward over that many tokens: two a parameter, and the attention at a row's length."""
        return tokens * (2.0 * self.block_parameters + 2.0 * self.attention * mean_length)


def facts_of(runner: Runner, *, measured: bool = False) -> Facts:
    """The facts of a runner's device and model; `measured` with the rate of the device, which takes a moment."""
    classifier = getattr(runner, "classifier", None)
    if not hasattr(getattr(classifier, "model", None), "parameters"):
        return Facts("a device")
    classifier = cast("Classifier", classifier)
    model = classifier.model
    config = model.config.get_text_config()
    embedded = model.get_input_embeddings().weight.numel()
    parameters = sum(map(_elements, model.parameters())) - embedded
    attention = int(getattr(config, "num_hidden_layers", 0) or 0) * int(getattr(config, "hidden_size", 0) or 0)
    attention *= 2 if config.model_type in BOTH_WAYS else 1
    flops = matmul_flops(classifier.device, classifier.dtype) if measured else 0.0
    return Facts(device_name(classifier.device), flops, parameters, attention, _memory(classifier.device))


def _elements(parameter: Any) -> int:
    """Of the matrix that is multiplied with, also where several of its elements are packed into one."""
    shape = getattr(getattr(parameter, "quant_state", None), "shape", None)
    return int(parameter.numel()) if shape is None else math.prod(shape)


def device_name(device: "torch.device") -> str:
    """What people call the device."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu, {torch.get_num_threads()} threads".replace(" 1 threads", " 1 thread")


def _memory(device: "torch.device") -> int:
    import torch

    return int(torch.cuda.get_device_properties(device).total_memory) if device.type == "cuda" else 0


def matmul_flops(device: "torch.device", dtype: "torch.dtype") -> float:
    """Operations a second of a square matrix product on this device, the fastest of a few tries."""
    import torch

    side = GPU_SIDE if device.type == "cuda" else CPU_SIDE
    try:
        one = torch.randn(side, side, device=device, dtype=dtype)
        best = min(_seconds(one, device) for _ in range(TRIES))
    except (RuntimeError, MemoryError):
        return 0.0  # no room beside the model: the share is then not told
    return 2.0 * side**3 / max(best, 1e-9)


def _seconds(one: Any, device: "torch.device") -> float:
    import torch

    began = time.perf_counter()
    product = torch.mm(one, one)
    if device.type == "cuda":
        torch.cuda.synchronize()
    elapsed_s = time.perf_counter() - began
    del product
    return elapsed_s


@dataclass(slots=True)
class Meter:
    """Counts what devices do; the present speed is the median of recent packs, which one slow pack cannot move."""

    tokens: int = 0
    computed: int = 0
    forward_s: float = 0.0
    waited_s: float = 0.0
    peak_bytes: int = 0
    longest: int = 0
    rows: int = 0
    _recent: dict[int, deque[float]] = field(default_factory=dict)

    def count(self, *, stage: int, tokens: int, rows: int, computed: int, seconds: float, waited_s: float) -> None:
        """One pack is done."""
        self.tokens += tokens
        self.rows += rows
        self.computed += computed
        self.forward_s += seconds
        self.waited_s += waited_s
        self._recent.setdefault(stage, deque(maxlen=RECENT)).append(tokens / max(seconds + waited_s, 1e-9))

    def rate(self, stage: int, devices: int) -> float | None:
        """Tokens a second of so many devices together; None while too few packs are done to say."""
        recent = self._recent.get(stage, ())
        return statistics.median(recent) * devices if len(recent) >= ENOUGH else None

    def padding(self) -> float:
        """The share of computed positions that is padding, in [0, 1)."""
        return 1 - self.tokens / self.computed if self.computed else 0.0


@dataclass(frozen=True, slots=True)
class Throughput:
    """The figures of a run; seconds of devices are summed over them."""

    tokens: int
    rows: int
    tokens_per_second: float
    padding: float
    matmul_share: float | None
    seconds: float
    tokenise_s: float
    wait_s: float
    forward_s: float
    write_s: float
    peak_bytes: int
    devices: tuple[str, ...]

    def text(self) -> str:
        """In a few lines for people."""
        share = "" if self.matmul_share is None else f", {self.matmul_share:.0%} of the device's matrix products"
        return (
            f"throughput: {self.tokens_per_second:,.0f} tokens a second{share}, {self.padding:.1%} padding\n"
            f"time: forward {self.forward_s:.1f} s, devices waiting {self.wait_s:.1f} s,"
            f" tokenising {self.tokenise_s:.1f} s beside them, writing {self.write_s:.1f} s;"
            f" at most {self.peak_bytes / 1e9:.2f} GB of memory"
        )

    def profile(self, facts: Sequence[Facts], *, looks: int, time_limit_s: float | None) -> str:
        """As `profile_text`, of this run; "" where the journal held all of it, so that nothing was measured.

        Args:
            facts: the devices.
            looks: all of the run, those that a journal brought among them.
            time_limit_s: the deadline; None where there is none.
        """
        if not self.tokens_per_second:
            return ""
        return profile_text(
            facts,
            tokens_per_second=self.tokens_per_second,
            looks=looks,
            tokens_per_look=self.tokens / max(self.rows, 1),
            time_limit_s=time_limit_s,
        )


def profile_text(
    facts: Sequence[Facts], *, tokens_per_second: float, looks: int, tokens_per_look: float, time_limit_s: float | None
) -> str:
    """A table for resolver.toml, from which rule H707 reckons the time of a run: rows times tokens over speed.

    Args:
        facts: the devices, alike.
        tokens_per_second: of all devices together; of several models the mean over all their looks.
        looks: what the profile calls rows: first and second looks of all models.
        tokens_per_look: in the mean.
        time_limit_s: the deadline; None where there is none.
    """
    name = f"measured-{_slug(facts[0].device) if facts else 'machine'}"
    lines = [
        "# A row is one look: a second one at a battle, or one of another model, is another row.",
        f"[accelerators.{name}]",
    ]
    if facts and facts[0].memory_bytes:
        lines += [f'device = "{facts[0].device}"', f"devices = {len(facts)}"]
        lines.append(f"memory_gb = {facts[0].memory_bytes / 1e9:.2f}")
    if time_limit_s is not None:
        lines.append(f"time_limit_h = {time_limit_s / 3600:.6g}")
    lines += [
        "",
        f"[accelerators.{name}.throughput]",
        f"tokens_per_second = {max(tokens_per_second, 0.001):.6g}",
        f"rows = {max(looks, 1)}",
        f"tokens_per_row = {max(1, round(tokens_per_look))}",
    ]
    return "\n".join(lines) + "\n"


def share_of_matmul(facts: Sequence[Facts], meter: Meter) -> float | None:
    """Operations of the forwards over what the devices' matrix products would have done in that time."""
    if not facts or not facts[0].flops or not meter.forward_s or not meter.rows:
        return None
    return facts[0].flop_of(meter.tokens, meter.tokens / meter.rows) / meter.forward_s / facts[0].flops


def _slug(text: str) -> str:
    return "-".join(
        "".join(letter if letter.isalnum() and letter.isascii() else " " for letter in text.lower()).split()
    )
