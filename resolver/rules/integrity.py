"""I: are these the bytes that were published? Compares files with what a downloader put on record of them.

Proves nothing where nothing is on record, and says so. Whether the bytes make sense is for the other families.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from resolver.finding import Finding, Json, Severity
from resolver.inspection.description import ModelDescription
from resolver.rules.on_record import (
    advice,
    fetch_again,
    hash_of,
    how_grave,
    is_recorded,
    records,
    told_elsewhere,
    unreadable,
)
from resolver.rules.rule import Evidence, Rule, rule
from resolver.rules.words import SHOWN, size, some

CONSEQUENCE: Final[Mapping[Severity, str]] = {
    "error": "the loader takes the file as it is: layers that are wrong without a word, or an error that names no file",
    "warning": "nothing, if it was changed on purpose; otherwise what it says is not what was published",
    "info": "",
}


def _has_sizes(evidence: Evidence) -> str | None:
    reason = is_recorded(evidence)
    if reason is not None:
        return reason
    sized = any(record.size_bytes is not None for model in evidence.described() for record in records(model).values())
    return None if sized else unreadable(evidence) or "hashes are on record and no sizes; --level deep compares them"


@rule("I902", "size-differs", severity="error", applies=_has_sizes, consequence=CONSEQUENCE["error"])
def size_differs(evidence: Evidence) -> Iterator[Finding]:
    """A file has another size than is on record.

    huggingface_hub writes the list of a commit's files with their sizes beside every download of a whole repository
    (`trees/<commit>.json`). Offline it looks there only for which files exist: a blob that was cut short passes, and
    `snapshot_download(local_files_only=True)` returns the path. A cut safetensors file is told by W103, whatever is on
    record; this rule finds the others: pickles, vocabularies, and files of the right form that are another file.

    It is an error for a file that the loader opens. A settings file (config.json …), and any file that was written
    after its download, may have been edited on purpose and is a warning. Download the file again, at the same commit.
    """
    for model in evidence.described():
        groups: dict[Severity, list[str]] = {}
        for name, record in records(model).items():
            facts = model.files.get(name)
            differs = facts is not None and record.size_bytes not in {None, facts.size_bytes}
            if differs and not told_elsewhere(model, name) and (severity := how_grave(model, name, record)) is not None:
                groups.setdefault(severity, []).append(name)
        for severity, names in groups.items():
            yield _sizes(model, sorted(names), severity)


def _sizes(model: ModelDescription, names: list[str], severity: Severity) -> Finding:
    recorded, first = records(model), names[0]
    told: list[Json] = [
        {"name": name, "size_bytes": model.files.files[name].size_bytes, "expected_bytes": recorded[name].size_bytes}
        for name in names[:SHOWN]
    ]
    actual, expected = model.files.files[first].size_bytes, recorded[first].size_bytes or 0
    message = (
        f"{first} is {size(abs(expected - actual))} {'shorter' if actual < expected else 'longer'} than on record"
        if len(names) == 1 else f"{len(names)} files have other sizes than on record: {some(names)}"
    )  # fmt: skip
    return size_differs.finding(
        message,
        path=model.files.path(first),
        evidence={"files": told, "count": len(names), "on_record": recorded[first].where},
        consequence=CONSEQUENCE[severity],
        fix=advice(severity, names),
        command=fetch_again(model, names),
        severity=severity,
    )


@rule(
    "I901",
    "hash-differs",
    severity="error",
    level="deep",
    applies=is_recorded,
    consequence="these are not the published bytes: wrong weights or tokens without a word, or an error much later",
)
def hash_differs(evidence: Evidence) -> Iterator[Finding]:
    """A file's content has another hash than is on record.

    A flipped bit, a block of zeros, a half that belongs to another file: size and header are right, every library
    loads it, and the answers are wrong. The hash is on record: a blob of the Hugging Face cache is named by it (64 hex
    digits are the sha256, 40 are git's sha1), and the lists beside a download hold it. Every file that the loader
    opens was read to its end and compared.

    It is an error for a file that the loader opens. A settings file (config.json …), and any file that was written
    after its download, may have been edited on purpose and is a warning. Download the file again, at the same commit.
    """
    observed = evidence.observed
    for model, contents in zip(evidence.described(), (observed and observed.contents) or (), strict=False):
        groups: dict[Severity, list[str]] = {}
        for name, each in contents.files.items():
            record = records(model).get(name)
            actual, expected = each.sha256 or each.git_sha1, hash_of(record)
            if record is None or actual in {None, expected} or told_elsewhere(model, name):
                continue
            severity = how_grave(model, name, record)
            same_size = record.size_bytes in {None, each.size_bytes}  # otherwise I902 has said it
            if severity is not None and same_size:
                groups.setdefault(severity, []).append(name)
        for severity, names in groups.items():
            actual_by_name = {name: contents.files[name].sha256 or contents.files[name].git_sha1 for name in names}
            yield _hashes(model, sorted(names), actual_by_name, severity)


def _hashes(model: ModelDescription, names: list[str], actual: Mapping[str, str | None], severity: Severity) -> Finding:
    recorded, first = records(model), names[0]
    told: list[Json] = [
        {
            "name": name,
            "algorithm": "sha256" if recorded[name].sha256 else "git-sha1",
            "expected": hash_of(recorded[name]),
            "actual": actual[name],
        }
        for name in names[:SHOWN]
    ]
    kind = "sha256" if recorded[first].sha256 else "git-sha1"
    message = (
        f"{first} has another {kind} than on record" if len(names) == 1
        else f"{len(names)} files have other hashes than on record: {some(names)}"
    )  # fmt: skip
    return hash_differs.finding(
        message,
        path=model.files.path(first),
        evidence={"files": told, "count": len(names), "on_record": recorded[first].where},
        consequence=hash_differs.consequence if severity == "error" else CONSEQUENCE[severity],
        fix=advice(severity, names),
        command=fetch_again(model, names),
        severity=severity,
    )


RULES: tuple[Rule, ...] = (size_differs, hash_differs)
