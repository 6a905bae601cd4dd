"""Lay out a battle as token ids, within a length, so that both answers stay visible.

The template's markers are never cut. What is left of the length is for the three parts (all prompts, all answers of A,
all answers of B), which are cut as `truncate` says. Training and scoring call the same function. No tokenizer is known
here: see `encode`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from pipeline.arena.battle import Battle
from pipeline.text.rounds import LEAST_ROOM, Round, Turn, cut_rounds
from pipeline.text.truncate import Ids, Truncation

__all__ = [
    "DEFAULT_TEMPLATE",
    "MIDDLE",
    "TEMPLATES",
    "Frame",
    "Ids",
    "Template",
    "lay_out",
    "lay_out_rounds",
    "rounds_of",
]


@dataclass(frozen=True, slots=True)
class Template:
    """The words around the parts of a battle. `name` goes into training records and keeps its meaning."""

    name: str
    before_prompt: str
    before_a: str
    before_b: str
    after: str
    cut: str
    joint: str = "\n"

    def turns(self, texts: Sequence[str]) -> str:
        """One part as text: a single turn stands as it is, several are numbered."""
        labels = self.labels(texts)
        return self.joint.join(label + text for label, text in zip(labels, texts, strict=True))

    def labels(self, texts: Sequence[str]) -> list[str]:
        """What stands before each turn of a part."""
        return [f"({number}) " if len(texts) > 1 else "" for number in range(1, len(texts) + 1)]

    def parts(self, battle: Battle) -> tuple[str, str, str]:
        """Prompt, answer A and answer B of a battle, whole."""
        return self.turns(battle.prompts), self.turns(battle.answers_a), self.turns(battle.answers_b)


TEMPLATES: Final = {
    "battle-v1": Template("battle-v1", "Prompt:\n", "\n\nAnswer A:\n", "\n\nAnswer B:\n", "\n\nBetter:", " [...] "),
}
DEFAULT_TEMPLATE: Final = "battle-v1"
MIDDLE: Final = Truncation()


@dataclass(frozen=True, slots=True)
class Frame:
    """A template in the ids of one tokenizer, special tokens included in `start` and `end`."""

    start: Ids
    before_a: Ids
    before_b: Ids
    end: Ids
    cut: Ids

    def around(self, prompt: Ids, answer_a: Ids, answer_b: Ids) -> Ids:
        """The whole row."""
        return (*self.start, *prompt, *self.before_a, *answer_a, *self.before_b, *answer_b, *self.end)

    @property
    def overhead(self) -> int:
        """How many ids the frame itself takes."""
        return len(self.start) + len(self.before_a) + len(self.before_b) + len(self.end)

    @property
    def shortest(self) -> int:
        """The smallest length that leaves every answer something to show."""
        return self.overhead + LEAST_ROOM


def lay_out(frame: Frame, parts: Sequence[Ids], max_length: int, truncation: Truncation = MIDDLE) -> Ids:
    """The ids of one battle, never more than `max_length`.

    Args:
        frame: the template in ids.
        parts: prompt, answer A, answer B in ids, whole.
        max_length: of the result, special tokens included.
        truncation: how a row is cut that is longer; `rounds`, which parts do not show, as `middle`.

    Raises:
        ValueError: `max_length` leaves no room for the answers beside the template; names the smallest that does.
    """
    if max_length < frame.shortest:
        raise ValueError(
            f"a length of {max_length} tokens leaves no room for both answers; at least {frame.shortest} are needed"
        )
    widths = truncation.widths([len(part) for part in parts], max_length - frame.overhead)
    prompt, answer_a, answer_b = (
        truncation.shorten(part, width, frame.cut) for part, width in zip(parts, widths, strict=True)
    )
    return frame.around(prompt, answer_a, answer_b)


def lay_out_rounds(
    frame: Frame, rounds: Sequence[Round], joint: Ids, max_length: int, truncation: Truncation
) -> Ids | None:
    """The ids of a battle of several rounds that does not fit whole, cut by its rounds.

    Returns:
        None where the rounds that fit do not show both answers; `lay_out` then does.
    """
    room = max_length - frame.overhead
    parts = cut_rounds(rounds, joint, room, cut=frame.cut, truncation=truncation)
    return None if parts is None else frame.around(*parts)


def rounds_of(parts: Sequence[Sequence[Turn]]) -> list[Round]:
    """The turns of prompt, A and B, round by round; None where a part has fewer."""
    return [(prompt, answer_a, answer_b) for prompt, answer_a, answer_b in zip_longest(parts[0], parts[1], parts[2])]
