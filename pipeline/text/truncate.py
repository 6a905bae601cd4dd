"""How a row that is too long is cut: named ways, the same in training and in scoring.

A row that fits is never cut. In one that does not, prompt, answer A and answer B get widths that together fit, and each
part that is longer than its width is shortened. No tokenizer and no template is known here: see `prompt` and `rounds`.

The ways are those of the contests' better entries: the beginning (`head`), the end (`tail`, their "left truncation"),
both ends of each part (`middle`), both ends with the same ratio for all parts (`proportional`), and whole last rounds
(`rounds`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Ids = tuple[int, ...]
Way = Literal["middle", "head", "tail", "proportional", "rounds"]
WAYS: Final[tuple[Way, ...]] = ("middle", "head", "tail", "proportional", "rounds")
# Prompt, A, B: the shares with which the contest's better entries cut their last round.
SHARES: Final = (20, 40, 40)
# Below this an answer is no longer an answer; shorter lengths are refused.
MIN_ANSWER: Final = 4
PARTS: Final = 3
# The least that a part keeps of what it has; together they are the room of the shortest row.
FLOORS: Final = (2, MIN_ANSWER, MIN_ANSWER)
CAP: Final = re.compile(r"([1-9][0-9]{0,8})(%?)")
WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class Truncation:
    """How rows are cut. Both names go into training records and keep their meaning.

    Attributes:
        way: one of `WAYS`; `middle` shares the room 20/40/40, whoever needs less giving the rest to the others.
        prompt_cap: the most that the prompt has in a row that is cut: tokens ("256"), or a share of the room for
            prompt and answers ("20%"); None for no cap. With `rounds`, of each round's prompt.

    Raises:
        ValueError: there is no such way, or the cap is neither of the two.

    >>> Truncation("middle", "0%")
    Traceback (most recent call last):
    ValueError: a prompt cap is a number of tokens (256) or a share (20%), not '0%'
    """

    way: Way = "middle"
    prompt_cap: str | None = None

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise ValueError(f"there is no way of cutting {self.way!r}; there are {', '.join(WAYS)}")
        if self.prompt_cap is not None:
            check_cap(self.prompt_cap)

    def __str__(self) -> str:
        return self.way if self.prompt_cap is None else f"{self.way}, prompt at most {self.prompt_cap}"

    def cap(self, room: int) -> int | None:
        """The most tokens that the prompt has in a row with that room, None for any.

        >>> Truncation("middle", "20%").cap(1000), Truncation("tail", "256").cap(1000)
        (200, 256)
        """
        if self.prompt_cap is None:
            return None
        number = int(self.prompt_cap.removesuffix("%"))
        return max(1, number * room // WHOLE) if self.prompt_cap.endswith("%") else number

    def widths(self, needs: Sequence[int], room: int) -> tuple[int, ...]:
        """Tokens that prompt, A and B keep of what they need; all of it where that fits.

        Args:
            needs: tokens of the three parts, whole.
            room: tokens that there are for them; at least 10, or an answer may get none.

        >>> Truncation().widths((900, 30, 10), 200), Truncation("middle", "20%").widths((900, 30, 10), 200)
        ((160, 30, 10), (40, 30, 10))
        >>> Truncation("proportional").widths((100, 400, 500), 100)
        (10, 40, 49)
        """
        if sum(needs) <= room:
            return tuple(needs)
        cap = self.cap(room)
        capped = (needs[0] if cap is None else min(needs[0], cap), *needs[1:])
        if self.way == "proportional":
            return in_proportion(capped, FLOORS, room)
        return allot(capped, SHARES, room)

    def shorten(self, ids: Ids, width: int, cut: Ids) -> Ids:
        """The ids in at most `width`, with the cut marked where the mark leaves most of the room to them.

        >>> [Truncation(way).shorten((1, 2, 3, 4, 5, 6, 7, 8), 5, (0,)) for way in ("middle", "head", "tail")]
        [(1, 2, 3, 0, 8), (1, 2, 3, 4, 0), (0, 5, 6, 7, 8)]
        """
        if len(ids) <= width:
            return ids
        mark = cut if width >= PARTS * len(cut) else ()
        keep = width - len(mark)
        tail = {"head": 0, "tail": keep}.get(self.way, keep // PARTS)
        return (*ids[: keep - tail], *mark, *ids[len(ids) - tail :])


def check_cap(text: str) -> str:
    """The text of a prompt cap, as it is.

    Raises:
        ValueError: it is neither a number of tokens nor a share of at most 100 %.
    """
    found = CAP.fullmatch(text)
    if found is None or (found[2] and int(found[1]) > WHOLE):
        raise ValueError(f"a prompt cap is a number of tokens (256) or a share (20%), not {text!r}")
    return text


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


def in_proportion(needs: Sequence[int], floors: Sequence[int], room: int) -> tuple[int, ...]:
    """Share out room so that every part keeps the same ratio of what it has above a floor.

    >>> in_proportion([0, 10, 1_000_000], (2, 4, 4), 30)
    (0, 4, 25)
    >>> in_proportion([1, 2, 3], (2, 4, 4), 30)
    (1, 2, 3)
    """
    least = [min(need, floor) for need, floor in zip(needs, floors, strict=True)]
    more = [need - kept for need, kept in zip(needs, least, strict=True)]
    left = max(0, min(room - sum(least), sum(more)))
    return tuple(kept + left * wanted // (sum(more) or 1) for kept, wanted in zip(least, more, strict=True))
