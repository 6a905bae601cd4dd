"""Rows of ids whose lengths are those of the contest's test file: the file itself where it lies, else its quantiles.

The quantiles are lengths in tokens of 983 real rows of the LMSYS competition in our own template, uncut, in the
tokenizer of the MiniLM package; they hold no text.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.arena.table import read_table
from pipeline.text.encode import Encoder
from pipeline.text.prompt import Ids

TEST_FILE = Path(__file__).resolve().parents[2] / "shared" / "data" / "arena" / "test.csv"
# fmt: off
QUANTILES = (  # 0 %, 1 %, ... 100 %
    18, 35, 54, 66, 76, 88, 99, 111, 120, 125, 134, 143, 149, 154, 165, 173, 182, 195, 207, 214, 219, 226, 234, 249,
    259, 279, 286, 295, 315, 323, 338, 351, 365, 373, 384, 398, 409, 414, 420, 432, 445, 453, 466, 477, 487, 495,
    509, 520, 528, 547, 558, 567, 580, 589, 598, 612, 622, 635, 647, 663, 682, 692, 702, 715, 723, 735, 748, 759,
    775, 785, 797, 814, 826, 837, 848, 871, 892, 921, 936, 966, 992, 1010, 1026, 1048, 1093, 1137, 1195, 1251, 1287,
    1338, 1408, 1466, 1539, 1578, 1737, 1897, 2053, 2249, 2519, 3713, 6847,
)
# fmt: on


def contest_rows(count: int, max_length: int, tokenizer: Any) -> tuple[list[Ids], str]:
    """That many rows of at most that length, and where they are from.

    Args:
        count: of rows; taken evenly from the file, some of them twice where it has fewer.
        max_length: in tokens.
        tokenizer: MiniLM's.
    """
    if TEST_FILE.is_file():
        battles = read_table(TEST_FILE).battles
        some = [battles[number * len(battles) // count] for number in range(count)]
        return Encoder(tokenizer, max_length).encode(some), f"the test file's {len(battles):,} rows"
    return made_up(lengths(count, max_length), tokenizer), "made-up ids with the lengths' quantiles of the test file"


def lengths(count: int, max_length: int) -> list[int]:
    """Lengths spread as the file's are, cut as its rows would be."""
    found = []
    for number in range(count):
        place = (number + 0.5) / count * (len(QUANTILES) - 1)
        below = int(place)
        found.append(round(QUANTILES[below] + (place - below) * (QUANTILES[below + 1] - QUANTILES[below])))
    return [min(max_length, length) for length in found]


def made_up(row_lengths: Sequence[int], tokenizer: Any) -> list[Ids]:
    """Rows of these lengths in any order; their ids are drawn from a seed."""
    draw = random.Random(1)  # noqa: S311 - made-up ids, not secrets
    mixed = draw.sample(list(row_lengths), len(row_lengths))
    first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
    return [(first, *(draw.randrange(1000, len(tokenizer)) for _ in range(length - 2)), last) for length in mixed]
