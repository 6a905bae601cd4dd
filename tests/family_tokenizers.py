"""Real tokenizers for the families: trained by the tokenizers library, declared under the class that the family uses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

TEXT = (
    "which answer is better, the first or the second one? both answers are equally good",
    "0123456789 a dialogue of several turns: the user asks, the assistant answers, and somebody judges",
    "models load from a directory without a network, and a missing file is said before it is missed",
)
TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}{{ eos_token }}"
    "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)
# Kind, special tokens in the order of their ids, and the roles that tokenizer_config.json gives them.
KINDS: dict[str, tuple[str, tuple[str, ...], dict[str, str]]] = {
    "PreTrainedTokenizerFast": (
        "bytes",
        ("<unk>", "<s>", "</s>", "<pad>"),
        {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"},
    ),
    "Qwen2Tokenizer": (
        "bytes",
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|spare|>"),
        {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
    ),
    "GPT2Tokenizer": (
        "bytes",
        ("<|endoftext|>", "<|pad|>"),
        {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
         "pad_token": "<|pad|>"},
    ),
    "LlamaTokenizer": (
        "fallback",
        ("<unk>", "<s>", "</s>", "<pad>"),
        {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"},
    ),
    "GemmaTokenizer": (
        "fallback",
        ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>"),
        {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>",
         "mask_token": "<mask>"},
    ),
    "BertTokenizer": (
        "words",
        ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
        {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
         "mask_token": "[MASK]"},
    ),
    "DebertaV2Tokenizer": (
        "pieces",
        ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"),
        {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]",
         "mask_token": "[MASK]"},
    ),
    "T5Tokenizer": (
        "pieces",
        ("<pad>", "</s>", "<unk>"),
        {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"},
    ),
}  # fmt: skip


def save_tokenizer(place: Path, declared: str, *, template: bool = False) -> Any:
    """Train, save under the class `declared`, and load again as transformers does; returns what it loads."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    kind, special, roles = KINDS[declared]
    inner = {"bytes": _bytes, "fallback": _fallback, "words": _words, "pieces": _pieces}[kind](special, roles)
    PreTrainedTokenizerFast(tokenizer_object=inner, model_max_length=128, **roles).save_pretrained(place)
    settings = place / "tokenizer_config.json"
    chosen = {"chat_template": TEMPLATE} if template else {}
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "tokenizer_class": declared, **chosen}))
    loaded = AutoTokenizer.from_pretrained(place)
    if declared != "PreTrainedTokenizerFast":  # which transformers 5 would save under a name that 4 does not know
        loaded.save_pretrained(place)
    return loaded


def _bytes(special: tuple[str, ...], _: dict[str, str]) -> Any:
    """Byte-level BPE: Llama 3, Qwen, GPT-2, ModernBERT."""
    import tokenizers as tk

    inner = tk.Tokenizer(tk.models.BPE())
    inner.pre_tokenizer = tk.pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = tk.decoders.ByteLevel()
    alphabet = sorted(tk.pre_tokenizers.ByteLevel.alphabet())
    trainer = tk.trainers.BpeTrainer(
        vocab_size=320, special_tokens=list(special), initial_alphabet=alphabet, show_progress=False
    )
    inner.train_from_iterator(TEXT, trainer)
    return inner


def _fallback(special: tuple[str, ...], roles: dict[str, str]) -> Any:
    """BPE over sentence pieces that falls back to bytes: Llama 2, Mistral, Phi-3, Gemma."""
    import tokenizers as tk

    inner = tk.Tokenizer(tk.models.BPE(unk_token=roles["unk_token"], byte_fallback=True, fuse_unk=True))
    inner.pre_tokenizer = tk.pre_tokenizers.Metaspace()
    inner.decoder = tk.decoders.Metaspace()
    words = [*special, *(f"<0x{byte:02X}>" for byte in range(256))]
    inner.train_from_iterator(TEXT, tk.trainers.BpeTrainer(vocab_size=360, special_tokens=words, show_progress=False))
    return inner


def _words(special: tuple[str, ...], roles: dict[str, str]) -> Any:
    """WordPiece: BERT. Given its vocabulary, because the trainer breaks ties by chance."""
    import tokenizers as tk

    letters = sorted({letter for text in TEXT for letter in text if letter != " "})
    pieces = [*special, *letters, *(f"##{letter}" for letter in letters), *_common_words()]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    inner = tk.Tokenizer(tk.models.WordPiece(vocabulary, unk_token=roles["unk_token"]))
    inner.normalizer = tk.normalizers.BertNormalizer()
    inner.pre_tokenizer = tk.pre_tokenizers.BertPreTokenizer()
    ids = [(token, inner.token_to_id(token)) for token in ("[SEP]", "[CLS]")]
    inner.post_processor = tk.processors.BertProcessing(*ids)
    return inner


def _pieces(special: tuple[str, ...], roles: dict[str, str]) -> Any:
    """Unigram: DeBERTa-v2 and v3, T5. Given its vocabulary, as above."""
    import tokenizers as tk

    letters = sorted({letter for text in TEXT for letter in text.replace(" ", "\u2581")})
    scored = [(piece, 0.0) for piece in special] + [(letter, -8.0) for letter in letters]
    scored += [(f"\u2581{word}", -4.0) for word in _common_words()]
    inner = tk.Tokenizer(tk.models.Unigram(scored, unk_id=special.index(roles["unk_token"])))
    inner.pre_tokenizer = tk.pre_tokenizers.Metaspace()
    inner.decoder = tk.decoders.Metaspace()
    return inner


def _common_words() -> list[str]:
    """The words of the text, longest last."""
    words = {word.strip(",?:") for text in TEXT for word in text.split()}
    return sorted((word for word in words if len(word) > 1), key=lambda word: (len(word), word))
