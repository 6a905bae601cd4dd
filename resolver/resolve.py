"""Look, describe shallowly, grade, choose: a reference in, one directory out, or the reasons why none is.

Knows no format and no layout. Confidence comes first, then the order of the sources; between versions the highest;
copies whose headers and configuration agree are no tie.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from resolver.environment import Environment
from resolver.errors import AmbiguousModel, ModelNotFound, ModelRejected
from resolver.finding import CONFIDENCES, Confidence, Finding, Identity, Outcome, Report, TrailStep
from resolver.host import Host
from resolver.identity import Grade, grade, granted
from resolver.inspection.config import read_config
from resolver.inspection.describe import describe_bytes
from resolver.inspection.description import ModelDescription
from resolver.inspection.files import find_model_root, list_files
from resolver.inspection.provenance import read_provenance
from resolver.record import Record
from resolver.reference import HubId, KaggleDataset, KaggleHandle, Reference, parse_reference
from resolver.rules.decisive import DECISIVE_RULES
from resolver.rules.judge import judge
from resolver.rules.rule import Evidence, Intent
from resolver.sources.precedence import look, look_everywhere
from resolver.sources.source import Candidate, Claim, Miss, asked_place, place_at

_CLAIMS: tuple[Claim, ...] = ("asked", "entry", "official", "community", "name")


class Resolution(Record):
    """The directory that a reference came to; usable wherever a path is.

    Attributes:
        reference: as asked.
        path: the directory that holds the model, nested ones descended into.
        source: which kind of place it was found in.
        confidence: "exact", "declared" or "matched".
        evidence: the grounds, in words.
        trail: every place that was looked at.
        hub_id, kaggle_handle, revision: what the place says of it; None where it says nothing.
        notes: what has to be said to the user although all is well.
        report: the preflight, where one was asked for.
    """

    reference: str
    path: Path
    source: str
    confidence: Confidence
    evidence: tuple[str, ...]
    trail: tuple[TrailStep, ...]
    hub_id: str | None = None
    kaggle_handle: str | None = None
    revision: str | None = None
    notes: tuple[str, ...] = ()
    report: Report | None = None

    @classmethod
    def of(cls, identity: Identity, trail: tuple[TrailStep, ...], notes: tuple[str, ...] = ()) -> "Resolution":
        """The resolution that an identity with its directory is."""
        if identity.path is None or identity.source is None or identity.confidence is None:
            raise ValueError(f"{identity.reference} was not found: it has no directory")
        return cls(
            reference=identity.reference,
            path=identity.path,
            source=identity.source,
            confidence=identity.confidence,
            evidence=identity.evidence,
            trail=trail,
            hub_id=identity.hub_id,
            kaggle_handle=identity.kaggle_handle,
            revision=identity.revision,
            notes=notes,
        )

    def __fspath__(self) -> str:
        """The path, for os.fspath and every library that takes a path."""
        return str(self.path)

    def __str__(self) -> str:
        """The path."""
        return str(self.path)


class Graded(Record):
    """A candidate with its grade and the directory that holds its model."""

    candidate: Candidate
    grade: Grade
    root: Path
    hub_id: str | None = None

    @property
    def confidence(self) -> Confidence:
        """How sure the match is; only graded candidates with a confidence are kept."""
        return self.grade.confidence or "guess"

    def identity(self, reference: str) -> Identity:
        """As a report tells it."""
        return Identity(
            reference=reference,
            path=self.root,
            source=self.candidate.source,
            confidence=self.confidence,
            evidence=self.grade.evidence,
            revision=self.candidate.revision,
            kaggle_handle=self.candidate.kaggle_handle,
            hub_id=self.candidate.hub_id or self.hub_id,
        )


class Chosen(Record):
    """The candidate that was taken, its description, the trail, and the decisive errors (none: it is accepted)."""

    identity: Identity
    description: ModelDescription
    trail: tuple[TrailStep, ...]
    errors: tuple[Finding, ...] = ()


def resolve(
    text: str, environment: Environment, host: Host, *, minimum_confidence: Confidence = "matched"
) -> Resolution:
    """The directory of a reference, its bytes checked.

    Raises:
        MalformedReference: the text is no reference.
        ModelNotFound: no directory answers to it; AmbiguousModel: several do, or none surely enough.
        ModelRejected: every directory that answers is unusable anywhere.
    """
    started = time.perf_counter()
    chosen = choose(text, environment, host, minimum_confidence=minimum_confidence)
    return accepted(chosen, environment, host, (time.perf_counter() - started) * 1000)


def accepted(chosen: Chosen, environment: Environment, host: Host, elapsed_ms: float) -> Resolution:
    """What was chosen, as a resolution.

    Raises:
        ModelRejected: it is unusable anywhere; its report says that it took `elapsed_ms`.
    """
    if chosen.errors:
        raise ModelRejected(_rejection(chosen, environment, host, elapsed_ms))
    return Resolution.of(chosen.identity, chosen.trail, _notes(chosen.identity, chosen.description))


def choose(text: str, environment: Environment, host: Host, *, minimum_confidence: Confidence = "matched") -> Chosen:
    """As `resolve`, but a directory that is unusable is returned with its errors where no equal one is better."""
    reference = parse_reference(environment.aliases.get(text, text))
    trail: list[TrailStep] = []
    graded = sorted(_graded(reference, environment, trail), key=_rank)
    sure = [each for each in graded if _is_sure(each.confidence, minimum_confidence)]
    if not sure:
        from resolver.diagnosis import ambiguous, not_found  # noqa: PLC0415 - only when there is bad news

        trail_ = (*trail, *(_step(each, "near") for each in graded))
        if graded:
            raise AmbiguousModel(text, trail_, ambiguous(text, tuple(each.identity(text) for each in graded)))
        raise ModelNotFound(text, trail_, not_found(text, reference, trail_, environment))
    _refuse_ties(text, sure, host, trail)
    return _first_accepted(text, [each for each in sure if each.confidence == sure[0].confidence], host, trail)


def survey(environment: Environment) -> Iterator[Chosen]:
    """Every model on this machine, each directory once, described and judged by nobody yet."""
    for candidate in look_everywhere(environment):
        description = describe_bytes(candidate.path)
        name = candidate.kaggle_handle or candidate.hub_id or str(candidate.path)
        graded = Graded(candidate, Grade("exact", (candidate.why,)), description.root)
        yield Chosen(graded.identity(name), description, ())


def _graded(reference: Reference, environment: Environment, trail: list[TrailStep]) -> Iterator[Graded]:
    """Candidates that can be the model; what cannot goes on the trail. Stops once nothing better can come."""
    seen: set[str] = set()
    best: Candidate | None = None
    asked = asked_place(reference, environment) or reference  # a mount path is its handle, wherever it is found
    for located in look(reference, environment):
        if best is not None and located.source != best.source:
            return
        if isinstance(located, Miss):
            trail.append(_missed(located))
            continue
        key = os.path.realpath(located.path)
        if key in seen:
            continue
        seen.add(key)
        root = find_model_root(located.path)
        graded = Graded(located, _grade(located, asked, root), root, _hub_id(reference))
        if graded.grade.confidence is None:
            trail.append(_step(graded, "near"))
            continue
        yield graded
        if graded.confidence == "exact":
            best = best or located
            if _is_final(located, asked):
                return


def _hub_id(reference: Reference) -> str | None:
    if isinstance(reference, HubId):
        return reference.repo_id
    if not isinstance(reference, KaggleHandle | KaggleDataset):
        return None
    from resolver.catalog import hub_ids  # noqa: PLC0415 - a large table

    return next(iter(hub_ids(reference)), None)


def _grade(candidate: Candidate, reference: Reference, root: Path) -> Grade:
    asked = granted(candidate)
    if asked is not None:
        return asked
    below = root.relative_to(candidate.path).parts if root.is_relative_to(candidate.path) else (root.name,)
    return grade(candidate, reference, read_config(list_files(root)), read_provenance(root), below)


def _is_final(candidate: Candidate, reference: Reference) -> bool:
    """Whether nothing that the same source could still say would be chosen instead."""
    unversioned = isinstance(reference, KaggleHandle) and reference.version is None
    return candidate.claim == "entry" or (candidate.claim == "asked" and not unversioned)


def _rank(graded: Graded) -> tuple[int, int, int]:
    candidate = graded.candidate
    return (CONFIDENCES.index(graded.confidence), _CLAIMS.index(candidate.claim), -(candidate.version or 0))


def _is_sure(confidence: Confidence, minimum: Confidence) -> bool:
    return confidence != "guess" and CONFIDENCES.index(confidence) <= CONFIDENCES.index(minimum)


def _refuse_ties(text: str, sure: list[Graded], host: Host, trail: list[TrailStep]) -> None:
    """Raise where several usable directories of one source answer equally well and are not copies of each other."""
    first = sure[0]
    equal = [each for each in sure if _rank(each) == _rank(first) and each.candidate.source == first.candidate.source]
    if len(equal) == 1 or first.candidate.claim == "entry":
        return
    from resolver.inspection.digest import header_digest  # noqa: PLC0415 - only where there is a tie

    usable = [each for each in equal if not _decisive_errors(describe_bytes(each.candidate.path), host)]
    if len({header_digest(each.root) for each in usable}) > 1:
        from resolver.diagnosis import ambiguous  # noqa: PLC0415 - only when there is bad news

        steps = (*trail, *(_step(each, "found") for each in sure))
        raise AmbiguousModel(text, steps, ambiguous(text, tuple(each.identity(text) for each in usable)))


def _first_accepted(text: str, equal: list[Graded], host: Host, trail: list[TrailStep]) -> Chosen:
    """The first whose bytes are usable anywhere; where none is, the first, with its errors."""
    refused: list[Chosen] = []
    for graded in equal:
        description = describe_bytes(graded.candidate.path)
        errors = _decisive_errors(description, host)
        if not errors:
            return Chosen(graded.identity(text), description, (*trail, _step(graded, "found")))
        trail.append(_step(graded, "rejected", f"{errors[0].code} {errors[0].message}"))
        refused.append(Chosen(graded.identity(text), description, (), errors))
    return refused[0].replaced(trail=tuple(trail))


def named(findings: tuple[Finding, ...], identity: Identity, environment: Environment) -> tuple[Finding, ...]:
    """The findings with the placeholder of their commands filled in, where it is known which hub id this is.

    For a mount path that was named itself, the catalog's id of that handle: a suggestion in a command, no identity.
    """
    waiting = any("REPO_ID" in (each.fix.command or "") for each in findings)
    hub_id = identity.hub_id or (_mounted_id(identity.path, environment) if waiting else None)
    if hub_id is None:
        return findings
    return tuple(
        each.replaced(fix=each.fix.replaced(command=each.fix.command.replace("REPO_ID", hub_id)))
        if each.fix.command and "REPO_ID" in each.fix.command
        else each
        for each in findings
    )


def _mounted_id(path: Path | None, environment: Environment) -> str | None:
    from resolver.catalog import hub_ids  # noqa: PLC0415 - a large table, for a command that a user may paste

    place = None if path is None else place_at(path, environment)
    ids = hub_ids(place) if place is not None else ()
    return ids[0] if len(ids) == 1 else None


def _decisive_errors(description: ModelDescription, host: Host) -> tuple[Finding, ...]:
    judged = judge(Evidence(description, Intent(), host), DECISIVE_RULES)
    return tuple(finding for finding in judged.findings if finding.severity == "error")


def _rejection(chosen: Chosen, environment: Environment, host: Host, elapsed_ms: float) -> Report:
    return Report(
        level="quick",
        purpose="load",
        accelerator=host.accelerator,
        judged_with=host.judged_with(),
        versions_from=host.source,
        model=chosen.identity,
        verdict="unusable",
        findings=named(chosen.errors, chosen.identity, environment),
        run=tuple(sorted(rule.code for rule in DECISIVE_RULES)),
        trail=chosen.trail,
        elapsed_ms=elapsed_ms,
    )


def _notes(identity: Identity, description: ModelDescription) -> tuple[str, ...]:
    notes: list[str] = []
    if identity.confidence != "exact":
        notes.append(f"{identity.confidence}: {'; '.join(identity.evidence)}")
    if description.nested:
        notes.append(f"the model lies below the directory that was named: {description.asked}")
    return tuple(notes)


def _missed(miss: Miss) -> TrailStep:
    return TrailStep(miss.source, miss.where, "near" if miss.near else "absent", miss.reason)


def _step(graded: Graded, outcome: Outcome, reason: str | None = None) -> TrailStep:
    grounds = "; ".join(graded.grade.evidence)
    said = grounds if graded.grade.confidence is None else f"{graded.confidence}: {grounds}"
    return TrailStep(graded.candidate.source, str(graded.root), outcome, reason or said)
