"""In which script a text is written: what can be told of it without guessing its language."""

import unicodedata
from collections import Counter
from typing import Final

# A longer text is judged by its beginning.
LETTERS: Final = 2000
NONE: Final = "none"
# How Unicode names letters that belong to a script with another name.
NAMES: Final = {"CJK": "Han", "FULLWIDTH": "Latin"}


def script_of(text: str) -> str:
    """The script that most letters have, by the first word of their Unicode names; "none" where there is no letter.

    >>> script_of("Привет, world"), script_of("漢字と"), script_of("1 + 1 = 2")
    ('Cyrillic', 'Han', 'none')
    """
    head = text[:LETTERS]
    letters = Counter(filter(str.isalpha, head))
    if not letters:
        return NONE
    if head.isascii():
        return "Latin"
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        scripts[unicodedata.name(letter, "unnamed").split(" ", 1)[0]] += count
    name = min(scripts, key=lambda each: (-scripts[each], each))
    return NAMES.get(name, name.capitalize())
