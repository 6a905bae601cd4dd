"""The families as the real libraries build them: tiny, seeded, built once a process and copied.

`build` gives a model with its tokenizer, `lora` an adapter that peft has written on one, `quantised` a model that
bitsandbytes has packed, `packed` a GPTQ- or AWQ-style export. Every weight is drawn anew (norms and biases too), so that any
two tensors differ and a misplaced one changes the logits.
"""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from family_tokenizers import save_tokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping

Task = Literal["CAUSAL_LM", "SEQ_CLS"]
Quantisation = Literal["nf4", "int8"]
Export = Literal["gptq", "awq"]

DECODER = dict(
    hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=128,
)  # fmt: skip
ENCODER = dict(
    hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=128
)
DEBERTA: dict[str, Any] = dict(
    ENCODER, relative_attention=True, position_biased_input=False, pos_att_type=["p2c", "c2p"]
)


class Family(NamedTuple):
    """How a family is built.

    Attributes:
        stem: what its classes begin with.
        language: the class with the language head.
        tokenizer: the class that its tokenizer_config.json declares.
        numbers: arguments of its config.
        tied: whether its members usually tie the language head to the embeddings.
    """

    stem: str
    language: str
    tokenizer: str
    numbers: Mapping[str, Any]
    tied: bool = False


FAMILIES: dict[str, Family] = {
    "llama": Family("Llama", "LlamaForCausalLM", "PreTrainedTokenizerFast", DECODER),
    "llama_wide": Family(  # rows of at least 64, the block that bitsandbytes packs
        "Llama", "LlamaForCausalLM", "PreTrainedTokenizerFast", dict(DECODER, hidden_size=64, intermediate_size=128)
    ),
    "gemma2": Family(
        "Gemma2", "Gemma2ForCausalLM", "GemmaTokenizer",
        dict(DECODER, head_dim=8, query_pre_attn_scalar=8, sliding_window=32), tied=True,
    ),
    "qwen2": Family("Qwen2", "Qwen2ForCausalLM", "Qwen2Tokenizer", DECODER, tied=True),
    "qwen3": Family("Qwen3", "Qwen3ForCausalLM", "Qwen2Tokenizer", dict(DECODER, head_dim=8)),
    "qwen3_moe": Family(
        "Qwen3Moe", "Qwen3MoeForCausalLM", "Qwen2Tokenizer",
        dict(DECODER, head_dim=8, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16),
    ),
    "mistral": Family("Mistral", "MistralForCausalLM", "LlamaTokenizer", DECODER),
    "phi3": Family("Phi3", "Phi3ForCausalLM", "LlamaTokenizer", DECODER),
    "gpt2": Family(
        "GPT2", "GPT2LMHeadModel", "GPT2Tokenizer", dict(n_embd=32, n_layer=2, n_head=4, n_positions=128), tied=True
    ),
    "bert": Family("Bert", "BertForMaskedLM", "BertTokenizer", ENCODER, tied=True),
    "deberta_v2": Family("DebertaV2", "DebertaV2ForMaskedLM", "DebertaV2Tokenizer", DEBERTA, tied=True),
    "deberta_v3": Family(
        "DebertaV2", "DebertaV2ForMaskedLM", "DebertaV2Tokenizer",
        dict(DEBERTA, position_buckets=16, norm_rel_ebd="layer_norm", share_att_key=True, type_vocab_size=0,
             pooler_hidden_size=32, pooler_dropout=0, pooler_hidden_act="gelu"), tied=True,
    ),
    "modernbert": Family(
        "ModernBert", "ModernBertForMaskedLM", "PreTrainedTokenizerFast",
        dict(ENCODER, local_attention=16, global_attn_every_n_layers=2, cls_token_id=1, sep_token_id=2), tied=True,
    ),
    "t5": Family(
        "T5", "T5ForConditionalGeneration", "T5Tokenizer",
        dict(d_model=32, d_ff=64, d_kv=8, num_layers=2, num_heads=4, decoder_start_token_id=0), tied=True,
    ),
}  # fmt: skip
TEMPLATED = frozenset({"llama", "qwen2", "qwen3", "gemma2"})


def build(
    path: Path,
    family: str,
    *,
    classifier: bool = False,
    labels: int = 3,
    tied: bool | None = None,
    sharded: bool = False,
    dtype: str = "float32",
) -> Path:
    """A copy, at `path`, of a model that transformers has built and saved.

    Args:
        path: the directory to make.
        family: a key of `FAMILIES`.
        classifier: a head of `labels` rows instead of the language head.
        labels: its rows.
        tied: whether the language head is tied to the embeddings; None for what the family does.
        sharded: saved in three or four shards with an index, instead of one file.
        dtype: as torch names it.
    """
    settled = FAMILIES[family].tied if tied is None else tied
    source = _built(family, classifier=classifier, labels=labels, tied=settled, sharded=sharded, dtype=dtype)
    shutil.copytree(source, path, dirs_exist_ok=True)
    return path


