"""Lay out a battle as token ids, within a length, so that both answers stay visible.

The template's markers are never cut. What is left of the length is shared out between the three parts (all prompts,
all answers of A, all answers of B); a part that needs less than its share leaves the rest to the others; a part that
needs more loses its middle. Training and scoring call the same function. No tokenizer is known here: see `encode`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.arena.battle import Battle

Ids = tuple[int, ...]
# Prompt, A, B: the shares with which the contest's better entries cut their last round.
SHARES: Final = (20, 40, 40)
# Below this an answer is no longer an answer; shorter lengths are refused.
MIN_ANSWER: Final = 4
PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class Template:
    """The words around the parts of a battle. `name` goes into training records and keeps its meaning."""

    name: str
    before_prompt: str
    before_a: str
    before_b: str
    after: str
    cut: str

    def turns(self, texts: Sequence[str]) -> str:
        """One part as text: a single turn stands as it is, several are numbered."""
        if len(texts) <= 1:
            return "".join(texts)
        return "\n".join(f"({number}) {text}" for number, text in enumerate(texts, start=1))

    def parts(self, battle: Battle) -> tuple[str, str, str]:
        """Prompt, answer A and answer B of a battle, whole."""
        return self.turns(battle.prompts), self.turns(battle.answers_a), self.turns(battle.answers_b)


TEMPLATES: Final = {
    "battle-v1": Template("battle-v1", "Prompt:\n", "\n\nAnswer A:\n", "\n\nAnswer B:\n", "\n\nBetter:", " [...] "),
}
DEFAULT_TEMPLATE: Final = "battle-v1"


@dataclass(frozen=True, slots=True)
class Frame:
    """A template in the ids of one tokenizer, special tokens included in `start` and `end`."""

    start: Ids
    before_a: Ids
    before_b: Ids
    end: Ids
    cut: Ids

    @property
    def overhead(self) -> int:
        """How many ids the frame itself takes."""
        return len(self.start) + len(self.before_a) + len(self.before_b) + len(self.end)

    @property
    def shortest(self) -> int:
        """The smallest length that leaves every answer something to show."""
        return self.overhead + -(-MIN_ANSWER * sum(SHARES) // SHARES[1])


def lay_out(frame: Frame, parts: Sequence[Ids], max_length: int) -> Ids:
    """The ids of one battle, never more than `max_length`.

    Args:
        frame: the template in ids.
        parts: prompt, answer A, answer B in ids, whole.
        max_length: of the result, special tokens included.

    Raises:
        ValueError: `max_length` leaves no room for the answers beside the template; names the smallest that does.
    """
    if max_length < frame.shortest:
        raise ValueError(
            f"a length of {max_length} tokens leaves no room for both answers; at least {frame.shortest} are needed"
        )
    room = allot([len(part) for part in parts], SHARES, max_length - frame.overhead)
    prompt, answer_a, answer_b = (shorten(part, width, frame.cut) for part, width in zip(parts, room, strict=True))
    return (*frame.start, *prompt, *frame.before_a, *answer_a, *frame.before_b, *answer_b, *frame.end)


def allot(needs: Sequence[int], shares: Sequence[int], room: int) -> tuple[int, ...]:
    """Share out room by weight; whoever needs less gives the rest to the others. Never more than needed or there is.

    >>> allot([10, 500, 500], (20, 40, 40), 200)
    (10, 95, 95)
    >>> allot([900, 30, 10], (20, 40, 40), 200)
    (160, 30, 10)
    """
    given = [0] * len(needs)
    open_parts = set(range(len(needs)))
    while open_parts and room > 0:
        weight = sum(shares[part] for part in open_parts)
        content = {part for part in open_parts if needs[part] * weight <= shares[part] * room}
        if not content:
            for part in sorted(open_parts):
                given[part] = shares[part] * room // weight
            return tuple(given)
        for part in content:
            given[part] = needs[part]
        room -= sum(needs[part] for part in content)
        open_parts -= content
    return tuple(given)


def shorten(ids: Ids, width: int, cut: Ids) -> Ids:
    """The ids in at most `width`: the first two thirds and the last third, with the cut marked where it fits.

    >>> shorten((1, 2, 3, 4, 5, 6, 7, 8), 5, (0,))
    (1, 2, 3, 0, 8)
    """
    if len(ids) <= width:
        return ids
    mark = cut if width >= PARTS * len(cut) else ()
    keep = width - len(mark)
    tail = keep // PARTS
    return (*ids[: keep - tail], *mark, *(ids[len(ids) - tail :]))
