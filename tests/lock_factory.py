"""Locks of directories that tests have made: hashes and headers as `resolver lock` would write them."""

import hashlib
import json
from pathlib import Path

from resolver.inspection.digest import header_sha256
from resolver.inspection.lock import Lock, LockedFile, LockedModel, LockedSource, tree_digest
from resolver.integrity.lock import canonical


def locked_model(root: Path, reference: str, source: LockedSource, *, path: str | None = ".") -> LockedModel:
    """A model as a lock holds it; every file below `root` but a lock."""
    files = {}
    for file in sorted(root.rglob("*")):
        if file.is_file() and file.name != "resolver.lock":
            name = file.relative_to(root).as_posix()
            header = header_sha256(file) if file.suffix == ".safetensors" else None
            size, digest = file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest()
            files[name] = LockedFile(size, digest, "other", header, None if header is None else 1)
    tree = tree_digest((name, each.sha256) for name, each in files.items())
    return LockedModel(reference, path, source, files, tree)


def hub(hub_id: str, revision: str | None = "f" * 40) -> LockedSource:
    return LockedSource("hub", hub_id, revision)


def lock_dir(
    root: Path, hub_id: str, *, at: Path | None = None, source: LockedSource | None = None, path: str | None = None
) -> LockedModel:
    """Write a resolver.lock at `at` (the model's own directory) that names the model."""
    beside = at or root
    relative = path or root.relative_to(beside).as_posix()
    model = locked_model(root, hub_id, source or hub(hub_id), path=relative)
    write_lock(beside / "resolver.lock", model)
    return model


def write_lock(file: Path, *models: LockedModel) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(canonical(Lock(tuple(models), "0")))
    return file


def edit_lock(file: Path, change: object) -> None:
    """Change a lock's JSON without a look at whether it still is one."""
    document = json.loads(file.read_text())
    change(document)  # type: ignore[operator]
    file.write_text(json.dumps(document))
