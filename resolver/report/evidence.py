"""A finding's evidence in words: "tensors 134, of 464, missing 4.96 GB"."""

from collections.abc import Mapping
from typing import Final

from resolver.finding import Json
from resolver.report.escape import escape
from resolver.rules.words import size

SHOWN: Final = 4
LONGEST: Final = 160
HUGE_BITS: Final = 1_024  # beyond any count of anything; Python refuses to write some such numbers in digits


def evidence_in_words(evidence: Mapping[str, Json]) -> str:
    """All that is known, in the order in which the rule told it; nothing for what is None or empty."""
    return ", ".join(_pair(key, value) for key, value in evidence.items() if value not in (None, "", [], {}))


def _pair(key: str, value: Json) -> str:
    label = escape(key.replace("_", " "))
    if _is_number(value) and (key == "bytes" or key.endswith("_bytes")):
        return f"{label.removesuffix(' bytes') if key != 'bytes' else 'size'} {_size(value)}"
    return f"{label} {words(value)}"


def words(value: Json) -> str:
    """One value: lists by their first members, texts cut where they are very long."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return number(value)
        case str():
            text = escape(value)
            return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
        case list():
            shown = ", ".join(words(each) for each in value[:SHOWN])
            rest = f" and {len(value) - SHOWN} more" if len(value) > SHOWN else ""
            return f"[{shown}{rest}]"
        case dict():
            pairs = [_pair(key, each) for key, each in list(value.items())[:SHOWN]]
            rest = f" and {len(value) - SHOWN} more" if len(value) > SHOWN else ""
            return f"({', '.join(pairs)}{rest})"
    return "none"


def number(value: float) -> str:
    """A number as people read it: thousands apart; a huge one by its size alone."""
    if isinstance(value, int):
        return f"about 2**{value.bit_length()}" if value.bit_length() > HUGE_BITS else f"{value:,}"
    return f"{value:.6g}"


def _size(value: Json) -> str:
    if isinstance(value, int) and value.bit_length() > HUGE_BITS:
        return number(value)
    return size(value) if isinstance(value, int | float) else words(value)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
