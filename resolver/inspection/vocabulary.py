"""A tokenizer's vocabulary: its tokens with their ids, and the id that the tokenizers library gives to each new one.

Takes what tokenizer.json, vocab.json and vocab.txt hold and opens nothing. What is no vocabulary is a fault in words,
never an exception. Does not know special tokens; those are in `special_tokens`.
"""

from collections.abc import Iterable, Mapping
from itertools import count
from operator import itemgetter
from typing import Any, Final

from resolver.inspection.merges import merge_fault
from resolver.record import Record, field

MAX_ID: Final = 2**32 - 1  # an id is a u32 in the tokenizers library
REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "BPE": ("vocab", "merges"),
    "WordPiece": ("vocab", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word"),
    "WordLevel": ("vocab", "unk_token"),
    "Unigram": ("vocab",),
}
ADDED_FIELDS: Final = ("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special")


class Vocabulary(Record):
    """The tokens of a model before anything is added.

    Attributes:
        kind: "BPE", "WordPiece", "WordLevel", "Unigram"; None where the file does not say.
        ids: token to id.
        size: number of entries; larger than `ids` where a token is listed twice.
        added: texts of the added tokens of tokenizer.json, in the order of the file.
        written: the ids that the file writes for them; the library does not take them from there.
        padding_token: pad token of the padding that is stored in tokenizer.json.
        fault: why there is no vocabulary; a pointer to the value where there is one.
        pointer: see `fault`.
    """

    kind: str | None = None
    ids: Mapping[str, int] = field(default_factory=dict)
    size: int = 0
    added: tuple[str, ...] = ()
    written: Mapping[str, int] = field(default_factory=dict)
    padding_token: str | None = None
    fault: str | None = None
    pointer: str | None = None


class IdAssigner:
    """Gives added tokens the ids that `Tokenizer.add_tokens` would give them.

    A text that has an id keeps it. The new ones of a batch are counted up from the number of vocabulary entries, or
    from one more than the highest id that an earlier batch has added or confirmed, where that is larger: never the id
    that a file writes beside a token, and never "the next free id" of a vocabulary with gaps. Seen in tokenizers
    0.23; compared with it by the hundred in tests/inspection/test_tokenizer.py.

    >>> assign = IdAssigner(Vocabulary(ids={"a": 0, "b": 5}, size=2))
    >>> assign.add(["new", "b"]), assign.add(["newer"])
    ({'new': 2, 'b': 5}, {'newer': 6})
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.added: dict[str, int] = {}
        self._ids = vocabulary.ids
        self._size = vocabulary.size

    def id_of(self, text: str) -> int | None:
        """The id that the text has by now; None where it has none."""
        return self.added.get(text, self._ids.get(text))

    def add(self, texts: Iterable[str]) -> dict[str, int]:
        """Add one batch and return its ids; an empty text is ignored."""
        upcoming = max(self._size, max(self.added.values(), default=-1) + 1)
        batch: dict[str, int] = {}
        for text in filter(None, texts):
            known = self.id_of(text)
            if known is None:
                known, upcoming = upcoming, upcoming + 1
            self.added[text] = batch[text] = known
        return batch


def parse_tokenizer_json(value: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary of a tokenizer.json, as far as the tokenizers library would accept it."""
    model = value.get("model")
    if not isinstance(model, dict):
        return Vocabulary(fault="has no model", pointer="/model")
    kind = _kind(model)
    if kind not in REQUIRED:
        return Vocabulary(fault=f"model type {kind[:40]!r} is unknown", pointer="/model/type")
    missing = [name for name in REQUIRED[kind] if name not in model]
    if missing:
        return Vocabulary(kind, fault=f"{kind} model lacks {missing[0]!r}", pointer="/model")
    added = _added(value.get("added_tokens", []))
    if added is None:
        return Vocabulary(kind, fault="added_tokens is not a list of complete tokens", pointer="/added_tokens")
    read = _pieces(model["vocab"]) if kind == "Unigram" else _mapping(model["vocab"])
    bad = _merge_fault(kind, model, read)
    if read is None or bad is not None:
        where = "vocab" if read is None else "merges"
        return Vocabulary(kind, fault=bad or "vocab does not map tokens to ids", pointer=f"/model/{where}")
    padding = value.get("padding")
    pad = padding.get("pad_token") if isinstance(padding, dict) else None
    ids, size = read
    return Vocabulary(kind, ids, size, tuple(added), added, pad if isinstance(pad, str) else None)


def _merge_fault(kind: str, model: Mapping[str, Any], read: tuple[dict[str, int], int] | None) -> str | None:
    if kind != "BPE" or read is None or model.get("continuing_subword_prefix"):
        return None
    return merge_fault(model["merges"], read[0].keys())


def parse_vocab_json(value: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary of a vocab.json (GPT-2, RoBERTa, Qwen2 …)."""
    mapping = _mapping(value)
    return Vocabulary("BPE", fault="does not map tokens to ids") if mapping is None else Vocabulary("BPE", *mapping)


def parse_vocab_txt(data: bytes) -> Vocabulary:
    r"""The vocabulary of a vocab.txt (BERT): one token a line, its id the number of lines before it.

    White space at the end of a line is no part of the token, as in the tokenizers library.

    >>> parse_vocab_txt(b"[PAD]\n[UNK]\na\n").ids
    {'[PAD]': 0, '[UNK]': 1, 'a': 2}
    """
    try:
        lines = list(map(str.rstrip, data.decode("utf-8").split("\n")))
    except UnicodeDecodeError as error:
        return Vocabulary("WordPiece", fault=f"not UTF-8: byte {data[error.start]:#04x} at offset {error.start}")
    if lines and not lines[-1]:
        del lines[-1]
    if not lines:
        return Vocabulary("WordPiece", fault="is empty")
    ids = dict(zip(lines, count(), strict=False))
    return Vocabulary("WordPiece", ids, len(ids))


def _kind(model: Mapping[str, Any]) -> str:
    """The type as written, else, as in older files without one, what the fields allow."""
    if "type" in model:
        kind = model["type"]
        return kind if isinstance(kind, str) else ""
    if isinstance(model.get("vocab"), list):
        return "Unigram"
    if "merges" in model:
        return "BPE"
    return "WordPiece" if "continuing_subword_prefix" in model else "WordLevel"


def _mapping(vocab: Any) -> tuple[dict[str, int], int] | None:
    if not isinstance(vocab, dict):
        return None
    if vocab and (set(map(type, vocab.values())) != {int} or min(vocab.values()) < 0 or max(vocab.values()) > MAX_ID):
        return None
    return vocab, len(vocab)


def _pieces(vocab: Any) -> tuple[dict[str, int], int] | None:
    if not isinstance(vocab, list) or set(map(type, vocab)) - {list} or set(map(len, vocab)) - {2}:
        return None
    pieces = list(map(itemgetter(0), vocab))
    if set(map(type, pieces)) - {str}:
        return None
    return dict(zip(pieces, count(), strict=False)), len(pieces)


def _added(value: Any) -> dict[str, int] | None:
    if not isinstance(value, list):
        return None
    found: dict[str, int] = {}
    for token in value:
        if not isinstance(token, dict) or any(name not in token for name in ADDED_FIELDS):
            return None
        if not isinstance(token["content"], str) or type(token["id"]) is not int or not 0 <= token["id"] <= MAX_ID:
            return None
        found.setdefault(token["content"], token["id"])
    return found
