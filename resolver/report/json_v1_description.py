"""What `inspect` tells, as JSON v1: the models of one description, and what every block builds on."""

from pydantic import BaseModel, ConfigDict

from resolver.finding import Confidence


class Model(BaseModel):
    """Frozen, and nothing in it that is not named here."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Fix(Model):
    """What to do; a command where there is one."""

    text: str
    command: str | None


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
