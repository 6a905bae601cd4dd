"""The failures of the field as directories: one maker a failure, what we say of it, and what the libraries do.

Numbers are those of the table of known failures (F-01 …). Where a damage of the matrix is the same failure, it is used.
"""

from __future__ import annotations

import json
import random
import shutil
import struct
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import hub_factory as hub
from adapter_damage import ADAPTERS
from damage_tools import INDEX, Scene, join, split
from damages import DAMAGES
from families import build, lora, packed
from hostile import call
from model_factory import edit_json, tiny_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Real = Literal["refuses", "wrong", "right", "unasked"]
OLD = {"torch": "2.5.1", "transformers": "4.41.2", "safetensors": "0.4.3", "tokenizers": "0.19.1", "peft": "0.11.1"}
OLD |= {"huggingface-hub": "0.23.0", "accelerate": "0.30.0", "numpy": "1.26.4"}
NEWER = {"torch": "2.6.0", "transformers": "4.57.6", "safetensors": "0.6.2", "tokenizers": "0.22.1", "peft": "0.17.1"}
NEWER |= {"huggingface-hub": "0.36.0", "accelerate": "1.10.0", "numpy": "1.26.4"}


class Case(NamedTuple):
    """One failure.

    Attributes:
        number: F-nn.
        make: makes the directory below a place and returns it.
        code: ours.
        names: what the finding has to name: a file, mostly.
        real: what the installed libraries do; "unasked" where another version, device or network would have to.
        said: words of theirs.
        severity, purpose, level: of the finding, and what is asked.
        packages: another machine's, laid over this one's.
        adapter: the directory that `make` returns is an adapter of the model at "base" beside it.
        auto: the class that is asked of transformers.
        batch: the rows are padded to one batch.
    """

    number: int
    make: Callable[[Path], Path]
    code: str
    names: str
    real: Real = "refuses"
    said: str = ""
    severity: str = "error"
    purpose: str = "load"
    level: str = "quick"
    packages: Mapping[str, str] | None = None
    adapter: bool = False
    auto: str = "AutoModelForCausalLM"
    batch: bool = False


def damaged(damage: str, family: str = "llama", **options: Any) -> Callable[[Path], Path]:
    """A maker that does one damage of the matrix."""

    def make(place: Path) -> Path:
        root = build(place / "model", family, **options)
        wide = build(place / "wide", "llama_wide", **options)
        touched = DAMAGES[damage](Scene(root, random.Random(7), (wide, wide)))  # noqa: S311 - repeatable
        if touched is None:
            raise ValueError(f"{damage} cannot be done to {family} {options}")
        return root

    make.good = lambda place: build(place, family, **options)
    return make


def damaged_adapter(damage: str) -> Callable[[Path], Path]:
    """A maker of an adapter for a classifier, damaged; its base lies beside it."""

    def make(place: Path) -> Path:
        root = lora(place / "adapter", build(place / "base", "llama"), task="SEQ_CLS")
        ADAPTERS[damage](Scene(root, random.Random(7)))  # noqa: S311 - as above
        return root

    return make


def edited(name: str, change: Callable[[Any], Any], family: str = "llama", **options: Any) -> Callable[[Path], Path]:
    """A maker that changes one JSON file."""

    def make(place: Path) -> Path:
        root = build(place / "model", family, **options)
        edit_json(root / name, change)
        return root

    return make


