"""Tiny models for tests: real headers without any library, and real ones that transformers itself has written.

Two doors. `model_dir` and `write_*` need nothing but the standard library and write a Llama that transformers loads.
`tiny_model` builds with transformers and tokenizers, for tests in which the real library is the judge; each kind is
built once a process and copied.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import math
import random
import shutil
import struct
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Literal

Family = Literal["llama", "bert"]
Tensors = Mapping[str, tuple[str, tuple[int, ...], bytes | None]]

BITS = {"F64": 64, "I64": 64, "F32": 32, "I32": 32, "F16": 16, "BF16": 16, "I16": 16, "U8": 8, "I8": 8, "BOOL": 8}
LLAMA_CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "vocab_size": 64,
    "max_position_embeddings": 64,
    "rope_theta": 10000.0,
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 3,
    "tie_word_embeddings": False,
    "dtype": "float32",
}


# --- without a library -------------------------------------------------------------------------------------------


def header_bytes(header: object, *, pad: bool = True) -> bytes:
    """The length and the JSON header, as they stand at the beginning of a safetensors file."""
    text = json.dumps(header, separators=(",", ":")).encode()
    if pad:
        text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def tensor_bytes(dtype: str, shape: tuple[int, ...]) -> int:
    """Bytes that a tensor takes."""
    return math.prod(shape) * BITS[dtype] // 8


def _content(name: str, dtype: str, shape: tuple[int, ...]) -> bytes:
    size = tensor_bytes(dtype, shape)
    seed = random.Random(name)  # noqa: S311 - repeatable weights, not secrets
    count = math.prod(shape)
    if dtype == "F32":
        return struct.pack(f"<{count}f", *(seed.gauss(0, 0.05) for _ in range(count)))
    if dtype == "F16":
        return struct.pack(f"<{count}e", *(seed.gauss(0, 0.05) for _ in range(count)))
    return bytes(size)


def write_safetensors(
    path: Path, tensors: Tensors, *, metadata: Mapping[str, str] | None = None, sparse: bool = False
) -> Path:
    """Write a whole, valid file; a tensor's bytes of None are made from its name. `sparse` writes holes for data."""
    header: dict[str, Any] = {"__metadata__": dict(metadata or {"format": "pt"})}
    at = 0
    for name, (dtype, shape, _) in tensors.items():
        size = tensor_bytes(dtype, shape)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    head = header_bytes(header)
    with path.open("wb") as stream:
        stream.write(head)
        if sparse:
            stream.truncate(len(head) + at)
            return path
        for name, (dtype, shape, data) in tensors.items():
            stream.write(_content(name, dtype, shape) if data is None else data)
    return path


def write_index(path: Path, weight_map: Mapping[str, str], *, total_size: float | None = 0, **extra: object) -> Path:
    """Write an index; `path` is the file itself. `total_size` None leaves it out of the metadata."""
    metadata = {} if total_size is None else {"total_size": total_size}
    path.write_text(json.dumps({"metadata": metadata, "weight_map": dict(weight_map), **extra}, indent=2))
    return path


def llama_tensors(config: Mapping[str, Any] = LLAMA_CONFIG, *, dtype: str = "F32", head: bool = True) -> Tensors:
    """Names, dtype and shapes of a causal Llama of that config, in the order in which layers stand."""
    hidden, inner, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    heads = config["num_attention_heads"]
    kv = hidden // heads * config["num_key_value_heads"]
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (vocab, hidden)}
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        shapes |= {
            f"{at}.input_layernorm.weight": (hidden,),
            f"{at}.mlp.down_proj.weight": (hidden, inner),
            f"{at}.mlp.gate_proj.weight": (inner, hidden),
            f"{at}.mlp.up_proj.weight": (inner, hidden),
            f"{at}.post_attention_layernorm.weight": (hidden,),
            f"{at}.self_attn.k_proj.weight": (kv, hidden),
            f"{at}.self_attn.o_proj.weight": (hidden, hidden),
            f"{at}.self_attn.q_proj.weight": (hidden, hidden),
            f"{at}.self_attn.v_proj.weight": (kv, hidden),
        }
    shapes["model.norm.weight"] = (hidden,)
    if head:
        shapes["lm_head.weight"] = (vocab, hidden)
    return {name: (dtype, shape, None) for name, shape in shapes.items()}


def write_tokenizer(root: Path, *, vocab_size: int = 64) -> None:
    """A word-level tokenizer of `vocab_size` tokens: tokenizer.json and tokenizer_config.json."""
    special = ["<unk>", "<s>", "</s>", "<pad>"]
    vocab = {token: at for at, token in enumerate(special + [f"word{n}" for n in range(vocab_size - len(special))])}
    added = [
        {"id": at, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": True}
        for at, token in enumerate(special)
    ]  # fmt: skip
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "<unk>"},
    }
    (root / "tokenizer.json").write_text(json.dumps(tokenizer))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 64,
        "unk_token": "<unk>",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "pad_token": "<pad>",
    }
    (root / "tokenizer_config.json").write_text(json.dumps(settings))


