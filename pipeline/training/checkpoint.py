"""Save an adapter as a directory: written beside its place and renamed, so that it is there whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import OutputError
from pipeline.model.adapter import CONFIG
from pipeline.model.load import Classifier, quiet
from pipeline.output import refused_as_output
from pipeline.training.record import NAME, TrainingRecord


def check_directory(target: Path, *, force: bool) -> None:
    """Refuse a place where an adapter cannot, or must not, be written; nothing is left behind.

    Raises:
        OutputError: it is a file, it holds something that is no adapter, it holds one and `force` was not said, or its
            parent cannot be written.
    """
    if target.exists() and not target.is_dir():
        raise OutputError(f"{target}: it is not a directory", fix="name a directory that does not exist yet")
    if target.is_dir() and any(target.iterdir()):
        if not (target / CONFIG).is_file():
            raise OutputError(
                f"{target}: it holds other things than an adapter", fix="name a directory that does not exist yet"
            )
        if not force:
            raise OutputError(
                f"{target}: it holds an adapter already", fix="name another directory, or say --force to replace it"
            )
    with _beside(target) as temporary:
        temporary.mkdir(parents=True)


def save_adapter(target: Path, classifier: Classifier, record: TrainingRecord) -> None:
    """Write adapter, head and record.

    Args:
        target: checked with `check_directory`; an adapter that is there is replaced.
        classifier: with the adapter over it.
        record: how it was made; the base's name in it goes into adapter_config.json.

    Raises:
        OutputError: it cannot be written.
    """
    with _beside(target) as temporary:
        for config in classifier.model.peft_config.values():
            config.base_model_name_or_path = record.base.hub_id or record.base.reference
        with quiet():
            classifier.model.save_pretrained(temporary, safe_serialization=True, save_embedding_layers=False)
        (temporary / "README.md").unlink(missing_ok=True)
        (temporary / NAME).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
        _put_in_place(temporary, target)


def _put_in_place(temporary: Path, target: Path) -> None:
    """A directory cannot be renamed over one that holds something: the old one steps aside first."""
    if not target.exists():
        temporary.rename(target)
        return
    aside = target.with_name(f".{target.name}.{os.getpid()}.old")
    target.rename(aside)
    try:
        temporary.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    shutil.rmtree(aside)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    made = _absent_parents(target)
    try:
        with refused_as_output(target, fix="name a directory below one that can be written"):
            temporary.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if not target.exists():
            _remove_empty(made)


def _absent_parents(target: Path) -> tuple[Path, ...]:
    """Parents that will have to be made, the deepest first."""
    return tuple(parent for parent in target.parents if not os.path.lexists(parent))


def _remove_empty(directories: tuple[Path, ...]) -> None:
    for directory in directories:
        try:
            directory.rmdir()
        except OSError:
            return
