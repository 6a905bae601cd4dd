"""What a battle shows on its surface: lengths, layout, refusals, overlap. No model, no vocabulary, plain Python.

Votes follow the surface far enough that it is worth as much as a small network. Every feature is either
antisymmetric, the measure of answer A less that of B, or symmetric, what both have in common; so exchanging the
answers negates the former and leaves the latter, to the last bit.

What it does not know: what the features are worth (`calibration`), and languages other than English in its few words.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pipeline.arena.battle import Battle

# Another set of features, or another measure under an old name, is another version: coefficients do not fit it.
VERSION: Final = 1
OPENING: Final = 160  # characters of a turn in which a refusal is looked for
SHORT: Final = 40  # characters of an answer that says next to nothing

WORD: Final = re.compile(r"\w+")
BULLET: Final = re.compile(r"^[ \t]*[-*•+][ \t]", re.MULTILINE)
NUMBERED: Final = re.compile(r"^[ \t]*\d{1,3}[.)][ \t]", re.MULTILINE)
DIGIT: Final = re.compile(r"\d")
BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]")
HEADER: Final = re.compile(r"^#{1,6} ", re.MULTILINE)
REFUSAL: Final = re.compile(
    r"\b(?:as an ai|i['\u2019]?m sorry|i am sorry|i apologi[sz]e|i can(?:no|['\u2019])t|i am unable|i['\u2019]m unable"
    r"|i am not able|i['\u2019]m not able|language model|not appropriate|unable to)\b",
    re.IGNORECASE,
)
CLOSING: Final = re.compile(r"\b(?:in conclusion|overall,|in summary|to summari[sz]e|ultimately)", re.IGNORECASE)
SELF: Final = frozenset(("i", "me", "my"))
_COMMON: Final = """
a an and are as at be by can do does for from give how i in is it me my of on or please that the this to was what with
write you your
"""
COMMON: Final = frozenset(_COMMON.split())


@dataclass(frozen=True)
class Answer:
    """One side of a battle and what is measured of it; `asked` are the prompt's words without the common ones."""

    turns: tuple[str, ...]
    asked: frozenset[str]

    @cached_property
    def text(self) -> str:
        """All turns, an empty line between them."""
        return "\n\n".join(self.turns)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Words in order, in lower case."""
        return tuple(word.lower() for word in WORD.findall(self.text))

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """The different words."""
        return frozenset(self.words)

    @cached_property
    def refuses(self) -> float:
        """1 where a turn begins like a refusal or an apology, else 0."""
        return float(any(REFUSAL.search(turn[:OPENING]) for turn in self.turns))

    @cached_property
    def characters(self) -> float:
        """log(1 + characters)."""
        return math.log1p(len(self.text))

    @cached_property
    def items(self) -> float:
        """log(1 + lines that begin with a bullet or a number)."""
        return math.log1p(len(BULLET.findall(self.text)) + len(NUMBERED.findall(self.text)))

    @cached_property
    def variety(self) -> float:
        """Different words by the square root of all words: it grows with length, and less where words repeat."""
        return len(self.vocabulary) / math.sqrt(len(self.words)) if self.words else 0.0

    @cached_property
    def is_empty(self) -> float:
        """1 where there is nothing but space."""
        return float(not self.text.strip())

    @cached_property
    def is_short(self) -> float:
        """1 below 40 characters."""
        return float(len(self.text) < SHORT)

    def share(self, count: int) -> float:
        """So many of the characters; 0 of no text."""
        return count / max(1, len(self.text))

    def word_share(self, count: int) -> float:
        """So many of the words; 0 of no words."""
        return count / max(1, len(self.words))


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of an answer; the antisymmetric feature of that name is A's less B's."""

    name: str
    says: str
    of: Callable[[Answer], float]


@dataclass(frozen=True, slots=True)
class Shared:
    """One number of a battle that does not change when the answers are exchanged."""

    name: str
    says: str
    of: Callable[[Battle, Answer, Answer], float]


@dataclass(frozen=True, slots=True)
class Surface:
    """The features of a battle, in the order of `MEASURES` and `SHARED`."""

    antisymmetric: tuple[float, ...]
    symmetric: tuple[float, ...]


def _repeated(answer: Answer) -> float:
    words = answer.words
    triples = list(zip(words, words[1:], words[2:], strict=False))
    return 1 - len(set(triples)) / len(triples) if triples else 0.0


def _covered(answer: Answer) -> float:
    return len(answer.asked & answer.vocabulary) / max(1, len(answer.asked))


