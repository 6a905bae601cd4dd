"""C: is config.json there, does it name an architecture that the installed transformers knows?

The classifier head, C307 and C308, is in `heads`.
"""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Json, Place
from resolver.inspection.config import CONFIG_FILE, ConfigFacts
from resolver.inspection.description import ModelDescription
from resolver.inspection.fault import Fault
from resolver.rules.foreign import foreign
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import quoted

# What a directory without config.json looks like, by the formats of weights in it; the first that fits is said.
LOOKS: Final = (
    ("gguf", "GGUF weights, for llama.cpp and its kin; transformers reads them only with gguf_file="),
    ("meta-original", "Meta's original format (consolidated.*.pth, params.json); transformers cannot read it"),
    ("mistral-original", "Mistral's original format (consolidated safetensors, params.json)"),
    ("mlx", "an MLX export"),
    ("onnx", "an ONNX export"),
    ("openvino", "an OpenVINO export"),
    ("tensorflow", "TensorFlow weights"),
    ("flax", "Flax weights"),
    ("keras", "Keras weights"),
    ("safetensors", "safetensors weights alone; transformers writes config.json beside them, other tools do not"),
    ("safetensors-index", "sharded safetensors weights without their config.json"),
    ("shards-without-index", "shards without their index and their config.json"),
    ("bin", "PyTorch weights without a config.json"),
    ("bin-index", "PyTorch weights without a config.json"),
)
# Fields whose wrong type was seen to stop transformers 5.23 in every family tried; a list is legal in some families.
JUDGED_FIELDS: Final = frozenset(
    {
        "model_type",
        "hidden_size",
        "num_hidden_layers",
        "vocab_size",
        "num_attention_heads",
        "intermediate_size",
        "max_position_embeddings",
    }
)


def _not_an_adapter(evidence: Evidence) -> str | None:
    if evidence.model.files.fault is not None:
        return f"the directory could not be listed: {evidence.model.files.fault}"
    if evidence.model.adapter is not None and not evidence.model.config.present:
        return Moot("the directory is an adapter: family A judges it")
    return None


@rule(
    "C301",
    "config-missing",
    severity="error",
    requires=("F010",),
    applies=_not_an_adapter,
    consequence="no architecture can be chosen; transformers calls the model unrecognised",
)
def config_missing(evidence: Evidence) -> Iterator[Finding]:
    """A directory holds no config.json.

    transformers learns from it which classes to build. Without it 5.x says "Unrecognized model in X. Should have a
    `model_type` key in its config.json." and 4.x "X does not appear to have a file named config.json": the same words
    for an empty mount, a GGUF export, an adapter or a model that lies one level down.

    Example: `gemma-2b-it/` with `gemma-2b-it.gguf` alone.

    To mend it, point at the directory that holds config.json, or add the file: it is a few kilobytes.
    """
    model = evidence.model
    if model.config.present:
        return
    below = sorted(
        name.removesuffix(f"/{CONFIG_FILE}") for name in model.files.files if name.endswith(f"/{CONFIG_FILE}")
    )
    yield config_missing.finding(
        f"there is no {CONFIG_FILE}",
        path=model.root,
        evidence={
            "files": len(model.files.files),
            "looks_like": _looks_like(model),
            **({"config_below": list(below[:10])} if below else {}),
        },
        fix=_fix_missing(model, below),
        command=f"resolver check {quoted(model.root / below[0])}" if below else None,
    )


def _looks_like(model: ModelDescription) -> str:
    if not model.files.files:
        return "an empty directory"
    for kind, words in LOOKS:
        if kind in model.weights.formats:
            return words
    if model.files.get("modules.json"):
        return "a sentence-transformers model whose transformer part is not there"
    return "no model that transformers, PEFT or llama.cpp would write"


def _fix_missing(model: ModelDescription, below: list[str]) -> str:
    if below:
        return "name the directory that holds it"
    if "gguf" in model.weights.formats or "meta-original" in model.weights.formats:
        return "take the variant in transformers format (on Kaggle: the framework transformers), not this one"
    return f"add {CONFIG_FILE} of this very model, or attach the model in transformers format"


def _config_read(evidence: Evidence) -> str | None:
    return foreign(evidence.model.files, evidence.model.config.file)


