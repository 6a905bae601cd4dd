"""Volumes back into a bundle: every volume is checked before anything is written, every file while it is.

A receipt comes by the same way as its volumes: it proves that nothing was lost, not who sent it. So the tar is read
like anybody's: plain files and folders with names that stay inside, no more of them and of their bytes than announced.
"""

import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from resolver.inspection.lock import tree_digest
from resolver.inspection.safe_names import why_unsafe
from resolver.integrity.hashing import hash_files
from resolver.integrity.reading import BUFFER_BYTES, Progress
from resolver.rules.words import some
from resolver.staging.copying import new_file
from resolver.staging.plan import SourceFault, refuse_collisions
from resolver.staging.receipt import Receipt, ReceiptFault, read_receipt
from resolver.staging.unchanged import files_below
from resolver.staging.values import Staged
from resolver.staging.volumes import blocks
from resolver.staging.workplace import Workplace, cannot_write
from resolver.writing import CannotMake, TargetTaken

WHAT: Final = "a bundle that is joined from volumes"


def join(receipt: Path, target: Path, command: str, progress: Progress | None = None) -> Staged:
    """Join the volumes that lie beside a receipt.

    Args:
        receipt: its file.
        target: the directory to make.
        command: what was typed, for whoever has to go on.
        progress: see `reading.Progress`.

    Raises:
        SourceFault: the receipt cannot be used; a volume is missing, damaged or another; nothing was written.
        TargetTaken: the target exists and is another bundle, or cannot be made there.
        CannotMake: it cannot be written.
    """
    told = read_receipt(receipt)
    if isinstance(told, ReceiptFault):
        raise SourceFault(f"{receipt} is no receipt: {told.reason}")
    try:
        if os.path.lexists(target):
            return _already(told, target)
        _check(told, receipt.parent, progress)
        if shutil.disk_usage(target.parent).free < told.size_bytes and target.parent.is_dir():
            raise CannotMake(f"{told.size_bytes:,} bytes are needed beside {target}; make room")
        with Workplace.open(target, WHAT, command) as place:
            hashes = _unpack(told, receipt.parent, place)
            place.finish(frozenset(hashes))
    except OSError as error:
        raise cannot_write(error, target) from error
    return Staged(target, "joined", files=tuple(sorted(hashes)), size_bytes=told.size_bytes)


def _already(told: Receipt, target: Path) -> Staged:
    """The bundle that is there, where it is the one that was sent."""
    names = sorted(files_below(target)) if target.is_dir() and not target.is_symlink() else []
    sizes = {name: (target / name).stat().st_size for name in names}
    if len(names) == told.files and sum(sizes.values()) == told.size_bytes:
        read = hash_files([(str(target / name), size, "sha256") for name, size in sizes.items()])
        hashes = [(name, each.text or "") for name, each in zip(names, read, strict=True)]
        if tree_digest(hashes) == told.tree_sha256:
            return Staged(target, "unchanged", files=tuple(names), size_bytes=told.size_bytes)
    raise TargetTaken(f"{target} exists and is not the bundle of this receipt; name one that does not exist")


def _check(told: Receipt, folder: Path, progress: Progress | None) -> None:
    """Every volume against the receipt; all that are wrong are named."""
    absent = [each.name for each in told.volumes if not (folder / each.name).is_file()]
    if absent:
        raise SourceFault(f"{len(absent)} of {len(told.volumes)} volumes are not in {folder}: {some(absent, 10)}")
    sizes = {each.name: (folder / each.name).stat().st_size for each in told.volumes}
    lengths = [(v.name, sizes[v.name], v.size_bytes) for v in told.volumes]
    short = [f"{name} ({there:,} of {wanted:,} bytes)" for name, there, wanted in lengths if there != wanted]
    if short:
        raise SourceFault(f"volumes in {folder} have another size: {some(short, 10)}")
    read = hash_files([(str(folder / v.name), v.size_bytes, "sha256") for v in told.volumes], progress)
    others = {each.sha256: each.name for each in told.volumes}
    wrong = [
        f"{volume.name} ({_what(each.text, each.fault, others)})"
        for volume, each in zip(told.volumes, read, strict=True)
        if each.text != volume.sha256
    ]
    if wrong:
        raise SourceFault(f"volumes in {folder} are not what was sent: {some(wrong, 10)}; fetch these again")


def _what(sha256: str | None, fault: str | None, others: dict[str, str]) -> str:
    if fault is not None:
        return fault
    return f"its content is that of {others[sha256]}" if sha256 in others else "damaged"


def _unpack(told: Receipt, folder: Path, place: Workplace) -> dict[str, str]:
    stream = _Joined(blocks([folder / each.name for each in told.volumes]))
    hashes: dict[str, str] = {}
    size = 0
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=BUFFER_BYTES) as archive:
            for member in archive:
                size += member.size
                _refuse_strange(member, len(hashes) + member.isfile(), size, told)
                if member.isfile():
                    hashes[member.name] = _write(archive, member, place)
    except tarfile.TarError as error:
        raise SourceFault(f"the volumes in {folder} are no tar: {error}") from error
    refuse_collisions(hashes)
    if len(hashes) != told.files or size != told.size_bytes or tree_digest(hashes.items()) != told.tree_sha256:
        raise SourceFault(f"what the volumes in {folder} hold is not what the receipt says: tree_sha256 differs")
    return hashes


def _refuse_strange(member: tarfile.TarInfo, files: int, size: int, told: Receipt) -> None:
    if not (member.isfile() or member.isdir()):
        raise SourceFault(f"{member.name[:80]!r} in the volumes is neither a file nor a folder")
    if (reason := why_unsafe(member.name)) is not None:
        raise SourceFault(f"the volumes hold the name {member.name[:80]!r}: {reason}")
    if files > told.files or size > told.size_bytes:
        raise SourceFault("the volumes hold more than their receipt says")


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, place: Workplace) -> str:
    source = archive.extractfile(member)
    if source is None:
        raise SourceFault(f"{member.name} in the volumes cannot be read")
    digest = hashlib.sha256()
    with os.fdopen(new_file(place.path(member.name)), "wb") as stream:
        while block := source.read(BUFFER_BYTES):
            digest.update(block)
            stream.write(block)
        stream.flush()
        os.fsync(stream.fileno())
    return digest.hexdigest()


class _Joined(io.RawIOBase):
    """Blocks as a stream that can be read once."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source, self._rest = source, b""

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = BUFFER_BYTES) -> bytes:
        """At most so many bytes, as tarfile asks for them."""
        while len(self._rest) < size and (block := next(self._source, b"")):
            self._rest += block
        data, self._rest = self._rest[:size], self._rest[size:]
        return data
