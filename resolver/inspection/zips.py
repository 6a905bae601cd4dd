"""The members of a zip archive, read from its own directory: what torch and numpy write, and what hides in one.

Not the zipfile module: it refuses an encrypted flag or a bad checksum that torch ignores, and so never shows the
payload behind it. Here everything irregular is a fault *and* the member's bytes are handed out as far as they go.
"""

import os
import struct
from collections.abc import Iterator
from typing import Final

from resolver.record import Record

END: Final = b"PK\x05\x06"
END_64: Final = b"PK\x06\x06"
LOCATOR_64: Final = b"PK\x06\x07"
CENTRAL: Final = b"PK\x01\x02"
LOCAL: Final = b"PK\x03\x04"
TAIL_BYTES: Final = 65_557  # the longest comment and the record before it
MAX_DIRECTORY: Final = 64 * 1024 * 1024
MAX_MEMBERS: Final = 200_000
STORED, DEFLATED = 0, 8
FORBIDDEN_FLAGS: Final = {0x1: "is encrypted", 0x20: "is a patch", 0x40: "is encrypted"}
FILLED: Final = 0xFFFFFFFF


class BrokenZip(Exception):  # noqa: N818 - says what is so
    """The archive's directory cannot be read; the message says why."""


class Member(Record):
    """One member: where its bytes begin, how they are packed, and what is wrong with it (None: nothing)."""

    name: str
    at: int
    packed_bytes: int
    size_bytes: int
    method: int
    crc: int
    fault: str | None = None

    def read(self, handle: int, limit: int) -> tuple[bytes, bool]:
        """At most `limit` bytes of it, unpacked, and whether that is all. Broken data gives what came before."""
        packed = os.pread(handle, min(self.packed_bytes, limit), self.at)
        if self.method != DEFLATED:
            return packed, self.packed_bytes <= limit
        import zlib  # noqa: PLC0415 - few archives are packed

        inflate = zlib.decompressobj(-15)
        try:
            data = inflate.decompress(packed, limit)
        except zlib.error:
            return b"", False
        return data, inflate.eof


def members(handle: int, size: int) -> Iterator[Member]:
    """The members in the order of the directory.

    Raises:
        BrokenZip: there is no directory, or it cannot be read.
    """
    directory, count = _directory(handle, size)
    seen: set[str] = set()
    at = 0
    for _ in range(count):
        if directory[at : at + 4] != CENTRAL or at + 46 > len(directory):
            raise BrokenZip("its directory is cut short")
        flags, method = struct.unpack_from("<HH", directory, at + 8)
        crc, packed, unpacked, name_size, extra_size, comment_size = struct.unpack_from("<IIIHHH", directory, at + 16)
        (offset,) = struct.unpack_from("<I", directory, at + 42)
        name = directory[at + 46 : at + 46 + name_size]
        extra = directory[at + 46 + name_size : at + 46 + name_size + extra_size]
        unpacked, packed, offset = _wide(extra, unpacked, packed, offset)
        at += 46 + name_size + extra_size + comment_size
        text = name.decode("utf-8", "replace")
        fault = "occurs twice" if text in seen else _flagged(flags)
        seen.add(text)
        yield _located(handle, size, Member(text, offset, packed, unpacked, method, crc, fault), name)
    if at != len(directory):  # some readers count members, others read on to the end
        raise BrokenZip("its directory holds more than it says")


def _directory(handle: int, size: int) -> tuple[bytes, int]:
    start = max(0, size - TAIL_BYTES)
    tail = os.pread(handle, TAIL_BYTES, start)
    found = tail.rfind(END)
    if found < 0 or found + 22 > len(tail):
        raise BrokenZip("it has no directory: the file is cut short")
    count, length, offset = struct.unpack_from("<HII", tail, found + 10)
    end = start + found
    if tail[:found][-20:-16] == LOCATOR_64 or FILLED in {length, offset}:  # torch writes it into small files too
        count, length, offset, end = _wide_end(handle, tail, found)
    if length > MAX_DIRECTORY or count > MAX_MEMBERS:
        raise BrokenZip(f"its directory is too large: {count:,} members, {length:,} bytes")
    if offset + length != end:
        raise BrokenZip(f"its directory does not lie where it says: {end - offset - length:,} bytes off")
    return os.pread(handle, length, offset), count


def _wide_end(handle: int, tail: bytes, found: int) -> tuple[int, int, int, int]:
    locator = tail[:found][-20:]
    if locator[:4] != LOCATOR_64 or len(locator) < 20:  # noqa: PLR2004 - the length of a locator
        raise BrokenZip("its 64-bit directory is not announced")
    (place,) = struct.unpack_from("<Q", locator, 8)
    record = os.pread(handle, 56, place) if place < 1 << 62 else b""
    if record[:4] != END_64 or len(record) < 56:  # noqa: PLR2004 - the record's length
        raise BrokenZip("its 64-bit directory is not where it says")
    count, length, offset = struct.unpack_from("<QQQ", record, 32)
    return count, length, offset, place


def _wide(extra: bytes, unpacked: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Sizes and place beyond 32 bits stand in an extra field, in this order, each only where it is needed."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            values = iter(struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4))
            unpacked, packed, offset = (
                next(values, each) if each == FILLED else each for each in (unpacked, packed, offset)
            )
        at += 4 + length
    return unpacked, packed, offset


def _flagged(flags: int) -> str | None:
    return next((text for flag, text in FORBIDDEN_FLAGS.items() if flags & flag), None)


def _located(handle: int, size: int, member: Member, name: bytes) -> Member:
    """The member with the place of its bytes, and the fault of its own header where it contradicts the directory."""
    head = os.pread(handle, 30 + len(name), member.at) if member.at < size else b""
    if head[:4] != LOCAL or len(head) < 30 + len(name):
        return _faulty(member, "has no header of its own", member.at)
    flags, method = struct.unpack_from("<HH", head, 6)
    name_size, extra_size = struct.unpack_from("<HH", head, 26)
    begins = member.at + 30 + name_size + extra_size
    fault = member.fault or _flagged(flags)
    if head[30:] != name or name_size != len(name):
        fault = fault or "has another name in its own header than in the directory"
    elif method != member.method:
        fault = fault or "is packed in another way than the directory says"
    elif method not in {STORED, DEFLATED}:
        fault = fault or f"is packed in a way that is not read here ({method})"
    elif begins + member.packed_bytes > size:
        fault = fault or "is cut short"
    elif method == STORED and member.packed_bytes != member.size_bytes:  # its checksum would not be worth taking
        fault = fault or "is stored as it is, in another size than the directory gives"
    return _faulty(member, fault, begins)


def _faulty(member: Member, fault: str | None, at: int) -> Member:
    return Member(member.name, at, member.packed_bytes, member.size_bytes, member.method, member.crc, fault)