@rule(
    "C302",
    "config-invalid",
    severity="error",
    requires=("C301",),
    applies=_config_read,
    consequence="every loader stops at this file",
)
def config_invalid(evidence: Evidence) -> Iterator[Finding]:
    """config.json is not JSON, is no object, is absurdly nested, or holds a number as something else.

    transformers says "It looks like the config file at '…/config.json' is not a valid JSON file." without the line; a
    byte order mark at its beginning is enough for that. Nesting ends in a RecursionError; a `hidden_size` of "4096"
    in a StrictDataclassFieldValidationError (5.x) or a TypeError somewhere in torch (4.x).

    Example: `{"model_type": "llama",}` (a comma too many).

    To mend it, open the file at the line and column given, or fetch it again.
    """
    for fault in _judged(evidence.model.config):
        yield config_invalid.finding(
            f"{CONFIG_FILE}: {fault.message}",
            path=evidence.model.files.path(evidence.model.config.file),
            place=Place(line=fault.line, pointer=fault.pointer) if fault.line or fault.pointer else None,
            evidence=_place(fault),
            fix="mend the file there, or fetch it again",
            command=f"python -m json.tool {quoted(evidence.model.files.path(evidence.model.config.file))}"
            if fault.line
            else None,
        )


def _judged(config: ConfigFacts) -> Iterator[Fault]:
    for fault in config.faults:
        if fault.file != config.file:
            continue
        field = (fault.pointer or "").rpartition("/")[2]
        typed = bool(field)
        if typed and (field not in JUDGED_FIELDS or fault.met == "an array" or "AutoConfig" in config.auto_map):
            continue
        yield fault


def _place(fault: Fault) -> dict[str, Json]:
    facts: dict[str, Json] = {"line": fault.line, "column": fault.column, "pointer": fault.pointer}
    return {name: value for name, value in facts.items() if value is not None}


def _own_code(evidence: Evidence) -> str | None:
    """Without a model_type that transformers knows, an auto_map decides."""
    config = evidence.model.config
    if evidence.model.adapter is not None and not config.present:
        return Moot("an adapter has no config.json; its base brings it")
    if "AutoConfig" in config.auto_map and (config.model_type is None or _since(evidence) is None):
        return "auto_map brings the model's own code, which decides: S603"
    return None


@rule(
    "C303",
    "model-type-missing",
    severity="error",
    requires=("C302",),
    applies=_own_code,
    consequence="no architecture can be chosen",
)
def model_type_missing(evidence: Evidence) -> Iterator[Finding]:
    """config.json names no model_type.

    transformers says "Unrecognized model in X. Should have a `model_type` key in its config.json." Versions before 5
    went on to look for a family's name in the path, so the same copy loads from one directory and not from another.

    Example: the config of a sentence-transformers or diffusers pipeline, or a training script's own settings.

    To mend it, add the key with the family's name; the architectures often tell it.
    """
    config = evidence.model.config
    if config.model_type:
        return
    guess = _family_of(config)
    yield model_type_missing.finding(
        f"{CONFIG_FILE} has no model_type",
        path=evidence.model.files.path(evidence.model.config.file),
        place=Place(pointer="/model_type"),
        evidence={"architectures": list(config.architectures), **({"guess": guess} if guess else {})},
        fix=f'add "model_type": "{guess}" (a guess from the architectures)' if guess else "add the family's model_type",
    )


def _family_of(config: ConfigFacts) -> str | None:
    from resolver.inspection.model_types import known_since  # noqa: PLC0415 - a table; a sound model does not need it

    for name in config.architectures:
        family = name.split("For")[0].removesuffix("Model").removesuffix("LMHead").lower()
        if family and known_since(family):
            return family
    return None


def _type_can_be_judged(evidence: Evidence) -> str | None:
    """Unknown is never a pass: why the installed transformers cannot be asked about this model_type."""
    reason = _own_code(evidence)
    if reason or not evidence.model.config.model_type:
        return reason or "there is no model_type: C303"
    installed = evidence.host.version("transformers")
    if installed is None:
        return "transformers is not installed on the machine that is judged for: R801"
    if evidence.host.model_types is not None:
        return None
    return _gap(evidence.model.config.model_type, installed)


