"""Do the files of a directory agree with a lock, as far as that can be known without reading weights?

Names, sizes and the headers of safetensors files are compared in a millisecond or two; the content of the small files
where somebody vouches for the lock. Who wrote the lock is not known here, and all bytes are read by `resolver verify`
alone.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from resolver.inspection.digest import header_sha256
from resolver.inspection.files import WEIGHTS, FileFacts, Listing
from resolver.inspection.licence import names_a_licence
from resolver.inspection.listed import MODULES_FILE
from resolver.inspection.lock import LOCK_FILE, LockedModel
from resolver.record import Record

SMALL_WEIGHTS_BYTES: Final = 1 << 20
SMALL_BYTES: Final = 64 << 20  # of a file that is no weights: the largest honest tokenizer.json known has 33 MB
MAX_READ_BYTES: Final = 256 << 20
# What a loader may open because of its name or its suffix; a lock that does not know such a file is of other files.
OPENED: Final = (*WEIGHTS, ".json", ".jinja", ".model", ".txt", ".py", ".spm", ".tiktoken", ".bpe", ".vocab")
OPENED_BELOW: Final = (".py", ".jinja")
# What travels beside a model and no loader opens.
PACKAGING: Final = frozenset(
    {LOCK_FILE, "dataset-metadata.json", "kernel-metadata.json", "model-metadata.json", "model-instance-metadata.json",
     "huggingface-metadata.txt", "requirements.txt"}
)  # fmt: skip


class Agreement(Record):
    """What a comparison came to.

    Attributes:
        differs: the first contradiction, as a phrase; None where there is none.
        sizes: files whose size agrees.
        headers: safetensors files whose header agrees.
        contents: files that were read to their end and agree.
        unread: files of whose content nothing but the size, or the header, was looked at.
        unread_bytes: their bytes.
    """

    differs: str | None = None
    sizes: int = 0
    headers: int = 0
    contents: int = 0
    unread: int = 0
    unread_bytes: int = 0

    @property
    def words(self) -> str:
        """What was compared, and what was not read."""
        contents = f", {self.contents} in content" if self.contents else ""
        agree = f"files that agree: {self.sizes} in size, {self.headers} in header{contents}"
        many = f"{self.unread} file{'' if self.unread == 1 else 's'}"
        left = f"; not read: the data of {many}, {self.unread_bytes:,} bytes (resolver verify reads it)"
        return f"{agree}{left if self.unread else ''}"


def compare_headers(files: Listing, locked: LockedModel) -> Agreement:
    """Compare names, sizes and headers of safetensors; raises nothing and reads no weights."""
    differs = next(_contradictions(files, locked), None)
    if differs is not None:
        return Agreement(differs)
    headers = 0
    for name, each in locked.files.items():
        if each.header_sha256 is not None:
            if header_sha256(files.path(name)) != each.header_sha256:
                return Agreement(f"{name} has another header than the lock says")
            headers += 1
    unread = sum(each.size_bytes for each in locked.files.values())
    return Agreement(None, len(locked.files), headers, 0, len(locked.files), unread)


def compare_contents(files: Listing, locked: LockedModel) -> Agreement:
    """As `compare_headers`, and read every file to its end that is no weights; weights of at most 1 MiB too.

    Sizes and headers are the lock's own word, a tree digest does not cover them. So a file that is too large to be read
    here differs, and so does a safetensors file without a header on record. Raises nothing.
    """
    found = compare_headers(files, locked)
    if found.differs is None and (reason := next(_unreadable(locked), None)) is not None:
        found = Agreement(reason)
    if found.differs is not None:
        return found
    small = {name: each for name, each in locked.files.items() if each.size_bytes <= _limit(name)}
    total = sum(each.size_bytes for each in small.values())
    for name, each in small.items():
        if _sha256(files.path(name), each.size_bytes) != each.sha256:
            return Agreement(f"{name} has another content than the lock says")
    return found.replaced(
        contents=len(small), unread=found.unread - len(small), unread_bytes=found.unread_bytes - total
    )


def _unreadable(locked: LockedModel) -> Iterator[str]:
    total = 0
    for name, each in locked.files.items():
        if name.endswith(".safetensors") and each.header_sha256 is None:
            yield f"the lock has no header of {name}"
        if each.size_bytes > _limit(name):
            if not name.endswith(WEIGHTS):
                yield f"{name} has {each.size_bytes:,} bytes, more than are read of a file that is no weights"
            continue
        total += each.size_bytes
        if total > MAX_READ_BYTES:
            yield f"the small files have more than {MAX_READ_BYTES:,} bytes, more than are read"


def _limit(name: str) -> int:
    return SMALL_WEIGHTS_BYTES if name.endswith(WEIGHTS) else SMALL_BYTES


def _contradictions(files: Listing, locked: LockedModel) -> Iterator[str]:
    if files.fault is not None or not files.complete:
        yield f"the directory cannot be listed: {files.fault or 'it has too many files'}"
        return
    if not locked.files:
        yield "the lock knows no file of it"
    for name, each in locked.files.items():
        facts = files.get(name)
        if facts is None:
            yield f"{name} is not here"
        elif (reason := _unusable(facts)) is not None:
            yield f"{name} {reason}"
        elif facts.size_bytes != each.size_bytes:
            yield f"{name} has {facts.size_bytes:,} bytes, the lock says {each.size_bytes:,}"
    for name in files.files:
        if name not in locked.files and _may_be_opened(name, files):
            yield f"the lock does not know {name}, which a loader may open"


def _unusable(facts: FileFacts) -> str | None:
    if facts.link is not None and facts.link.kind in {"outside", "broken"}:
        return "is a link out of the directory"
    return "cannot be read" if facts.content == "unread" else None


def _may_be_opened(name: str, files: Listing) -> bool:
    if "/" in name:  # a loader descends for code, for templates, and where modules.json sends it
        return name.endswith(OPENED_BELOW) or (files.get(MODULES_FILE) is not None and name.endswith(OPENED))
    return name.endswith(OPENED) and name not in PACKAGING and not names_a_licence(name)


def _sha256(path: Path, size: int) -> str | None:
    """The hash of a file of that size; None where it cannot be read, or is another file by now."""
    import hashlib  # noqa: PLC0415 - only where somebody vouches

    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        with os.fdopen(os.dup(handle), "rb") as stream:
            return hashlib.sha256(stream.read(size + 1)).hexdigest()
    except OSError:
        return None
    finally:
        os.close(handle)
