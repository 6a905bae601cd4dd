"""Look, then grade: every directory that may be what was asked for, with how sure that is; what cannot be is told.

Knows no format and no layout; which of the graded ones is taken is for `resolve`.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from resolver.environment import Environment
from resolver.finding import Confidence, Identity, Outcome, TrailStep
from resolver.identity import Grade, grade, granted
from resolver.inspection.config import read_config
from resolver.inspection.files import find_model_root, list_files
from resolver.policy import Policy
from resolver.record import Record
from resolver.reference import HubId, KaggleDataset, KaggleHandle, Reference
from resolver.sources.precedence import look
from resolver.sources.source import Candidate, Located, Miss, asked_place


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


def graded(reference: Reference, environment: Environment, policy: Policy, trail: list[TrailStep]) -> Iterator[Graded]:
    """Candidates that can be the model; what cannot goes on the trail. Stops once nothing better can come."""
    asked = asked_place(reference, environment) or reference  # a mount path is its handle, wherever it is found
    grader = _Grader(asked, _hub_id(reference), policy)
    best: Candidate | None = None
    for located in look(reference, environment):
        if best is not None and located.source != best.source:
            return
        for found in _offered(located, asked, trail):
            graded_ = grader.grade(found)
            if graded_ is None:
                continue
            if graded_.grade.confidence is None:
                trail.append(step(graded_, "near"))
                continue
            yield graded_
            if graded_.confidence == "exact":
                best = best or found
                if _is_final(found, asked):
                    return


def _offered(located: Located, asked: Reference, trail: list[TrailStep]) -> Iterator[Candidate]:
    """A candidate, or in the place of a lock what it names; a miss goes on the trail."""
    if isinstance(located, Miss):
        trail.append(TrailStep(located.source, located.where, "near" if located.near else "absent", located.reason))
    elif located.claim != "lock":
        yield located
    else:
        from resolver.standing import named_by_lock  # noqa: PLC0415 - few machines have a lock

        for each in named_by_lock(located, asked):
            if isinstance(each, TrailStep):
                trail.append(each)
            else:
                yield each


class _Grader:
    """Grades each directory once; a lock may say more where a place has left a doubt."""

    def __init__(self, asked: Reference, hub_id: str | None, policy: Policy) -> None:
        self._asked, self._hub_id, self._policy = asked, hub_id, policy
        self._seen: set[str] = set()

    def grade(self, candidate: Candidate) -> Graded | None:
        """None for a directory that was graded before."""
        key, by_lock = os.path.realpath(candidate.path), candidate.claim == "lock"
        if key in self._seen and not by_lock:
            return None
        root = find_model_root(candidate.path)
        # "a/b" that is a directory here is a path: that it reads like a hub id names nobody's model.
        is_path = candidate.source == "path" and isinstance(self._asked, HubId)
        hub_id = None if is_path else self._hub_id
        found = Graded(candidate, _grade(candidate, self._asked, root, self._policy), root, hub_id)
        if not by_lock or found.grade.confidence not in {None, "guess"}:
            self._seen.add(key)
        return found


def _grade(candidate: Candidate, reference: Reference, root: Path, policy: Policy) -> Grade:
    asked = granted(candidate)
    if asked is not None:
        return asked
    from resolver.standing import standing_of  # noqa: PLC0415 - what was asked for by its place needs none

    below = root.relative_to(candidate.path).parts if root.is_relative_to(candidate.path) else (root.name,)
    standing = standing_of(root, len(candidate.folders) + len(below), reference, policy)
    return grade(candidate, reference, read_config(list_files(root)), standing, below)


def _hub_id(reference: Reference) -> str | None:
    if isinstance(reference, HubId):
        return reference.repo_id
    if not isinstance(reference, KaggleHandle | KaggleDataset):
        return None
    from resolver.catalog import hub_ids  # noqa: PLC0415 - a large table

    return next(iter(hub_ids(reference)), None)


def _is_final(candidate: Candidate, reference: Reference) -> bool:
    """Whether nothing that the same source could still say would be chosen instead."""
    unversioned = isinstance(reference, KaggleHandle) and reference.version is None
    return candidate.claim == "entry" or (candidate.claim == "asked" and not unversioned)


def step(found: Graded, outcome: Outcome, reason: str | None = None) -> TrailStep:
    """A graded candidate on the trail; its grounds, where no other reason is given."""
    grounds = "; ".join(found.grade.evidence)
    said = grounds if found.grade.confidence is None else f"{found.confidence}: {grounds}"
    return TrailStep(found.candidate.source, str(found.root), outcome, reason or said)