def gguf_alone(place: Path) -> Path:
    root = place / "model"
    root.mkdir(parents=True)
    (root / "model-q4.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 0) + bytes(64))
    return root


def incomplete_snapshot(place: Path) -> Path:
    """A snapshot of which one file never came; only the list of the revision's files tells."""
    made = build(place / "made", "llama", classifier=True)
    return hub.cached(place / "hub", made, without={"tokenizer_config.json"})


def truncated_blob(place: Path) -> Path:
    snapshot = hub.cached(place / "hub", tiny_model(place / "made", weights="bin"))
    blob = (snapshot / "pytorch_model.bin").resolve()
    blob.write_bytes(blob.read_bytes()[:-100])
    return snapshot


def header_bomb(place: Path) -> Path:
    root = build(place / "model", "llama")
    name = json.dumps({"a" * 50: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})
    text = name.encode() + b" " * (90 * 2**20)
    (root / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(4))
    return root


def tensor_named_twice(place: Path) -> Path:
    """The same place under the same name with two shapes: the last one wins."""
    root = build(place / "model", "llama")
    file = root / "model.safetensors"
    header, payload = split(file.read_bytes())
    first = dict(header["lm_head.weight"], shape=[*reversed(header["lm_head.weight"]["shape"])])
    text = json.dumps(header)
    file.write_bytes(join(f'{{"lm_head.weight": {json.dumps(first)}, {text[1:]}', payload))
    return root


def pad_that_ends(place: Path) -> Path:
    """pad and eos are one token, in the tokenizer and in the config."""
    root = build(place / "model", "llama", classifier=True)
    edit_json(root / "tokenizer_config.json", lambda told: told.update(pad_token=told["eos_token"]))
    edit_json(root / "config.json", lambda config: config.update(pad_token_id=config["eos_token_id"]))
    return root


def pickled_weights(place: Path) -> Path:
    return tiny_model(place / "model", weights="bin")


def weights_of_a_variant(place: Path) -> Path:
    root = build(place / "model", "llama")
    (root / "model.safetensors").rename(root / "model.fp16.safetensors")
    return root


def llama_3_1(place: Path) -> Path:
    scaling = {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }  # fmt: skip
    root = build(place / "model", "llama")

    def change(config: Any) -> None:
        config.pop("rope_parameters")
        config.update(rope_theta=500000.0, rope_scaling=scaling)

    edit_json(root / "config.json", change)
    return root


def code_that_is_needed(place: Path) -> Path:
    root = build(place / "model", "llama")
    own = {"AutoConfig": "configuration_x.XConfig", "AutoModelForCausalLM": "modeling_x.XForCausalLM"}
    edit_json(root / "config.json", lambda config: config.update(model_type="x_of_its_own", auto_map=own))
    return root


def code_that_imports_what_is_not_there(place: Path) -> Path:
    root = code_that_is_needed(place)
    (root / "configuration_x.py").write_text(
        "from transformers import PretrainedConfig\nclass XConfig(PretrainedConfig): ...\n"
    )
    (root / "modeling_x.py").write_text("import nobodys_kernels\nclass XForCausalLM: ...\n")
    return root


def two_templates(place: Path) -> Path:
    root = build(place / "model", "llama")
    (root / "chat_template.jinja").write_text("{% for m in messages %}[{{ m['content'] }}]{% endfor %}")
    return root


def endless_template(place: Path) -> Path:
    root = build(place / "model", "llama")
    loops = "".join(f"{{% for a{n} in range(99999) %}}" for n in range(4)) + "{% endfor %}" * 4
    (root / "chat_template.jinja").write_text(loops)
    return root


def adapter_of_a_gone_base(place: Path) -> Path:
    root = lora(place / "adapter", build(place / "base", "llama"))
    shutil.rmtree(place / "base")
    return root


def adapter_without_alpha(place: Path) -> Path:
    """peft takes 8 where none is written."""
    root = lora(place / "adapter", build(place / "base", "llama"), task="SEQ_CLS")
    edit_json(root / "adapter_config.json", lambda config: config.pop("lora_alpha") and None)
    return root


def hostile_in_safetensors_clothes(place: Path) -> Path:
    root = build(place / "model", "llama")
    (root / "model.safetensors").write_bytes(call("os.system"))
    return root


def nested_json(place: Path) -> Path:
    return damaged("config.deep-nesting")(place)


def sentence_model_in_parts(place: Path) -> Path:
    root = build(place / "model", "bert")
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    (root / "modules.json").write_text(json.dumps(modules))
    return root


def without_shard_of_the_snapshot(place: Path) -> Path:
    return hub.cached(
        place / "hub", build(place / "made", "llama", sharded=True), without={"model-00002-of-00004.safetensors"}
    )


SHARDED: dict[str, Any] = {"sharded": True}
SEQ = "AutoModelForSequenceClassification"
CASES: tuple[Case, ...] = (
    # A. Finding the directory (F-01 to F-05 and F-07 are references and have tests of their own below).
    Case(6, incomplete_snapshot, "I903", "tokenizer_config.json", purpose="score", auto=SEQ, batch=True),
    Case(6, without_shard_of_the_snapshot, "W102", "model-00002-of-00004.safetensors"),
    Case(6, truncated_blob, "I902", "pytorch_model.bin", auto="AutoModelForCausalLM"),
    Case(8, damaged("files.link-to-nothing"), "F006", "model.safetensors", said="no file named"),
    Case(11, damaged("config.drop-config"), "C301", "config.json", said="Unrecognized model"),
    Case(11, gguf_alone, "C301", "GGUF"),
    Case(13, damaged("files.directory-for-weights"), "W101", "model"),
    # B. Weights.
    Case(14, damaged("bytes.pointer-for-weights"), "F002", "model.safetensors", said="header too large"),
    Case(14, damaged("bytes.page-for-weights"), "F003", "model.safetensors", said="header too large"),
    Case(14, damaged("bytes.refusal-for-weights"), "F003", "model.safetensors"),
    Case(14, damaged("bytes.pickle-for-weights"), "S601", "model.safetensors"),
    Case(14, damaged("bytes.zip-for-weights"), "F003", "model.safetensors"),
    Case(15, damaged("bytes.empty-weights"), "F004", "model.safetensors", said="header too small"),
    Case(16, damaged("bytes.truncate-payload"), "W103", "model.safetensors", said="not fully covered"),
    Case(16, damaged("bytes.append-bytes"), "W103", "model.safetensors", said="not fully covered"),
    Case(17, damaged("weights.drop-weights"), "W101", "model", said="no file named model.safetensors"),
    Case(18, damaged("weights.drop-weights", **SHARDED), "W102", "of-00004.safetensors", said="No such file"),
    Case(19, damaged("weights.drop-index", **SHARDED), "W112", "of-00004.safetensors", said="no file named"),
    Case(20, edited(INDEX, lambda index: index.pop("metadata") and None, **SHARDED), "W106", INDEX, said="metadata"),
    Case(20, edited(INDEX, lambda index: index.pop("weight_map") and None, **SHARDED), "W106", INDEX, said="weight_map"),
    Case(21, damaged("weights.total-size-of-another", **SHARDED), "W110", INDEX, "right", severity="info"),
    Case(21, damaged("weights.move-index-entry", **SHARDED), "W107", INDEX, "right", severity="warning"),
    Case(21, damaged("weights.swap-shards", **SHARDED), "W107", INDEX, "right", severity="warning"),
    Case(22, damaged("weights.drop-tensor", **SHARDED), "W107", INDEX, "wrong", level="standard"),
    Case(22, damaged("config.more-layers"), "W114", "config.json", "wrong", level="standard"),
    Case(22, damaged("weights.drop-head"), "W121", "config.json", "wrong", level="standard"),
    Case(23, damaged("weights.stale-single-file", **SHARDED), "W109", "model.safetensors", "wrong"),
    Case(24, damaged("files.index-leaves-the-directory", **SHARDED), "S604", INDEX, "right"),
    Case(25, tensor_named_twice, "W105", "model.safetensors", "right", severity="warning"),
    Case(26, damaged("weights.zero-tensor"), "W119", "model.safetensors", "wrong", severity="warning", level="deep"),
    Case(26, damaged("weights.not-a-number"), "W118", "model.safetensors", "wrong", level="deep"),
    Case(26, damaged("files.holes-for-weights"), "F007", "model.safetensors", "wrong", severity="warning"),
    Case(27, pickled_weights, "W120", "pytorch_model.bin", "unasked", packages={**NEWER, "torch": "2.5.1"}),
    Case(28, weights_of_a_variant, "W101", "model.fp16.safetensors", said="no file named"),
    Case(29, header_bomb, "S605", "model.safetensors", "unasked"),  # it takes seconds and gigabytes there
    Case(30, damaged("bytes.move-offset"), "W104", "model.safetensors"),
    # C. Config.
    Case(31, damaged("bytes.page-for-config"), "F003", "config.json", said="not a valid JSON"),
    Case(31, damaged("bytes.truncate-config"), "C302", "config.json", said="not a valid JSON"),
    Case(31, damaged("bytes.pointer-for-config"), "F002", "config.json", said="not a valid JSON"),
    Case(32, damaged("config.unknown-family"), "C304", "config.json", said="does not recognize this architecture"),
    Case(32, damaged("config.no-family"), "C303", "config.json", said="model_type"),
    Case(32, lambda place: build(place / "model", "gemma2"), "C304", "config.json", "unasked", packages=OLD),
    Case(33, llama_3_1, "C306", "config.json", "unasked", packages=OLD),
    Case(34, damaged("config.other-rope-theta"), "C305", "config.json", "unasked", packages=NEWER),
    Case(35, damaged("config.other-intermediate-size"), "W116", "config.json", level="standard", said="ignore_mismatched_sizes"),
    Case(35, damaged("config.other-hidden-size", "bert"), "W116", "config.json", level="standard", auto="AutoModelForMaskedLM"),
    Case(36, damaged("config.more-layers", "qwen3"), "W114", "config.json", "wrong", level="standard"),
    Case(36, damaged("config.fewer-layers", "mistral"), "W115", "config.json", "wrong", level="standard"),
    Case(37, damaged("weights.store-head-beside-tie", "qwen2"), "W121", "config.json", "wrong", severity="warning"),
    Case(37, damaged("config.turn-tie", "qwen2"), "W121", "config.json", "wrong"),
    Case(38, damaged("config.size-as-text"), "C302", "config.json", said="Strict"),
    Case(38, damaged("config.pad-beyond-vocabulary"), "C311", "config.json"),
    Case(38, damaged("config.eos-beyond-vocabulary"), "C311", "config.json", "right", severity="warning"),
    Case(39, code_that_is_needed, "S603", "modeling_x.py"),
    Case(40, code_that_imports_what_is_not_there, "S603", "modeling_x.py", severity="warning"),
    Case(42, lambda place: packed(place / "model", build(place / "made", "llama"), "gptq"), "C309", "config.json"),
    Case(42, lambda place: packed(place / "model", build(place / "made", "llama"), "awq"), "C309", "config.json"),
    # D. Tokenizer.
    Case(44, damaged("bytes.pointer-for-tokenizer"), "F002", "tokenizer.json"),
    Case(44, damaged("bytes.page-for-tokenizer"), "F003", "tokenizer.json"),
    Case(44, damaged("bytes.truncate-tokenizer"), "T202", "tokenizer.json"),
    Case(44, damaged("tokenizer.bad-merge"), "T202", "tokenizer.json"),
    Case(44, damaged("tokenizer.without-added-tokens"), "T202", "tokenizer.json", said="added_tokens", level="standard"),
    Case(45, damaged("tokenizer.drop-both"), "T201", "tokenizer", said="Couldn't instantiate"),
    Case(46, damaged("tokenizer.unknown-class"), "T203", "tokenizer_config.json", "right", severity="warning"),
    Case(46, damaged("tokenizer.unknown-class"), "T203", "tokenizer_config.json", "unasked", packages=NEWER),
    Case(47, damaged("tokenizer.token-beyond-rows"), "T205", "tokenizer.json", said="index out of range"),
    Case(47, damaged("tokenizer.another-class"), "T205", "tokenizer.json", level="standard", said="index out of range"),
    Case(47, damaged("tokenizer.special-of-nowhere"), "T206", "tokenizer_config.json", said="index out of range"),
    Case(48, damaged("tokenizer.without-pad", classifier=True), "T208", "tokenizer_config.json", severity="warning",
         purpose="score", auto=SEQ, batch=True, said="Asking to pad"),
    Case(49, pad_that_ends, "T209", "config.json", "right", severity="warning", purpose="score", auto=SEQ),
    Case(51, two_templates, "T212", "chat_template.jinja", "right", severity="info"),
    Case(52, endless_template, "T213", "chat_template.jinja", "unasked", level="standard"),
    Case(52, damaged("tokenizer.template-that-escapes"), "T213", "chat_template.jinja", "right", level="standard"),
    # E. Adapters.
    Case(55, damaged_adapter("adapter.key-of-a-newer-peft"), "A406", "adapter_config.json", "unasked", purpose="score",
         packages=OLD, adapter=True),
    Case(56, damaged_adapter("adapter.drop-config"), "A401", "adapter", purpose="score", adapter=True, auto=SEQ,
         said="Can't find 'adapter_config.json'"),
    Case(56, damaged_adapter("adapter.drop-weights"), "A402", "adapter_model.safetensors", purpose="score",
         adapter=True, auto=SEQ),
    Case(57, adapter_of_a_gone_base, "A403", "adapter_config.json"),
    Case(58, damaged_adapter("adapter.wrong-prefix"), "A409", "adapter", purpose="score", adapter=True, auto=SEQ),
    Case(59, damaged_adapter("adapter.without-head"), "A408", "adapter_model.safetensors", purpose="score",
         adapter=True, auto=SEQ, said="KeyError"),
    Case(60, damaged_adapter("adapter.other-rank"), "A405", "adapter", purpose="score", adapter=True, auto=SEQ,
         said="size mismatch"),
    Case(61, adapter_without_alpha, "A410", "adapter_config.json", "right", severity="warning", purpose="score",
         adapter=True, auto=SEQ),
    Case(62, damaged_adapter("adapter.task-of-a-language-model"), "A407", "adapter_config.json", purpose="score",
         adapter=True, auto=SEQ, said="prepare_inputs_for_generation"),
    # G. Safety.
    Case(78, damaged("files.hostile-weights-instead"), "S601", "pytorch_model.bin"),
    Case(78, damaged("files.hostile-leftover"), "S601", "training_args.bin", "right", severity="warning"),
    Case(78, hostile_in_safetensors_clothes, "S601", "model.safetensors"),
    Case(79, damaged("files.link-out-of-the-directory"), "S604", "model.safetensors", "right", severity="warning"),
    Case(80, gguf_alone, "W113", "model-q4.gguf"),
    Case(81, nested_json, "C302", "config.json"),
    Case(89, sentence_model_in_parts, "C315", "1_Pooling", "right", auto="AutoModelForMaskedLM"),
)  # fmt: skip
