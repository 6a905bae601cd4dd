"""C, continued: special ids outside the vocabulary, and a generation_config.json that transformers does not take."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from resolver.finding import Finding, Json, Place, Severity
from resolver.inspection.config import GENERATION_FILE
from resolver.rules.foreign import foreign
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import quoted

# Types of transformers 5.23 whose embeddings do not get pad_token_id: built on the meta device with an id of 10**8.
LENIENT: Final = frozenset(
    {"bloom", "blt", "canine", "codegen", "cpmant", "ctrl", "esmc", "falcon", "falcon_mamba", "gpt-sw3", "gpt2",
     "gpt_bigcode", "gpt_neo", "gpt_neox", "gpt_neox_japanese", "gptj", "ibert", "mamba", "mamba2", "mpnet", "mpt",
     "mt5", "nemotron_h", "neomme", "openai-gpt", "perceiver", "reformer", "rwkv", "t5", "umt5", "xlnet", "xlstm"}
)  # fmt: skip
# Those that were seen to stop at it.
STRICT: Final = frozenset(
    {"albert", "apertus", "bart", "bert", "biogpt", "camembert", "cohere", "cohere2", "deberta", "deberta-v2",
     "deepseek_v2", "deepseek_v3", "distilbert", "electra", "ernie", "eurobert", "gemma", "gemma2", "gemma3_text",
     "glm", "glm4", "gpt_oss", "granite", "granitemoe", "helium", "internlm3", "jamba", "layoutlm", "lfm2", "llama",
     "longformer", "mbart", "ministral", "mistral", "mixtral", "mobilebert", "modernbert", "modernbert-decoder",
     "nemotron", "olmo", "olmo2", "olmo3", "olmoe", "opt", "pegasus", "persimmon", "phi", "phi3", "phimoe", "qwen2",
     "qwen2_moe", "qwen3", "qwen3_moe", "qwen3_next", "recurrent_gemma", "rembert", "roberta", "roformer", "seed_oss",
     "smollm3", "squeezebert", "stablelm", "starcoder2", "xlm", "xlm-roberta", "xlm-roberta-xl"}
)  # fmt: skip


def _rows_known(evidence: Evidence) -> str | None:
    config = evidence.model.config
    if not config.readable:
        return "config.json was not read"
    return None if _rows(evidence) or config.id_kinds else "how many rows the embeddings have is not known"


def _rows(evidence: Evidence) -> int | None:
    """The rows that transformers builds the embeddings with: vocab_size, else those that are stored."""
    from resolver.rules.embeddings import embedding_rows  # noqa: PLC0415 - only where vocab_size is absent

    if evidence.model.config.vocab_size is not None:
        return evidence.model.config.vocab_size
    stored = embedding_rows(evidence)
    return None if stored is None else stored.number


class Outside(NamedTuple):
    """An id outside the embeddings: the file and the key that say it, and how grave that is."""

    file: str
    role: str
    number: int
    severity: Severity


@rule(
    "C311",
    "special-id-out-of-range",
    severity="error",
    requires=("C302",),
    applies=_rows_known,
    consequence="transformers stops when it builds the embeddings",
)
def special_id_out_of_range(evidence: Evidence) -> Iterator[Finding]:
    """A special id of config.json or generation_config.json lies outside the vocabulary, or is no id at all.

    The embeddings are built with pad_token_id: one that has no row ends in "AssertionError: Padding_idx must be within
    num_embeddings", before any weight is read, in every version tried (4.41, 4.57, 5.23). A small negative one counts
    from the end and loads. GPT-2, GPT-NeoX, Falcon, BLOOM and T5 do not look at it: there it is a warning, as bos and
    eos are everywhere: they load, and generation never meets its end. An id written as a string, or a list of pad
    ids, stops the configuration itself.

    Example: pad_token_id 128256 for a Llama 3 whose embeddings have 128256 rows: the pad token was added to the
    tokenizer, and the embeddings were not resized.

    To mend it, set an id below the number of rows, or resize the embeddings and save the model again.
    """
    config, rows = evidence.model.config, _rows(evidence)
    for role, kind in config.id_kinds.items():
        severity = _kind_severity(evidence, role)
        if severity is not None:
            yield _found(evidence, config.file, role, f"{role} is {kind}, not an id", {"met": kind}, severity)
    for each in _outside(evidence, rows) if rows else ():
        facts: dict[str, Json] = {"id": each.number, "rows": rows}
        yield _found(
            evidence, each.file, each.role, f"{each.role} {each.number} has no row of {rows:,}", facts, each.severity
        )


def _found(  # noqa: PLR0917 - the parts of one finding, in their order
    evidence: Evidence, file: str, role: str, message: str, facts: Mapping[str, Json], severity: Severity
) -> Finding:
    later = "" if severity == "error" else "it loads; what meets this id later reads no row, or never sees the end"
    return special_id_out_of_range.finding(
        message,
        path=evidence.model.files.path(file),
        place=Place(pointer=f"/{role}"),
        evidence=facts,
        consequence=later or None,
        fix=f"set {role} to an id of the tokenizer that has a row, then check again",
        command=f"resolver check {quoted(evidence.model.root)}",
        severity=severity,
    )


def _kind_severity(evidence: Evidence, role: str) -> Severity | None:
    """A wrong kind stops 5.x at every role, 4.x at the pad token; a class of the model's own decides for itself."""
    installed, config = evidence.host.version("transformers"), evidence.model.config
    if installed is None or config.model_type not in STRICT or "AutoConfig" in config.auto_map:
        return None
    return "error" if installed >= (5, 0, 0) or role == "pad_token_id" else "warning"


