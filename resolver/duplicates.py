"""Which models of this machine are copies of one another, and what the copies cost. Reads headers, deletes nothing.

Two directories are copies where the weights that a loader opens have equal sizes and headers. That their bytes are
equal is said only where it is proven: they are the same files, or the same hashes are on record of all of them.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

from resolver.finding import Identity
from resolver.inspection.description import ModelDescription
from resolver.inspection.digest import header_sha256
from resolver.inspection.provenance import MAX_LEVELS, LockedHere, find_locked
from resolver.record import Record

HEAD_BYTES: Final = 64 * 1024
Sameness = Literal["files", "bytes", "headers"]


class Duplicates(Record):
    """One group of copies.

    Attributes:
        copies: what they are, in the order of the list.
        same: "files" where all are the same files on disk, "bytes" where equal hashes are on record of all weights,
            "headers" where names, shapes and sizes agree and the bytes were not compared.
        size_bytes: of the weights of one copy.
        extra_bytes: what the weights of the others take; a file of several names (links, hard links) counts once.
    """

    copies: tuple[Identity, ...]
    same: Sameness
    size_bytes: int
    extra_bytes: int


class _Weight(Record):
    """One file of weights: its size, what its beginning says, which file it is on disk, the hash on record of it."""

    size_bytes: int
    header: str
    inode: tuple[int, int]
    sha256: str | None


def find_duplicates(models: Iterable[tuple[Identity, ModelDescription]]) -> tuple[Duplicates, ...]:
    """Group models by their weights, what costs most first; raises nothing."""
    by_size: dict[tuple[int, ...], list[tuple[Identity, ModelDescription]]] = {}
    for identity, description in models:
        if sizes := _sizes(description):
            by_size.setdefault(sizes, []).append((identity, description))
    groups = [group for alike in by_size.values() if len(alike) > 1 for group in _groups(alike)]
    return tuple(sorted(groups, key=lambda each: -each.extra_bytes))


def _sizes(model: ModelDescription) -> tuple[int, ...]:
    """The sizes of the weights that a loader opens, sorted; () where none is there, or not all."""
    found = [model.files.get(name) for name in _names(model)]
    return tuple(sorted(each.size_bytes for each in found if each is not None)) if all(found) else ()


def _names(model: ModelDescription) -> tuple[str, ...]:
    weights = model.weights.shards
    if weights or model.adapter is None or model.adapter.weights_file is None:
        return weights
    return (model.adapter.weights_file,)


def _groups(alike: list[tuple[Identity, ModelDescription]]) -> Iterator[Duplicates]:
    by_headers: dict[tuple[tuple[int, str], ...], list[tuple[Identity, tuple[_Weight, ...]]]] = {}
    for identity, description in alike:
        weights = tuple(_weights(description))
        key = tuple((each.size_bytes, each.header) for each in weights)
        if all(each.header for each in weights):
            by_headers.setdefault(key, []).append((identity, weights))
    for group in by_headers.values():
        if len(group) > 1:
            yield _duplicates(group)


def _duplicates(group: list[tuple[Identity, tuple[_Weight, ...]]]) -> Duplicates:
    files = {each.inode: each.size_bytes for _, weights in group for each in weights}
    # A directory may itself name one file twice: what a lone copy takes is counted alike.
    alone = max(sum({each.inode: each.size_bytes for each in weights}.values()) for _, weights in group)
    return Duplicates(
        copies=tuple(identity for identity, _ in group),
        same=_sameness([weights for _, weights in group]),
        size_bytes=alone,
        extra_bytes=sum(files.values()) - alone,
    )


def _sameness(copies: list[tuple[_Weight, ...]]) -> Sameness:
    first = copies[0]
    pairs = [pair for other in copies[1:] for pair in zip(first, other, strict=True)]
    if all(one.inode == two.inode for one, two in pairs):
        return "files"
    proven = all(one.inode == two.inode or (one.sha256 is not None and one.sha256 == two.sha256) for one, two in pairs)
    return "bytes" if proven else "headers"


def _weights(model: ModelDescription) -> Iterator[_Weight]:
    """The weights that a loader opens, in an order that does not depend on where they lie."""
    locked = _locked(model)
    found = [_weight(model, name, locked) for name in _names(model)]
    yield from sorted(found, key=lambda each: (each.size_bytes, each.header, each.sha256 or ""))


def _weight(model: ModelDescription, name: str, locked: Mapping[str, str]) -> _Weight:
    path = model.files.path(name)
    record = None if model.on_record is None else model.on_record.files.get(name)
    # What a lock says counts where its sizes and headers agree with the files, see `_locked`.
    recorded = None if record is None or record.written_since or record.kind == "lock" else record.sha256
    try:
        status = os.stat(path)  # noqa: PTH116 - a status and no more
    except OSError:
        return _Weight(0, "", (0, 0), None)
    header = header_sha256(path) if name.endswith(".safetensors") else _beginning(str(path))
    return _Weight(status.st_size, header or "", (status.st_dev, status.st_ino), recorded or locked.get(name))


def _beginning(path: str) -> str | None:
    """What stands for a header where the format has none that is known here: the first 64 KiB."""
    import hashlib  # noqa: PLC0415 - few machines have copies

    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return hashlib.sha256(os.pread(handle, HEAD_BYTES, 0)).hexdigest()
    except OSError:
        return None
    finally:
        os.close(handle)


def _locked(model: ModelDescription) -> Mapping[str, str]:
    """The hashes that a lock lying with the model has of its files, where their sizes and headers agree with it."""
    here = find_locked(model.root, MAX_LEVELS)
    if not isinstance(here, LockedHere):
        return {}
    from resolver.inspection.agreement import compare_headers  # noqa: PLC0415 - few directories have a lock

    agrees = compare_headers(model.files, here.model).differs is None
    return {name: each.sha256 for name, each in here.model.files.items()} if agrees else {}
