"""JSON v1: the published shape, as models that forbid what they do not know. A field is never renamed within v1."""

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from resolver.finding import Confidence, Level, Outcome, Purpose, Severity, Verdict
from resolver.report.blocks import Told
from resolver.report.document import envelope

SCHEMA_ADDRESS = "https://json-schema.org/draft/2020-12/schema"


class Model(BaseModel):
    """Frozen, and nothing in it that is not named here."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Tool(Model):
    """What wrote the document."""

    name: str
    version: str


class Identity(Model):
    """Which model: what was asked, where it lies, how sure that is."""

    reference: str
    path: str | None
    source: str | None
    confidence: Confidence | None
    evidence: list[str]
    revision: str | None
    kaggle_handle: str | None
    hub_id: str | None


class Place(Model):
    """Where in a file; line and cell count from 1."""

    line: int | None
    cell: int | None
    pointer: str | None


class Fix(Model):
    """What to do; a command where there is one."""

    text: str
    command: str | None


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


class Config(Model):
    """What config.json says."""

    present: bool
    hidden_size: int | str | None
    num_hidden_layers: int | str | None
    vocab_size: int | str | None
    num_labels: int | str | None
    max_position_embeddings: int | str | None
    torch_dtype: str | None
    transformers_version: str | None
    custom_code: dict[str, str]


class Dtype(Model):
    """Stored elements and bytes of one dtype."""

    elements: int
    bytes: int


class Weights(Model):
    """Which weights are there, and which of them a loader opens."""

    chosen: str | None
    opened: list[str]
    missing: list[str]
    formats: dict[str, list[str]]
    tensors: int
    tensors_known: bool
    bytes: int
    dtypes: dict[str, Dtype]


class Quantization(Model):
    """A declared quantisation."""

    method: str | None
    bits: int | None
    file: str
    pointer: str


class SpecialToken(Model):
    """A special token by its role."""

    role: str
    text: str
    id: int | str | None


class Tokenizer(Model):
    """What the tokenizer's files say."""

    source: str | None
    files: list[str]
    declared_class: str | None
    model: str | None
    size: int | None
    model_max_length: int | str | None
    has_chat_template: bool
    specials: list[SpecialToken]


class LicenceFile(Model):
    """A licence, a use policy or a notice."""

    name: str
    kind: str
    heading: str | None


class Licence(Model):
    """What is said about the licence."""

    declared: list[str]
    name: str | None
    link: str | None
    files: list[LicenceFile]
    gated_fields: list[str]
    base_models: list[str]


class Adapter(Model):
    """What an adapter's files say."""

    weights_file: str | None
    base_model_name_or_path: str | None
    peft_type: str | None
    task_type: str | None
    r: int | str | None
    lora_alpha: float | str | None
    target_modules: list[str]
    modules_to_save: list[str]


class File(Model):
    """One file; `opened` where a loader opens it."""

    name: str
    size_bytes: int
    content: str
    link: str | None
    opened: bool


class Fault(Model):
    """What could not be read."""

    file: str
    message: str
    line: int | None
    pointer: str | None


class Description(Identity):
    """What `inspect` read."""

    model_type: str | None
    architectures: list[str]
    parameters: int | None
    size_bytes: int
    config: Config
    weights: Weights
    quantization: Quantization | None
    tokenizer: Tokenizer | None
    licence: Licence | None
    adapter: Adapter | None
    files: list[File]
    files_complete: bool
    faults: list[Fault]


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
    offline_set: bool
    has_network: bool | None
    on_kaggle: bool
    places: list[Location]
    variables: dict[str, str]
    secrets_set: list[str]
    settings: str | None


class Envelope(Model):
    """The one object of every command; a block that is another command's is absent."""

    schema_version: Literal[1]
    tool: Tool
    reports: list[Report]
    resolutions: list[Resolution] | None = Field(default=None)
    models: list[ListedModel] | None = Field(default=None)
    descriptions: list[Description] | None = Field(default=None)
    rules: list[Rule] | None = Field(default=None)
    machine: Machine | None = Field(default=None)


def render(told: Told) -> str:
    """The document, ASCII only, proved against the models above."""
    document = envelope(told)
    Envelope.model_validate(document)
    text = json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False)
    return text.replace("\x7f", "\\u007f") + "\n"


def json_schema() -> dict[str, Any]:
    """The published JSON Schema."""
    return {"$schema": SCHEMA_ADDRESS, **Envelope.model_json_schema()}
