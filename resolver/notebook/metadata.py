"""kernel-metadata.json, as `kaggle kernels init` and `pull` write it and as people edit it: what will be mounted.

What it does not know: what any of it means for the notebook. A key that cannot be used is a fault, and the rest is
read all the same. Keys and their meaning: the documentation of the kaggle command line, "kernel metadata".
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from resolver.errors import MalformedReference
from resolver.inspection.strict_json import read_json
from resolver.notebook.facts import AttachedSource, CodeFault, Metadata, SourceKind, Spot
from resolver.notebook.spans import after_blank, items, members
from resolver.reference import KaggleDataset, KaggleHandle, parse_reference

NAME: Final = "kernel-metadata.json"
MAX_BYTES: Final = 4 * 1024 * 1024
SOURCES: Final[dict[str, SourceKind]] = {
    "model_sources": "model",
    "dataset_sources": "dataset",
    "kernel_sources": "kernel",
    "competition_sources": "competition",
}
FLAGS: Final = {"enable_internet": "internet", "enable_gpu": "gpu", "enable_tpu": "tpu"}
# Field of ours -> the keys that say it, the newest first.
TEXTS: Final = {
    "machine_shape": ("machine_shape", "accelerator"),
    "code_file": ("code_file",),
    "kernel_type": ("kernel_type",),
    "language": ("language",),
    "id": ("id",),
    "title": ("title",),
    "docker": ("docker_image", "docker_image_pinning_type"),
}
PLACEHOLDER: Final = ("INSERT_", "YOUR_")


def find_metadata(code: Path) -> Path | None:
    """The kernel-metadata.json beside a notebook or script; None where there is none, or it names another file."""
    path = code.parent / NAME
    read = read_json(path, max_bytes=MAX_BYTES)
    if read.fault == "absent":
        return None
    named = read.value.get("code_file") if isinstance(read.value, dict) else None
    is_another = isinstance(named, str) and not named.startswith(PLACEHOLDER) and Path(named).name != code.name
    return None if is_another else path


def read_metadata(path: Path) -> Metadata:
    """All fields of a kernel-metadata.json; never raises."""
    read = read_json(path, max_bytes=MAX_BYTES)
    if not isinstance(read.value, dict):
        why = read.fault or "it is no JSON object"
        return Metadata(path, faults=(CodeFault(why, None if read.line is None else Spot(read.line)),))
    document: dict[str, Any] = read.value
    lines = _lines(path)
    where = dict(lines)
    faults = [CodeFault(each, Spot(1)) for each in read.irregular]
    sources = tuple(_sources(document, where, faults))
    flags = {field: _flag(document, key, where, faults) for key, field in FLAGS.items()}
    texts = {field: _text(document, keys, where, faults) for field, keys in TEXTS.items()}
    return Metadata(path, sources, **flags, **texts, faults=tuple(faults), lines=lines)  # type: ignore[arg-type]


def _sources(document: dict[str, Any], where: dict[str, int], faults: list[CodeFault]) -> Iterator[AttachedSource]:
    for key, kind in SOURCES.items():
        listed = document.get(key)
        if listed is None:
            continue
        if not isinstance(listed, list):
            faults.append(CodeFault(f"{key} is no list", _spot(where, f"/{key}")))
            continue
        for number, text in enumerate(listed):
            pointer = f"/{key}/{number}"
            source = _source(kind, text, pointer) if isinstance(text, str) else None
            if source is None:
                faults.append(CodeFault(f"{text!r} in {key} is no {_form(kind)}"[:200], _spot(where, pointer)))
            else:
                yield source


def _form(kind: SourceKind) -> str:
    forms = {"model": "owner/model/framework/variation[/version]", "competition": "slug of a competition"}
    return forms.get(kind, "owner/slug")


def _source(kind: SourceKind, text: str, pointer: str) -> AttachedSource | None:
    told = text.strip().strip("/")
    if not told or told.startswith(PLACEHOLDER):
        return None
    if kind == "competition":
        return None if "/" in told else AttachedSource(kind, text, pointer, slug=told)
    if kind == "model":
        handle = _parsed(f"kaggle://{told}")
        if not isinstance(handle, KaggleHandle):
            return None
        return AttachedSource(kind, text, pointer, handle=handle, version=handle.version)
    owner, _, rest = told.partition("/")
    slug, _, tail = rest.partition("/")
    number = tail.rpartition("/")[2]
    version = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None  # noqa: PLR2004 - a version
    dataset = _parsed(f"kaggle://datasets/{owner}/{slug}")
    if not isinstance(dataset, KaggleDataset) or (tail and version is None):
        return None
    return AttachedSource(kind, text, pointer, dataset=dataset, version=version)


def _parsed(text: str) -> object:
    try:
        return parse_reference(text)
    except MalformedReference:
        return None


def _flag(document: dict[str, Any], key: str, where: dict[str, int], faults: list[CodeFault]) -> bool | None:
    value = document.get(key)
    if isinstance(value, str) and value.lower() in {"true", "false"}:  # `kaggle kernels init` writes them as text
        return value.lower() == "true"
    if value is None or isinstance(value, bool):
        return value
    faults.append(CodeFault(f"{key} is neither true nor false", _spot(where, f"/{key}")))
    return None


def _text(
    document: dict[str, Any], keys: tuple[str, ...], where: dict[str, int], faults: list[CodeFault]
) -> str | None:
    for key in keys:
        value = document.get(key)
        if isinstance(value, str) and not value.startswith(PLACEHOLDER):
            if value:
                return value
        elif value is not None:
            why = "still to be filled in" if isinstance(value, str) else "no text"
            faults.append(CodeFault(f"{key} is {why}", _spot(where, f"/{key}")))
    return None


def _spot(where: dict[str, int], pointer: str) -> Spot | None:
    return Spot(where[pointer]) if pointer in where else None


def _lines(path: Path) -> tuple[tuple[str, int], ...]:
    """The line of each key and of each source; empty where the text cannot be followed."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return tuple(_pointers(text))
    except (OSError, ValueError, RecursionError):
        return ()


def _pointers(text: str) -> Iterator[tuple[str, int]]:
    for key, start in members(text, after_blank(text, 0)):
        yield f"/{key}", text.count("\n", 0, start) + 1
        if key in SOURCES and text[start : start + 1] == "[":
            for number, place in enumerate(items(text, start)):
                yield f"/{key}/{number}", text.count("\n", 0, place) + 1
