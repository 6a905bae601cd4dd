"""resolver.lock: which files a model consists of, with size and sha256, as somebody who had them wrote it down.

The values of the form and its reader; `integrity/lock.py` makes and writes it. A lock is read like any other file that
nobody vouches for: bounded, strict, every name checked, and never an exception. Whether its words are true is not known
here, and neither is who wrote them.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NoReturn, get_args

from resolver.inspection.files import LOCK_NAME
from resolver.inspection.safe_names import why_unsafe
from resolver.inspection.strict_json import parse_json, read_json
from resolver.record import Record, field

LOCK_FILE: Final = LOCK_NAME
SCHEMA_VERSION: Final = 1
MAX_BYTES: Final = 16 * 1024 * 1024
MAX_MODELS: Final = 1_000
MAX_FILES: Final = 20_000
MAX_TEXT: Final = 4_096
MAX_SIZE: Final = 1 << 60
HEX: Final = frozenset("0123456789abcdef")
SHA256_DIGITS: Final = 64

Role = Literal["weights", "index", "tokenizer", "config", "adapter", "licence", "card", "code", "other"]
SourceKind = Literal["hub", "kaggle", "modelscope", "package", "local"]


class LockedFile(Record):
    """One file.

    Attributes:
        size_bytes: of its content.
        sha256: of its content, in hex.
        role: what it is there for.
        header_sha256: of a safetensors file: over its first 8 bytes and the JSON that they announce; a check of
            names, dtypes and shapes that reads no weights.
        tensors: of a safetensors file: how many.
        dtypes: of a safetensors file: dtype as its header spells it -> how many tensors have it.
    """

    size_bytes: int
    sha256: str
    role: Role = "other"
    header_sha256: str | None = None
    tensors: int | None = None
    dtypes: Mapping[str, int] = field(default_factory=dict)


class LockedSource(Record):
    """Where the files came from.

    Attributes:
        kind: which kind of place.
        id: hub id, Kaggle handle without its version, package; None for a local directory of unknown origin.
        revision: the commit, Kaggle's version, the package's version; None where it is not known.
    """

    kind: SourceKind = "local"
    id: str | None = None
    revision: str | None = None


class LockedModel(Record):
    """One model.

    Attributes:
        reference: as it was asked for; a local path is relative to the lock and begins with "./" or "../".
        path: its directory relative to the lock, "." for the lock's own; None where it lies in no place that the lock
            could know (a cache, a mount): the reference is resolved again.
        source: where the files came from.
        files: by name relative to the model's directory, with "/".
        tree_sha256: see `tree_digest`.
        config_sha256: of config.json, or of adapter_config.json; None where there is neither.
        licence: identifiers as the card declares them.
        parameters: elements of all tensors of the weights that a loader opens; None where that is not known.
        requires: package -> least version ("" for any) that loading it takes.
    """

    reference: str
    path: str | None
    source: LockedSource
    files: Mapping[str, LockedFile]
    tree_sha256: str
    config_sha256: str | None = None
    licence: tuple[str, ...] = ()
    parameters: int | None = None
    requires: Mapping[str, str] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(each.size_bytes for each in self.files.values())


class Lock(Record):
    """A lock: its models in the order of their references, and the version of the tool that wrote it."""

    models: tuple[LockedModel, ...]
    tool_version: str = ""


class LockFault(Record):
    """Why a file is no lock that can be used: one phrase that names the place in it."""

    reason: str


def tree_digest(files: Iterable[tuple[str, str]]) -> str:
    """One sha256 over a directory.

    Args:
        files: name and sha256 of each file, in any order.

    Returns:
        In hex: the sha256 of what `sha256sum` prints for the files, sorted by the bytes of their names
        (`LC_ALL=C sha256sum $(cat names) | sha256sum`): to be had again without this program.
    """
    lines = sorted((name.encode(), sha256.encode()) for name, sha256 in files)
    return hashlib.sha256(b"".join(b"%s  %s\n" % (sha256, name) for name, sha256 in lines)).hexdigest()


def read_lock(path: Path) -> Lock | LockFault:
    """Read a lock; raises nothing and follows no link."""
    if path.is_symlink():
        return LockFault("it is a link")
    if path.exists() and not path.is_file():
        return LockFault("it is no regular file")
    read = read_json(path, max_bytes=MAX_BYTES)
    return LockFault(read.fault) if read.fault is not None else _lock(read.value, read.irregular)


def parse_lock(data: bytes) -> Lock | LockFault:
    """The lock that bytes spell; raises nothing."""
    if len(data) > MAX_BYTES:
        return LockFault(f"more than {MAX_BYTES:,} bytes")
    read = parse_json(data)
    return LockFault(read.fault) if read.fault is not None else _lock(read.value, read.irregular)


class _Unusable(Exception):  # noqa: N818 - a way out of nested readers, never seen outside
    """Carries the reason to the reader's door."""


def _lock(value: Any, irregular: tuple[str, ...]) -> Lock | LockFault:
    if irregular:
        return LockFault(irregular[0])
    try:
        return _read(value)
    except _Unusable as reason:
        return LockFault(str(reason))


