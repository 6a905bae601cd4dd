"""Text that others wrote, made harmless to show: control characters, bidirectional overrides, secrets.

Every renderer sends through here whatever it did not write itself: names of files, text of files, arguments.
"""

from typing import Final

from resolver.secrets import mask

NAMED: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
ESCAPED_BYTES: Final = range(0xDC80, 0xDD00)  # how Python keeps a byte that is not UTF-8 (PEP 383)


def escape(text: object) -> str:
    r"""One line that can be shown anywhere: what does not print is written as an escape, secrets as "***".

    >>> escape("a\x1b[2Jb\u202ec")
    'a\\x1b[2Jb\\u202ec'
    >>> escape("https://me:secret@huggingface.co/org/name")
    'https://***@huggingface.co/org/name'
    """
    plain = mask(str(text))
    if not plain.isprintable():
        plain = "".join(each if each.isprintable() else _escape(each) for each in plain)
    # "##[error]" anywhere in a line is an order to the log of a CI runner.
    return plain.replace("##[", r"#\x23[") if "##[" in plain else plain


def without_surrogates(text: str) -> str:
    """The text with what UTF-8 cannot carry written as an escape; all else as it is."""
    return "".join(_escape(each) if "\ud800" <= each <= "\udfff" else each for each in text)


def _escape(character: str) -> str:
    number = ord(character)
    if number in ESCAPED_BYTES:
        number -= 0xDC00
    if number < 0x100:  # noqa: PLR2004 - two hexadecimal digits
        return NAMED.get(character, f"\\x{number:02x}")
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"  # noqa: PLR2004 - four digits
