"""Cut a conversation by its rounds: the last ones stay whole, the one before them is shortened, earlier ones go.

People judge the end of a conversation; an entry of LMSYS kept rounds from the last backwards and cut the last one
20/40/40 where it alone was too long. The numbers before the turns stay, so that a row says which rounds it shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.text.truncate import MIN_ANSWER, SHARES, Ids, Truncation, allot

# The room below which a shortened round would not show both of its answers.
LEAST_ROOM = -(-MIN_ANSWER * sum(SHARES) // SHARES[1])


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of one part: its number in ids, which is never cut, and its text."""

    label: Ids = ()
    text: Ids = ()

    @property
    def ids(self) -> Ids:
        """Number and text."""
        return self.label + self.text


# Prompt, A and B of one round; None where a part has fewer turns than the others.
Round = tuple[Turn | None, Turn | None, Turn | None]


def cut_rounds(
    rounds: Sequence[Round], joint: Ids, room: int, *, cut: Ids, truncation: Truncation
) -> tuple[Ids, Ids, Ids] | None:
    """Prompt, A and B in ids, together at most `room`.

    Args:
        rounds: all of the conversation, in order.
        joint: stands between two turns of a part.
        room: tokens that there are.
        cut: marks a cut within a turn.
        truncation: whose prompt cap is kept by the prompt of every round.

    Returns:
        None where an answer that has text would not be seen: its text is not in the rounds that fit.
    """
    cap = truncation.cap(room)
    capped = [_capped(each, cap, cut) for each in rounds]
    kept: list[Round] = []
    left = room
    for each in reversed(capped):
        fixed = _labels(each) + _joints(each, kept, joint)
        if fixed + _texts(each) > left:
            if left - fixed >= LEAST_ROOM:
                kept.insert(0, _shortened(each, left - fixed, cut))
            break
        kept.insert(0, each)
        left -= fixed + _texts(each)
    if not all(_is_seen(part, kept, rounds) for part in (1, 2)):
        return None
    prompt, answer_a, answer_b = (_joined(part, kept, joint) for part in range(3))
    return prompt, answer_a, answer_b


def _capped(each: Round, cap: int | None, cut: Ids) -> Round:
    prompt, answer_a, answer_b = each
    if prompt is None or cap is None:
        return each
    return replace(prompt, text=Truncation().shorten(prompt.text, cap, cut)), answer_a, answer_b


def _shortened(each: Round, room: int, cut: Ids) -> Round:
    widths = allot([len(turn.text) if turn else 0 for turn in each], SHARES, room)
    prompt, answer_a, answer_b = (
        turn and replace(turn, text=Truncation().shorten(turn.text, width, cut))
        for turn, width in zip(each, widths, strict=True)
    )
    return prompt, answer_a, answer_b


def _labels(each: Round) -> int:
    return sum(len(turn.label) for turn in each if turn)


def _texts(each: Round) -> int:
    return sum(len(turn.text) for turn in each if turn)


def _joints(each: Round, later: Sequence[Round], joint: Ids) -> int:
    """What it takes to join a round to those behind it."""
    return len(joint) * sum(each[part] is not None and any(one[part] for one in later) for part in range(3))


def _is_seen(part: int, kept: Sequence[Round], rounds: Sequence[Round]) -> bool:
    shown, whole = (sum(len(turn.text) for each in some if (turn := each[part])) for some in (kept, rounds))
    return shown >= min(whole, MIN_ANSWER)


def _joined(part: int, kept: Sequence[Round], joint: Ids) -> Ids:
    ids: Ids = ()
    for turn in (each[part] for each in kept):
        if turn is not None:
            ids += (joint if ids else ()) + turn.ids
    return ids
