"""What each version of transformers asks of the packages beside it, read from its wheel's metadata.

transformers checks these itself when it is imported (`dependency_versions_check.py`) and raises; torch it merely
switches off (`is_torch_available`). A version that was not read is held between its two neighbours: its floor is the
lower of theirs, its ceiling the higher, so that no bound is claimed that it may not have.
"""

from typing import Final, NamedTuple

Version = tuple[int, ...]


class Range(NamedTuple):
    """From `least` on; up to `most`, which is allowed only where `with_most`; None for no ceiling."""

    least: Version
    most: Version | None = None
    with_most: bool = False

    def __contains__(self, version: object) -> bool:
        """Whether a version lies in the range; what the bound does not say counts as its own."""
        return isinstance(version, tuple) and not self.is_below(version) and not self.is_above(version)

    def is_below(self, version: Version) -> bool:
        """Whether a version is too old."""
        return _whole(version) < _whole(self.least)

    def is_above(self, version: Version) -> bool:
        """Whether a version is too new."""
        if self.most is None:
            return False
        found, most = _whole(version), _whole(self.most)
        return found > most if self.with_most else found >= most


def _whole(version: Version) -> Version:
    """Three numbers: 1.3 and 1.3.0 are one version."""
    return (*version, 0, 0, 0)[:3]


OLD_TOKENIZERS: Final = Range((0, 19), (0, 20))
MID_TOKENIZERS: Final = Range((0, 21), (0, 22))
NEW_TOKENIZERS: Final = Range((0, 22, 0), (0, 23, 0), with_most=True)
# Version of transformers: tokenizers, huggingface-hub, safetensors, accelerate, torch.
ROWS: Final[tuple[tuple[Version, tuple[Range, Range, Range, Range, Range]], ...]] = tuple(
    (version, (tokenizers, hub, Range(safetensors), Range(accelerate), Range(torch)))
    for version, tokenizers, hub, safetensors, accelerate, torch in (
        ((4, 41, 2), OLD_TOKENIZERS, Range((0, 23, 0), (1, 0)), (0, 4, 1), (0, 21, 0), (1, 13)),
        ((4, 44, 2), OLD_TOKENIZERS, Range((0, 23, 2), (1, 0)), (0, 4, 1), (0, 21, 0), (1, 13)),
        ((4, 47, 0), MID_TOKENIZERS, Range((0, 24, 0), (1, 0)), (0, 4, 1), (0, 26, 0), (2, 0)),
        ((4, 50, 3), MID_TOKENIZERS, Range((0, 26, 0), (1, 0)), (0, 4, 3), (0, 26, 0), (2, 0)),
        ((4, 52, 3), MID_TOKENIZERS, Range((0, 30, 0), (1, 0)), (0, 4, 3), (0, 26, 0), (2, 1)),
        ((4, 54, 0), MID_TOKENIZERS, Range((0, 34, 0), (1, 0)), (0, 4, 3), (0, 26, 0), (2, 1)),
        ((4, 57, 1), NEW_TOKENIZERS, Range((0, 34, 0), (1, 0)), (0, 4, 3), (0, 26, 0), (2, 1)),
        ((4, 57, 6), NEW_TOKENIZERS, Range((0, 34, 0), (1, 0)), (0, 4, 3), (0, 26, 0), (2, 1)),
        ((5, 0, 0), NEW_TOKENIZERS, Range((1, 3, 0), (2, 0)), (0, 4, 3), (1, 1, 0), (2, 2)),
        ((5, 8, 0), NEW_TOKENIZERS, Range((1, 5, 0), (2, 0)), (0, 4, 3), (1, 1, 0), (2, 4)),
        ((5, 16, 0), Range((0, 23, 1), (0, 24, 0)), Range((1, 5, 0), (2, 0)), (0, 8, 0), (1, 1, 0), (2, 5)),
        ((5, 23, 0), Range((0, 23, 1), (0, 24, 0)), Range((1, 31, 0), (3, 0)), (0, 8, 0), (1, 1, 0), (2, 6)),
    )
)
PACKAGES: Final = ("tokenizers", "huggingface-hub", "safetensors", "accelerate", "torch")


def asked_by(transformers: Version) -> dict[str, Range]:
    """What a version of transformers asks of each package; of one older than the table, nothing is known.

    >>> asked_by((5, 0, 0))["tokenizers"]
    Range(least=(0, 22, 0), most=(0, 23, 0), with_most=True)
    >>> asked_by((5, 30))["torch"], asked_by((5, 30))["tokenizers"].most
    (Range(least=(2, 6), most=None, with_most=False), None)
    >>> asked_by((4, 30))
    {}
    """
    asked = _whole(transformers)
    before = [row for version, row in ROWS if version <= asked]
    after = [row for version, row in ROWS if version >= asked]
    if not before:
        return {}
    if not after:
        return {name: Range(each.least) for name, each in zip(PACKAGES, before[-1], strict=True)}
    pairs = zip(PACKAGES, before[-1], after[0], strict=True)
    return {name: _wider(one, other) for name, one, other in pairs}


def _wider(one: Range, other: Range) -> Range:
    least = min(one.least, other.least)
    if one.most is None or other.most is None:
        return Range(least)
    most, inclusive = max((one.most, one.with_most), (other.most, other.with_most))
    return Range(least, most, inclusive)
