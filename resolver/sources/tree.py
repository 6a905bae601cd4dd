"""Model directories below a folder, found by looking at directories only: the cost follows models, not files.

A directory's entries are read until the first `SAMPLE` of them (`ENTRIES` where its link count tells of
sub-directories); one that shows neither a model nor a sub-directory by then is taken for data and is only asked for
the few names that would make it a model. Even the first entry of a
large directory is dear (ext4 sorts the whole of it first: 0.3 ms for 1,000 files), so one whose status alone says that
it is large and has no sub-directories is not opened at all.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from resolver.record import Record
from resolver.sources.source import is_directory

MARKERS = ("config.json", "adapter_config.json", "modules.json", "model.safetensors.index.json", "model.safetensors")
SUFFIXES = (".safetensors", ".gguf")
LOCK = "resolver.lock"
MAX_LOCKS = 64
NOTHING, MODEL, LOCKED = 0, 1, 2  # what a directory holds, as bits
SAMPLE = 64
LARGE_BYTES = 16_384  # a directory file of some 600 entries or more
LEAF_LINKS = 2  # its own name and "."; each sub-directory's ".." adds one. File systems that do not count say 1
ENTRIES = 1000
DIRECTORIES = 3000
DEPTH = 7  # models/<owner>/<model>/<framework>/<variation>/<version>/<nested>


class Found(Record):
    """A directory that holds a model (or, `is_cache`, a Hugging Face cache entry), by folder names below the base."""

    path: Path
    folders: tuple[str, ...]
    is_cache: bool = False


Walks = dict[Path, tuple[list[Found], list[Found]]]


def model_directories(base: Path, depth: int = DEPTH) -> Iterator[Found]:
    """Directories below `base` (itself included) that hold a model, nearest first; bounded in every direction."""
    return (found for found, holds in _walk(base, depth) if holds & MODEL)


def models_and_locks(base: Path, walks: Walks) -> tuple[list[Found], list[Found]]:
    """As `model_directories`, and in the same walk the directories in which a resolver.lock lies, at most MAX_LOCKS.

    `walks` holds what one search has walked already, so that two sources do not pay for the same walk.
    """
    if base not in walks:
        walked = list(_walk(base, DEPTH))
        locks = [found for found, holds in walked if holds & LOCKED]
        walks[base] = [found for found, holds in walked if holds & MODEL], locks[:MAX_LOCKS]
    return walks[base]


def _walk(base: Path, depth: int) -> Iterator[tuple[Found, int]]:
    """What holds a model, a lock or both."""
    level: list[tuple[str, tuple[str, ...]]] = [(str(base), ())]
    visited = 0
    for _ in range(depth + 1):
        deeper: list[tuple[str, tuple[str, ...]]] = []
        for path, folders in level:
            visited += 1
            if visited > DIRECTORIES:
                return
            if folders and folders[-1].startswith("models--"):
                yield Found(Path(path), folders, is_cache=True), MODEL
                continue
            holds, below = _look(path)
            if holds:
                yield Found(Path(path), folders), holds
            if not holds & MODEL:
                deeper.extend((f"{path}/{name}", (*folders, name)) for name in below)
        level = deeper


def _look(path: str) -> tuple[int, list[str]]:
    """What a directory holds, and its sub-directories in sorted order where it holds no model."""
    below: list[str] = []
    holds = NOTHING
    try:
        status = os.stat(path)  # noqa: PTH116 - no Path in a hot loop
        if status.st_nlink == LEAF_LINKS and status.st_size > LARGE_BYTES:
            return _by_name(path), []
        patience = ENTRIES if status.st_nlink > LEAF_LINKS else SAMPLE
        with os.scandir(path) as entries:
            for count, entry in enumerate(entries):
                name = entry.name
                if name in MARKERS or name.endswith(SUFFIXES):
                    return MODEL | _locked(path), []
                if name == LOCK:
                    holds = LOCKED
                elif not name.startswith(".") and is_directory(entry):
                    below.append(name)
                if count >= ENTRIES or (count >= patience and not below):
                    return holds | _locked(path) | _by_name(path), sorted(below)
    except OSError:
        return NOTHING, []
    return holds, sorted(below)


def _by_name(path: str) -> int:
    """What a directory holds that is not read to its end, by the few names that count."""
    is_model = any(os.path.exists(f"{path}/{name}") for name in MARKERS)  # noqa: PTH110 - no Path in a hot loop
    return (MODEL | _locked(path)) if is_model else NOTHING


def _locked(path: str) -> int:
    return LOCKED if os.path.lexists(f"{path}/{LOCK}") else NOTHING
