"""By what battles are told apart, so that a figure can be taken of each kind.

What a table does not say is not guessed: without a language column there is the script of the prompts, which is not the
language, and is called so.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.arena.battle import Battle
from pipeline.arena.table import Origin
from pipeline.text.script import script_of

# Upper ends of turns and of characters; the last kind has none.
TURNS: Final = (1, 2, 4)
CHARACTERS: Final = (500, 1000, 2000, 4000, 8000)
# Of names that the table brings, so many are told, the most frequent; the others are one kind.
NAMED: Final = 20
OTHERS: Final = "others"


@dataclass(frozen=True, slots=True)
class Facet:
    """One way to tell battles apart.

    Attributes:
        name: of the way.
        note: how it is told, for readers.
        kinds: the names of the kinds, in the order in which they are shown.
        kinds_of: of each battle; none where it is not known, two where both models count.
    """

    name: str
    note: str
    kinds: tuple[str, ...]
    kinds_of: tuple[tuple[str, ...], ...]


def facets_of(battles: Sequence[Battle], origins: Sequence[Origin]) -> tuple[Facet, ...]:
    """All ways that the table allows."""
    facets = [
        _stepped("turns", "turns of the prompt", TURNS, [max(1, len(each.prompts)) for each in battles]),
        _stepped("length", "characters of both answers", CHARACTERS, [_size(each) for each in battles]),
    ]
    languages = [(each.language,) if each.language else () for each in origins]
    if any(languages):
        facets.append(_named("language", "as the table says", languages))
    else:
        scripts = [(script_of("\n".join(each.prompts)),) for each in battles]
        facets.append(_named("script", "of most letters of the prompts, by Unicode; not the language", scripts))
    families = [tuple(dict.fromkeys(map(family_of, each.models or ()))) for each in origins]
    if any(families):
        note = "the first word of the model's name; a battle counts for the families of both models"
        facets.append(_named("model family", note, families))
    return tuple(facets)


def family_of(model: str) -> str:
    """The first word of a model's name, without what stands before a slash and without the number at its end.

    >>> family_of("gpt-4-1106-preview"), family_of("lmsys/vicuna-33b"), family_of("chatglm3-6b")
    ('gpt', 'vicuna', 'chatglm')
    """
    word = re.split(r"[-_ :]", model.rpartition("/")[2].casefold(), maxsplit=1)[0]
    return re.sub(r"[\d.]+$", "", word) or word or model


def _size(battle: Battle) -> int:
    return sum(map(len, (*battle.answers_a, *battle.answers_b)))


def _stepped(name: str, note: str, ends: Sequence[int], values: Sequence[int]) -> Facet:
    """Kinds by size, the smallest first; those without a battle are left out."""
    places = [sum(value > end for end in ends) for value in values]
    names = _step_names(ends)
    kinds = tuple(names[place] for place in sorted(set(places)))
    return Facet(name, note, kinds, tuple((names[place],) for place in places))


def _step_names(ends: Sequence[int]) -> tuple[str, ...]:
    """The names of kinds that end so.

    >>> _step_names((1, 2, 4))
    ('1', '2', '3 to 4', '5 and more')
    """
    firsts = [1 if ends[0] == 1 else 0, *(end + 1 for end in ends)]
    pairs = zip(firsts, ends, strict=False)
    return (
        *(f"{first:,}" if first == end else f"{first:,} to {end:,}" for first, end in pairs),
        f"{firsts[-1]:,} and more",
    )


def _named(name: str, note: str, kinds_of: Sequence[tuple[str, ...]]) -> Facet:
    """Kinds by name, the most frequent first."""
    counts = Counter(kind for kinds in kinds_of for kind in kinds)
    ordered = sorted(counts, key=lambda kind: (-counts[kind], kind))
    told = ordered if len(ordered) <= NAMED + 1 else ordered[:NAMED]
    known = set(told)
    merged = tuple(tuple(dict.fromkeys(kind if kind in known else OTHERS for kind in kinds)) for kinds in kinds_of)
    return Facet(name, note, (*told, *((OTHERS,) if len(told) < len(ordered) else ())), merged)
