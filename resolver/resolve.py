"""Look, describe shallowly, grade, choose: a reference in, one directory out, or the reasons why none is.

Knows no format and no layout. Confidence comes first, then the order of the sources; between versions the highest;
copies whose headers and configuration agree are no tie.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from resolver.candidates import Graded, graded, step
from resolver.environment import Environment
from resolver.errors import AmbiguousModel, ModelNotFound, ModelRejected
from resolver.finding import CONFIDENCES, Confidence, Finding, Identity, Report, TrailStep
from resolver.host import Host
from resolver.identity import Grade
from resolver.inspection.describe import describe_bytes
from resolver.inspection.description import ModelDescription
from resolver.policy import ANYTHING, Policy
from resolver.record import Record
from resolver.reference import parse_reference
from resolver.sources.precedence import look_everywhere
from resolver.sources.source import Claim, place_at
from resolver.vetting import Vetting

_CLAIMS: tuple[Claim, ...] = ("asked", "entry", "official", "community", "lock", "name")


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


class Chosen(Record):
    """The candidate that was taken.

    Attributes:
        identity, description: which it is, and what was read of it.
        trail: every place that was looked at.
        errors: why it cannot be used; () for one that is accepted.
        run: the codes of the rules that found them.
    """

    identity: Identity
    description: ModelDescription
    trail: tuple[TrailStep, ...]
    errors: tuple[Finding, ...] = ()
    run: tuple[str, ...] = ()


def resolve(text: str, environment: Environment, host: Host, policy: Policy = ANYTHING) -> Resolution:
    """The directory of a reference, its bytes checked.

    Raises:
        MalformedReference: the text is no reference.
        ModelNotFound: no directory answers to it; AmbiguousModel: several do, or none surely enough.
        ModelRejected: every directory that answers is unusable anywhere, or the policy forbids it.
    """
    started = time.perf_counter()
    chosen = choose(text, environment, host, policy)
    return accepted(chosen, environment, host, (time.perf_counter() - started) * 1000)


def accepted(chosen: Chosen, environment: Environment, host: Host, elapsed_ms: float) -> Resolution:
    """What was chosen, as a resolution.

    Raises:
        ModelRejected: it is unusable anywhere, or forbidden; its report says that it took `elapsed_ms`.
    """
    if chosen.errors:
        raise ModelRejected(_rejection(chosen, environment, host, elapsed_ms))
    return Resolution.of(chosen.identity, chosen.trail, _notes(chosen.identity, chosen.description))


def choose(text: str, environment: Environment, host: Host, policy: Policy = ANYTHING) -> Chosen:
    """As `resolve`, but a directory that is unusable is returned with its errors where no equal one is better."""
    reference = parse_reference(environment.aliases.get(text, text))
    trail: list[TrailStep] = []
    found = sorted(graded(reference, environment, policy, trail), key=_rank)
    sure = [each for each in found if _is_sure(each.confidence, policy.minimum_confidence)]
    if not sure:
        from resolver.diagnosis import ambiguous, not_found  # noqa: PLC0415 - only when there is bad news

        trail_ = (*trail, *(step(each, "near") for each in found))
        if found:
            raise AmbiguousModel(text, trail_, ambiguous(text, tuple(each.identity(text) for each in found), policy))
        raise ModelNotFound(text, trail_, not_found(text, reference, trail_, environment))
    vetting = Vetting(host, policy)
    _refuse_ties(text, sure, vetting, trail)
    return _first_accepted(text, [each for each in sure if each.confidence == sure[0].confidence], vetting, trail)


def survey(environment: Environment) -> Iterator[Chosen]:
    """Every model on this machine, each directory once, described and judged by nobody yet."""
    for candidate in look_everywhere(environment):
        description = describe_bytes(candidate.path)
        name = candidate.kaggle_handle or candidate.hub_id or str(candidate.path)
        found = Graded(candidate, Grade("exact", (candidate.why,)), description.root)
        yield Chosen(found.identity(name), description, ())


def _rank(graded: Graded) -> tuple[int, int, int]:
    candidate = graded.candidate
    return (CONFIDENCES.index(graded.confidence), _CLAIMS.index(candidate.claim), -(candidate.version or 0))


def _is_sure(confidence: Confidence, minimum: Confidence) -> bool:
    return confidence != "guess" and CONFIDENCES.index(confidence) <= CONFIDENCES.index(minimum)


def _refuse_ties(text: str, sure: list[Graded], vetting: Vetting, trail: list[TrailStep]) -> None:
    """Raise where several usable directories of one source answer equally well and are not copies of each other."""
    first = sure[0]
    equal = [each for each in sure if _rank(each) == _rank(first) and each.candidate.source == first.candidate.source]
    if len(equal) == 1 or first.candidate.claim == "entry":
        return
    from resolver.inspection.digest import header_digest  # noqa: PLC0415 - only where there is a tie

    usable = [each for each in equal if not vetting.errors(describe_bytes(each.candidate.path))]
    if len({header_digest(each.root) for each in usable}) > 1:
        from resolver.diagnosis import ambiguous  # noqa: PLC0415 - only when there is bad news

        steps = (*trail, *(step(each, "found") for each in sure))
        raise AmbiguousModel(text, steps, ambiguous(text, tuple(each.identity(text) for each in usable)))


def _first_accepted(text: str, equal: list[Graded], vetting: Vetting, trail: list[TrailStep]) -> Chosen:
    """The first whose bytes are usable anywhere and that may be used; where none is, the first, with its errors."""
    refused: list[Chosen] = []
    for each in equal:
        description = describe_bytes(each.candidate.path)
        errors = vetting.errors(description)
        if not errors:
            return Chosen(each.identity(text), description, (*trail, step(each, "found")))
        trail.append(step(each, "rejected", f"{errors[0].code} {errors[0].message}"))
        refused.append(Chosen(each.identity(text), description, (), errors, vetting.codes))
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
        run=chosen.run,
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
