"""Tokens and keys in a text: recognised by their published forms, masked before anybody sees them.

What it does not know: whether a token is still valid, or whose it is.
"""

import re
from collections.abc import Iterator
from typing import Final

from resolver.record import Record

MASK: Final = "***"


class Secret(Record):
    """One secret: its kind, what is shown in its place, where it starts and ends, and whether it is an example's."""

    kind: str
    shown: str
    start: int
    end: int
    placeholder: bool = False


# Kind, what its text has in any case (a cheap first look), its form: the first group is shown, the second is not.
# Prefixes: the services' own documentation of their token formats.
_FORMS: Final = (
    ("Hugging Face token", "hf_", r"\b(hf_)([A-Za-z0-9]{16,})"),
    ("Hugging Face token", "api_org_", r"\b(api_org_)([A-Za-z0-9]{16,})"),
    ("Kaggle token", "KGAT_", r"\b(KGAT_)([A-Za-z0-9]{16,})"),
    ("GitHub token", "gh", r"\b(gh[pous]_|github_pat_)([A-Za-z0-9_]{30,})"),
    ("AWS access key", "AKIA", r"\b(AKIA)([0-9A-Z]{16})\b"),
    ("OpenAI or Anthropic key", "sk-", r"\b(sk-)([A-Za-z0-9_-]{20,})"),
    ("Google API key", "AIza", r"\b(AIza)([0-9A-Za-z_-]{35})"),
    ("Slack token", "xox", r"\b(xox[abprs]-)([0-9A-Za-z-]{10,})"),
    ("credentials of an address", "@", r"(\b(?:https?|git|ssh):/{1,2})([^\s/@]+)(?=@)"),
    ("credentials of an address", "@", r"(\b(?:hf|kaggle)://)([^\s/@:]+:[^\s/@]+)(?=@)"),  # hf://gpt2@main has none
)
# Keys without a prefix: 32 or 40 hexadecimal digits, where the line says whose they are.
_OWNED: Final = r"(?i)(wandb|kaggle)[^\n]{0,60}?[\"'=\s]([0-9a-f]{40}|[0-9a-f]{32})(?![0-9a-f])"
_OWNERS: Final = {"wandb": "Weights & Biases key", "kaggle": "Kaggle key"}
_PLACEHOLDER: Final = r"(?i)^(.)\1*$|x{6,}|your|token|\{"


def find_secrets(text: str, *, in_code: bool = False) -> Iterator[Secret]:
    """Every secret in a text; one with `placeholder` is masked like the others and is nobody's fault.

    `in_code` finds keys without a prefix too: in a line of code that names their service, forty hexadecimal digits
    are a key; in a report they are a commit.
    """
    for kind, mark, form in _FORMS:
        if mark in text:
            for found in re.finditer(form, text):
                yield Secret(kind, found[1] + MASK, found.start(), found.end(), _is_placeholder(found[2]))
    lower = text.lower() if in_code else ""
    if "wandb" in lower or "kaggle" in lower:
        for found in re.finditer(_OWNED, text):
            yield Secret(_OWNERS[found[1].lower()], MASK, found.start(2), found.end(2))


def _is_placeholder(hidden: str) -> bool:
    """Whether it is an example's ("hf_xxxxxxxx") or a name: a real one mixes letters of both cases, or has digits."""
    return (hidden.isalpha() and hidden.islower()) or re.search(_PLACEHOLDER, hidden) is not None


def mask(text: str, *, in_code: bool = False) -> str:
    """The text with every secret in it masked; what begins it still shows ("hf_***").

    >>> mask("https://me:secret@huggingface.co/org/name")
    'https://***@huggingface.co/org/name'
    """
    pieces: list[str] = []
    at = 0
    for found in sorted(find_secrets(text, in_code=in_code), key=lambda each: (each.start, -each.end)):
        if found.start >= at:  # otherwise it lies in the one before, which is masked already
            pieces += (text[at : found.start], found.shown)
        at = max(at, found.end)
    return "".join((*pieces, text[at:]))
