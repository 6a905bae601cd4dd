"""The tokenizer's files: which there are, which one transformers would load from, and which ids its tokens get.

Parses tokenizer.json once and starts no library. Does not know how many rows the embeddings have; that is `weights`
and `config`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from resolver.inspection.fault import Fault, fault_of
from resolver.inspection.files import Listing
from resolver.inspection.strict_json import read_json
from resolver.inspection.vocabulary import (
    IdAssigner,
    Vocabulary,
    parse_tokenizer_json,
    parse_vocab_txt,
    read_vocab_json,
)

TOKENIZER_FILE: Final = "tokenizer.json"
SETTINGS_FILE: Final = "tokenizer_config.json"
SPECIALS_FILE: Final = "special_tokens_map.json"
ADDED_FILE: Final = "added_tokens.json"
TEMPLATE_FILE: Final = "chat_template.jinja"
MERGES_FILE: Final = "merges.txt"
MAX_VOCAB_TXT: Final = 64 * 1024 * 1024
ROLES: Final = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
EXTRAS: Final = ("extra_special_tokens", "additional_special_tokens")
ABSURD_LENGTH: Final = 10**9  # transformers writes 1e30 where there is no limit

# What transformers 5 looks for, in its order, where a class does not say otherwise.
VOCABULARY_FILES: Final = (
    TOKENIZER_FILE,
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "spm.model",
    "vocab.txt",
    "vocab.json",
    "tekken.json",
    "tiktoken.model",
)
# Needed by transformers 5.23 to turn such a file into a fast tokenizer; each was seen to fail without.
SENTENCEPIECE: Final = ("sentencepiece", "protobuf")


@dataclass(frozen=True, slots=True)
class SpecialToken:
    """A special token by its role.

    Attributes:
        role: "pad_token", "eos_token" …, or "extra_special_tokens".
        text: its text.
        known: whether the vocabulary or the tokens added to it hold it; None where no vocabulary could be read.
        id: the id that it gets when the tokenizer is loaded; None where that cannot be known.
        file: the file that names it.
    """

    role: str
    text: str
    known: bool | None
    id: int | None
    file: str


@dataclass(frozen=True, slots=True)
class TokenizerFacts:
    """What the tokenizer's files say.

    Attributes:
        files: the vocabulary files that are there, in the order in which transformers looks for them.
        source: the file that transformers would load from; None where there is none that the class reads.
        source_before_5: the same for versions before 5, which take the declared class by its word.
        packages: distributions that have to be installed to read `source`; empty where transformers is enough.
        declared_class: tokenizer_class as written, in tokenizer_config.json or else in config.json.
        wanted: the files of which `declared_class` needs one, where it is known and none is there.
        auto_map: the AutoTokenizer entry of tokenizer_config.json: "module.Class" names; the code decides then.
        self_contained: the class needs no file at all (ByT5 counts bytes).
        model: "BPE", "WordPiece", "Unigram", "WordLevel"; None where it could not be read.
        size: number of tokens, added ones included; None where it could not be read.
        highest_id: the highest id that any token gets; None where unknown.
        highest_token: a token that gets it.
        highest_listed_id, highest_listed_token: the same without the special tokens that no file lists as tokens.
        specials: the special tokens, by role, in the order in which transformers adds them.
        new_ids: tokens outside the model's vocabulary with the id that each gets, in the order of adding.
        written_ids: the ids that tokenizer.json writes beside its added tokens.
        model_max_length: as written; None where absent or absurdly large.
        has_chat_template: one is stored, in a file of its own or in tokenizer_config.json.
        faults: what could not be read.
        opened: the files that a loader opens.
    """

    files: tuple[str, ...] = ()
    source: str | None = None
    source_before_5: str | None = None
    packages: tuple[str, ...] = ()
    declared_class: str | None = None
    wanted: tuple[str, ...] = ()
    auto_map: tuple[str, ...] = ()
    self_contained: bool = False
    model: str | None = None
    size: int | None = None
    highest_id: int | None = None
    highest_token: str | None = None
    highest_listed_id: int | None = None
    highest_listed_token: str | None = None
    specials: tuple[SpecialToken, ...] = ()
    new_ids: Mapping[str, int] = field(default_factory=dict)
    written_ids: Mapping[str, int] = field(default_factory=dict)
    model_max_length: int | None = None
    has_chat_template: bool = False
    faults: tuple[Fault, ...] = ()
    opened: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    """The side files while they are put together."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    specials: Mapping[str, Any] = field(default_factory=dict)
    added: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def has_decoder(self) -> bool:
        """Where tokenizer_config.json carries the added tokens, transformers reads neither of the older files."""
        return isinstance(self.settings.get("added_tokens_decoder"), dict)


