"""I, as `verify` tells it: the words that files came to, as findings of the rules of family I.

`check` judges for a loader; here somebody asked whether these are the bytes, so every file counts alike: what differs
or is absent is an error whoever opens it, and what cannot be proven is no pass.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from resolver.finding import Finding, Json, Skipped
from resolver.rules.completeness import file_missing, integrity_unproven, unknown_files
from resolver.rules.integrity import hash_differs, size_differs
from resolver.rules.rule import Rule
from resolver.rules.words import SHOWN, few, quoted, some

if TYPE_CHECKING:
    from resolver.integrity.verdicts import FileVerdict, Verification

RULES: Final[tuple[Rule, ...]] = (hash_differs, size_differs, file_missing, integrity_unproven)
ONLY_SIZE: Final = "only sizes and headers were compared (--only-size)"
UNREAD: Final = frozenset({"unverifiable", "not-checked"})


def findings_of(
    told: "Verification", opened: frozenset[str] = frozenset(), command: str | None = None
) -> Iterator[Finding]:
    """What a verification came to.

    Args:
        told: the words.
        opened: files that a loader opens: one of them that the lock does not know is a warning.
        command: what brings files that are damaged or absent; None where nobody knows.
    """
    differing = [each for each in told.files if each.verdict == "corrupt"]
    by_size = [each for each in differing if each.compared == "size"]
    by_hash = [each for each in differing if each.compared != "size"]
    if by_hash:
        yield _differing(hash_differs, by_hash, told, command)
    if by_size:
        yield _differing(size_differs, by_size, told, command)
    missing = [each for each in told.files if each.verdict == "missing" and each.matters]
    if missing:
        yield _missing(missing, told, command)
    yield from _extra(told, opened)
    unproven = [each for each in told.files if each.verdict in UNREAD or _is_only_consistent(each, told)]
    if unproven or told.verdict == "unverifiable":
        yield _unproven(unproven, told)


def unjudged(told: "Verification") -> tuple[Skipped, ...]:
    """The rules that could not be judged."""
    return (Skipped(hash_differs.code, ONLY_SIZE),) if told.only_size else ()


def _is_only_consistent(file: "FileVerdict", told: "Verification") -> bool:
    return file.verdict == "consistent" and not told.only_size


def _differing(rule: Rule, files: "list[FileVerdict]", told: "Verification", command: str | None) -> Finding:
    first = files[0]
    where = "the lock" if first.kind == "lock" else "on record"
    what = "size" if first.compared == "size" else "header" if first.compared == "header" else first.compared
    message = (
        f"{first.name} has another {what} than {where}" if len(files) == 1
        else f"{len(files)} files have other {'sizes' if what == 'size' else 'hashes'} than {where}: "
        f"{some([each.name for each in files])}"
    )  # fmt: skip
    shown: list[Json] = [
        {"name": each.name, "compared": each.compared, "expected": each.expected, "actual": each.actual}
        for each in files[:SHOWN]
    ]
    return rule.finding(
        message,
        path=told.root / first.name,
        evidence={"files": shown, "count": len(files), "on_record": first.where},
        consequence="these are not the bytes that were put on record",
        fix="bring " + ("that file" if len(files) == 1 else "those files") + " again, then verify again",
        command=command,
        severity="error",
    )


def _missing(files: "list[FileVerdict]", told: "Verification", command: str | None) -> Finding:
    names = [each.name for each in files]
    because: dict[str, Json] = {}
    reasons: list[Json] = [f"{each.name}: {each.reason}" for each in files[:SHOWN] if each.reason]
    if reasons:
        because["because"] = reasons
    return file_missing.finding(
        f"{some(names)} {'is' if len(names) == 1 else 'are'} on record and not here",
        path=told.root,
        evidence={"missing": few(names), "count": len(names), "on_record": files[0].where, **because},
        fix="bring " + ("that file" if len(names) == 1 else "those files") + "; what is here need not be brought again",
        command=command,
        severity="error",
    )


def _extra(told: "Verification", opened: frozenset[str]) -> Iterator[Finding]:
    if told.lock is None:
        return
    extra = [each.name for each in told.files if each.verdict == "extra"]
    groups = (("warning", [n for n in extra if n in opened]), ("info", [n for n in extra if n not in opened]))
    for severity, names in groups:
        if names:
            yield unknown_files(names, told.root, told.lock, "warning" if severity == "warning" else "info")


def _unproven(files: "list[FileVerdict]", told: "Verification") -> Finding:
    names = [each.name for each in files]
    reasons = list(dict.fromkeys(each.reason for each in files if each.reason))
    recorded = any(each.verdict in {"verified", "corrupt"} for each in told.files)
    message = f"{some(names)} could not be proven" if recorded and names else "nothing here can be proven"
    fix = "compare sha256 and size with the publisher's page, then write a lock"
    return integrity_unproven.finding(
        message,
        path=told.root,
        evidence={"unproven": few(names), "count": len(names), "reasons": few(reasons)},
        fix=fix if names else "bring the model's files: none is here",
        command=f"sha256sum {quoted(told.root / names[0])}" if names else None,
        severity="error",
    )
