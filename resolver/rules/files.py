"""F: can each file be read, and is it what its name says? What stands in it is for the other families."""

from collections.abc import Iterable, Iterator
from typing import Final

from resolver.finding import Finding, Json, Severity
from resolver.inspection.description import ModelDescription
from resolver.inspection.files import FileFacts
from resolver.inspection.formats import format_of
from resolver.rules.rule import Evidence, Rule, rule
from resolver.rules.words import by_role, quoted, size, some

AGAIN: Final = "download the file again and compare its size with the source's"
DIRECTORY_ERRNO: Final = 21  # a directory where a file was expected: a link to one; nothing of a model's


@rule(
    "F001",
    "file-unreadable",
    severity="error",
    consequence="whoever opens the file gets the operating system's error, and mostly not its name",
)
def file_unreadable(evidence: Evidence) -> Iterator[Finding]:
    """A file of the model cannot be read.

    The rights of a shared cache, a failing disk or a copy made by another user: the file stands in the directory and
    cannot be opened. safetensors 0.8 says of such a file that it is absent:

        FileNotFoundError: No such file or directory: /models/x/model.safetensors
        OSError: Can't load the configuration of '/models/x'. …

    Put it right with `chmod -R u+rX DIRECTORY`, or copy the files again as the user who will run the model. A pipe or a
    socket under a model's name is no file at all: remove it. In a file that no loader opens it is a warning.
    """
    for model in evidence.described():
        if model.files.fault is not None:
            yield file_unreadable.finding(
                f"{model.root} cannot be listed: {model.files.fault}",
                path=model.root,
                evidence={"reason": model.files.fault},
                fix="give it the right to be read and entered, or name another directory",
                command=f"ls -ld {quoted(model.root)}",
            )
        role = by_role(model)
        for name, facts in model.files.files.items():
            if facts.errno is not None and facts.errno != DIRECTORY_ERRNO:
                yield _unreadable(model, name, facts, role(name))
    yield from _broken_off(evidence)


def _broken_off(evidence: Evidence) -> Iterator[Finding]:
    """What the deep level could not read to its end."""
    observed = evidence.observed
    for model, contents in zip(evidence.described(), (observed and observed.contents) or (), strict=False):
        for name, each in contents.files.items():
            if each.fault is not None:
                yield file_unreadable.finding(
                    f"{name} cannot be read to its end: {each.fault}",
                    path=model.files.path(name),
                    evidence={"read_bytes": each.size_bytes, "size_bytes": model.files.files[name].size_bytes},
                    fix="copy or download it again; where that fails at the same place, the disk or its network does",
                    command=f"cat {quoted(model.files.path(name))} > /dev/null",
                    severity=by_role(model)(name),
                )


def _unreadable(model: ModelDescription, name: str, facts: FileFacts, severity: Severity) -> Finding:
    import errno  # noqa: PLC0415 - only to say a number in words
    import os  # noqa: PLC0415 - as above; reads nothing

    number = facts.errno or 0
    what = "is no regular file" if number in {errno.EINVAL, errno.ENXIO} else f"cannot be read: {os.strerror(number)}"
    return file_unreadable.finding(
        f"{name} {what}",
        path=model.files.path(name),
        evidence={"errno": number, "size_bytes": facts.size_bytes},
        fix="give the right to read it, or copy it again as the user who runs the model",
        command=f"chmod u+r {quoted(model.files.path(name))}",
        severity=severity,
    )


@rule(
    "F002",
    "lfs-pointer",
    severity="error",
    consequence="the loader takes 130 bytes of text for weights or JSON and fails with words that do not say LFS",
)
def lfs_pointer(evidence: Evidence) -> Iterator[Finding]:
    """A file is a Git LFS pointer and not the file.

    A clone without git-lfs leaves three lines of text, a hash and a size, where weights or a tokenizer should be. The
    name and the directory look right. The messages do not:

        SafetensorError: Error while deserializing header: header too large
        expected value at line 1 column 1
        OSError: It looks like the config file at '/models/x/config.json' is not a valid JSON file.

    The pointer itself says what is missing: `oid sha256:…` is the hash and `size` the length of the true file. Fetch it
    with `git lfs pull` in the clone, or download the file again. In a file that no loader opens it is a warning.
    """
    for model in evidence.described():
        found = [facts for facts in model.files.files.values() if facts.pointer is not None]
        for severity, group in _grouped(model, found):
            yield _pointers(model, group, severity)


def _grouped(model: ModelDescription, found: Iterable[FileFacts]) -> Iterator[tuple[Severity, list[FileFacts]]]:
    """By role, and the opened weights together: 59 shards are one fault, a tokenizer beside them another."""
    role = by_role(model)
    groups: dict[tuple[Severity, str], list[FileFacts]] = {}
    for facts in found:
        severity = role(facts.name)
        key = "" if severity == "warning" or facts.name in model.weights.opened else facts.name
        groups.setdefault((severity, key), []).append(facts)
    for (severity, _), group in groups.items():
        yield severity, group


