"""The receipt of a bundle in volumes: their names, sizes and hashes, and one digest over the whole tree.

Canonical JSON: sorted keys, no time, no machine. Read like any other file that nobody vouches for: bounded and strict.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeGuard

from resolver.inspection.lock import HEX, MAX_FILES, MAX_SIZE, SHA256_DIGITS
from resolver.inspection.safe_names import why_unsafe
from resolver.inspection.strict_json import parse_json
from resolver.record import Record
from resolver.version import VERSION

RECEIPT_FILE: Final = "receipt.json"
SCHEMA_VERSION: Final = 1
MAX_BYTES: Final = 16 * 1024 * 1024
MAX_VOLUMES: Final = 99_999


class Volume(Record):
    """One volume: the name of its file, beside the receipt; its size; the hash of its content."""

    name: str
    size_bytes: int
    sha256: str


class Receipt(Record):
    """What was sent.

    Attributes:
        volumes: in their order.
        files: how many files the bundle has.
        size_bytes: how large they are together.
        tree_sha256: over all of them, as `resolver.inspection.lock.tree_digest` takes it.
        tool_version: which version wrote it.
    """

    volumes: tuple[Volume, ...]
    files: int
    size_bytes: int
    tree_sha256: str
    tool_version: str = VERSION


class ReceiptFault(Record):
    """Why a file is no receipt that can be used."""

    reason: str


def written(receipt: Receipt) -> bytes:
    """The bytes of a receipt; `read_receipt` gives it back."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "offline-resolver", "version": receipt.tool_version},
        "volumes": [{"name": v.name, "size": v.size_bytes, "sha256": v.sha256} for v in receipt.volumes],
        "files": receipt.files,
        "size": receipt.size_bytes,
        "tree_sha256": receipt.tree_sha256,
    }
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def read_receipt(path: Path) -> Receipt | ReceiptFault:
    """Read a receipt; raises nothing."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return ReceiptFault(error.strerror or str(error))
    if len(data) > MAX_BYTES:
        return ReceiptFault(f"more than {MAX_BYTES:,} bytes")
    read = parse_json(data)
    if read.fault is not None or read.irregular:
        return ReceiptFault(read.fault or read.irregular[0])
    return _receipt(read.value)


def _receipt(value: Any) -> Receipt | ReceiptFault:
    keys = {"schema_version", "tool", "volumes", "files", "size", "tree_sha256"}
    if not isinstance(value, dict) or set(value) != keys or value["schema_version"] != SCHEMA_VERSION:
        return ReceiptFault(f"it has not the keys of a receipt of version {SCHEMA_VERSION}")
    listed, tool = value["volumes"], value["tool"]
    volumes = [each for each in map(_volume, listed) if each] if isinstance(listed, list) else []
    if not volumes or len(volumes) != len(listed) or len(volumes) > MAX_VOLUMES:
        return ReceiptFault("a volume of it has no name, size and sha256 that can be used")
    if len({each.name.casefold() for each in volumes}) < len(volumes):
        return ReceiptFault("two volumes have one name")
    version = tool.get("version") if isinstance(tool, dict) else None
    files, size, tree = value["files"], value["size"], value["tree_sha256"]
    if not (_is_count(files, MAX_FILES * 100) and _is_count(size, MAX_SIZE) and _is_hash(tree)):
        return ReceiptFault("files, size or tree_sha256 cannot be used")
    return Receipt(tuple(volumes), files, size, tree, version if isinstance(version, str) else "")


def _volume(value: Any) -> Volume | None:
    if not isinstance(value, Mapping) or set(value) != {"name", "size", "sha256"}:
        return None
    name, size, sha256 = value["name"], value["size"], value["sha256"]
    usable = isinstance(name, str) and "/" not in name and why_unsafe(name) is None
    return Volume(name, size, sha256) if usable and _is_count(size, MAX_SIZE) and _is_hash(sha256) else None


def _is_count(value: Any, most: int) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= most


def _is_hash(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) == SHA256_DIGITS and HEX.issuperset(value)
