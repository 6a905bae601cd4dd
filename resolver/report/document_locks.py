"""What `lock` and `verify` tell, as plain values in the shape and order of JSON v1."""

from typing import TYPE_CHECKING

from resolver.report.described import Document

if TYPE_CHECKING:
    from resolver.integrity.verdicts import Verification
    from resolver.locking import Written


def lock(told: "Written") -> Document:
    """What `lock` wrote; its files stand in the lock itself."""
    return {
        "path": str(told.path),
        "statement": None if told.statement is None else str(told.statement),
        "models": [
            {
                "reference": each.reference,
                "path": each.path,
                "source": {"kind": each.source.kind, "id": each.source.id, "revision": each.source.revision},
                "files": len(each.files),
                "size_bytes": each.size_bytes,
                "tree_sha256": each.tree_sha256,
                "config_sha256": each.config_sha256,
                "licence": list(each.licence),
                "parameters": each.parameters,
                "requires": dict(each.requires),
            }
            for each in told.lock.models
        ],
    }


def verification(told: "Verification") -> Document:
    """What `verify` found of one directory."""
    return {
        "reference": told.reference,
        "path": str(told.root),
        "verdict": told.verdict,
        "lock": told.lock,
        "only_size": told.only_size,
        "read_bytes": told.read_bytes,
        "resumed_bytes": told.resumed_bytes,
        "elapsed_ms": round(told.elapsed_s * 1000, 3),
        "files": [
            {
                "name": each.name,
                "verdict": each.verdict,
                "size_bytes": each.size_bytes,
                "compared": each.compared,
                "expected": each.expected,
                "actual": each.actual,
                "record": each.kind,
                "where": each.where,
                "reason": each.reason,
                "matters": each.matters,
            }
            for each in told.files
        ],
    }
