"""Find, read, compare, judge: what stands behind `verify`, for a lock and for a directory that carries its own record.

Every byte that a hash is on record of is read in this run, or was in the one that was interrupted; of a run that came
to its end nothing is kept.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from typing import Final

from resolver.environment import Environment
from resolver.finding import Finding, Report
from resolver.inspection.describe import describe
from resolver.integrity.journal import Journal
from resolver.integrity.reading import Progress
from resolver.integrity.resumable import Hashed, Wanted, hash_resumably
from resolver.integrity.verdicts import Verification, gravest, to_hash, verdicts
from resolver.record import Record, field
from resolver.resolve import named
from resolver.rules.on_record import fetch_again
from resolver.rules.verification import RULES, findings_of, unjudged
from resolver.verification_subjects import Search, Subject, subjects

FOLDER: Final = "runs"


class Asked(Record):
    """What `verify` is asked.

    Attributes:
        only_size: read no file, compare sizes and headers.
        select: codes of the warnings and notes that are told; empty for all.
        ignored: code -> reason; of warnings and notes too.

    An error is told whatever is selected or ignored: there is no other answer to "are these the bytes?".
    """

    only_size: bool = False
    select: tuple[str, ...] = ()
    ignored: Mapping[str, str] = field(default_factory=dict)


class Verified(Record):
    """One model: its report, and the words of its files; None where it was not found."""

    report: Report
    told: Verification | None = None


def verify(
    text: str, search: Search, asked: Asked | None = None, progress: Progress | None = None
) -> tuple[Verified, ...]:
    """Verify the models of a lock, or one model by what is on record beside it.

    Args:
        text: a lock, or a reference.
        search: where models are looked for.
        asked: see there.
        progress: told the bytes read so far and the bytes that there are.

    Raises:
        MalformedReference: the text is neither.
        NotALock: it is a file that is no lock, or a name in `search.places` is none of its models.
        KeyboardInterrupt: the next run of the same goes on where this one was.
    """
    started = time.perf_counter()
    question = asked or Asked()
    found = list(subjects(text, search))
    here = [each for each in found if isinstance(each, Subject)]
    hashed = iter([None] * len(here) if question.only_size else _hash(here, search.environment, progress))
    words = [_compared(each, next(hashed)) if isinstance(each, Subject) else each for each in found]
    elapsed_s = time.perf_counter() - started
    return tuple(
        Verified(each) if isinstance(each, Report) else _told(*each, question, search, elapsed_s) for each in words
    )


def _hash(here: list[Subject], environment: Environment, progress: Progress | None) -> list[dict[str, Hashed]]:
    """For each directory, by name: what came of hashing the files that have a hash on record."""
    todo = [list(to_hash(each.facts)) for each in here]
    wanted = [
        Wanted(str(each.facts.files.path(name)), size, algorithm)
        for each, files in zip(here, todo, strict=True)
        for name, size, algorithm in files
    ]
    with Journal(environment.state_home / FOLDER, _digest(here)) as journal:
        taken = iter(hash_resumably(wanted, journal, progress))
    return [{name: next(taken) for name, _, _ in files} for files in todo]


def _digest(here: list[Subject]) -> str:
    """What is verified, as one hash: the directories, and all that is expected of them."""
    expected = [
        [str(each.root), [[name, one.sha256, one.git_sha1] for name, one in sorted(each.facts.record.files.items())]]
        for each in here
    ]
    return hashlib.sha256(json.dumps(["verify", expected]).encode()).hexdigest()


def _compared(subject: Subject, hashed: Mapping[str, Hashed] | None) -> tuple[Subject, Verification]:
    words = verdicts(subject.facts, hashed)
    taken = (hashed or {}).values()
    return subject, Verification(
        reference=subject.identity.reference,
        root=subject.root,
        verdict=gravest(words),
        files=words,
        lock=subject.lock,
        only_size=hashed is None,
        read_bytes=sum(each.read_bytes for each in taken),
        resumed_bytes=sum(each.resumed_bytes for each in taken),
    )


def _told(subject: Subject, words: Verification, asked: Asked, search: Search, elapsed_s: float) -> Verified:
    told = words.replaced(elapsed_s=elapsed_s)
    found = _findings(subject, told)
    findings = tuple(each for each in found if each.severity == "error" or _is_told(each.code, asked))
    skipped = unjudged(told)
    run = {rule.code for rule in RULES}
    if subject.lock is not None and _is_told("I904", asked):
        run.add("I904")
    report = Report(
        level="quick" if asked.only_size else "deep",
        purpose="load",
        accelerator=search.host.accelerator,
        judged_with={},
        model=subject.identity,
        verdict="unusable" if any(each.severity == "error" for each in findings) else "usable",
        findings=named(findings, subject.identity, search.environment),
        run=tuple(sorted(run - {each.code for each in skipped})),
        skipped=skipped,
        trail=subject.trail,
        elapsed_ms=elapsed_s * 1000,
    )
    return Verified(report, told)


def _findings(subject: Subject, told: Verification) -> Iterator[Finding]:
    extra = any(each.verdict == "extra" for each in told.files)
    wrong = [each.name for each in told.files if each.verdict in {"corrupt", "missing"} and each.matters]
    description = subject.description
    if description is None and (extra or wrong):
        description = describe(subject.root)  # who opens what is asked only where it makes a difference
    opened = description.opened() if description is not None else frozenset[str]()
    command = None
    if wrong and description is not None:
        command = fetch_again(description.replaced(on_record=subject.facts.record), wrong)
    yield from findings_of(told, opened, command)


def _is_told(code: str, asked: Asked) -> bool:
    return code not in asked.ignored and (not asked.select or code in asked.select)
