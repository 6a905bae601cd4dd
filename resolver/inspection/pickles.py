"""Every pickle of a directory, whatever its file is called and in whatever archive it hides; none is unpickled.

What a file is, its bytes say. Archives are looked into member by member, one level deep; what cannot be looked into
to its end is said to be so. Raw tensor storages are not pickles and are not followed as such.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from resolver.inspection.files import FileFacts, Listing
from resolver.inspection.opcodes import Walk, walk
from resolver.inspection.sniff import HEAD_BYTES, content_of
from resolver.record import Record

if TYPE_CHECKING:
    from resolver.inspection.zips import Member

FIRST_READ: Final = 1024 * 1024  # the pickles of a torch file of any size: they stand before the storages
LAST_READ: Final = 64 * 1024 * 1024
TOTAL_READ: Final = 512 * 1024 * 1024
SECONDS: Final = 10.0
MAX_STREAMS: Final = 64
LEGACY_STREAMS: Final = 5  # magic number, protocol, system, the object, storage keys; raw storages follow
LEGACY_MAGIC: Final = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
NUMPY: Final = b"\x93NUMPY"
STARTS: Final = frozenset(b"(0123FIJKLMNPQSTUVXabcd}eghij]lopqrst)uGBC" + bytes(range(0x80, 0x99)))
NEVER: Final = frozenset({"empty", "unread", "lfs-pointer", "html", "xml", "json"})  # none begins with an opcode
PICKLE_NAMES: Final = (
    ".pkl",
    ".pickle",
    ".p",
    ".pt",
    ".pth",
    ".pt2",
    ".ckpt",
    ".bin",
    ".joblib",
    ".dill",
    ".npy",
    ".npz",
    ".mar",
)
PACKED: Final = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"))
CLOSED: Final = (
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"\x28\xb5\x2f\xfd", "packed with zstandard"),
    (b"\x04\x22\x4d\x18", "packed with lz4"),
)
IDENTIFIERS = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")
STORAGE = re.compile(r"(^|/)data/\d+$")


class PickleFacts(Record):
    """One pickle, or one archive that could not be looked into.

    Attributes:
        file: relative name of the file.
        member: the member's name where the file is an archive.
        forbidden: names that it resolves outside the allowlist, "module.name".
        names: how many names it resolves.
        calls: whether it calls anything.
        fault: why it could not be followed to its end; None where it could.
    """

    file: str
    member: str | None = None
    forbidden: tuple[str, ...] = ()
    names: int = 0
    calls: bool = False
    fault: str | None = None


class _Budget:
    """Bytes and seconds that one directory may take."""

    __slots__ = ("bytes_left", "ends")

    def __init__(self, bytes_left: int = TOTAL_READ, ends: float | None = None) -> None:
        self.bytes_left = bytes_left
        self.ends = time.monotonic() + SECONDS if ends is None else ends

    def spent(self, count: int) -> None:
        self.bytes_left -= count

    @property
    def exhausted(self) -> bool:
        return self.bytes_left <= 0 or time.monotonic() > self.ends


Read = Callable[[int], bytes]  # the first so many bytes of a file or member


def _first_of(data: bytes) -> Read:
    return lambda count: data[:count]


def scan_pickles(listing: Listing) -> tuple[PickleFacts, ...]:
    """Every pickle in the listed files, clean ones too, in the order of the files. Raises nothing."""
    budget = _Budget()
    found: list[PickleFacts] = []
    for name, facts in listing.files.items():
        if facts.content in NEVER or _is_plain(name, facts):
            continue
        if budget.exhausted:
            found.append(PickleFacts(name, fault="not looked into: the bound of this directory is reached"))
            continue
        try:
            handle = os.open(f"{listing.root}/{name}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            continue  # it went away or is not ours to read: the listing says so
        try:
            found += _scan_file(handle, name, facts.size_bytes, budget)
        except OSError as error:
            found.append(PickleFacts(name, fault=error.strerror or str(error)))
        finally:
            os.close(handle)
    return tuple(found)


def _is_plain(name: str, facts: FileFacts) -> bool:
    """Weights under their own name in a format that no loader unpickles."""
    return (facts.content == "safetensors" and name.endswith(".safetensors")) or (
        facts.content == "gguf" and name.endswith(".gguf")
    )


def _scan_file(handle: int, name: str, size: int, budget: _Budget) -> Iterator[PickleFacts]:
    head = os.pread(handle, HEAD_BYTES, 0)

    def read(count: int) -> bytes:
        budget.spent(count := min(count, size))
        return os.pread(handle, count, 0)

    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        yield from _scan_zip(handle, name, size, budget)
        return
    if head[257:262] == b"ustar":
        yield from _scan_tar(read, name, size)
    packing = next((kind for magic, kind in PACKED if head.startswith(magic)), None)
    if packing is not None:
        yield from _scan_packed(read, name, size, packing)
    else:
        yield from _scan_plain(name, None, head, size, read)


def _scan_plain(file: str, member: str | None, head: bytes, size: int, read: Read) -> Iterator[PickleFacts]:
    """One file or member that is no archive we can open."""
    closed = next((what for magic, what in CLOSED if head.startswith(magic)), None)
    if closed is not None:
        yield PickleFacts(file, member, fault=f"{closed}, which cannot be looked into")
    elif head.startswith(NUMPY):
        yield from _scan_numpy(file, member, head, size, read)
    elif head and head[0] in STARTS:
        walks = _walk_growing(head, size, read)
        facts = _judged(file, member, walks, size)
        if facts is not None:
            yield facts


def _scan_numpy(file: str, member: str | None, head: bytes, size: int, read: Read) -> Iterator[PickleFacts]:
    """An array of objects is a header and a pickle."""
    width, at = (2, 10) if head[6:7] == b"\x01" else (4, 12)
    begins = at + int.from_bytes(head[8 : 8 + width], "little")
    if b"O" not in head[at:begins].partition(b"fortran_order")[0]:
        return
    walks = _walk_growing(head, size, read, begins)
    yield _merged(file, member, walks, size)


def _walk_growing(head: bytes, size: int, read: Read, start: int = 0) -> list[Walk]:
    """Follow the streams in ever more of the bytes, until they end or are known to be none."""
    walks = _streams(head, start)
    for limit in (FIRST_READ, LAST_READ):
        if not walks[-1].short or len(head) >= size:
            break
        head = read(limit)
        walks = _streams(head, start)
    return walks


def _streams(data: bytes, start: int) -> list[Walk]:
    walks = [walk(data, start)]
    legacy = LEGACY_MAGIC in data[:32]
    while walks[-1].finished and walks[-1].end < len(data) and len(walks) < MAX_STREAMS:
        if legacy and len(walks) == LEGACY_STREAMS:
            break
        further = walk(data, walks[-1].end)
        if not (legacy or further.finished or further.short or further.forbidden):
            break  # what follows is no pickle: padding, or data that another reader takes
        walks.append(further)
    return walks


def _judged(file: str, member: str | None, walks: list[Walk], size: int) -> PickleFacts | None:
    """What the walks say, or None where these bytes are no pickle, or one that ends before it can do anything."""
    facts = _merged(file, member, walks, size)
    named = (member or file).endswith(PICKLE_NAMES)
    if walks[0].started:
        storage = member is not None and STORAGE.search(member) is not None
        return None if storage and not (facts.forbidden and walks[0].finished) else facts
    if facts.forbidden:
        executable = walks[0].finished or facts.calls
        honest = all(IDENTIFIERS.match(name) or name.startswith("<") for name in facts.forbidden)
        return facts if (executable or honest if named else executable and honest) else None
    return facts if named and walks[0].finished else None


def _merged(file: str, member: str | None, walks: list[Walk], size: int) -> PickleFacts:
    forbidden = tuple(dict.fromkeys(name for each in walks for name in each.forbidden))
    # A later stream that breaks off is trailing data unless it resolved something; the first must end.
    broken = next((each for at, each in enumerate(walks) if not each.finished and (at == 0 or each.names)), None)
    fault = None if broken is None else broken.fault
    if broken is not None and broken.short and size > LAST_READ:
        fault = f"longer than the {LAST_READ:,} bytes that are looked into"
    names = sum(each.names for each in walks)
    return PickleFacts(file, member, forbidden, names, any(each.calls for each in walks), fault)


def _scan_zip(handle: int, name: str, size: int, budget: _Budget) -> Iterator[PickleFacts]:
    from resolver.inspection.zips import BrokenZip, Member, members  # noqa: PLC0415 - only where there is one

    try:
        found: list[Member] = list(members(handle, size))
    except BrokenZip as broken:
        yield PickleFacts(name, fault=f"a zip archive that cannot be read: {broken}")
        return
    is_torch = any(each.name.endswith("/data.pkl") for each in found)
    for member in found:
        if budget.exhausted:
            yield PickleFacts(name, member.name, fault="not looked into: the bound of this directory is reached")
            return
        yield from _scan_member(handle, name, member, budget, is_torch=is_torch)


def _scan_member(handle: int, file: str, member: "Member", budget: _Budget, *, is_torch: bool) -> Iterator[PickleFacts]:
    complete = True

    def read(count: int) -> bytes:
        nonlocal complete
        data, complete = member.read(handle, count)
        budget.spent(len(data))
        return data

    head = read(HEAD_BYTES)
    nested = content_of(head) in {"zip", "gzip", "tar", "7z"} or any(head.startswith(magic) for magic, _ in PACKED)
    fault = member.fault
    if fault is None and is_torch and member.method != 0 and member.name.endswith("/data.pkl"):
        fault = "is packed, which torch never does"
    if fault is None and nested:
        fault = "is an archive inside an archive"
    facts = list(_scan_plain(file, member.name, head, member.size_bytes, read))
    if fault is None and (facts or member.name.endswith(PICKLE_NAMES)) and _checksum_differs(member, read):
        fault = "does not have the checksum that the archive gives for it"
    if fault is None:
        yield from facts
        return
    told = facts[0] if facts else PickleFacts(file, member.name)
    yield PickleFacts(file, member.name, told.forbidden, told.names, told.calls, f"the member {fault}")


def _checksum_differs(member: "Member", read: Read) -> bool:
    """Only of what is small enough to be read whole; storages of gigabytes are for the deep level."""
    if member.size_bytes > LAST_READ:
        return False
    import zlib  # noqa: PLC0415 - only where an archive holds a pickle

    data = read(LAST_READ)
    return len(data) != member.size_bytes or zlib.crc32(data) != member.crc


def _scan_packed(read: Read, name: str, size: int, packing: str) -> Iterator[PickleFacts]:
    data, fault = _unpacked(read(LAST_READ), packing)
    if fault is None and size > LAST_READ:
        fault = f"longer than the {LAST_READ:,} bytes that are looked into"
    told: list[PickleFacts] = []
    if data[257:262] == b"ustar":
        told = list(_scan_tar(_first_of(data), name, len(data)))
    elif data:
        inner = name.rpartition(".")[0]
        member = inner.rpartition("/")[2]
        told = list(_scan_plain(name, member, data[:HEAD_BYTES], len(data), _first_of(data)))
        if content_of(data[:HEAD_BYTES]) in {"zip", "gzip", "7z"}:
            fault = fault or "an archive inside an archive"
    yield from told
    if fault is not None:
        yield PickleFacts(name, fault=f"packed with {packing}: {fault}")


def _unpacked(packed: bytes, packing: str) -> tuple[bytes, str | None]:
    """The first bytes of what is packed, and what stopped us."""
    import bz2  # noqa: PLC0415 - as below
    import lzma  # noqa: PLC0415 - as below
    import zlib  # noqa: PLC0415 - packed files beside a model are rare

    inflate: Any
    if packing == "gzip":
        inflate = zlib.decompressobj(31)
    elif packing == "bzip2":
        inflate = bz2.BZ2Decompressor()
    else:
        inflate = lzma.LZMADecompressor(memlimit=LAST_READ)
    try:
        data = inflate.decompress(packed, LAST_READ)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        return b"", str(error)
    if not inflate.eof:
        reason = "longer than is looked into" if len(data) >= LAST_READ else "ends before its end"
        return data, reason
    return data, None


def _scan_tar(read: Read, name: str, size: int) -> Iterator[PickleFacts]:
    import io  # noqa: PLC0415 - as below
    import tarfile  # noqa: PLC0415 - archives of this kind are rare beside a model

    told: list[PickleFacts] = []
    fault = f"longer than the {LAST_READ:,} bytes that are looked into" if size > LAST_READ else None
    try:
        with tarfile.open(fileobj=io.BytesIO(read(LAST_READ)), mode="r:") as archive:
            for entry in archive:
                stream = archive.extractfile(entry) if entry.isreg() else None
                if stream is None:
                    continue
                data = stream.read()
                if content_of(data[:HEAD_BYTES]) in {"zip", "gzip", "tar", "7z"}:
                    told.append(PickleFacts(name, entry.name, fault="an archive inside an archive"))
                told += _scan_plain(name, entry.name, data[:HEAD_BYTES], len(data), _first_of(data))
    except (tarfile.TarError, OSError, EOFError, ValueError, RecursionError) as error:
        fault = fault or str(error) or "cut short"
    yield from told
    if fault is not None:
        yield PickleFacts(name, fault=f"a tar archive: {fault}")