def model_dir(
    root: Path,
    *,
    shards: int = 1,
    without: Collection[int] = (),
    config: Mapping[str, Any] | None = None,
    tensors: Tensors | None = None,
    tokenizer: bool = True,
    index: bool = True,
    sparse: bool = False,
) -> Path:
    """A causal Llama that transformers loads, written without any library.

    Args:
        root: the directory to make; parents too.
        shards: 1 gives model.safetensors, more give N-of-M files and an index.
        without: numbers of shards, from 1, that are not written although the index names them.
        config: keys laid over `LLAMA_CONFIG`.
        tensors: other tensors than the config implies.
        tokenizer: whether to write tokenizer.json and tokenizer_config.json.
        index: whether several shards get their index.
        sparse: weights as holes: a model of any size that takes no disk.
    """
    root.mkdir(parents=True, exist_ok=True)
    settings = {**LLAMA_CONFIG, **(config or {})}
    (root / "config.json").write_text(json.dumps(settings, indent=2))
    chosen = llama_tensors(settings) if tensors is None else tensors
    if tokenizer:
        write_tokenizer(root, vocab_size=min(settings["vocab_size"], 64))
    if shards == 1:
        write_safetensors(root / "model.safetensors", chosen, sparse=sparse)
        return root
    names = list(chosen)
    weight_map: dict[str, str] = {}
    for number in range(1, shards + 1):
        file = f"model-{number:05d}-of-{shards:05d}.safetensors"
        mine = names[(number - 1) * len(names) // shards : number * len(names) // shards]
        weight_map |= dict.fromkeys(mine, file)
        if number not in without:
            write_safetensors(root / file, {name: chosen[name] for name in mine}, sparse=sparse)
    if index:
        total = sum(tensor_bytes(dtype, shape) for dtype, shape, _ in chosen.values())
        write_index(root / "model.safetensors.index.json", weight_map, total_size=total)
    return root


def adapter_dir(
    root: Path,
    *,
    base: Path | str = "org/base",
    head: bool = False,
    rank: int = 4,
    wide: int = 16,
    prefix: str = "",
    settings: Mapping[str, Any] | None = None,
    without: Collection[str] = (),
) -> Path:
    """A LoRA adapter over q_proj of the two layers of `model_dir`'s Llama, as peft saves it, written without a library.

    Args:
        root: the directory to make.
        base: what it names as its base.
        head: a SEQ_CLS adapter with three labels.
        rank, wide: of the matrices, whatever the configuration says.
        prefix: more of it before each module's name.
        settings: keys laid over the configuration.
        without: files or keys of the configuration that are left out.
    """
    root.mkdir(parents=True, exist_ok=True)
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(2):
        module = f"base_model.model.{prefix}model.layers.{layer}.self_attn.q_proj"
        shapes |= {f"{module}.lora_A.weight": (rank, wide), f"{module}.lora_B.weight": (wide, rank)}
    if head:
        shapes["base_model.model.score.weight"] = (3, wide)
    config = {
        "base_model_name_or_path": str(base),
        "lora_alpha": 8,
        "modules_to_save": ["score"] if head else None,
        "peft_type": "LORA",
        "r": 4,
        "target_modules": ["q_proj"],
        "task_type": "SEQ_CLS" if head else "CAUSAL_LM",
        **(settings or {}),
    }
    if "adapter_model.safetensors" not in without:
        write_safetensors(
            root / "adapter_model.safetensors", {name: ("F32", shape, None) for name, shape in shapes.items()}
        )
    if "adapter_config.json" not in without:
        kept = {key: value for key, value in config.items() if key not in without}
        (root / "adapter_config.json").write_text(json.dumps(kept, indent=2))
    return root


def lfs_pointer(size_bytes: int = 4_976_698_672, seed: str = "weights") -> str:
    """The text of a Git LFS pointer."""
    oid = hashlib.sha256(seed.encode()).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size_bytes}\n"


def edit_json(path: Path, change: Callable[[Any], Any]) -> None:
    """Read, change in place (or return another value), write."""
    value = json.loads(path.read_text())
    changed = change(value)
    path.write_text(json.dumps(value if changed is None else changed, indent=2))


# --- with the real libraries -------------------------------------------------------------------------------------


def tiny_model(
    path: Path,
    *,
    family: Family = "llama",
    classifier: bool = False,
    shards: int = 1,
    labels: int = 3,
    tokenizer: bool = True,
    torch_dtype: str = "float32",
    weights: Literal["safetensors", "bin"] = "safetensors",
) -> Path:
    """A copy, at `path`, of a model that transformers has built and saved itself (seeded, so always the same).

    Args:
        path: the directory to make; it must not exist or be empty.
        family: a causal Llama (GQA, untied head, byte-level BPE) or a BERT (WordPiece, CLS/SEP, tied embeddings).
        classifier: a `...ForSequenceClassification` with a trained-looking head instead of the language head.
        shards: 1 gives one file, more give exactly that many and an index.
        labels: classes of the classifier.
        tokenizer: whether a real tokenizer lies beside it.
        torch_dtype: as torch names it.
        weights: "bin" saves a pickle, as torch.save does.
    """
    source = _built(
        family=family, classifier=classifier, shards=shards, labels=labels, torch_dtype=torch_dtype, weights=weights
    )
    skip = () if tokenizer else ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
    shutil.copytree(source, path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*skip))
    return path


