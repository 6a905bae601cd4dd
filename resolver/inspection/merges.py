"""The merges of a BPE vocabulary: each joins two tokens into a third, and all three have to exist.

There are hundreds of thousands, so the question is put to whole lists at once; only a list that is bad is walked.
"""

from collections.abc import Collection, Iterable
from itertools import chain
from typing import Any, Final

HEADING: Final = "#version"  # the first line of a merges.txt, which some converters have carried over


def merge_fault(merges: Any, vocab: Collection[str]) -> str | None:
    """Why the tokenizers library would refuse the merges; None where it takes them.

    A model with a continuing_subword_prefix joins tokens in another way and is not asked here.

    Args:
        merges: as in tokenizer.json: pairs, or strings with one space between the two tokens.
        vocab: the model's own tokens; added ones do not count.

    >>> merge_fault(["a b"], {"a", "b", "ab"}), merge_fault([["a", "b"]], {"a", "b"})
    (None, "merge 1 of 1 needs the token 'ab', which the vocabulary lacks")
    >>> merge_fault(["a b c"], {"a", "b", "c"})
    "merge 1 of 1 is no pair: 'a b c'"
    """
    if not isinstance(merges, list) or not merges:
        return None if isinstance(merges, list) else "merges is no list"
    kinds = set(map(type, merges))
    if kinds == {str}:
        return None if _strings_fit(merges, vocab) else _first_bad(map(_split, merges), merges, vocab)
    if kinds != {list}:
        return "merges mixes strings, pairs or other values"
    return None if _pairs_fit(merges, vocab) else _first_bad(map(_strings, merges), merges, vocab)


def _strings_fit(merges: list[str], vocab: Collection[str]) -> bool:
    """A quick yes; a no may be a matter of a heading."""
    tokens = " ".join(merges).split(" ")
    if len(tokens) != 2 * len(merges):
        return False
    joined = "\n".join(merges).replace(" ", "").split("\n")
    return all(map(vocab.__contains__, tokens)) and all(map(vocab.__contains__, joined))


def _pairs_fit(merges: list[list[Any]], vocab: Collection[str]) -> bool:
    try:
        return (
            set(map(len, merges)) == {2}
            and all(map(vocab.__contains__, chain.from_iterable(merges)))
            and all(map(vocab.__contains__, map("".join, merges)))
        )
    except TypeError:  # something that is no string
        return False


def _split(merge: str) -> list[str] | None:
    return None if merge.startswith(HEADING) else merge.split(" ")


def _strings(merge: list[Any]) -> list[str]:
    return merge if all(isinstance(each, str) for each in merge) else []


def _first_bad(pairs: Iterable[list[str] | None], merges: list[Any], vocab: Collection[str]) -> str | None:
    for number, (pair, merge) in enumerate(zip(pairs, merges, strict=True), start=1):
        at = f"merge {number} of {len(merges)}"
        if pair is None:
            continue
        if len(pair) != 2:  # noqa: PLR2004 - a pair
            return f"{at} is no pair: {str(merge)[:60]!r}"
        lacking = next((token for token in (*pair, "".join(pair)) if token not in vocab), None)
        if lacking is not None:
            return f"{at} needs the token {lacking[:60]!r}, which the vocabulary lacks"
    return None
