"""The small files that a bundle says itself with: README.md and dataset-metadata.json first, then the lock over all."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from resolver.inspection.describe import describe
from resolver.inspection.files import METADATA_FILE
from resolver.inspection.lock import Lock, LockedModel
from resolver.integrity.lock import canonical, lock_model
from resolver.staging.bundle import README, metadata, readme, with_card
from resolver.staging.work import Work, read_card
from resolver.version import VERSION


def told_by(work: Work, hashes: Mapping[str, str], *, wheels: bool) -> dict[str, bytes]:
    """README and metadata of a bundle.

    Args:
        work: what the bundle was made by.
        hashes: its larger files.
        wheels: whether packages lie in it.
    """
    folders = wheels or any("/" in name for name in (*hashes, *work.texts))
    sizes = {planned.folder: sum(work.of_model(planned).values()) for planned in work.models}
    told = readme(work.models, sizes, wheels=wheels, folders=folders)
    text = told if work.card is None else with_card(read_card(work), told)
    return {README: text, METADATA_FILE: metadata(work.models)}


def lock_of(work: Work, root: Path, hashes: Mapping[str, str], told: Mapping[str, bytes]) -> bytes:
    """The lock of a bundle that lies at `root`, README included.

    The metadata is not locked: its owner is filled in by hand, and Kaggle keeps it for itself.
    """
    texts = {**work.texts, README: told[README]}
    known = {**hashes, **{name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}}
    return canonical(Lock(tuple(_locked(work, root, known)), VERSION))


def _locked(work: Work, root: Path, hashes: Mapping[str, str]) -> Iterator[LockedModel]:
    for planned in work.models:
        inside = {
            name.removeprefix(planned.folder): sha256
            for name, sha256 in hashes.items()
            if name.startswith(planned.folder)
        }
        path = planned.folder.rstrip("/") or "."
        yield lock_model(planned.reference, describe(root / planned.folder), planned.source, path, inside)
