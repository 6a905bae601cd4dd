"""Put the rows of a step into micro-batches, and deal those to the processes.

All processes plan alike and get equally many, so that what they do together matches. A micro-batch has a shape; where
each new one costs a compilation, rows are padded to one of few lengths, and each length has its number of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from pipeline.errors import SettingsError
from pipeline.text.batch import plan_batches


@dataclass(frozen=True, slots=True)
class Micro:
    """Rows that are computed at once.

    Attributes:
        places: of the rows in the step; none for a micro-batch that only keeps the processes in step.
        height, width: rows and tokens of the tensors; what the rows do not fill is padding that counts nothing.
    """

    places: tuple[int, ...]
    height: int
    width: int


def require_room(buckets: Sequence[int], longest: int) -> None:
    """Refuse buckets that the longest row that there can be has no place in, before a step comes upon it.

    Args:
        buckets: the widths, rising; none for any.
        longest: tokens of a row.

    Raises:
        SettingsError: the last is shorter.
    """
    if buckets and buckets[-1] < longest:
        raise SettingsError(
            f"a row of {longest} tokens fits no bucket of {', '.join(map(str, buckets))}",
            fix="give the run's --max-length as the last bucket",
        )


def plan_micros(lengths: Sequence[int], batch_tokens: int, buckets: Sequence[int] = ()) -> tuple[Micro, ...]:
    """Micro-batches for rows of these lengths, the longest first.

    Args:
        lengths: tokens of each row.
        batch_tokens: of a micro-batch, padding included. A row that is longer has one to itself.
        buckets: the widths that there may be, rising; none for the longest row of each.

    Raises:
        SettingsError: a row is longer than the longest bucket.

    >>> plan_micros([3, 9, 4], 8)
    (Micro(places=(1,), height=1, width=9), Micro(places=(2, 0), height=2, width=4))
    >>> plan_micros([3, 9, 4], 16, (8, 16))
    (Micro(places=(1,), height=1, width=16), Micro(places=(2, 0), height=2, width=8))
    """
    if not buckets:
        batches = plan_batches(lengths, batch_tokens)
        return tuple(Micro(batch, len(batch), max(lengths[place] for place in batch)) for batch in batches)
    require_room(buckets, max(lengths, default=0))
    micros: list[Micro] = []
    for width, shorter in zip(reversed(buckets), [*reversed(buckets[:-1]), 0], strict=True):
        height = max(1, batch_tokens // width)
        inside = [place for place, length in enumerate(lengths) if shorter < length <= width]
        rows = iter(sorted(inside, key=lambda place: (-lengths[place], place)))
        while places := tuple(islice(rows, height)):
            micros.append(Micro(places, height, width))
    return tuple(micros)


def few_lengths(longest: int) -> tuple[int, ...]:
    """Buckets where nobody named any: a quarter and a half of the longest row, and all of it.

    >>> few_lengths(1024), few_lengths(3)
    ((256, 512, 1024), (1, 2, 3))
    """
    return tuple(sorted({-(-longest // 4), -(-longest // 2), longest}))


def deal(micros: Sequence[Micro], rank: int, processes: int) -> tuple[Micro, ...]:
    """The micro-batches of one process; each gets as many, the last ones perhaps without rows.

    >>> deal([Micro((0,), 1, 9), Micro((1,), 1, 5)], 0, 2), deal([Micro((0,), 1, 9)], 1, 2)
    ((Micro(places=(0,), height=1, width=9),), (Micro(places=(), height=1, width=9),))
    """
    mine = tuple(micros[rank::processes])
    most = -(-len(micros) // processes)
    return mine + tuple(Micro((), micros[-1].height, micros[-1].width) for _ in range(most - len(mine)))
