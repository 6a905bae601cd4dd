"""Checkpoints: a directory each, written beside its place and renamed, the two newest kept.

A checkpoint is whole or it is none: `state.json` is written last and holds the digest of the tensors' file. Nothing in
it is a pickle, so that one that was copied from elsewhere can be gone on with without trusting it.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.directory import new_directory
from pipeline.errors import OutputError
from pipeline.output import refused_as_output
from pipeline.training.state import Progress, Tensors

if TYPE_CHECKING:
    import torch

KEPT: Final = 2
PREFIX: Final = "step-"
TENSORS: Final = "tensors.safetensors"
STATE: Final = "state.json"
MAX_STATE: Final = 100_000_000
FIX: Final = "make room; the last checkpoint is whole, the same command goes on from it"


class _State(BaseModel):
    """What stands in `state.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    run: str
    tensors_sha256: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One that was read back whole."""

    progress: Progress
    tensors: "dict[str, torch.Tensor]"


@dataclass(frozen=True, slots=True)
class Keeper:
    """The checkpoints of one run.

    Attributes:
        directory: where they lie.
        run: the fingerprint of the run; those of another are passed over.
        tell: given a line about every one that cannot be used.
    """

    directory: Path
    run: str
    tell: Callable[[str], None] = lambda _: None

    def keep(self, progress: Progress, tensors: Tensors) -> None:
        """Write one, then remove the oldest beyond two.

        Raises:
            OutputError: it cannot be written; the older ones are as they were.
        """
        from safetensors.torch import save_file

        target = self.directory / f"{PREFIX}{progress.step:08d}"
        with new_directory(target) as place, refused_as_output(target, fix=FIX):
            _saved(lambda: save_file({name: each.contiguous() for name, each in tensors.items()}, place / TENSORS))
            state = _State(run=self.run, tensors_sha256=_sha256(place / TENSORS), progress=progress)
            (place / STATE).write_text(state.model_dump_json() + "\n", encoding="utf-8")
        for old in list(self._newest_first())[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)

    def latest(self) -> Checkpoint | None:
        """The newest that is whole; None where there is none."""
        for path in self._newest_first():
            try:
                return self._read(path)
            except (OSError, ValueError) as error:
                self.tell(f"{path} is passed over: {' '.join(str(error).split())[:200]}")
        return None

    def forget(self) -> None:
        """Remove them all."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _newest_first(self) -> Iterator[Path]:
        yield from sorted(self.directory.glob(f"{PREFIX}*"), reverse=True)

    def _read(self, path: Path) -> Checkpoint:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            with (path / STATE).open("rb") as file:
                state = _State.model_validate_json(file.read(MAX_STATE))
        except ValidationError as error:
            raise ValueError(f"{STATE}: {error.errors()[0]['msg']}") from None
        if state.run != self.run:
            raise ValueError("it is of another run")
        if _sha256(path / TENSORS) != state.tensors_sha256:
            raise ValueError(f"{TENSORS} is damaged")
        try:
            return Checkpoint(state.progress, load_file(path / TENSORS))
        except SafetensorError as error:
            raise ValueError(f"{TENSORS}: {error}") from None


def _saved(save: Callable[[], None]) -> None:
    """Save; the library tells a full disk in an error of its own."""
    from safetensors import SafetensorError

    try:
        save()
    except SafetensorError as error:
        raise OutputError(f"the checkpoint cannot be written: {error}", fix=FIX) from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
