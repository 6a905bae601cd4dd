"""What the first bytes of a file say it is, whatever its name says."""

import re
from typing import Final, Literal

from resolver.record import Record

Content = Literal[
    "empty",
    "lfs-pointer",
    "safetensors",
    "json",
    "html",
    "xml",
    "zip",
    "gzip",
    "tar",
    "7z",
    "pickle",
    "gguf",
    "hdf5",
    "text",
    "binary",
    "unread",
]

HEAD_BYTES: Final = 2048
POINTER_BYTES: Final = 1024  # a pointer is three lines, about 130 bytes; the specification allows no more than this
PAGE_BYTES: Final = 2048  # an error answer saved as a file is a few hundred bytes
HEADLINE: Final = 200
ANSWER_KEYS: Final = 6
HIGHEST_PROTOCOL: Final = 5
TEXT_CONTROLS: Final = frozenset(b"\t\n\r\f\x1b")

MAGIC: Final[tuple[tuple[bytes, Content], ...]] = (
    (b"version https://git-lfs.github.com/spec/", "lfs-pointer"),
    (b"version https://hawser.github.com/spec/", "lfs-pointer"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"GGUF", "gguf"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
)
OID = re.compile(rb"^oid sha256:([0-9a-f]{64})\s*$", re.MULTILINE)
SIZE = re.compile(rb"^size (\d{1,19})\s*$", re.MULTILINE)
TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
XML_MESSAGE = re.compile(rb"<Message>(.*?)</Message", re.DOTALL)


class LfsPointer(Record):
    """What a Git LFS pointer says should be here: sha256 in hex and the true size in bytes (None: malformed)."""

    oid: str | None
    size_bytes: int | None


def content_of(head: bytes) -> Content:
    """What a file is that begins so.

    >>> content_of(b"<!DOCTYPE html><title>Sign in</title>")
    'html'
    >>> content_of(bytes([2, 0, 0, 0, 0, 0, 0, 0]) + b"{}")
    'safetensors'
    """
    if not head:
        return "empty"
    for magic, content in MAGIC:
        if head.startswith(magic):
            return content
    if head[8:9] in {b"{", b" ", b"\t", b"\n", b"\r"} and head[5:8] == b"\0\0\0":
        return "safetensors"
    if head[:1] == b"\x80" and len(head) > 1 and head[1] <= HIGHEST_PROTOCOL:
        return "pickle"
    if head[257:262] == b"ustar":
        return "tar"
    return _textual(head)


def _textual(head: bytes) -> Content:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "html"
    if start.startswith((b"<?xml", b"<error>")):
        return "xml"
    if not _is_text(head):
        return "binary"
    return "json" if _begins_json(start) else "text"


def _begins_json(start: bytes) -> bool:
    """Whether text begins as an object or a list does; a vocabulary whose first word is [PAD] does not."""
    inside = start[1:].lstrip()[:1]
    return start.startswith(b"{") or (start.startswith(b"[") and (not inside or inside in b'{["-0123456789tfn]'))


def _is_text(head: bytes) -> bool:
    if head.isascii():
        return not any(byte < 32 and byte not in TEXT_CONTROLS for byte in head)  # noqa: PLR2004 - below are controls
    if b"\0" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:  # the cut at the end may fall into a character
        return error.start > len(head) - 4 and len(head) == HEAD_BYTES
    return True


def pointer_of(head: bytes) -> LfsPointer:
    """The pointer that a file is which begins so."""
    oid, size = OID.search(head[:POINTER_BYTES]), SIZE.search(head[:POINTER_BYTES])
    return LfsPointer(oid and oid.group(1).decode(), size and int(size.group(1)))


def headline_of(head: bytes, content: Content, size: int) -> str | None:
    """Title of an HTML page, or the error of an answer that was saved instead of a file; None where it is neither."""
    if content == "html":
        return _clean(TITLE.search(head))
    if content == "xml":
        return _clean(XML_MESSAGE.search(head))
    if content == "json" and size <= PAGE_BYTES and head.lstrip()[:1] == b"{" and b"error" in head.lower():
        return _json_error(head)
    return None


def _clean(match: "re.Match[bytes] | None") -> str | None:
    return (match and " ".join(match.group(1).decode("utf-8", "replace").split())[:HEADLINE]) or None


def _json_error(head: bytes) -> str | None:
    from resolver.inspection.strict_json import parse_json  # noqa: PLC0415 - json is not needed for most files

    value = parse_json(head).value
    if not isinstance(value, dict) or len(value) > ANSWER_KEYS:
        return None
    told = next((value[key] for key in ("error", "Error", "error_message") if key in value), None)
    if told is None:
        return None
    if isinstance(told, dict):
        told = told.get("message", told)
    return " ".join(str(told).split())[:HEADLINE] or "error"
