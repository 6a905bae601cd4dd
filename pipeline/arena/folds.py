"""Split battles so that the same prompt never stands on both sides.

Chat logs repeat their openings ("hi"); a model that saw the answers of one copy would be tested on the other.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from pipeline.arena.battle import Battle


def fold_of_each(battles: Sequence[Battle], folds: int, *, seed: int = 0) -> tuple[int, ...]:
    """The fold (0 .. folds - 1) of each battle; battles with the same first prompt share it.

    Large groups are dealt first, each to the fold that holds least, so folds differ by at most the largest group.
    It depends on the battles and the seed, not on the order of the rows.

    Raises:
        ValueError: fewer than two folds.
    """
    if folds < 2:  # noqa: PLR2004 - one fold is no split
        raise ValueError(f"{folds} folds are no split")
    sizes = [0] * folds
    assigned = [0] * len(battles)
    for places in _groups(battles, seed):
        fold = sizes.index(min(sizes))
        sizes[fold] += len(places)
        for place in places:
            assigned[place] = fold
    return tuple(assigned)


def holdout(battles: Sequence[Battle], share: float, *, seed: int = 0) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Places of the battles to train on and of those held out, both in order; no prompt stands in both.

    Args:
        battles: at least two different prompts.
        share: of the battles, held out; in (0, 1). Groups are taken whole, so it is met as nearly as they allow.
        seed: another seed, another choice.

    Raises:
        ValueError: the share is no share, or one side would be empty.
    """
    if not 0 < share < 1:
        raise ValueError(f"a share of {share} cannot be held out; it has to lie between 0 and 1")
    wanted = max(1, round(share * len(battles)))
    held: set[int] = set()
    for places in sorted(_groups(battles, seed), key=lambda places: _digest(battles[places[0]].prompt_key(), seed)):
        if len(held) + len(places) <= wanted:
            held.update(places)
    kept = tuple(place for place in range(len(battles)) if place not in held)
    if not held or not kept:
        raise ValueError(f"{len(battles)} battles with {len(_groups(battles, seed))} prompts cannot be split")
    return kept, tuple(sorted(held))


def _groups(battles: Sequence[Battle], seed: int) -> list[list[int]]:
    """Places by prompt, the largest group first; equal sizes in the order of a seeded hash."""
    groups: dict[str, list[int]] = defaultdict(list)
    for place, battle in enumerate(battles):
        groups[battle.prompt_key()].append(place)
    return [groups[key] for key in sorted(groups, key=lambda key: (-len(groups[key]), _digest(key, seed)))]


def _digest(key: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{key}".encode()).digest()
