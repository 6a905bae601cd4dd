"""JSON v1: the published shape, as models that forbid what they do not know. A field is never renamed within v1."""

import json
from typing import Any, Literal

from pydantic import Field, JsonValue

from resolver.duplicates import Sameness
from resolver.finding import Level, Outcome, Purpose, Severity, Verdict
from resolver.notebook.facts import Reach, Role
from resolver.notebook.standing import State
from resolver.report.blocks import Told
from resolver.report.document import envelope
from resolver.report.json_v1_access import Access
from resolver.report.json_v1_description import Description, Fix, Identity, Model
from resolver.report.json_v1_locks import Lock, Verification
from resolver.report.json_v1_stage import Stage

SCHEMA_ADDRESS = "https://json-schema.org/draft/2020-12/schema"


class Tool(Model):
    """What wrote the document."""

    name: str
    version: str


class Place(Model):
    """Where in a file; line and cell count from 1."""

    line: int | None
    cell: int | None
    pointer: str | None


class Finding(Model):
    """A rule's verdict at one place."""

    code: str
    name: str
    severity: Severity
    message: str
    path: str | None
    place: Place | None
    evidence: dict[str, JsonValue]
    consequence: str
    fix: Fix


class Skipped(Model):
    """A rule that was not judged."""

    code: str
    reason: str


class Checks(Model):
    """Which rules ran, and which did not."""

    run: list[str]
    skipped: list[Skipped]


class TrailStep(Model):
    """One place where one source looked."""

    source: str
    where: str
    outcome: Outcome
    reason: str


class NotFound(Model):
    """Why there is no directory."""

    message: str
    ambiguous: bool
    evidence: list[str]
    consequence: str
    fix: Fix


class Report(Model):
    """All that was judged of one model."""

    level: Level
    purpose: Purpose
    accelerator: str
    versions_from: str
    judged_with: dict[str, str]
    model: Identity
    adapter: Identity | None
    verdict: Verdict
    findings: list[Finding]
    checks: Checks
    trail: list[TrailStep]
    not_found: NotFound | None = None
    elapsed_ms: float


class Resolution(Identity):
    """What `path` found."""

    notes: list[str]
    trail: list[TrailStep]


class ListedModel(Identity):
    """One model of this machine."""

    size_bytes: int
    model_type: str | None
    architectures: list[str]
    licence: str | None
    verdict: Verdict
    errors: int
    warnings: int
    infos: int


class Copy(Model):
    """One of several directories that hold the same weights."""

    reference: str
    source: str | None
    path: str


class DuplicateGroup(Model):
    """Copies of one another: the same files, equal hashes on record, or equal headers and bytes not compared."""

    same: Sameness
    size_bytes: int
    extra_bytes: int
    copies: list[Copy]


class Duplicates(Model):
    """The copies among the models of `list`, and the bytes that they take beyond one of each."""

    groups: list[DuplicateGroup]
    extra_bytes: int


class Rule(Model):
    """A rule's page."""

    code: str
    name: str
    severity: Severity
    level: Level
    title: str
    explanation: str
    consequence: str
    requires: list[str]


class Accelerator(Model):
    """One device."""

    name: str
    memory_bytes: int | None
    capability: list[int] | None


class Location(Model):
    """A place that is searched."""

    name: str
    path: str
    present: bool


class Machine(Model):
    """What `doctor` knows; of secrets, the names of those that are set."""

    python: str
    platform: str
    accelerators: list[Accelerator]
    memory_bytes: int | None
    packages: dict[str, str]
    model_types: list[str] | None
    offline_set: bool
    offline_masked: bool
    unwritable: dict[str, str]
    has_network: bool | None
    on_kaggle: bool
    places: list[Location]
    variables: dict[str, str]
    secrets_set: list[str]
    settings: str | None


class Repair(Model):
    """A directory that `repair` made."""

    kind: Literal["index", "adapter"]
    source: str
    target: str
    files: list[str]
    size_bytes: int
    tensors: int
    notes: list[str]


class ReferencedModel(Model):
    """The model of a notebook's reference, where this machine has it; its report is among the reports."""

    path: str
    verdict: Verdict


class NotebookReference(Model):
    """A reference of a notebook that reaches a loader or reader, and what it will meet where the notebook runs."""

    text: str
    role: Role
    call: str
    place: Place
    file: str | None
    reach: Reach
    resolved: bool
    meets: State
    source: str | None
    mounts: list[str]
    model: ReferencedModel | None


class Fixed(Model):
    """A notebook that `notebook --fix` wrote; `todo` is what a person has to do before it runs."""

    path: str
    metadata: str | None
    backups: list[str]
    changes: list[str]
    todo: list[str]


class Envelope(Model):
    """The one object of every command; a block that is another command's is absent."""

    schema_version: Literal[1]
    tool: Tool
    reports: list[Report]
    resolutions: list[Resolution] | None = Field(default=None)
    models: list[ListedModel] | None = Field(default=None)
    duplicates: Duplicates | None = Field(default=None)
    descriptions: list[Description] | None = Field(default=None)
    rules: list[Rule] | None = Field(default=None)
    machine: Machine | None = Field(default=None)
    repair: Repair | None = Field(default=None)
    references: list[NotebookReference] | None = Field(default=None)
    fixed: Fixed | None = Field(default=None)
    stage: Stage | None = Field(default=None)
    lock: Lock | None = Field(default=None)
    verifications: list[Verification] | None = Field(default=None)
    access: Access | None = Field(default=None)


def render(told: Told) -> str:
    """The document, ASCII only, proved against the models above."""
    document = envelope(told)
    Envelope.model_validate(document)
    text = json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False)
    return text.replace("\x7f", "\\u007f") + "\n"


def json_schema() -> dict[str, Any]:
    """The published JSON Schema."""
    return {"$schema": SCHEMA_ADDRESS, **Envelope.model_json_schema()}