def _outside(evidence: Evidence, rows: int) -> Iterator[Outside]:
    config = evidence.model.config
    for role, ids in config.special_ids.items():
        for number in ids:
            if role == "pad_token_id":
                if number >= rows or number < -rows:
                    yield Outside(config.file, role, number, "error" if config.model_type in STRICT else "warning")
            elif number >= rows:
                yield Outside(config.file, role, number, "warning")
    folder = config.file.rpartition("/")[0]
    for role, ids in config.generation_ids.items():
        for number in ids:
            if number >= rows and number not in config.special_ids.get(role, ()):
                yield Outside(f"{folder}/{GENERATION_FILE}" if folder else GENERATION_FILE, role, number, "warning")


def _generation_there(evidence: Evidence) -> str | None:
    config = evidence.model.config
    if config.generation is None:
        return Moot(f"there is no {GENERATION_FILE}")
    if evidence.host.version("transformers") is None:
        return "transformers is not installed on the machine that is judged for: R801"
    return foreign(evidence.model.files, _generation_file(evidence))


def _generation_file(evidence: Evidence) -> str:
    folder = evidence.model.config.file.rpartition("/")[0]
    return f"{folder}/{GENERATION_FILE}" if folder else GENERATION_FILE


@rule(
    "C313",
    "generation-config-invalid",
    severity="error",
    requires=("C302",),
    applies=_generation_there,
    consequence="a model that generates does not load: transformers reads this file before the weights are handed out",
)
def generation_config_invalid(evidence: Evidence) -> Iterator[Finding]:
    """generation_config.json cannot be read, or holds settings that transformers refuses.

    What is no JSON is passed over in silence, and with it the stop tokens that stand there. What is no object, or has
    a setting that can never work, stops a causal model at load: "`max_new_tokens` must be greater than 0, but is -1.",
    "Greedy methods (do_sample != True) without beam search do not support `num_return_sequences` different than 1".
    A classifier does not read the file: there it is a warning. Sampling numbers without do_sample load everywhere and
    stop version 4 when it saves: "GenerationConfig is invalid: `temperature`: `do_sample` is set to `False`". Ids that
    differ from those of config.json are T207.

    Example: {"do_sample": false, "temperature": 0.6} in a model that is to be fine-tuned with transformers 4.57.

    To mend it, correct or delete the setting; without the file transformers takes what config.json says.
    """
    file, config = _generation_file(evidence), evidence.model.config
    stops: Severity = "error" if _generates(evidence) else "warning"
    fault = config.fault(file) or config.fault(GENERATION_FILE)
    if fault is not None:
        line = Place(line=fault.line) if fault.line else None
        kept = "it is passed over in silence: stop tokens and settings that stand only there are lost"
        whole = fault.pointer == ""
        yield _refused(
            evidence,
            f"{GENERATION_FILE} {_joined(fault.message)}",
            line,
            {},
            None if whole else kept,
            stops if whole else "warning",
        )
        return
    for key, why in _impossible(config.generation_values):
        value: Json = config.generation_values[key] if _plain(config.generation_values[key]) else None
        yield _refused(evidence, f"{key} {why}", Place(pointer=f"/{key}"), {key: value}, None, stops)
    unused = [*_unused(config.generation_values)]
    if unused and (evidence.host.version("transformers") or (5,)) < (5, 0, 0):
        said = f"{', '.join(unused)} without do_sample or beams, to which they belong"
        late = "it loads and generates; save_pretrained() raises a ValueError, at the end of a training run"
        yield _refused(evidence, said, Place(pointer=f"/{unused[0]}"), {"unused": [*unused]}, late, "warning")