MEASURES: Final = (
    Measure("characters", "log(1 + characters)", lambda a: a.characters),
    Measure("words", "log(1 + words)", lambda a: math.log1p(len(a.words))),
    Measure("lines", "log(1 + lines that are not empty)", lambda a: math.log1p(_lines(a))),
    Measure("paragraphs", "log(1 + empty lines)", lambda a: math.log1p(a.text.count("\n\n"))),
    Measure("last", "log(1 + characters of the last turn)", lambda a: math.log1p(len(a.turns[-1]) if a.turns else 0)),
    Measure("bullets", "log(1 + lines that begin with a bullet)", lambda a: math.log1p(len(BULLET.findall(a.text)))),
    Measure("numbers", "log(1 + lines that begin with a number)", lambda a: math.log1p(len(NUMBERED.findall(a.text)))),
    Measure("bold", "log(1 + pairs of **)", lambda a: math.log1p(a.text.count("**") // 2)),
    Measure("headers", "log(1 + Markdown headings)", lambda a: math.log1p(len(HEADER.findall(a.text)))),
    Measure("code", "log(1 + fenced blocks)", lambda a: math.log1p(a.text.count("```") // 2)),
    Measure("refuses", "1 where a turn begins like a refusal", lambda a: a.refuses),
    Measure("refusals", "log(1 + words of refusal)", lambda a: math.log1p(len(REFUSAL.findall(a.text)))),
    Measure("empty", "1 where there is no text", lambda a: a.is_empty),
    Measure("short", "1 below 40 characters", lambda a: a.is_short),
    Measure("questions", "log(1 + question marks)", lambda a: math.log1p(a.text.count("?"))),
    Measure("exclamations", "log(1 + exclamation marks)", lambda a: math.log1p(a.text.count("!"))),
    Measure("variety", "different words / sqrt(words)", lambda a: a.variety),
    Measure("repeated", "share of word triples that came before", _repeated),
    Measure("word_length", "mean letters of a word", lambda a: a.word_share(sum(map(len, a.words)))),
    Measure("foreign", "share of characters beyond ASCII", lambda a: a.share(len(BEYOND_ASCII.findall(a.text)))),
    Measure("digits", "share of digits", lambda a: a.share(len(DIGIT.findall(a.text)))),
    Measure("covered", "share of the prompt's words that occur", _covered),
    Measure("self", "share of I, me, my", lambda a: a.word_share(sum(word in SELF for word in a.words))),
    Measure("closing", "1 where it sums itself up", lambda a: float(CLOSING.search(a.text) is not None)),
)

SHARED: Final = (
    Shared("prompt", "log(1 + characters of the prompts)", lambda b, _x, _y: math.log1p(sum(map(len, b.prompts)))),
    Shared("last_prompt", "log(1 + characters of the last prompt)", lambda b, _x, _y: math.log1p(_last(b.prompts))),
    Shared("turns", "log(1 + prompts)", lambda b, _x, _y: math.log1p(len(b.prompts))),
    Shared("alike", "words in both of words in either", lambda _, x, y: _alike(x.vocabulary, y.vocabulary)),
    Shared("identical", "1 where the answers are the same", lambda _, x, y: float(x.turns == y.turns)),
    Shared("both_characters", "sum of log(1 + characters)", lambda _, x, y: x.characters + y.characters),
    Shared("fewer_characters", "log(1 + characters) of the shorter", lambda _, x, y: min(x.characters, y.characters)),
    Shared("apart_characters", "difference of log(1 + characters)", lambda _, x, y: abs(x.characters - y.characters)),
    Shared("apart_items", "difference of log(1 + list items)", lambda _, x, y: abs(x.items - y.items)),
    Shared("both_refuse", "1 where both refuse", lambda _, x, y: x.refuses * y.refuses),
    Shared("one_refuses", "1 where one refuses", lambda _, x, y: abs(x.refuses - y.refuses)),
    Shared("both_empty", "1 where both are empty", lambda _, x, y: x.is_empty * y.is_empty),
    Shared("any_short", "1 where one is below 40 characters", lambda _, x, y: max(x.is_short, y.is_short)),
    Shared("less_variety", "variety of the plainer one", lambda _, x, y: min(x.variety, y.variety)),
)


def surface_of(battle: Battle) -> Surface:
    """The features of one battle; finite numbers, whatever the texts are.

    >>> battle = Battle("1", ("Why?",), ("x y",), ("x",))
    >>> found, exchanged = surface_of(battle), surface_of(battle.swapped())
    >>> found.symmetric == exchanged.symmetric, found.antisymmetric[0] == -exchanged.antisymmetric[0]
    (True, True)
    """
    asked = frozenset(word.lower() for turn in battle.prompts for word in WORD.findall(turn)) - COMMON
    answer_a, answer_b = Answer(battle.answers_a, asked), Answer(battle.answers_b, asked)
    return Surface(
        tuple(measure.of(answer_a) - measure.of(answer_b) for measure in MEASURES),
        tuple(shared.of(battle, answer_a, answer_b) for shared in SHARED),
    )


def _lines(answer: Answer) -> int:
    return sum(not line.isspace() for line in answer.text.splitlines() if line)


def _alike(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / max(1, len(first | second))


def _last(turns: Sequence[str]) -> int:
    return len(turns[-1]) if turns else 0
