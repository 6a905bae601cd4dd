"""A locked model as an in-toto statement that the `model-signing` package takes for its own, once somebody signs it.

Nothing is signed here: a signature is made with a key, and keys are other people's. The form is that of model-signing
1.1 (predicate `https://model_signing/signature/v1.0`): the digest of each file, and over all of them one for the model.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Final

from resolver.inspection.files import NOT_THE_MODEL
from resolver.inspection.lock import LOCK_FILE, LockedModel

TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "https://model_signing/signature/v1.0"
# What model-signing leaves out of every directory, whatever a statement says: it must not be in one either.
GIT: Final = (".git", ".gitattributes", ".github", ".gitignore")
SIGNATURE: Final = "model.sig"  # where its command line writes to


def statement(model: LockedModel, name: str, beside: Iterable[str] = ()) -> bytes:
    """The statement, as JSON with sorted keys and a new line at its end; equal input gives equal bytes.

    Args:
        model: whose hashes it states.
        name: what the model is called; a directory's name, by custom.
        beside: files in the directory that are no part of the model: the lock, the statement itself.
    """
    stated = {each: file.sha256 for each, file in model.files.items() if each.partition("/")[0] not in GIT}
    order = sorted(stated, key=lambda each: each.split("/"))
    whole = hashlib.sha256(b"".join(bytes.fromhex(stated[each]) for each in order)).hexdigest()
    document: dict[str, Any] = {
        "_type": TYPE,
        "subject": [{"name": name, "digest": {"sha256": whole}}],
        "predicateType": PREDICATE,
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": True,
                "ignore_paths": sorted({*GIT, *NOT_THE_MODEL, LOCK_FILE, SIGNATURE, *beside}),
            },
            "resources": [{"name": each, "algorithm": "sha256", "digest": stated[each]} for each in order],
        },
    }
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def is_statement(data: bytes) -> bool:
    """Whether bytes are a statement of this kind; raises nothing."""
    from resolver.inspection.strict_json import parse_json  # noqa: PLC0415 - only where one is to be replaced

    value = parse_json(data).value
    return isinstance(value, dict) and value.get("_type") == TYPE and value.get("predicateType") == PREDICATE