def read_tokenizer(files: Listing) -> TokenizerFacts:
    """Read the tokenizer's files; raises nothing.

    Returns:
        Facts whose ids are those that transformers 5 assigns with the tokenizers library: verified by experiment for
        tokenizer.json, vocab.txt and vocab.json. What only sentencepiece or tiktoken can read has no size.
    """
    sides = _read_sides(files)
    declared = _text(sides.settings.get("tokenizer_class")) or _text(sides.config.get("tokenizer_class"))
    model_type = _text(sides.config.get("model_type"))
    choice = _choose(files, declared, model_type)
    vocabulary = _read_vocabulary(files, choice.source, sides) if choice.source and choice.parsed else None
    assigner = IdAssigner(vocabulary) if vocabulary and vocabulary.fault is None else None
    sides.defaults = _defaults(declared, model_type)
    specials = tuple(_assign(vocabulary, assigner, sides))
    return TokenizerFacts(
        files=tuple(name for name in VOCABULARY_FILES if files.get(name)),
        source=choice.source,
        source_before_5=_choose(files, declared, model_type, before_5=True).source,
        packages=_packages(choice.source),
        declared_class=declared,
        wanted=choice.wanted,
        auto_map=_auto_map(sides.settings.get("auto_map")),
        self_contained=choice.self_contained,
        model=vocabulary.kind if vocabulary else None,
        specials=specials,
        written_ids=vocabulary.written if vocabulary else {},
        model_max_length=_length(sides.settings.get("model_max_length")),
        has_chat_template=bool(files.get(TEMPLATE_FILE)) or bool(sides.settings.get("chat_template")),
        faults=tuple(sides.faults),
        opened=_opened(files, choice.source, sides),
        **_totals(vocabulary, assigner, specials),
    )


# --- the files -------------------------------------------------------------------------------------------------------


def _read_sides(files: Listing) -> _Reading:
    reading = _Reading()
    reading.settings = _object(files, SETTINGS_FILE, reading.faults)
    if not reading.has_decoder():
        reading.specials = _object(files, SPECIALS_FILE, reading.faults)
        reading.added = _object(files, ADDED_FILE, reading.faults)
    reading.config = _object(files, "config.json", [])  # its faults are told by `config`
    return reading


def _object(files: Listing, name: str, faults: list[Fault]) -> dict[str, Any]:
    if files.get(name) is None:
        return {}
    read = read_json(files.path(name))
    fault = fault_of(name, read)
    if fault is not None:
        faults.append(fault)
    value: dict[str, Any] = read.value if read.is_object else {}
    return value


class _Choice(NamedTuple):
    """Where the vocabulary comes from: `source`, or what is `wanted`; `parsed` where its format is known here."""

    source: str | None
    wanted: tuple[str, ...] = ()
    parsed: bool = True
    self_contained: bool = False


def _choose(files: Listing, declared: str | None, model_type: str | None, *, before_5: bool = False) -> _Choice:
    from resolver.inspection.tokenizer_classes import files_of  # noqa: PLC0415 - a table; not for `resolver path`

    needs = files_of(declared, model_type, before_5=before_5)
    if needs.takes_tokenizer_json and files.get(TOKENIZER_FILE):
        return _Choice(TOKENIZER_FILE)
    for name in needs.files:
        if files.get(name) and (name != "vocab.json" or files.get(MERGES_FILE)):
            return _Choice(name, parsed=needs.takes_tokenizer_json)
    if needs.takes_tokenizer_json:
        pair = (MERGES_FILE,) if needs.files[0] == "vocab.json" else ()
        return _Choice(None, (TOKENIZER_FILE, *needs.files[:1], *pair, *needs.files[1:]))
    return _Choice(None, needs.files, self_contained=not needs.files)


def _defaults(declared: str | None, model_type: str | None) -> Mapping[str, str]:
    from resolver.inspection.tokenizer_classes import defaults_of  # noqa: PLC0415 - as in `_choose`

    return defaults_of(declared, model_type)


def _read_vocabulary(files: Listing, source: str, sides: _Reading) -> Vocabulary | None:
    """The vocabulary, its faults told; None for what only another library reads."""
    if source == TOKENIZER_FILE:
        value = _object(files, source, sides.faults)
        if any(fault.file == source for fault in sides.faults):
            return None
        vocabulary = parse_tokenizer_json(value)
    elif source == "vocab.json":
        read, vocabulary = read_vocab_json(files.path(source))
        if read.fault is not None:
            sides.faults.append(Fault(source, read.fault, read.line, read.column, bomb=read.bomb))
            return None
    elif source == "vocab.txt":
        vocabulary = _read_vocab_txt(files)
    else:
        return None
    if vocabulary.fault is not None:
        sides.faults.append(Fault(source, vocabulary.fault, pointer=vocabulary.pointer))
    return vocabulary


