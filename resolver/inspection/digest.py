"""Digests of what tells two models apart without reading their weights: headers, configuration, vocabulary sizes.

Two directories of equal digest are copies as far as names, shapes and settings go; the values are not compared.
"""

import os
from pathlib import Path
from typing import Final

from resolver.inspection.safetensors import HEADER_CAP

LENGTH_BYTES: Final = 8
HEAD_BYTES: Final = 1024 * 1024
SMALL: Final = ("config.json", "generation_config.json", "tokenizer_config.json", "adapter_config.json")
SUFFIXES: Final = (".safetensors", ".bin", ".gguf", ".index.json")


def header_digest(root: Path) -> str:
    """sha256 in hex over names, sizes and first bytes of the weights and over the small files that configure them.

    A file that cannot be read counts as its name alone. Raises nothing.
    """
    import hashlib  # noqa: PLC0415 - only where two candidates are equally good

    digest = hashlib.sha256()
    try:
        names = sorted(os.listdir(root))  # noqa: PTH208 - names are all that is wanted
    except OSError:
        return digest.hexdigest()
    for name in names:
        if name in SMALL or name.endswith(SUFFIXES):
            digest.update(f"{name}\0".encode("utf-8", "surrogateescape"))
            digest.update(_head(root / name))
    return digest.hexdigest()


def header_sha256(path: Path) -> str | None:
    """The sha256 of a safetensors file's header, as a lock holds it: of its first 8 bytes and the JSON they announce.

    Returns:
        None where the file cannot be read, is none, or announces more than an honest header has. Raises nothing.
    """
    import hashlib  # noqa: PLC0415 - as above

    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        head = os.pread(handle, LENGTH_BYTES, 0)
        whole = LENGTH_BYTES + int.from_bytes(head, "little")
        if len(head) < LENGTH_BYTES or whole > HEADER_CAP:
            return None
        read = os.pread(handle, whole, 0)
        return hashlib.sha256(read).hexdigest() if len(read) == whole else None
    except OSError:
        return None
    finally:
        os.close(handle)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            return size.to_bytes(8, "little") + stream.read(HEAD_BYTES)
    except OSError:
        return b""
