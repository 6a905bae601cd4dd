"""What `stage` tells, as plain values in the shape and order of JSON v1."""

from typing import TYPE_CHECKING

from resolver.report.described import Document

if TYPE_CHECKING:
    from resolver.staging.values import Staged


def staged(told: "Staged") -> Document:
    """A bundle that `stage` made, found or joined."""
    return {
        "target": str(told.target),
        "state": told.state,
        "models": [
            {
                "reference": each.reference,
                "folder": each.folder,
                "source": {"kind": each.source.kind, "id": each.source.id, "revision": each.source.revision},
                "files": each.files,
                "size_bytes": each.size_bytes,
                "tree_sha256": each.tree_sha256,
            }
            for each in told.models
        ],
        "files": list(told.files),
        "size_bytes": told.size_bytes,
        "taken_over": told.taken_over,
        "wheels": list(told.wheels),
        "volumes": None if told.volumes is None else {"path": str(told.volumes), "count": told.volume_count},
        "notes": list(told.notes),
    }
