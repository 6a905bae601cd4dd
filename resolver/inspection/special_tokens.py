"""Special tokens by their role, and the ids that they and all other added tokens get when a tokenizer is loaded.

Follows transformers 5.23, `PreTrainedTokenizerBase._from_pretrained` and `TokenizersBackend.__init__`: the added
tokens of tokenizer.json first, then, in one batch, those of tokenizer_config.json and every special token.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from resolver.inspection.vocabulary import IdAssigner, Vocabulary
from resolver.record import Record, field

ROLES: Final = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
EXTRAS: Final = ("extra_special_tokens", "additional_special_tokens")
LONGEST_ID: Final = len("4294967295")


class SpecialToken(Record):
    """A special token by its role.

    Attributes:
        role: "pad_token", "eos_token" …, or "extra_special_tokens".
        text: its text.
        known: whether the vocabulary or the tokens added to it hold it; None where no vocabulary could be read.
        id: the id that it gets when the tokenizer is loaded; None where that cannot be known.
        file: the file that names it, or "the tokenizer class".
    """

    role: str
    text: str
    known: bool | None
    id: int | None
    file: str


class SideFiles(Record):
    """What stands beside the vocabulary.

    Attributes:
        settings: tokenizer_config.json.
        specials: special_tokens_map.json; not read where `settings` carries the added tokens.
        added: added_tokens.json; as `specials`.
        defaults: role to text of what the class brings itself.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    specials: Mapping[str, Any] = field(default_factory=dict)
    added: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)


class Tokens(Record):
    """All tokens after loading; see `TokenizerFacts` for the attributes of the same names."""

    specials: tuple[SpecialToken, ...] = ()
    new_ids: Mapping[str, int] = field(default_factory=dict)
    size: int | None = None
    highest: tuple[str, int] | None = None
    highest_listed: tuple[str, int] | None = None


def carries_added_tokens(settings: Mapping[str, Any]) -> bool:
    """Whether tokenizer_config.json carries the added tokens: then transformers reads neither of the older files."""
    return isinstance(settings.get("added_tokens_decoder"), dict)


def assign(vocabulary: Vocabulary | None, sides: SideFiles) -> Tokens:
    """Add what transformers adds, in its order.

    Args:
        vocabulary: None, or one with a fault, where it is not known: then the special tokens have no ids.
        sides: the files beside it.
    """
    named = list(_named(sides, vocabulary.padding_token if vocabulary else None))
    if vocabulary is None or vocabulary.fault is not None:
        return Tokens(tuple(SpecialToken(role, text, None, None, file) for role, text, file in named))
    assigner = IdAssigner(vocabulary)
    assigner.add(vocabulary.added)
    decoder = list(_decoder(sides))
    listed = {text for _, text, _ in named if text in decoder or assigner.id_of(text) is not None}
    ids = assigner.add((*decoder, *(text for _, text, _ in named)))
    new = {text: number for text, number in assigner.added.items() if text not in vocabulary.ids}
    unlisted = {text for _, text, _ in named} - listed
    top = _highest(vocabulary.ids)
    return Tokens(
        tuple(SpecialToken(role, text, text in listed, ids[text], file) for role, text, file in named),
        new,
        len(vocabulary.ids) + len(new),
        _higher(top, _highest(new)),
        _higher(top, _highest({text: number for text, number in new.items() if text not in unlisted})),
    )


def content_of(value: object) -> str | None:
    """The text of a token, which stands as a string or as an object with its flags."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else None


def _decoder(sides: SideFiles) -> Iterator[str]:
    """Texts of added_tokens_decoder, or else of added_tokens.json, by the ids written there."""
    if carries_added_tokens(sides.settings):
        written = ((key, content_of(token)) for key, token in sides.settings["added_tokens_decoder"].items())
        pairs = [(int(key), text) for key, text in written if _is_id(key) and text is not None]
    else:
        pairs = [(key, text) for text, key in sides.added.items() if type(key) is int]
    return (text for _, text in sorted(pairs))


def _is_id(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) <= LONGEST_ID


def _named(sides: SideFiles, pad: str | None) -> Iterator[tuple[str, str, str]]:
    """Role, text and file of every special token: first the roles that transformers knows, then a model's own."""
    merged: dict[str, tuple[Any, str]] = {
        key: (value, "tokenizer_config.json") for key, value in sides.settings.items()
    }
    merged |= {key: (value, "special_tokens_map.json") for key, value in sides.specials.items()}
    if pad is not None:
        merged.setdefault("pad_token", (pad, "tokenizer.json"))
    for role, text in sides.defaults.items():
        merged.setdefault(role, (text, "the tokenizer class"))
    for role in (*ROLES, *(key for key in merged if key.endswith("_token") and key not in ROLES)):
        value, file = merged.get(role, (None, ""))
        named = content_of(value)
        if named:
            yield role, named, file
    extras, file = next((merged[key] for key in EXTRAS if merged.get(key, (None,))[0]), (None, ""))
    for extra in filter(None, map(content_of, _several(extras))):
        yield EXTRAS[0], extra, file


def _several(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _highest(ids: Mapping[str, int]) -> tuple[str, int] | None:
    """The entry with the highest id; a vocabulary has hundreds of thousands, so without a loop of our own."""
    if not ids:
        return None
    numbers = list(ids.values())
    highest = max(numbers)
    return next(islice(ids, numbers.index(highest), None)), highest


def _higher(first: tuple[str, int] | None, second: tuple[str, int] | None) -> tuple[str, int] | None:
    if first is None or second is None:
        return first or second
    return second if second[1] > first[1] else first
