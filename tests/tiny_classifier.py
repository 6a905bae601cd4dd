"""Builders for the pipeline's tests: battles, tables, and classifiers small enough to train in a second."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.arena.battle import Battle
from pipeline.arena.table import SUBMISSION_COLUMNS, TEST_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "arena"
MARKS = (("1", "0", "0"), ("0", "1", "0"), ("0", "0", "1"))
HIDDEN = 16


def battle(identifier: str = "1", prompt: str = "p", a: str = "x", b: str = "y", winner: int | None = None) -> Battle:
    return Battle(identifier, (prompt,), (a,), (b,), winner)


def learnable(count: int) -> list[Battle]:
    """The letter of the answers says who won; prompts differ."""
    return [battle(str(n), f"p{n}", "abc"[n % 3] * 6, "abc"[n % 3] * 6, winner=n % 3) for n in range(count)]


def write_lmsys(path: Path, battles: Sequence[Battle]) -> Path:
    labelled = all(each.winner is not None for each in battles)
    columns = [*TEST_COLUMNS, *(SUBMISSION_COLUMNS["lmsys"][1:] if labelled else ())]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for each in battles:
            texts = [json.dumps(list(turns)) for turns in (each.prompts, each.answers_a, each.answers_b)]
            writer.writerow([each.id, *texts, *(MARKS[each.winner] if each.winner is not None else ())])
    return path


def save_tokenizer(path: Path, *, pad: bool = True, decoder: bool = False) -> int:
    """A byte-level tokenizer without merges: every text is encoded, nothing is unknown. Returns its size."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<s>", "</s>", *(["<pad>"] if pad else [])]
    vocab = {token: number for number, token in enumerate([*special, *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    single = "<s> $A" if decoder else "<s> $A </s>"
    tokenizer.post_processor = processors.TemplateProcessing(single=single, special_tokens=[("<s>", 0), ("</s>", 1)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>" if pad else None
    )
    fast.save_pretrained(path)
    return len(vocab)


def save_classifier(path: Path, *, family: str = "bert", labels: int = 3, head: bool = True, pad: bool = True) -> Path:
    """A random model of two layers; `head=False` saves the encoder alone, as embedding models come."""
    import torch
    from transformers import AutoModelForSequenceClassification

    path.mkdir(parents=True, exist_ok=True)
    size = save_tokenizer(path, pad=pad, decoder=family in {"llama", "gpt2"})
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(_config(family, size, labels, pad=pad))
    (model if head else model.base_model).save_pretrained(path)
    return path


def _config(family: str, size: int, labels: int, *, pad: bool) -> Any:
    from transformers import BertConfig, DistilBertConfig, GPT2Config, LlamaConfig, RobertaConfig

    shared: dict[str, Any] = {"vocab_size": size, "num_labels": labels, "pad_token_id": 2 if pad else None}
    shape = {"hidden_size": HIDDEN, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    if family == "bert":
        return BertConfig(**shared, **shape, max_position_embeddings=256)
    if family == "roberta":
        return RobertaConfig(**shared, **shape, max_position_embeddings=256)
    if family == "llama":
        return LlamaConfig(**shared, **shape, max_position_embeddings=256, bos_token_id=0, eos_token_id=1)
    if family == "gpt2":
        return GPT2Config(**shared, n_embd=HIDDEN, n_layer=2, n_head=2, n_positions=256, bos_token_id=0, eos_token_id=1)
    return DistilBertConfig(**shared, dim=HIDDEN, n_layers=2, n_heads=2, hidden_dim=32, max_position_embeddings=256)


def load(path: Path, *, new_head: bool = False) -> Any:
    import torch

    from pipeline.model.load import load_classifier

    torch.set_num_threads(1)  # several threads on models this small only wait for each other

    return load_classifier(path, labels=3, dtype=torch.float32, device=torch.device("cpu"), head_may_be_new=new_head)
