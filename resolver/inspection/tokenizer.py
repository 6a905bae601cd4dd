"""The tokenizer's files: which there are, which one transformers would load from, and which ids its tokens get.

Parses tokenizer.json once and starts no library. Does not know how many rows the embeddings have; that is `weights`
and `config`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from resolver.inspection.fault import Fault, fault_of
from resolver.inspection.files import Listing
from resolver.inspection.listed import UNREAD, below, is_readable, lifted, read_listed, transformer_folder
from resolver.inspection.special_tokens import SideFiles, SpecialToken, assign, carries_added_tokens
from resolver.inspection.vocabulary import Vocabulary, parse_tokenizer_json, parse_vocab_json, parse_vocab_txt
from resolver.record import Record, field

if TYPE_CHECKING:
    from resolver.inspection.chat_templates import ChatTemplate

TOKENIZER_FILE: Final = "tokenizer.json"
SETTINGS_FILE: Final = "tokenizer_config.json"
SPECIALS_FILE: Final = "special_tokens_map.json"
ADDED_FILE: Final = "added_tokens.json"
TEMPLATE_FILE: Final = "chat_template.jinja"
LEGACY_TEMPLATE_FILE: Final = "chat_template.json"
TEMPLATES_FOLDER: Final = "additional_chat_templates/"
MERGES_FILE: Final = "merges.txt"
MAX_VOCAB_TXT: Final = 64 * 1024 * 1024
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
# Tokens that families keep for padding, or keep in reserve, the best choice first.
SPARE_TOKENS: Final = (
    "<|finetune_right_pad_id|>",
    "<|finetune_right_pad|>",
    "<pad>",
    "[PAD]",
    "<|PAD_TOKEN|>",
    "<|vision_pad|>",
    "<|padding|>",
    "<|pad|>",
    "<|reserved_special_token_0|>",
    "<|placeholder1|>",
    "<unk>",
    "[UNK]",
)


class TokenizerFacts(Record):
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
        chat_templates: every stored template, with its text.
        class_known: whether transformers has a class of the declared name; None where none is declared, or the
            declared one is a model's own (auto_map).
        class_known_before_5: the same of transformers 4.57.
        class_in_config: the class is declared in config.json alone, for a family without a class of its own:
            transformers 5 does not fall back then.
        pad_by_class: the class may bring a pad token of its own, whatever the files say.
        spare_tokens: tokens of the vocabulary that families keep for padding or in reserve, the best choice first.
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
    chat_templates: "tuple[ChatTemplate, ...]" = ()
    class_known: bool | None = None
    class_known_before_5: bool | None = None
    class_in_config: bool = False
    pad_by_class: bool = False
    spare_tokens: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    opened: tuple[str, ...] = ()


def read_tokenizer(files: Listing) -> TokenizerFacts:
    """Read the tokenizer's files; raises nothing.

    Returns:
        Facts whose ids are those that transformers 5 assigns with the tokenizers library: verified by experiment for
        tokenizer.json, vocab.txt and vocab.json. What only sentencepiece or tiktoken can read has no size.
    """
    folder = transformer_folder(files)
    if not folder:
        return _read_here(files)
    facts = _read_here(below(files, folder))
    return facts.replaced(
        files=tuple(folder + name for name in facts.files),
        source=folder + facts.source if facts.source else None,
        source_before_5=folder + facts.source_before_5 if facts.source_before_5 else None,
        faults=lifted(facts.faults, folder),
        chat_templates=tuple(each.replaced(file=folder + each.file) for each in facts.chat_templates),
        opened=tuple(folder + name for name in facts.opened),
    )


def _read_here(files: Listing) -> TokenizerFacts:
    faults: list[Fault] = []
    settings = _object(files, SETTINGS_FILE, faults)
    config = _object(files, "config.json", [])  # its faults are told by `config`
    declared = _text(settings.get("tokenizer_class")) or _text(config.get("tokenizer_class"))
    model_type = _text(config.get("model_type"))
    choice = _choose(files, declared, model_type)
    vocabulary = _read_vocabulary(files, choice.source, faults) if choice.source and choice.parsed else None
    sides = SideFiles(
        settings,
        {} if carries_added_tokens(settings) else _object(files, SPECIALS_FILE, faults),
        {} if carries_added_tokens(settings) else _object(files, ADDED_FILE, faults),
        _defaults(declared, model_type),
    )
    tokens = assign(vocabulary, sides)
    highest, listed = tokens.highest or (None, None), tokens.highest_listed or (None, None)
    templates = _templates(files, settings)
    faults += [Fault(each.file, each.fault) for each in templates if each.fault is not None]
    return TokenizerFacts(
        files=tuple(name for name in VOCABULARY_FILES if files.get(name)),
        source=choice.source,
        source_before_5=_choose(files, declared, model_type, before_5=True).source,
        packages=_packages(choice.source),
        declared_class=declared,
        wanted=choice.wanted,
        self_contained=choice.self_contained,
        model=vocabulary.kind if vocabulary else None,
        size=tokens.size,
        highest_id=highest[1],
        highest_token=highest[0],
        highest_listed_id=listed[1],
        highest_listed_token=listed[0],
        specials=tokens.specials,
        new_ids=tokens.new_ids,
        written_ids=vocabulary.written if vocabulary else {},
        model_max_length=_length(settings.get("model_max_length")),
        has_chat_template=bool(templates),
        chat_templates=templates,
        spare_tokens=_spare(vocabulary, tokens.new_ids),
        faults=tuple(faults),
        opened=_opened(files, choice.source, settings),
        **_class_facts(settings, declared, model_type),
    )


def _templates(files: Listing, settings: Mapping[str, Any]) -> "tuple[ChatTemplate, ...]":
    named = (TEMPLATE_FILE, LEGACY_TEMPLATE_FILE)
    if not settings.get("chat_template") and not any(map(files.get, named)) and not _has_folder(files):
        return ()
    from resolver.inspection.chat_templates import read_chat_templates  # noqa: PLC0415 - few models have one

    return read_chat_templates(files, settings)


def _has_folder(files: Listing) -> bool:
    return any(name.startswith(TEMPLATES_FOLDER) for name in files.files)


def _spare(vocabulary: Vocabulary | None, new: Mapping[str, int]) -> tuple[str, ...]:
    ids = vocabulary.ids if vocabulary else {}
    return tuple(token for token in SPARE_TOKENS if token in ids or token in new)


def _class_facts(settings: Mapping[str, Any], declared: str | None, model_type: str | None) -> dict[str, Any]:
    """What is known of the declared class; nothing where the model brings code of its own."""
    from resolver.inspection.tokenizer_classes import brings_pad, class_of, is_known  # noqa: PLC0415 - as in `_choose`

    own_code = _auto_map(settings.get("auto_map"))
    asked = declared is not None and not own_code
    return {
        "auto_map": own_code,
        "class_known": is_known(declared or "") if asked else None,
        "class_known_before_5": is_known(declared or "", before_5=True) if asked else None,
        "class_in_config": asked and not settings.get("tokenizer_class") and class_of(model_type or "") is None,
        "pad_by_class": brings_pad(declared, model_type),
    }


def _object(files: Listing, name: str, faults: list[Fault]) -> dict[str, Any]:
    if files.get(name) is None:
        return {}
    read = read_listed(files, name)
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


def _read_vocabulary(files: Listing, source: str, faults: list[Fault]) -> Vocabulary | None:
    """The vocabulary, its faults told; None where it could not be read, or only another library reads it."""
    if source == "vocab.txt":
        vocabulary = _read_vocab_txt(files)
    elif source in (TOKENIZER_FILE, "vocab.json"):
        known = len(faults)
        value = _object(files, source, faults)
        if len(faults) > known:
            return None
        vocabulary = parse_tokenizer_json(value) if source == TOKENIZER_FILE else parse_vocab_json(value)
    else:
        return None
    if vocabulary.fault is not None:
        faults.append(Fault(source, vocabulary.fault, pointer=vocabulary.pointer))
    return vocabulary


def _read_vocab_txt(files: Listing) -> Vocabulary:
    if not is_readable(files, "vocab.txt"):
        return Vocabulary("WordPiece", fault=UNREAD)
    try:
        with files.path("vocab.txt").open("rb") as stream:
            data = stream.read(MAX_VOCAB_TXT + 1)
    except OSError as error:
        return Vocabulary("WordPiece", fault=f"unreadable: {error.strerror or error}")
    if len(data) > MAX_VOCAB_TXT:
        return Vocabulary("WordPiece", fault=f"too large: more than {MAX_VOCAB_TXT:,} bytes")
    return parse_vocab_txt(data)


def _opened(files: Listing, source: str | None, settings: Mapping[str, Any]) -> tuple[str, ...]:
    names = [source or TOKENIZER_FILE, SETTINGS_FILE, TEMPLATE_FILE]
    names += [name for name in files.files if name.startswith(TEMPLATES_FOLDER)]
    if not carries_added_tokens(settings):
        names += [SPECIALS_FILE, ADDED_FILE]
    if source == "vocab.json":
        names.append(MERGES_FILE)
    return tuple(name for name in names if files.get(name))


def _packages(source: str | None) -> tuple[str, ...]:
    if source is None or source.endswith((".json", ".txt")):
        return ()
    return ("tiktoken",) if source == "tiktoken.model" else SENTENCEPIECE


def _auto_map(value: Any) -> tuple[str, ...]:
    if isinstance(value, dict):
        value = value.get("AutoTokenizer")
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _length(value: Any) -> int | None:
    return value if type(value) is int and 0 < value < ABSURD_LENGTH else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
