"""The values that are told: findings, the trail of a search, and the report that holds both.

The lowest floor: imports nothing of ours. Who fills these values is `rules/` (findings) and `sources/` (the
trail); who turns them into text is `report/`. No colour, no markup and no sentence that has to be taken apart.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from resolver.record import Record, field

Severity = Literal["error", "warning", "info"]
Level = Literal["quick", "standard", "deep"]
Purpose = Literal["load", "score", "train"]
Confidence = Literal["exact", "declared", "matched", "guess"]
Verdict = Literal["usable", "unusable", "not-found"]
Outcome = Literal["found", "rejected", "near", "absent", "skipped"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
LEVELS: tuple[Level, ...] = ("quick", "standard", "deep")
CONFIDENCES: tuple[Confidence, ...] = ("exact", "declared", "matched", "guess")

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


class Place(Record):
    """Where in a file: a line (from 1), a notebook cell (from 1), a JSON pointer; each None where it has no sense."""

    line: int | None = None
    cell: int | None = None
    pointer: str | None = None


class Fix(Record):
    """What to do: a sentence, and the command that does it where there is one."""

    text: str
    command: str | None = None


class Finding(Record):
    """A rule's verdict at one place; its five parts are fields, in the order in which a message is written."""

    code: str
    name: str
    severity: Severity
    message: str
    path: str | None = None
    place: Place | None = None
    evidence: Mapping[str, Json] = field(default_factory=dict)
    consequence: str = ""
    fix: Fix = Fix("")


class Skipped(Record):
    """A rule that was not judged, and why: unknown is never a pass.

    `moot` where there was nothing to judge (no adapter, so none of its rules): worth listing, not worth telling.
    """

    code: str
    reason: str
    moot: bool = False


class TrailStep(Record):
    """One place where one source looked: what it found there, or why it found nothing."""

    source: str
    where: str
    outcome: Outcome
    reason: str


class Identity(Record):
    """Which model a report is about: what was asked, where it lies, and how sure the match is."""

    reference: str
    path: Path | None = None
    source: str | None = None
    confidence: Confidence | None = None
    evidence: tuple[str, ...] = ()
    revision: str | None = None
    kaggle_handle: str | None = None
    hub_id: str | None = None


class NotFound(Record):
    """Why a reference has no directory, in the five parts of a message (the place is the argument itself)."""

    message: str
    evidence: tuple[str, ...]
    consequence: str
    fix: Fix
    ambiguous: bool = False


class Report(Record):
    """All that was judged of one model, for one purpose, on one accelerator.

    `verdict` is "unusable" exactly when a finding is an error, "not-found" when there was nothing to judge.
    `judged_with` are versions of packages and `versions_from` says whose: this machine's, a file's, an image's.
    """

    level: Level
    purpose: Purpose
    accelerator: str
    judged_with: Mapping[str, str]
    model: Identity
    verdict: Verdict
    versions_from: str = "this machine"
    adapter: Identity | None = None
    findings: tuple[Finding, ...] = ()
    run: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    trail: tuple[TrailStep, ...] = ()
    not_found: NotFound | None = None
    elapsed_ms: float = 0.0

    def errors(self) -> tuple[Finding, ...]:
        """The findings that make the model unusable for this purpose."""
        return tuple(finding for finding in self.findings if finding.severity == "error")