def _read(value: Any) -> Lock:
    top = _object(value, "the lock", {"schema_version", "tool", "models"})
    if top["schema_version"] != SCHEMA_VERSION or type(top["schema_version"]) is not int:
        _refuse(f"schema_version {str(top['schema_version'])[:20]} is not known; {SCHEMA_VERSION} is")
    tool = _object(top["tool"], "tool", {"name", "version"})
    models = _list(top["models"], "models", MAX_MODELS)
    read = tuple(_model(each, f"models[{at}]") for at, each in enumerate(models))
    if len({each.reference for each in read}) < len(read):
        _refuse("two models have one reference")
    return Lock(read, _text(tool["version"], "tool.version"))


def _model(value: Any, where: str) -> LockedModel:
    keys = {"reference", "path", "source", "files", "tree_sha256", "config_sha256", "licence", "parameters", "requires"}
    found = _object(value, where, keys)
    files = _files(found["files"], f"{where}.files")
    tree = _hash(found["tree_sha256"], f"{where}.tree_sha256")
    if tree != tree_digest((name, each.sha256) for name, each in files.items()):
        _refuse(f"{where}.tree_sha256 is not that of its files: it was edited by hand")
    parameters, config, path = found["parameters"], found["config_sha256"], found["path"]
    return LockedModel(
        reference=_text(found["reference"], f"{where}.reference"),
        path=None if path is None else _path(path, f"{where}.path"),
        source=_source(found["source"], f"{where}.source"),
        files=files,
        tree_sha256=tree,
        config_sha256=None if config is None else _hash(config, f"{where}.config_sha256"),
        licence=tuple(_text(each, f"{where}.licence") for each in _list(found["licence"], f"{where}.licence", 100)),
        parameters=None if parameters is None else _count(parameters, f"{where}.parameters"),
        requires=_pairs(found["requires"], f"{where}.requires", _text),
    )


def _path(value: Any, where: str) -> str:
    """A directory beside, below or above the lock: whoever reads it has to see to it that it goes nowhere unwanted."""
    text = _text(value, where)
    rest = text.split("/")
    while rest and rest[0] in {".", ".."}:
        rest.pop(0)
    if text.startswith("/") or (rest and (reason := why_unsafe("/".join(rest)))):
        _refuse(f"{where}: {'it is absolute' if text.startswith('/') else reason}")
    return text


def _source(value: Any, where: str) -> LockedSource:
    found = _object(value, where, {"kind", "id", "revision"})
    kinds: tuple[SourceKind, ...] = get_args(SourceKind)
    if found["kind"] not in kinds:
        _refuse(f"{where}.kind is none of {', '.join(kinds)}")
    name, revision = found["id"], found["revision"]
    return LockedSource(
        found["kind"],
        None if name is None else _text(name, f"{where}.id"),
        None if revision is None else _text(revision, f"{where}.revision"),
    )


def _files(value: Any, where: str) -> dict[str, LockedFile]:
    if not isinstance(value, dict) or len(value) > MAX_FILES:
        _refuse(f"{where} is no object of at most {MAX_FILES:,} files")
    for name in value:
        if (reason := why_unsafe(name)) is not None:
            _refuse(f"{where}: the name {name[:80]!r}: {reason}")
    return {name: _file(each, f"{where}[{name!r}]") for name, each in sorted(value.items())}


def _file(value: Any, where: str) -> LockedFile:
    plain = {"size", "sha256", "role"}
    found = _object(value, where, plain, {"header_sha256", "tensors", "dtypes"})
    roles: tuple[Role, ...] = get_args(Role)
    if found["role"] not in roles:
        _refuse(f"{where}.role is none of {', '.join(roles)}")
    header, tensors = found.get("header_sha256"), found.get("tensors")
    return LockedFile(
        size_bytes=_count(found["size"], f"{where}.size"),
        sha256=_hash(found["sha256"], f"{where}.sha256"),
        role=found["role"],
        header_sha256=None if header is None else _hash(header, f"{where}.header_sha256"),
        tensors=None if tensors is None else _count(tensors, f"{where}.tensors"),
        dtypes=_pairs(found.get("dtypes", {}), f"{where}.dtypes", _count),
    )


def _object(value: Any, where: str, keys: set[str], optional: Iterable[str] = ()) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(f"{where} is no object")
    for key in sorted(keys - value.keys()):
        _refuse(f"{where} has no {key}")
    for key in sorted(value.keys() - keys - set(optional)):
        _refuse(f"{where} has a key {key[:40]!r} that is not known")
    return value


def _list(value: Any, where: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        _refuse(f"{where} is no list of at most {most:,}")
    return value


def _pairs(value: Any, where: str, read: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > MAX_TEXT:
        _refuse(f"{where} is no object")
    return {_text(key, where): read(each, f"{where}[{key[:40]!r}]") for key, each in sorted(value.items())}


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        _refuse(f"{where} is no text of at most {MAX_TEXT:,} characters")
    return value


def _count(value: Any, where: str) -> int:
    if type(value) is not int or not 0 <= value <= MAX_SIZE:
        _refuse(f"{where} is no whole number from 0 on")
    return int(value)


def _hash(value: Any, where: str) -> str:
    if not isinstance(value, str) or len(value) != SHA256_DIGITS or not HEX.issuperset(value):
        _refuse(f"{where} is no sha256 in lower-case hex")
    return value


def _refuse(reason: str) -> NoReturn:
    raise _Unusable(reason)
