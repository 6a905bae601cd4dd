"""Write a lock: canonical JSON, so that equal models give equal bytes, and a change is a line in a diff.

Keys are sorted, the text is UTF-8 with two blanks of indentation and a new line at its end; there is no time in it, no
machine and no absolute path.
"""

import json
from typing import Any, Final

from resolver.inspection.lock import SCHEMA_VERSION, Lock, LockedFile, LockedModel

TOOL: Final = "offline-resolver"


def canonical(lock: Lock) -> bytes:
    """The bytes of a lock; `parse_lock` gives the same lock back.

    Raises:
        UnicodeEncodeError: a name or a text is no Unicode (a file name of undecodable bytes).
    """
    document = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": TOOL, "version": lock.tool_version},
        "models": [_model(each) for each in sorted(lock.models, key=lambda model: model.reference)],
    }
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _model(model: LockedModel) -> dict[str, Any]:
    return {
        "reference": model.reference,
        "path": model.path,
        "source": {"kind": model.source.kind, "id": model.source.id, "revision": model.source.revision},
        "files": {name: _file(each) for name, each in model.files.items()},
        "tree_sha256": model.tree_sha256,
        "config_sha256": model.config_sha256,
        "licence": list(model.licence),
        "parameters": model.parameters,
        "requires": dict(model.requires),
    }


def _file(file: LockedFile) -> dict[str, Any]:
    plain: dict[str, Any] = {"size": file.size_bytes, "sha256": file.sha256, "role": file.role}
    if file.header_sha256 is None:
        return plain
    return {**plain, "header_sha256": file.header_sha256, "tensors": file.tensors, "dtypes": dict(file.dtypes)}
