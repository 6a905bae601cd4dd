"""Small tokenizers as files, made by the tokenizers library itself or, for odd ones, written by hand."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

Kind = Literal["BPE", "WordPiece", "WordLevel", "Unigram"]
WORDS = ("the", "first", "answer", "is", "better", "than", "second", "a", "b", "c")


def model_of(kind: Kind, vocab: Mapping[str, int], unk: str) -> dict[str, Any]:
    """The "model" of a tokenizer.json."""
    if kind == "BPE":
        return {"type": "BPE", "vocab": dict(vocab), "merges": [], "unk_token": unk}
    if kind == "WordPiece":
        limits = {"continuing_subword_prefix": "##", "max_input_chars_per_word": 100}
        return {"type": "WordPiece", "vocab": dict(vocab), "unk_token": unk, **limits}
    if kind == "Unigram":
        return {"type": "Unigram", "vocab": [[token, -1.0] for token in vocab], "unk_id": 0}
    return {"type": "WordLevel", "vocab": dict(vocab), "unk_token": unk}


def added_token(number: int, content: str, *, special: bool = True) -> dict[str, Any]:
    """An entry of "added_tokens"."""
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": special}
    return {"id": number, "content": content, **flags}


def write_tokenizer_files(
    root: Path,
    *,
    kind: Kind = "WordLevel",
    vocab: Mapping[str, int] | None = None,
    added: Sequence[Mapping[str, Any]] = (),
    settings: Mapping[str, Any] | None = None,
    specials: Mapping[str, Any] | None = None,
    padding: Mapping[str, Any] | None = None,
) -> Path:
    """Write tokenizer.json, tokenizer_config.json and, where given, special_tokens_map.json."""
    root.mkdir(parents=True, exist_ok=True)
    if vocab is None:
        vocab = numbered(("<unk>", *WORDS))
    value = {
        "version": "1.0",
        "truncation": None,
        "padding": padding,
        "added_tokens": list(added),
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": model_of(kind, vocab, next(iter(vocab), "<unk>")),
    }
    (root / "tokenizer.json").write_text(json.dumps(value))
    (root / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **(settings or {})})
    )
    if specials is not None:
        (root / "special_tokens_map.json").write_text(json.dumps(specials))
    return root


def numbered(tokens: Iterable[str]) -> dict[str, int]:
    """A vocabulary without gaps, in the order given."""
    return {token: number for number, token in enumerate(tokens)}