def _read_vocab_txt(files: Listing) -> Vocabulary:
    try:
        with files.path("vocab.txt").open("rb") as stream:
            data = stream.read(MAX_VOCAB_TXT + 1)
    except OSError as error:
        return Vocabulary("WordPiece", fault=f"unreadable: {error.strerror or error}")
    if len(data) > MAX_VOCAB_TXT:
        return Vocabulary("WordPiece", fault=f"too large: more than {MAX_VOCAB_TXT:,} bytes")
    return parse_vocab_txt(data)


def _opened(files: Listing, source: str | None, sides: _Reading) -> tuple[str, ...]:
    names = [source or TOKENIZER_FILE, SETTINGS_FILE, TEMPLATE_FILE]
    if not sides.has_decoder():
        names += [SPECIALS_FILE, ADDED_FILE]
    if source == "vocab.json":
        names.append(MERGES_FILE)
    return tuple(name for name in names if files.get(name))


def _packages(source: str | None) -> tuple[str, ...]:
    if source is None or source.endswith((".json", ".txt")):
        return ()
    return ("tiktoken",) if source == "tiktoken.model" else SENTENCEPIECE


# --- the tokens ------------------------------------------------------------------------------------------------------


def _assign(vocabulary: Vocabulary | None, assigner: IdAssigner | None, sides: _Reading) -> Iterator[SpecialToken]:
    """Add what transformers adds, in its order: the file's added tokens, then all others in one batch."""
    named = list(_named(sides, vocabulary.padding_token if vocabulary else None))
    if vocabulary is None or assigner is None:
        yield from (SpecialToken(role, text, None, None, file) for role, text, file in named)
        return
    assigner.add(vocabulary.added)
    decoder = list(_decoder(sides))
    listed = {text for _, text, _ in named if text in decoder or assigner.id_of(text) is not None}
    ids = assigner.add((*decoder, *(text for _, text, _ in named)))
    yield from (SpecialToken(role, text, text in listed, ids[text], file) for role, text, file in named)


def _decoder(sides: _Reading) -> Iterator[str]:
    """Texts of added_tokens_decoder, or else of added_tokens.json, by the ids written there."""
    if sides.has_decoder():
        decoder = sides.settings["added_tokens_decoder"]
        written = [(key, _content(token)) for key, token in decoder.items()]
        pairs = [(int(key), text) for key, text in written if _is_id(key) and text is not None]
    else:
        pairs = [(key, text) for text, key in sides.added.items() if type(key) is int]
    return (text for _, text in sorted(pairs))


def _is_id(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) < 12  # noqa: PLR2004 - no u32 has twelve digits


def _named(sides: _Reading, pad: str | None) -> Iterator[tuple[str, str, str]]:
    """Role, text and file of every special token: first the roles that transformers knows, then a model's own."""
    merged: dict[str, tuple[Any, str]] = {key: (value, SETTINGS_FILE) for key, value in sides.settings.items()}
    merged |= {key: (value, SPECIALS_FILE) for key, value in sides.specials.items()}
    if pad is not None:
        merged.setdefault("pad_token", (pad, TOKENIZER_FILE))
    for role, text in sides.defaults.items():
        merged.setdefault(role, (text, "the tokenizer class"))
    for role in (*ROLES, *(key for key in merged if key.endswith("_token") and key not in ROLES)):
        value, file = merged.get(role, (None, ""))
        named = _content(value)
        if named:
            yield role, named, file
    extras, file = next((merged[key] for key in EXTRAS if merged.get(key, (None,))[0]), (None, ""))
    for each in extras.values() if isinstance(extras, dict) else extras if isinstance(extras, list) else ():
        extra = _content(each)
        if extra:
            yield EXTRAS[0], extra, file


def _content(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else None


def _totals(
    vocabulary: Vocabulary | None, assigner: IdAssigner | None, specials: tuple[SpecialToken, ...]
) -> dict[str, Any]:
    """Number of tokens and the highest ids, after everything has been added."""
    if vocabulary is None or assigner is None:
        return {}
    new = {text: number for text, number in assigner.added.items() if text not in vocabulary.ids}
    unlisted = {special.text for special in specials if not special.known}
    listed = _highest(vocabulary.ids, {text: number for text, number in new.items() if text not in unlisted})
    highest = _highest(vocabulary.ids, new)
    return {
        "size": len(vocabulary.ids) + len(new),
        "highest_id": highest[1],
        "highest_token": highest[0],
        "highest_listed_id": listed[1],
        "highest_listed_token": listed[0],
        "new_ids": new,
    }


def _highest(*groups: Mapping[str, int]) -> tuple[str, int] | tuple[None, None]:
    return max((max(group.items(), key=_by_id) for group in groups if group), key=_by_id, default=(None, None))


def _by_id(pair: tuple[str, int]) -> int:
    return pair[1]


def _auto_map(value: Any) -> tuple[str, ...]:
    if isinstance(value, dict):
        value = value.get("AutoTokenizer")
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _length(value: Any) -> int | None:
    return value if type(value) is int and 0 < value < ABSURD_LENGTH else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
