"""Make the tensors of a plan, one at a time, from the files of base and adapter: no model is ever whole here."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from pipeline.errors import ModelUnusableError
from pipeline.merging.lay import biased, laid_over
from pipeline.merging.plan import Plan
from pipeline.model.adapter import WEIGHTS

if TYPE_CHECKING:
    import torch

NAMED: Final = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip


class Tensors:
    """The tensors of a merge by name; use it as `with Tensors(plan, adapter) as tensors`.

    Attributes:
        plan: what is merged.
        adapter: the adapter's directory.
    """

    def __init__(self, plan: Plan, adapter: Path) -> None:
        self.plan, self.adapter = plan, adapter
        self._dtypes = {slot.name: slot.dtype for slot in plan.slots}
        self._files: dict[Path, Any] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.clear()
        self._open.close()

    def make(self, name: str) -> "torch.Tensor":
        """One tensor, merged and cast to what is written.

        Raises:
            ModelUnusableError: the sum is no number, or too large for the dtype.
        """
        import torch

        dtype = getattr(torch, NAMED[self._dtypes[name]])
        merged = self._merged(name)
        written = merged.to(dtype)
        if not _is_finite(written):
            sums = f"is too large for {NAMED[self._dtypes[name]]}" if _is_finite(merged) else "is no number"
            raise ModelUnusableError(
                f"{name} {sums} where it is merged",
                fix="say --dtype float32 or bfloat16, or check the adapter: resolver check --level deep",
            )
        return written

    def _merged(self, name: str) -> "torch.Tensor":
        laid = self.plan.laid
        if name in laid.whole:
            return self._of_adapter(laid.whole[name])
        stored, place = self.plan.sources[name]
        tensor = self._read(place.file, stored)
        if name in laid.weights:
            return laid_over(tensor, laid.weights[name], self._of_adapter)
        if name in laid.biases:
            up_bias, scale = laid.biases[name]
            return biased(tensor, self._of_adapter(up_bias), scale)
        return tensor

    def _of_adapter(self, name: str) -> "torch.Tensor":
        return self._read(self.adapter / WEIGHTS, name)

    def _read(self, path: Path, name: str) -> "torch.Tensor":
        from safetensors import safe_open

        if path not in self._files:
            self._files[path] = self._open.enter_context(safe_open(path, framework="pt"))
        tensor: torch.Tensor = self._files[path].get_tensor(name)
        return tensor


def _is_finite(tensor: "torch.Tensor") -> bool:
    """Whether all of it are numbers; the least and the largest say so, and are no number where one is none."""
    import torch

    if not tensor.is_floating_point() or not tensor.numel():
        return True
    return bool(torch.isfinite(torch.stack(torch.aminmax(tensor))).all())
