"""Write a lock: canonical JSON, so that equal models give equal bytes, and a change is a line in a diff.

Keys are sorted, the text is UTF-8 with two blanks of indentation and a new line at its end; there is no time in it, no
machine and no absolute path.
"""

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from resolver.catalog import other_places
from resolver.errors import MalformedReference
from resolver.finding import Identity
from resolver.host import distributions, normalised
from resolver.inspection.description import ModelDescription
from resolver.inspection.digest import header_sha256
from resolver.inspection.lock import SCHEMA_VERSION, Lock, LockedFile, LockedModel, LockedSource, tree_digest
from resolver.inspection.provenance import read_provenance
from resolver.inspection.roles import role_of
from resolver.inspection.safetensors import Header, read_header
from resolver.integrity.requirements import requirements
from resolver.reference import KaggleHandle, LocalPath, PackageRef, Reference, parse_reference
from resolver.sources.source import DEFAULT_MOUNT, place_of

TOOL: Final = "offline-resolver"
SAFETENSORS: Final = ".safetensors"


def lock_model(
    reference: str, model: ModelDescription, source: LockedSource, path: str | None, sha256: Mapping[str, str]
) -> LockedModel:
    """A model as a lock holds it; reads the headers of its safetensors files and nothing else.

    Args:
        reference: as it was asked for; a local path relative to the lock.
        model: the directory as read, tokenizer and licence too.
        source: where its files came from; see `source_of`.
        path: its directory relative to the lock; None where it lies in no place that the lock could know.
        sha256: the files that are locked, each with the hash of its content.

    Raises:
        KeyError: a file is not in the listing.
    """
    config = next((name for name in ("config.json", "adapter_config.json") if name in sha256), None)
    return LockedModel(
        reference=reference,
        path=path,
        source=source,
        files={name: _locked(model, name, sha256[name]) for name in sorted(sha256)},
        tree_sha256=tree_digest(sha256.items()),
        config_sha256=None if config is None else sha256[config],
        licence=() if model.licence is None else model.licence.declared,
        parameters=_parameters(model),
        requires=requirements(model),
    )


def source_of(identity: Identity, model: ModelDescription) -> LockedSource:
    """Where the files of a chosen directory came from, as its place says; what a reader may believe is another matter.

    A hub id that merely matched a folder's name is no source: then it is what the directory itself says, or "local".
    """
    if model.cache is not None and model.cache.repository.name.startswith("models--"):
        repo_id = model.cache.repository.name.removeprefix("models--").replace("--", "/", 1)
        return LockedSource("hub", repo_id, model.cache.commit)
    handle = _handle(identity)
    if handle is not None:
        version = None if handle.version is None else str(handle.version)
        return LockedSource("kaggle", str(handle.replaced(version=None)), version)
    if identity.source == "modelscope cache" and identity.confidence == "exact" and identity.hub_id is not None:
        return LockedSource("modelscope", identity.hub_id, identity.revision)
    if identity.source == "package":
        return _package(identity, model.root)
    return _local(model)


def _handle(identity: Identity) -> KaggleHandle | None:
    """The handle that a mount's folders spell; its owner, where they do not show one, from what was asked for."""
    spelt = _parsed(identity.kaggle_handle) if identity.kaggle_handle is not None else None
    if not isinstance(spelt, KaggleHandle) or spelt.owner is not None:
        return spelt if isinstance(spelt, KaggleHandle) else None
    asked = _asked(identity.reference)
    known = () if asked is None else tuple(each.handle for each in other_places(asked))
    whole = [each for each in (asked, *known) if isinstance(each, KaggleHandle) and each.owner is not None]
    same = (each for each in whole if each.replaced(owner=None, version=spelt.version) == spelt)
    return next((each.replaced(version=spelt.version) for each in same), None)


def _asked(text: str) -> Reference | None:
    """What was asked for; of a path where Kaggle mounts things, the model that its folders spell."""
    reference = _parsed(text)
    if isinstance(reference, LocalPath) and Path(reference.text).is_relative_to(DEFAULT_MOUNT):
        return place_of(Path(reference.text).relative_to(DEFAULT_MOUNT).parts)
    return reference


def _parsed(text: str) -> Reference | None:
    try:
        return parse_reference(text)
    except MalformedReference:  # an alias of the user's own, or folders that spell half a handle
        return None


def _package(identity: Identity, root: Path) -> LockedSource:
    reference = _parsed(identity.reference)
    for site in root.parents:
        for name, version, directory in distributions(site):
            asked = isinstance(reference, PackageRef) and name == normalised(reference.distribution)
            if asked or _carries(directory, root, site):
                return LockedSource("package", name, version)
    return LockedSource("package")


def _carries(dist_info: Path, root: Path, site: Path) -> bool:
    """Whether a distribution's list of files has one in that directory."""
    try:
        return f"{root.relative_to(site).as_posix()}/" in (dist_info / "RECORD").read_text("utf-8", "replace")
    except OSError:
        return False


def _local(model: ModelDescription) -> LockedSource:
    commit = model.on_record.commit if model.on_record is not None else None
    told = read_provenance(model.root)
    if told is not None:
        return LockedSource("hub", told.hub_id, commit or told.revision)
    return LockedSource("local", None, commit)


def _locked(model: ModelDescription, name: str, sha256: str) -> LockedFile:
    size, role = model.files.files[name].size_bytes, role_of(name, model)
    path = model.files.path(name)
    header = read_header(path) if name.endswith(SAFETENSORS) else None
    if not isinstance(header, Header):
        return LockedFile(size, sha256, role)
    dtypes: dict[str, int] = {}
    for tensor in header.tensors.values():
        dtypes[tensor.dtype] = dtypes.get(tensor.dtype, 0) + 1
    digest = header_sha256(path)
    if digest is None:
        raise OSError(errno.EIO, "its header cannot be read any more", os.fspath(path))
    return LockedFile(size, sha256, role, digest, len(header.tensors), dict(sorted(dtypes.items())))


def _parameters(model: ModelDescription) -> int | None:
    """Stored elements of all tensors that a loader opens; None where not all of them are known."""
    weights = model.weights
    if weights.tensors_known:
        headers = [header for name in weights.shards if (header := weights.header(name)) is not None]
        return sum(sum(header.elements_by_dtype.values()) for header in headers)
    tensors = model.adapter.tensors if model.adapter is not None else None
    return None if not tensors else sum(_elements(each.shape) for each in tensors.values())


def _elements(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count


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