def knows_type(evidence: Evidence) -> bool | None:
    """Whether the judged transformers has this model_type itself; None where that cannot be known."""
    model_type, installed = evidence.model.config.model_type, evidence.host.version("transformers")
    if not model_type:
        return False
    if installed is None or (evidence.host.model_types is None and _gap(model_type, installed)):
        return None
    return _is_known(evidence, model_type, installed)


def _since(evidence: Evidence) -> tuple[int, ...] | None:
    from resolver.inspection.model_types import known_since  # noqa: PLC0415 - as in `_family_of`

    return known_since(evidence.model.config.model_type or "")


def _gap(model_type: str, installed: tuple[int, ...]) -> str | None:
    from resolver.inspection.model_types import GONE, NEWEST, OLDEST, PROBED, known_since  # noqa: PLC0415 - see above

    since = known_since(model_type)
    shown = ".".join(map(str, installed))
    if installed > NEWEST and (since is None or model_type in GONE):
        return f"transformers {shown} is newer than our table of model types, and its own list was not read"
    if installed < OLDEST:
        return f"transformers {shown} is older than our table of model types"
    before = max((version for version in PROBED if since is not None and version < since), default=OLDEST)
    if since is not None and before < installed < since:
        return f"{model_type} came between transformers {_dotted(before)} and {_dotted(since)}; {shown} lies between"
    return None


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


@rule(
    "C304",
    "model-type-unknown",
    severity="error",
    requires=("C303",),
    applies=_type_can_be_judged,
    consequence="transformers stops before it opens the weights",
)
def model_type_unknown(evidence: Evidence) -> Iterator[Finding]:
    """The installed transformers does not know this model_type.

    It says "The checkpoint you are trying to load has model type `qwen3` but Transformers does not recognize this
    architecture. This could be because of an issue with the checkpoint, or because your version of Transformers is out
    of date." (4.35: KeyError: 'qwen3'), never which version would do.

    Example: a Gemma 2 under transformers 4.41. Versions are those that were looked into; the one named surely has it.

    To mend it, attach a wheel of that version, or correct a misspelt model_type.
    """
    model_type, installed = evidence.model.config.model_type, evidence.host.version("transformers")
    if model_type is None or installed is None or _is_known(evidence, model_type, installed):
        return
    from resolver.inspection.model_types import GONE, closest  # noqa: PLC0415 - see above

    since, gone = _since(evidence), GONE.get(model_type)
    facts: dict[str, Json] = {"model_type": model_type, "installed": evidence.host.packages["transformers"]}
    if since is not None:
        facts["known_since"] = _dotted(since)
    if gone is not None:
        facts["gone_in"] = _dotted(gone)
    near = closest(model_type) if since is None else None
    yield model_type_unknown.finding(
        f"transformers {evidence.host.packages['transformers']} does not know model_type {model_type!r}",
        path=evidence.model.files.path(evidence.model.config.file),
        place=Place(pointer="/model_type"),
        evidence=facts,
        fix=_type_fix(since, gone, near),
        command=_type_command(since, gone),
    )


def _is_known(evidence: Evidence, model_type: str, installed: tuple[int, ...]) -> bool:
    from resolver.inspection.model_types import GONE  # noqa: PLC0415 - see above

    if evidence.host.model_types is not None:
        return model_type in evidence.host.model_types
    since, gone = _since(evidence), GONE.get(model_type)
    return since is not None and installed >= since and (gone is None or installed < gone)


def _type_fix(since: tuple[int, ...] | None, gone: tuple[int, ...] | None, near: str | None) -> str:
    if since is None:
        spelled = f'; is it "{near}"?' if near else ""
        return f"no version that we know has this type{spelled} A model with code of its own needs an auto_map"
    if gone is not None:
        return f"install transformers from {_dotted(since)} to before {_dotted(gone)}, which dropped it"
    return f"install transformers {_dotted(since)} or newer (offline: attach its wheel as a dataset)"


def _type_command(since: tuple[int, ...] | None, gone: tuple[int, ...] | None) -> str | None:
    if since is None:
        return None
    below = f",<{_dotted(gone)}" if gone else ""
    return f"pip install --no-index --find-links WHEELS 'transformers>={_dotted(since)}{below}'"


RULES: tuple[Rule, ...] = (config_missing, config_invalid, model_type_missing, model_type_unknown)