@functools.cache
def _workshop() -> Path:
    place = Path(tempfile.mkdtemp(prefix="tiny-models-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


@functools.cache
def _built(*, family: Family, classifier: bool, shards: int, labels: int, torch_dtype: str, weights: str) -> Path:
    import torch

    place = _workshop() / f"{family}-{classifier}-{shards}-{labels}-{torch_dtype}-{weights}"
    tokens = _tokenizer(family)
    tokens.save_pretrained(place)
    with torch.random.fork_rng():
        torch.manual_seed(20261123)
        model = _model(family, classifier, labels, len(tokens)).to(getattr(torch, torch_dtype))
    model.config.dtype = getattr(torch, torch_dtype)
    model.save_pretrained(place)
    if weights == "bin" or shards > 1:
        _rewrite(place, shards, weights)
    return place


def _model(family: Family, classifier: bool, labels: int, vocab_size: int) -> Any:
    import transformers as t

    common = dict(vocab_size=vocab_size, hidden_size=32, intermediate_size=64, num_hidden_layers=2)
    names = dict(num_labels=labels, id2label={n: f"LABEL_{n}" for n in range(labels)})
    if family == "bert":
        config: Any = t.BertConfig(
            **common,
            num_attention_heads=4,
            max_position_embeddings=128,
            pad_token_id=0,
            **(names if classifier else {}),
        )
        return t.BertForSequenceClassification(config) if classifier else t.BertForMaskedLM(config)
    config = t.LlamaConfig(
        **common,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=3,
        tie_word_embeddings=False,
        **(names if classifier else {}),
    )
    return t.LlamaForSequenceClassification(config) if classifier else t.LlamaForCausalLM(config)


def _tokenizer(family: Family) -> Any:
    import tokenizers as tk
    from transformers import PreTrainedTokenizerFast

    text = ["which answer is better, the first or the second one?", "0123456789 both answers are equally good"]
    if family == "bert":
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        inner = tk.Tokenizer(tk.models.WordPiece(unk_token="[UNK]"))
        inner.normalizer = tk.normalizers.BertNormalizer()
        inner.pre_tokenizer = tk.pre_tokenizers.BertPreTokenizer()
        trainer: Any = tk.trainers.WordPieceTrainer(vocab_size=180, special_tokens=special, show_progress=False)
        inner.train_from_iterator(text, trainer)
        ids = [("[CLS]", inner.token_to_id("[CLS]")), ("[SEP]", inner.token_to_id("[SEP]"))]
        inner.post_processor = tk.processors.BertProcessing(ids[1], ids[0])
        names = dict(pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")
        return PreTrainedTokenizerFast(tokenizer_object=inner, model_max_length=128, **names)
    special = ["<unk>", "<s>", "</s>", "<pad>"]
    inner = tk.Tokenizer(tk.models.BPE(unk_token="<unk>"))
    inner.pre_tokenizer = tk.pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = tk.decoders.ByteLevel()
    alphabet = tk.pre_tokenizers.ByteLevel.alphabet()
    trainer = tk.trainers.BpeTrainer(
        vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    inner.train_from_iterator(text, trainer)
    names = dict(unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    return PreTrainedTokenizerFast(tokenizer_object=inner, model_max_length=256, **names)


def _rewrite(place: Path, shards: int, weights: str) -> None:
    import safetensors.torch
    import torch

    state = safetensors.torch.load_file(place / "model.safetensors")
    (place / "model.safetensors").unlink()
    stem, suffix = ("pytorch_model", "bin") if weights == "bin" else ("model", "safetensors")

    def save(part: dict[str, Any], file: str) -> None:
        if weights == "bin":
            torch.save(part, place / file)
        else:
            safetensors.torch.save_file(part, place / file, metadata={"format": "pt"})

    if shards == 1:
        save(state, f"{stem}.{suffix}")
        return
    names = list(state)
    weight_map: dict[str, str] = {}
    for number in range(1, shards + 1):
        file = f"{stem}-{number:05d}-of-{shards:05d}.{suffix}"
        mine = names[(number - 1) * len(names) // shards : number * len(names) // shards]
        weight_map |= dict.fromkeys(mine, file)
        save({name: state[name] for name in mine}, file)
    total = sum(tensor.nbytes for tensor in state.values())
    write_index(place / f"{stem}.{suffix}.index.json", weight_map, total_size=total)
