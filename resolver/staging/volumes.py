"""A bundle in volumes: one plain tar of it, cut into pieces of a size, with a receipt.

`cat *.vol | tar x` joins them without this program. The tar holds names and bytes alone: sorted, without times, owners
or modes of this machine, so that equal bundles give equal volumes.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from resolver.inspection.lock import tree_digest
from resolver.integrity.reading import BUFFER_BYTES, Progress
from resolver.staging.plan import SourceFault, Stamp
from resolver.staging.receipt import MAX_VOLUMES, RECEIPT_FILE, Receipt, Volume, read_receipt, written
from resolver.staging.unchanged import files_below
from resolver.staging.workplace import FILE_MODE, FOLDER_MODE, Entry, Workplace, cannot_write
from resolver.writing import CannotMake, TargetTaken

SUFFIX: Final = ".volumes"
PREFIX: Final = "bundle"
WHAT: Final = "the volumes of a bundle"


def volumes_of(bundle: Path) -> Path:
    """Where the volumes of a bundle are written."""
    return bundle.with_name(bundle.name + SUFFIX)


def split(bundle: Path, volume_bytes: int, command: str, progress: Progress | None = None) -> Receipt:
    """Write the volumes of a bundle beside it, or see that they are there already.

    Args:
        bundle: a finished bundle.
        volume_bytes: how large a volume may be.
        command: what was typed, for whoever has to go on.
        progress: see `reading.Progress`.

    Raises:
        TargetTaken: volumes of something else lie there.
        CannotMake: they cannot be written, or would be too many.
    """
    target = volumes_of(bundle)
    try:
        if os.path.lexists(target):
            return _same(target, bundle, volume_bytes, progress)
        with Workplace.open(target, WHAT, command) as place:
            cutter = _Cutter(volume_bytes, place)
            receipt = _pour(bundle, cutter, progress)
            place.write(RECEIPT_FILE, written(receipt))
            place.finish(frozenset({RECEIPT_FILE, *(each.name for each in receipt.volumes)}))
            return receipt
    except OSError as error:
        raise cannot_write(error, target) from error


def _same(target: Path, bundle: Path, volume_bytes: int, progress: Progress | None) -> Receipt:
    """The receipt of volumes that are there, where they are of this bundle and of this size."""
    found = read_receipt(target / RECEIPT_FILE)
    wanted = _pour(bundle, _Cutter(volume_bytes, None), progress)
    sizes = [(target / each.name).stat().st_size for each in wanted.volumes if (target / each.name).is_file()]
    if found != wanted or sizes != [each.size_bytes for each in wanted.volumes]:
        raise TargetTaken(f"{target} exists and holds other volumes; move it away")
    return wanted


class _Cutter(io.RawIOBase):
    """A stream that ends a file and begins the next after so many bytes; without a place it only counts them."""

    def __init__(self, volume_bytes: int, place: Workplace | None) -> None:
        self._size, self._place = volume_bytes, place
        self._stream: io.BufferedWriter | None = None
        self._digest = hashlib.sha256()
        self._filled = 0
        self.volumes: list[Volume] = []

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Take all of it."""
        rest = memoryview(data).cast("B")
        while rest:
            piece = rest[: self._size - self._filled]
            if self._place is not None:
                self._open(self._place).write(piece)
            self._digest.update(piece)
            self._filled += len(piece)
            rest = rest[len(piece) :]
            if self._filled == self._size:
                self.end()
        return len(data)

    def _name(self) -> str:
        if len(self.volumes) >= MAX_VOLUMES:
            raise CannotMake(f"--volume-size gives more than {MAX_VOLUMES:,} volumes; choose a larger one")
        return f"{PREFIX}.{len(self.volumes) + 1:05d}.vol"

    def _open(self, place: Workplace) -> io.BufferedWriter:
        if self._stream is None:
            path = place.path(self._name())
            path.unlink(missing_ok=True)
            self._stream = path.open("xb")
            path.chmod(FILE_MODE)
        return self._stream

    def end(self) -> None:
        """End the volume that is open, where one is."""
        if not self._filled:
            return
        volume = Volume(self._name(), self._filled, self._digest.hexdigest())
        if self._stream is not None and self._place is not None:
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
            self._place.note(volume.name, Entry("volume", volume.size_bytes, volume.sha256))
        self.volumes.append(volume)
        self._stream, self._digest, self._filled = None, hashlib.sha256(), 0


def _pour(bundle: Path, cutter: _Cutter, progress: Progress | None) -> Receipt:
    names = sorted(files_below(bundle), key=str.encode)
    stamps = {name: Stamp.of(bundle / name) for name in names}
    total = sum(each.size_bytes for each in stamps.values())
    hashes: list[tuple[str, str]] = []
    done = 0
    with tarfile.open(fileobj=cutter, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for folder in sorted(_folders(names), key=str.encode):
            archive.addfile(_member(folder, 0, folder=True))
        for name in names:
            with (bundle / name).open("rb") as stream:
                source = _Hashing(stream)
                archive.addfile(_member(name, stamps[name].size_bytes), source)
            if Stamp.of(bundle / name) != stamps[name]:
                raise SourceFault(f"{bundle / name}: it changed while it was read")
            hashes.append((name, source.sha256()))
            done += stamps[name].size_bytes
            if progress is not None:
                progress(done, total)
    cutter.end()
    return Receipt(tuple(cutter.volumes), len(names), total, tree_digest(hashes))


def _folders(names: list[str]) -> set[str]:
    return {parent.as_posix() for name in names for parent in Path(name).parents if parent.as_posix() != "."}


def _member(name: str, size: int, *, folder: bool = False) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = FOLDER_MODE if folder else FILE_MODE
    member.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
    return member


class _Hashing(io.RawIOBase):
    """Hashes what is read through it."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream, self._digest = stream, hashlib.sha256()

    def read(self, size: int = BUFFER_BYTES) -> bytes:
        """As a file."""
        data = self._stream.read(size)
        self._digest.update(data)
        return data

    def sha256(self) -> str:
        """Of all that was read."""
        return self._digest.hexdigest()


def blocks(paths: list[Path]) -> Iterator[bytes]:
    """The bytes of files, one behind the other."""
    for path in paths:
        with path.open("rb") as stream:
            while block := stream.read(BUFFER_BYTES):
                yield block
