"""config.json and what is said beside it: the architecture's numbers, ids and labels, as written.

Does not know which of them a model can have or which version of transformers reads them.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from resolver.inspection.dimensions import DimensionFacts, read_dimensions
from resolver.inspection.fault import Fault, fault_of, kind_of
from resolver.inspection.files import Listing
from resolver.inspection.ids import generation_facts, id_kinds, label_names, special_ids
from resolver.inspection.listed import MODULES_FILE, below, lifted, read_listed, transformer_folder
from resolver.inspection.quantization import QuantizationFacts, read_quantization
from resolver.inspection.rope import RopeFacts, read_rope
from resolver.inspection.strict_json import JsonFile
from resolver.record import Record, field

if TYPE_CHECKING:
    from resolver.inspection.modules import ModulesFacts
    from resolver.inspection.remote_code import CodeFacts

CONFIG_FILE: Final = "config.json"
GENERATION_FILE: Final = "generation_config.json"
MAX_CONFIG_BYTES: Final = 16 * 1024 * 1024  # the largest honest config.json known is under 1 MB

WHOLE_NUMBERS: Final = (
    "hidden_size",
    "num_hidden_layers",
    "vocab_size",
    "num_attention_heads",
    "num_key_value_heads",
    "intermediate_size",
    "max_position_embeddings",
)
# What other families call the same number.
SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "hidden_size": ("n_embd", "d_model", "dim"),
    "num_hidden_layers": ("n_layer", "n_layers", "num_layers"),
    "num_attention_heads": ("n_head", "n_heads"),
    "num_key_value_heads": ("num_kv_heads",),
    "intermediate_size": ("n_inner", "ffn_dim", "d_ff", "hidden_dim", "ffn_hidden_size"),
    "max_position_embeddings": ("n_positions", "seq_length"),
}
EPSILONS: Final = ("_eps", "_epsilon")
NESTED: Final = ("text_config", "llm_config", "language_config")


class ConfigFacts(Record):
    """What config.json says; every attribute None or empty where it says nothing of the right type.

    Attributes:
        file: where it lies: "config.json", or below the folder of a sentence-transformers model's transformer.
        present: config.json is there, whatever is in it.
        readable: it is a JSON object.
        faults: why a file gave no object, and which fields have a type that no model takes.
        irregular: what was accepted against the JSON standard, e.g. "duplicate key 'x'".
        model_type: as written at the top.
        architectures: class names, as written.
        hidden_size, num_hidden_layers, vocab_size, num_attention_heads, num_key_value_heads, intermediate_size,
        max_position_embeddings: from the top or from the nested text_config, also under the names that older
            families use (n_embd, d_model …).
        num_labels: the number of classes that a classifier built from this has: `id2label`'s length, else
            `num_labels`, else None (transformers takes 2).
        label_names: `id2label` by id.
        special_ids: role to ids, from config.json ("bos_token_id" → (1,)); a list stays a list.
        generation_ids: the same from generation_config.json.
        id_kinds: what stands where an id of a role should, where it is neither a number, a list of them nor null:
            "pad_token_id" → "a string"; for a list of anything else or a list of pad ids "an array".
        generation: whether generation_config.json is an object; None where it is absent.
        generation_values: its settings that `ids.GENERATION_KEYS` names, as written.
        auto_map: class to "module.Class" or "owner/repo--module.Class" (several are joined by a comma).
        quantization: what is declared, None where nothing is.
        rope_theta: the base frequency, from rope_parameters too.
        rope_type: of rope_scaling or rope_parameters.
        has_rope_parameters: written in the way of transformers 5.
        rope: the rotary numbers of either way of writing them, as written; None where there are none.
        dimensions: the numbers from which memory is reckoned; None where config.json is no object.
        torch_dtype: as written, without "torch.".
        dtype_text: as written.
        tie_word_embeddings: as written.
        not_finite: the epsilons of norms that are NaN or infinite.
        transformers_version: which transformers wrote it.
        transformers_weights: the name of a weights file that it asks for.
        position_biased_input: as written (DeBERTa: whether it has a table of absolute positions).
        sections: its nested parts, e.g. "vision_config".
        modules: what modules.json of a sentence-transformers model names; None where there is none.
        code: the model's own code as `auto_map` names it, read and never run; None where nothing is named.
        opened: the files of these that a loader opens.
    """

    file: str = CONFIG_FILE
    present: bool = False
    readable: bool = False
    faults: tuple[Fault, ...] = ()
    irregular: tuple[str, ...] = ()
    model_type: str | None = None
    architectures: tuple[str, ...] = ()
    hidden_size: int | None = None
    num_hidden_layers: int | None = None
    vocab_size: int | None = None
    num_attention_heads: int | None = None
    num_key_value_heads: int | None = None
    intermediate_size: int | None = None
    max_position_embeddings: int | None = None
    num_labels: int | None = None
    label_names: Mapping[int, str] = field(default_factory=dict)
    special_ids: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    generation_ids: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    id_kinds: Mapping[str, str] = field(default_factory=dict)
    generation: bool | None = None
    generation_values: Mapping[str, Any] = field(default_factory=dict)
    auto_map: Mapping[str, str] = field(default_factory=dict)
    quantization: QuantizationFacts | None = None
    rope_theta: float | None = None
    rope_type: str | None = None
    has_rope_parameters: bool = False
    rope: RopeFacts | None = None
    dimensions: DimensionFacts | None = None
    torch_dtype: str | None = None
    dtype_text: str | None = None
    tie_word_embeddings: bool | None = None
    not_finite: tuple[str, ...] = ()
    transformers_version: str | None = None
    transformers_weights: str | None = None
    position_biased_input: bool | None = None
    sections: tuple[str, ...] = ()
    modules: "ModulesFacts | None" = None
    code: "CodeFacts | None" = None
    opened: tuple[str, ...] = ()

    def fault(self, file: str | None = None) -> Fault | None:
        """The first fault of that file, of config.json where none is named."""
        return next((fault for fault in self.faults if fault.file == (file or self.file)), None)


def read_config(files: Listing) -> ConfigFacts:
    """Read config.json and generation_config.json; raises nothing.

    Returns:
        Facts; `present` False where there is no config.json, `readable` False with a fault that carries line and
        column where it is no JSON object.
    """
    folder = transformer_folder(files)
    modules = _modules(files)
    if not folder:
        facts = _read_here(files)
        return facts if modules is None else facts.replaced(modules=modules)
    facts = _read_here(below(files, folder))
    return facts.replaced(
        modules=modules,
        file=folder + CONFIG_FILE,
        faults=lifted(facts.faults, folder),
        opened=tuple(folder + name for name in facts.opened),
    )


def _read_here(files: Listing) -> ConfigFacts:
    generation = _read(files, GENERATION_FILE)
    opened = tuple(name for name in (CONFIG_FILE, GENERATION_FILE) if files.get(name))
    read = _read(files, CONFIG_FILE)
    faults = [fault_of(GENERATION_FILE, generation)] if generation else []
    sides: dict[str, Any] = {
        "generation": generation.is_object if generation else None,
        **(generation_facts(generation.value) if generation and generation.is_object else {}),
        "opened": opened,
    }
    if read is None or not read.is_object:
        faults = [fault_of(CONFIG_FILE, read) if read else None, *faults]
        return ConfigFacts(present=read is not None, faults=_real(faults), quantization=_beside(files), **sides)
    facts = _fields(read.value)
    return ConfigFacts(
        present=True,
        readable=True,
        faults=_real([fault_of(CONFIG_FILE, read), *_wrong_types(read.value), *faults]),
        irregular=(*read.irregular, *(f"{each} in {GENERATION_FILE}" for each in generation.irregular))
        if generation
        else read.irregular,
        quantization=read_quantization(read.value, files),
        code=_code(files, facts["auto_map"]),
        **facts,
        **sides,
    )


def _modules(files: Listing) -> "ModulesFacts | None":
    if files.get(MODULES_FILE) is None:
        return None
    from resolver.inspection.modules import read_modules  # noqa: PLC0415 - only sentence-transformers has such a file

    return read_modules(files)


def _code(files: Listing, auto_map: Mapping[str, str]) -> "CodeFacts | None":
    if not auto_map:
        return None
    from resolver.inspection.remote_code import read_code  # noqa: PLC0415 - few models bring code of their own

    return read_code(files, auto_map)


def _read(files: Listing, name: str) -> JsonFile | None:
    return read_listed(files, name, max_bytes=MAX_CONFIG_BYTES) if files.get(name) else None


def _real(faults: list[Fault | None]) -> tuple[Fault, ...]:
    return tuple(fault for fault in faults if fault is not None)


def _beside(files: Listing) -> QuantizationFacts | None:
    return read_quantization({}, files)


def _fields(config: Mapping[str, Any]) -> dict[str, Any]:
    key = next((key for key in NESTED if isinstance(config.get(key), dict)), "")
    text = config[key] if key else config
    rope = _rope(text) or _rope(config)
    labels = label_names(config.get("id2label"))
    count = config.get("num_labels", config.get("_num_labels"))
    return {
        **{name: _whole(text, config, name) for name in WHOLE_NUMBERS},
        "model_type": _text(config.get("model_type")),
        "architectures": _texts(config.get("architectures")),
        "num_labels": len(labels) if labels else count if type(count) is int else None,
        "label_names": labels,
        "special_ids": {**special_ids(text), **special_ids(config)},
        "id_kinds": id_kinds(config),
        "auto_map": _auto_map(config.get("auto_map")),
        "rope_theta": _rope_theta(text, rope) or _rope_theta(config, rope),
        "rope_type": _text(rope.get("rope_type")) or _text(rope.get("type")),
        "has_rope_parameters": "rope_parameters" in text or "rope_parameters" in config,
        "rope": read_rope(config, text, key),
        "dimensions": read_dimensions(config, text),
        "not_finite": tuple(key for key, value in text.items() if key.endswith(EPSILONS) and not _is_finite(value)),
        "torch_dtype": _dtype(config) or _dtype(text),
        "dtype_text": _text(config.get("dtype", config.get("torch_dtype"))),
        "position_biased_input": _flag(config, text, "position_biased_input"),
        "sections": tuple(name for name in config if name.endswith("_config") and isinstance(config[name], dict)),
        "tie_word_embeddings": _flag(config, text, "tie_word_embeddings"),
        "transformers_version": _text(config.get("transformers_version")),
        "transformers_weights": _text(config.get("transformers_weights")),
    }


def _whole(text: Mapping[str, Any], config: Mapping[str, Any], name: str) -> int | None:
    for holder in (text, config):
        for key in (name, *SYNONYMS.get(name, ())):
            if type(holder.get(key)) is int:
                return int(holder[key])
    return None


def _wrong_types(config: Mapping[str, Any]) -> list[Fault]:
    faults = []
    expected = [(key, int) for key in WHOLE_NUMBERS] + [("model_type", str)]
    for prefix, holder in [("", config)] + [(f"/{key}", config[key]) for key in NESTED if _is_object(config, key)]:
        for key, kind in expected:
            value = holder.get(key)
            if value is not None and type(value) is not kind:
                wanted = "a whole number" if kind is int else "a string"
                faults.append(_wrong(key, kind_of(value), wanted, prefix))
    return faults


def _wrong(key: str, met: str, wanted: str, prefix: str) -> Fault:
    return Fault(CONFIG_FILE, f"{key} is {met}, not {wanted}", pointer=f"{prefix}/{key}", met=met)


def _is_object(config: Mapping[str, Any], key: str) -> bool:
    return isinstance(config.get(key), dict)


def _auto_map(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    found = {}
    for key, reference in value.items():
        names = reference if isinstance(reference, list) else [reference]
        texts = [name for name in names if isinstance(name, str)]
        if texts:
            found[key] = ",".join(texts)
    return found


def _rope(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in ("rope_parameters", "rope_scaling"):
        value = holder.get(key)
        if isinstance(value, dict):
            return value
    return {}


def _rope_theta(holder: Mapping[str, Any], rope: Mapping[str, Any]) -> float | None:
    for value in (holder.get("rope_theta"), rope.get("rope_theta")):
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _finite(value)
    return None


def _is_finite(value: Any) -> bool:
    return not isinstance(value, float) or value - value == 0


def _finite(value: float) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def _dtype(holder: Mapping[str, Any]) -> str | None:
    text = _text(holder.get("dtype")) or _text(holder.get("torch_dtype"))
    return text.removeprefix("torch.") if text else None


def _flag(config: Mapping[str, Any], text: Mapping[str, Any], key: str) -> bool | None:
    for holder in (config, text):
        if isinstance(holder.get(key), bool):
            return bool(holder[key])
    return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