def lora(
    path: Path, base: Path, *, task: Task = "CAUSAL_LM", r: int = 4, labels: int = 3, targets: str = "all-linear"
) -> Path:
    """An adapter at `path` that peft has written on the model at `base`, which it names as its base.

    Its matrices are drawn, B too, so that it changes the logits. A SEQ_CLS adapter carries its head, as peft does it.
    """
    import peft
    import torch
    import transformers as t

    auto = t.AutoModelForSequenceClassification if task == "SEQ_CLS" else t.AutoModelForCausalLM
    chosen = dict(num_labels=labels) if task == "SEQ_CLS" else {}
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what peft has to say about patterns of its own
        torch.manual_seed(20261125)
        model = auto.from_pretrained(base, **chosen)
        config = peft.LoraConfig(task_type=task, r=r, lora_alpha=2 * r, target_modules=targets)
        laid = peft.get_peft_model(model, config)
        for parameter in laid.parameters():
            if parameter.requires_grad:
                parameter.data.normal_(0, 0.1)
    laid.save_pretrained(path)
    return path


def quantised(path: Path, base: Path, how: Quantisation) -> Path:
    """The causal model at `base` ("llama_wide") as bitsandbytes packs it (on the CPU), with its tokenizer."""
    import torch
    import transformers as t

    settings = (
        t.BitsAndBytesConfig(load_in_8bit=True)
        if how == "int8"
        else t.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32)
    )
    shutil.copytree(base, path, ignore=shutil.ignore_patterns("*.safetensors", "*.index.json"))
    t.AutoModelForCausalLM.from_pretrained(base, quantization_config=settings).save_pretrained(path)
    return path


def packed(path: Path, base: Path, how: Export, *, group: int = 32) -> Path:
    """The causal model at `base` with the tensors and the config that AutoGPTQ or AutoAWQ writes, 4 bits.

    The numbers in it are drawn: such a model is judged by names, shapes and config, and run by nobody here.
    """
    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(base, path)
    settings: dict[str, Any] = {"quant_method": how, "bits": 4, "group_size": group}
    settings |= {"desc_act": False, "sym": True} if how == "gptq" else {"zero_point": True, "version": "gemm"}
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "quantization_config": settings}, indent=2))
    tensors = load_file(path / "model.safetensors")
    for name in [each for each in tensors if each.endswith("_proj.weight")]:
        rows, columns = tensors.pop(name).shape
        module = name.removesuffix(".weight")
        shape = (columns // 8, rows) if how == "gptq" else (columns, rows // 8)
        tensors[f"{module}.qweight"] = torch.zeros(shape, dtype=torch.int32)
        tensors[f"{module}.qzeros"] = torch.zeros((columns // group, rows // 8), dtype=torch.int32)
        tensors[f"{module}.scales"] = torch.ones((columns // group, rows), dtype=torch.float16)
        if how == "gptq":
            tensors[f"{module}.g_idx"] = torch.arange(columns, dtype=torch.int32) // group
    save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
    return path


@functools.cache
def _workshop() -> Path:
    place = Path(tempfile.mkdtemp(prefix="families-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


@functools.cache
def _built(family: str, *, classifier: bool, labels: int, tied: bool, sharded: bool, dtype: str) -> Path:
    import torch

    place = _workshop() / f"{family}-{classifier}-{labels}-{tied}-{sharded}-{dtype}"
    tokens = save_tokenizer(place, FAMILIES[family].tokenizer, template=family in TEMPLATED)
    with torch.random.fork_rng():
        torch.manual_seed(20261124)
        model = _model(FAMILIES[family], tokens, classifier=classifier, labels=labels, tied=tied)
        for name, parameter in model.named_parameters():
            _draw(name, parameter)
    model = model.to(getattr(torch, dtype))
    model.config.dtype = getattr(torch, dtype)
    total = sum(parameter.nbytes for parameter in model.parameters())
    model.save_pretrained(place, max_shard_size=total // 3 if sharded else "1GB")
    return place


def _draw(name: str, parameter: Any) -> None:
    """Any value but the initial one: norms stay near one, so that the numbers stay in range."""
    parameter.data.normal_(0, 0.1)
    if parameter.dim() == 1 and "norm" in name.lower() and name.endswith("weight"):
        parameter.data.add_(1)


def _model(family: Family, tokens: Any, *, classifier: bool, labels: int, tied: bool) -> Any:
    import transformers as t

    ids = {
        role: getattr(tokens, role)
        for role in ("bos_token_id", "eos_token_id", "pad_token_id")
        if getattr(tokens, role) is not None
    }
    names = {n: f"LABEL_{n}" for n in range(labels)}
    heads = dict(id2label=names, label2id={name: n for n, name in names.items()}) if classifier else {}
    rows = -(-len(tokens) // 8) * 8  # padded as models are
    config = getattr(t, f"{family.stem}Config")(
        vocab_size=rows, tie_word_embeddings=tied, **ids, **family.numbers, **heads
    )
    name = f"{family.stem}ForSequenceClassification" if classifier else family.language
    return getattr(t, name)(config).eval()
