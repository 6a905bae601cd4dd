"""JSON v1, continued: what `lock` and `verify` tell."""

from typing import Literal

from resolver.inspection.evidence import Kind
from resolver.inspection.lock import SourceKind
from resolver.integrity.verdicts import Compared, Word
from resolver.report.json_v1_description import Model


class LockSource(Model):
    """Where the files of a locked model came from."""

    kind: SourceKind
    id: str | None
    revision: str | None


class LockedModel(Model):
    """One model of a lock; its files stand in the lock itself."""

    reference: str
    path: str | None
    source: LockSource
    files: int
    size_bytes: int
    tree_sha256: str
    config_sha256: str | None
    licence: list[str]
    parameters: int | None
    requires: dict[str, str]


class Lock(Model):
    """A lock that `lock` wrote, and the in-toto statement where one was asked for."""

    path: str
    statement: str | None
    models: list[LockedModel]


class VerifiedFile(Model):
    """What became of one file; `matters` is false for what is more than what is on record, or was left out on purpose.

    `expected` and `actual` are hashes, or sizes in digits, as `compared` says.
    """

    name: str
    verdict: Word
    size_bytes: int | None
    compared: Compared | None
    expected: str | None
    actual: str | None
    record: Kind | Literal["header"] | None
    where: str | None
    reason: str
    matters: bool


class Verification(Model):
    """What `verify` found of one directory; its report is among the reports."""

    reference: str
    path: str
    verdict: Word
    lock: str | None
    only_size: bool
    read_bytes: int
    resumed_bytes: int
    elapsed_ms: float
    files: list[VerifiedFile]
