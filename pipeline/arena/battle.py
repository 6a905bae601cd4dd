"""A battle: prompt and two responses, turn by turn, and who won.

What it does not know: files and column names (`table`), tokens (`text/`).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal

Contest = Literal["lmsys", "wsdm"]
A_WINS: Final = 0
B_WINS: Final = 1
TIE: Final = 2
LABELS: Final = ("A", "B", "tie")
REPLACEMENT: Final = "\ufffd"


@dataclass(frozen=True, slots=True)
class Battle:
    """Prompts and answers, one each a turn; the three need not be equally long.

    `winner` is the column that came true (0 A, 1 B, 2 tie), None where it is not known. Text holds no lone surrogates.
    """

    id: str
    prompts: tuple[str, ...]
    answers_a: tuple[str, ...]
    answers_b: tuple[str, ...]
    winner: int | None = None

    def swapped(self) -> "Battle":
        """The same battle with A and B exchanged.

        >>> Battle("1", ("p",), ("x",), ("y",), winner=A_WINS).swapped()
        Battle(id='1', prompts=('p',), answers_a=('y',), answers_b=('x',), winner=1)
        """
        winner = self.winner if self.winner is None or self.winner == TIE else 1 - self.winner
        return replace(self, answers_a=self.answers_b, answers_b=self.answers_a, winner=winner)

    def prompt_key(self) -> str:
        """What makes two battles the same question: the first prompt, without case and spacing."""
        return " ".join((self.prompts[0] if self.prompts else "").casefold().split())


def clean(text: str) -> str:
    r"""The text without lone surrogates, which tokenizers refuse and UTF-8 cannot hold.

    >>> clean("a\ud83d") == "a\ufffd"
    True
    """
    if not any("\ud800" <= letter <= "\udfff" for letter in text):
        return text
    # Two escapes that belong together are one letter; what is left over after that stands alone.
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(REPLACEMENT if "\ud800" <= letter <= "\udfff" else letter for letter in joined)


def parse_turns(cell: str) -> tuple[str, ...]:
    r"""The turns of a cell that holds a JSON list of strings; null is the empty text, an empty cell no turn.

    Raises:
        ValueError: the cell is no such list; says what it is instead.

    >>> parse_turns('["hi", null, "a\\n"]')
    ('hi', '', 'a\n')
    >>> parse_turns("[ ]"), parse_turns("")
    ((), ())
    >>> parse_turns("['hi']")
    Traceback (most recent call last):
    ValueError: no JSON list of strings: Expecting value at character 2
    """
    if not cell.strip():
        return ()
    try:
        turns = json.loads(cell, strict=False)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON list of strings: {error.msg} at character {error.pos + 1}") from None
    except (ValueError, RecursionError):
        raise ValueError(
            "no JSON list of strings: it is nested too deeply or holds a number of thousands of digits"
        ) from None
    if turns is None:
        return ()
    if not isinstance(turns, list):
        raise ValueError(f"no JSON list of strings but {_kind(turns)}")  # noqa: TRY004 - the cell's value is wrong
    return tuple(_turn(place, turn) for place, turn in enumerate(turns, start=1))


def _turn(place: int, turn: object) -> str:
    if turn is None:
        return ""
    if isinstance(turn, str):
        return clean(turn)
    if isinstance(turn, bool | int | float):
        return json.dumps(turn)  # tables that went through pandas hold [false] and [42] where an answer was that word
    raise ValueError(f"turn {place} is {_kind(turn)}, not text")


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "text"
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a number"


def winners_of(battles: Iterable[Battle]) -> tuple[int, ...]:
    """The winners, in order.

    Raises:
        ValueError: a battle whose winner is not known; names it.
    """
    winners: list[int] = []
    for battle in battles:
        if battle.winner is None:
            raise ValueError(f"battle {battle.id} has no winner")
        winners.append(battle.winner)
    return tuple(winners)
