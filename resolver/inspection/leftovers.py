"""Marks that a download left behind because it never ended. Says nothing of whether what it left is enough."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from resolver.inspection.files import WEIGHTS, Listing
from resolver.inspection.links import repository_of

UNFINISHED: Final = (".incomplete", ".part", ".partial", ".aria2", ".crdownload")
LOCKED: Final = (*WEIGHTS, ".json", ".model", ".txt")  # poetry.lock and uv.lock are not left by a download
KAGGLEHUB_DEPTH: Final = 6  # models/<owner>/<model>/<framework>/<variation>/<version>


def find_leftovers(root: Path, files: Listing) -> tuple[Path, ...]:
    """Marks of an unfinished download inside or beside a directory, absolute and sorted.

    Returns:
        Files that a downloader names so while it writes; a kagglehub archive in flight; and the *absent* marker
        `<version>.complete` of a kagglehub version directory, which is written when a download has ended.
    """
    inside = (files.path(name) for name in files.files if _is_unfinished(name))
    return tuple(sorted({*inside, *_local_download(root), *_cached_blobs(root), *_kagglehub(root)}))


def _is_unfinished(name: str) -> bool:
    return name.endswith(UNFINISHED) or (name.endswith(".lock") and name[:-5].endswith(LOCKED))


def _local_download(root: Path) -> Iterator[Path]:
    """`hf download --local-dir` writes into .cache/huggingface/download and moves from there."""
    yield from _named(root / ".cache" / "huggingface" / "download", ".incomplete")


def _cached_blobs(root: Path) -> Iterator[Path]:
    repository = repository_of(os.path.realpath(root))
    if repository is not None:
        yield from _named(Path(repository, "blobs"), ".incomplete")


def _named(place: Path, suffix: str) -> Iterator[Path]:
    try:
        with os.scandir(place) as entries:
            yield from (Path(entry.path) for entry in entries if entry.name.endswith(suffix))
    except OSError:
        return


def _kagglehub(root: Path) -> Iterator[Path]:
    version = next((each for each in (root, *root.parents[:3]) if _is_kagglehub_version(each)), None)
    if version is None:
        return
    archive = version.with_name(f"{version.name}.archive")
    if archive.exists():
        yield archive
    marker = version.with_name(f"{version.name}.complete")
    single_files = version.parent / ".complete" / version.name
    if not marker.exists() and not single_files.exists():
        yield marker


def _is_kagglehub_version(place: Path) -> bool:
    """A Kaggle mount looks alike but has neither markers nor kagglehub's folder above it."""
    parts = place.parts
    if not place.name.isdigit() or len(parts) < KAGGLEHUB_DEPTH or parts[-KAGGLEHUB_DEPTH] != "models":
        return False
    if "kagglehub" in parts:
        return True
    try:
        siblings = os.listdir(place.parent)  # noqa: PTH208 - names are enough
    except OSError:
        return False
    return any(name.endswith((".complete", ".archive")) for name in siblings)