def _pointers(model: ModelDescription, group: list[FileFacts], severity: Severity) -> Finding:
    total = sum(facts.pointer.size_bytes or 0 for facts in group if facts.pointer is not None)
    first = group[0].name
    files: list[Json] = [
        {"name": facts.name, "oid": facts.pointer.oid, "size_bytes": facts.pointer.size_bytes}
        for facts in group
        if facts.pointer is not None
    ]
    one = len(group) == 1
    message = (
        f"{first} is a Git LFS pointer to {size(total)}" if one
        else f"{len(group)} files are Git LFS pointers to {size(total)}: {some([facts.name for facts in group])}"
    )  # fmt: skip
    return lfs_pointer.finding(
        message,
        path=model.files.path(first),
        evidence={"files": files, "missing_bytes": total},
        fix="fetch what the pointer stands for where there is a network; sha256 and size must then be the ones above",
        command=f"git -C {quoted(model.root)} lfs pull --include {quoted(','.join(facts.name for facts in group))}",
        severity=severity,
    )


# What a name promises, and the contents that break the promise. Text of another kind is for the family of the file.
PAGES: Final = frozenset({"html", "xml"})
ARCHIVES: Final = frozenset({"zip", "gzip", "tar", "7z"})
WEIGHTS: Final = frozenset({"pickle", "gguf", "hdf5", "safetensors"})
WRONG: Final = {
    ".safetensors": PAGES | ARCHIVES | {"json", "pickle", "gguf", "hdf5"},
    ".json": PAGES | ARCHIVES | WEIGHTS,
    ".model": PAGES | {"json", "zip", "gzip", "safetensors", "gguf"},
    ".txt": PAGES | {"zip", "gzip"},
    ".gguf": PAGES | ARCHIVES | {"json", "pickle", "hdf5", "safetensors"},
    ".bin": PAGES | {"json", "gguf", "hdf5", "safetensors", "7z"},
    ".pt": PAGES | {"json", "gguf", "hdf5", "safetensors"},
    ".pth": PAGES | {"json", "gguf", "hdf5", "safetensors"},
    ".h5": PAGES | {"json", "gguf", "safetensors"},
    ".onnx": PAGES | {"json", "gguf", "safetensors"},
}
NAMES: Final = {
    "html": "an HTML page",
    "xml": "an XML answer",
    "json": "JSON",
    "zip": "a zip archive",
    "gzip": "packed with gzip",
    "tar": "a tar archive",
    "7z": "a 7z archive",
    "pickle": "a pickle",
    "gguf": "GGUF weights",
    "hdf5": "HDF5 weights",
    "safetensors": "safetensors weights",
    "binary": "of an unknown kind",
    "text": "plain text",
}


@rule(
    "F003",
    "wrong-content",
    severity="error",
    consequence="the loader reads these bytes as what the name says and fails with words about the format",
)
def wrong_content(evidence: Evidence) -> Iterator[Finding]:
    """The first bytes of a file contradict its name.

    A login page, an error answer or an archive was saved under the name of weights or of a tokenizer, or weights were
    renamed from another format. The loader believes the name:

        SafetensorError: Error while deserializing header: header too large
        Exception: expected value at line 1 column 1
        UnpicklingError: invalid load key, '<'.

    The finding says what the bytes are, and quotes the page's title or the answer's error, which is often the true
    reason ("Access to model … is restricted"). Download the file again, with a token or the consent that is asked for.
    """
    for model in evidence.described():
        role = by_role(model)
        for name, facts in model.files.files.items():
            if _is_wrong(name, facts, opened=role(name) == "error"):
                what = NAMES.get(facts.content, facts.content) if facts.headline is None else "an error answer"
                told = f': "{facts.headline}"' if facts.headline else ""
                yield wrong_content.finding(
                    f"{name} is {what if facts.content != 'html' else NAMES['html']}{told}",
                    path=model.files.path(name),
                    evidence={"content": facts.content, "size_bytes": facts.size_bytes, "headline": facts.headline},
                    fix=f"the bytes are not the file: {AGAIN}",
                    command=f"head -c 300 {quoted(model.files.path(name))}",
                    severity=role(name),
                )


def _is_wrong(name: str, facts: FileFacts, *, opened: bool) -> bool:
    suffix = name[name.rfind(".") :]
    if suffix == ".json":
        return facts.content in WRONG[".json"] or facts.headline is not None
    if opened and format_of(name) == "bin":  # torch reads a zip, a tar or five pickles that begin with a number
        return facts.content in WRONG[".bin"] | {"gzip", "text", "binary"}
    return facts.content in WRONG.get(suffix, frozenset())


@rule("F004", "empty-file", severity="error", consequence="the loader finds nothing where it needs something")
def empty_file(evidence: Evidence) -> Iterator[Finding]:
    """A file that has to hold something has zero bytes.

    A full disk or an upload that broke off leaves the name without the content. The loader says

        SafetensorError: Error while deserializing header: header too small
        OSError: It looks like the config file at '…' is not a valid JSON file.

    and names no cause. Download the file again. Empty files that are meant to be empty (`__init__.py`) are none.
    """
    for model in evidence.described():
        role = by_role(model)
        for name, facts in model.files.files.items():
            needed = role(name) == "error" or format_of(name) is not None or name.endswith((".json", ".model"))
            if facts.content == "empty" and needed:
                yield empty_file.finding(
                    f"{name} is empty",
                    path=model.files.path(name),
                    evidence={"size_bytes": 0},
                    fix=AGAIN,
                    severity=role(name),
                )


RULES: tuple[Rule, ...] = (file_unreadable, lfs_pointer, wrong_content, empty_file)
