"""The directory of a run: what it is, where it ran, how it went, and the checkpoints that it goes on from.

    run.json          plan, base, data and rows: all that decides the result; its digest is the run's fingerprint
    sittings.jsonl    one line each time that the run was begun or gone on with: versions, machine, device, command
    base.json         the resolver's report of the base
    metrics.jsonl     a line a step, and one an evaluation
    tensorboard/      the same for TensorBoard, where its package is installed
    curves.png        the same as a picture, where matplotlib is installed
    held_out.csv      forecasts of the held-out battles, as a submission
    checkpoints/      the two newest, while the run is under way

A directory is gone on with by the run that began it, and by no other.
"""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import SettingsError
from pipeline.output import refused_as_output, replacing
from pipeline.text.truncate import Way
from pipeline.training.plan import Plan

RUN: Final = "run.json"
SITTINGS: Final = "sittings.jsonl"
BASE: Final = "base.json"
METRICS: Final = "metrics.jsonl"
TENSORBOARD: Final = "tensorboard"
CURVES: Final = "curves.png"
HELD_OUT: Final = "held_out.csv"
CHECKPOINTS: Final = "checkpoints"
LOCK: Final = ".lock"
OURS: Final = (RUN, SITTINGS, BASE, METRICS, TENSORBOARD, CURVES, HELD_OUT, CHECKPOINTS, LOCK)
MAX_RUN: Final = 1_000_000


class RunIdentity(BaseModel):
    """All that decides what a run comes to, beside the machine.

    Attributes:
        plan: how it goes.
        base: the reference as it was asked.
        base_headers_sha256, base_tokenizer_sha256: what it was found to be.
        examples_sha256: over ids, texts, targets and weights of the examples, in order.
        held_out_sha256: over the held-out battles.
        template, max_length, truncation, prompt_cap: how rows are made.
        dtype: that is computed in.
        labels: of the head.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    plan: Plan
    base: str
    base_headers_sha256: str | None
    base_tokenizer_sha256: str | None
    examples_sha256: str
    held_out_sha256: str
    template: str
    max_length: int
    truncation: Way
    prompt_cap: str | None
    dtype: str
    labels: int

    @property
    def fingerprint(self) -> str:
        """The digest of all of it."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


@contextmanager
def claimed(directory: Path, identity: RunIdentity, *, fresh: bool) -> Iterator[Path]:
    """The directory of this run, made or found, and nobody else's while the block runs.

    Args:
        directory: where; what another run left there is removed if `fresh`.
        identity: of this run.
        fresh: begin again also where this very run could be gone on with.

    Raises:
        SettingsError: another run's directory, one that holds other things, or one in use.
        OutputError: it cannot be written.
    """
    _require_ours(directory)
    with refused_as_output(directory, fix="name a directory that can be written with --run"):
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / LOCK).open("a")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(
                f"{directory}: another process trains there", fix="wait for it, or name another --run"
            ) from None
        if fresh:
            _clear(directory)
        _require_same(directory, identity)
        with replacing(directory / RUN) as temporary:
            temporary.write_text(identity.model_dump_json(indent=2) + "\n", encoding="utf-8")
        yield directory


def write_json(path: Path, value: Any) -> None:
    """A value as JSON, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def add_line(path: Path, value: Mapping[str, Any]) -> None:
    """A value as one more line of JSON."""
    with refused_as_output(path, fix="make room"), path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")


def _require_ours(directory: Path) -> None:
    if directory.is_dir():
        # What is called as ours is somebody else's too where nothing says that a run began there; --fresh removes it.
        foreign = sorted(each.name for each in directory.iterdir() if each.name != LOCK and ".part" not in each.name)
        if foreign and not (directory / RUN).is_file():
            raise SettingsError(
                f"{directory}: it holds {foreign[0]}, which no run wrote", fix="name another directory with --run"
            )


def _require_same(directory: Path, identity: RunIdentity) -> None:
    path = directory / RUN
    if not path.is_file():
        return
    try:
        with path.open("rb") as file:
            before = RunIdentity.model_validate_json(file.read(MAX_RUN))
    except (OSError, ValidationError):
        raise SettingsError(
            f"{path}: it cannot be read, so nobody knows whether this is the same run",
            fix="say --fresh to begin again, or name another directory with --run",
        ) from None
    changed = _differences(before, identity)
    if changed:
        raise SettingsError(
            f"{directory} holds another run: {', '.join(changed)} differ{'s' if len(changed) == 1 else ''}",
            fix="say --fresh to begin again, or name another directory with --run",
        )


def _differences(before: RunIdentity, now: RunIdentity) -> list[str]:
    """Names of what differs, the plan's own first."""
    plans = [name for name in Plan.model_fields if getattr(before.plan, name) != getattr(now.plan, name)]
    rest = [name for name in RunIdentity.model_fields if name != "plan" and getattr(before, name) != getattr(now, name)]
    return plans + rest


def _clear(directory: Path) -> None:
    for name in reversed(OURS):  # what says that the rest is ours goes last, should this be killed
        path = directory / name
        if path.is_dir():
            shutil.rmtree(path)
        elif name != LOCK:
            path.unlink(missing_ok=True)
