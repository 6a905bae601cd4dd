"""Hostile bytes, written by hand: nothing here is ever unpickled."""

from __future__ import annotations

import io
import struct
import zipfile

FORBIDDEN = (
    "os.system",
    "builtins.eval",
    "builtins.getattr",
    "functools.partial",
    "operator.methodcaller",
    "pydoc.locate",
    "timeit.timeit",
    "torch.load",
    "torch.storage._load_from_bytes",
    "numpy.load",
    "linecache.getlines",
    "nobody.knows",
)


def call(name: str, argument: str = "echo no", protocol: int = 2) -> bytes:
    """A pickle that would call `module.name(argument)`."""
    module, _, function = name.rpartition(".")
    text = argument.encode()
    if protocol < 2:
        return f"c{module}\n{function}\n(V{argument}\ntR.".encode()
    if protocol < 4:
        return (
            b"\x80" + bytes([protocol]) + f"c{module}\n{function}\n".encode()
            + b"X" + struct.pack("<I", len(text)) + text + b"\x85R."
        )  # fmt: skip
    words = b"".join(b"\x8c" + bytes([len(word)]) + word for word in (module.encode(), function.encode()))
    body = words + b"\x93\x8c" + bytes([len(text)]) + text + b"\x85R."
    return b"\x80" + bytes([protocol]) + b"\x95" + struct.pack("<Q", len(body)) + body


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive of these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()