def _joined(message: str) -> str:
    return message if message.startswith(("is ", "begins ")) else f"is {message}"


def _plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _refused(  # noqa: PLR0917 - as `_found`
    evidence: Evidence,
    message: str,
    place: Place | None,
    facts: Mapping[str, Json],
    consequence: str | None,
    severity: Severity,
) -> Finding:
    if consequence is None and severity == "warning":
        consequence = "a classifier does not read this file; a causal model of it would not load"
    return generation_config_invalid.finding(
        message,
        path=evidence.model.files.path(_generation_file(evidence)),
        place=place,
        evidence=facts,
        consequence=consequence,
        fix="correct it there, or delete the file: transformers then takes what config.json says",
        severity=severity,
    )


def _generates(evidence: Evidence) -> bool:
    """Whether this purpose builds a class that generates; a classifier never reads the file."""
    if evidence.intent.purpose != "load":
        return evidence.intent.purpose == "score" and evidence.intent.head == "tokens"
    return any(
        "CausalLM" in each or "LMHead" in each or "ConditionalGeneration" in each
        for each in evidence.model.config.architectures
    )


def _impossible(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Settings that 4.57 and 5.23 were seen to refuse when they read the file."""
    longest = values.get("max_new_tokens")
    if type(longest) is int and longest <= 0:
        yield "max_new_tokens", f"is {longest}; it has to be above 0"
    early = values.get("early_stopping")
    if early is not None and not isinstance(early, bool) and early != "never":
        yield "early_stopping", 'is neither true, false nor "never"'
    several, beams = values.get("num_return_sequences"), values.get("num_beams", 1)
    if type(several) is int and several > 1 and beams == 1 and values.get("do_sample") is not True:
        yield "num_return_sequences", f"is {several} without sampling or beams, which give one answer"


def _unused(values: Mapping[str, Any]) -> Iterator[str]:
    """Sampling numbers that differ from their defaults where nothing is sampled; 4.x counts them as invalid."""
    if values.get("do_sample") is not True:
        for key, default in (("temperature", 1.0), ("top_p", 1.0), ("min_p", None), ("typical_p", 1.0), ("top_k", 50)):
            if values.get(key, default) is not None and values.get(key, default) != default:
                yield key
    if values.get("num_beams", 1) == 1 and values.get("length_penalty", 1.0) not in (None, 1.0):
        yield "length_penalty"


RULES: tuple[Rule, ...] = (special_id_out_of_range, generation_config_invalid)
