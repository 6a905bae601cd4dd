"""Which model an adapter lies over, in names that mean something on another machine too.

A hub id finds it in a Hugging Face cache and, where Kaggle has the model, below /kaggle/input; a handle the other way
round. What was typed comes last: a directory of the machine that trained it.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.errors import ModelMissingError, PipelineError
from pipeline.model.adapter import CONFIG
from pipeline.preflight import Preflight, locate, published_names
from pipeline.training.record import Base, headers_sha256, read_record, tokenizer_sha256


def base_of(checked: Preflight, *, roots: Sequence[Path] = (), config: Path | None = None) -> Base:
    """What a record says of the model that was trained; a directory is called by its full path."""
    hub_id, kaggle_handle = published_names(checked, roots=roots, config=config)
    return Base(
        reference=str(checked.path) if Path(checked.reference).is_dir() else checked.reference,
        hub_id=hub_id,
        kaggle_handle=kaggle_handle,
        headers_sha256=headers_sha256(checked.path),
        tokenizer_sha256=tokenizer_sha256(checked.path),
    )


def base_named_by(adapter: str, *, roots: Sequence[Path] = (), config: Path | None = None) -> str:
    """As `find_base`, of a reference to an adapter.

    Raises:
        PipelineError: as `find_base`, or the adapter is not found.
    """
    path = Path(adapter)
    return find_base(path if path.is_dir() else locate(adapter, roots=roots, config=config), roots=roots, config=config)


def find_base(adapter: Path, *, roots: Sequence[Path] = (), config: Path | None = None) -> str:
    """A reference to the base of an adapter that is found here: of the names that it has, the first that is.

    Args:
        adapter: its directory.
        roots: further directories to search.
        config: a settings file.

    Raises:
        ModelMissingError: it names no base, or none of its names is found here; the report is the trail of the first.
        SettingsError: its record cannot be read.
    """
    names = tuple(dict.fromkeys(_names(adapter)))
    refused: list[PipelineError] = []
    for name in names:
        try:
            locate(name, roots=roots, config=config)
        except PipelineError as error:
            refused.append(error)
        else:
            return name
    if not names:
        raise ModelMissingError(f"the adapter {adapter} names no base model", fix="name it with --model")
    raise ModelMissingError(
        f"the base of the adapter {adapter} was not found here as {' or as '.join(names)}",
        fix="attach it, or name it with --model",
        report=refused[0].report,
    )


def _names(adapter: Path) -> Iterator[str]:
    record = read_record(adapter)
    if record is not None:
        yield from (name for name in (record.base.hub_id, record.base.kaggle_handle) if name)
    try:
        named = json.loads((adapter / CONFIG).read_text(encoding="utf-8")).get("base_model_name_or_path")
    except (OSError, ValueError, AttributeError):
        named = None
    if isinstance(named, str) and named:
        yield named
    if record is not None:
        yield record.base.reference
