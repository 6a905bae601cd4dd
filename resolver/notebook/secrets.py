"""Tokens and keys as literals: recognised by their published prefixes, masked before anybody sees them.

What it does not know: whether a token is still valid, or whose it is.
"""

import re
from collections.abc import Iterator
from typing import Final

# Kind, what begins it, its form. Prefixes: the services' own documentation of their token formats.
_KINDS: Final = (
    ("Hugging Face token", "hf_", r"\bhf_[A-Za-z0-9]{30,}"),
    ("GitHub token", "gh", r"\b(?:ghp|gho|ghs|ghu|github_pat)_[A-Za-z0-9_]{30,}"),
    ("AWS access key", "AKIA", r"\bAKIA[0-9A-Z]{16}\b"),
    ("OpenAI or Anthropic key", "sk-", r"\bsk-[A-Za-z0-9_-]{20,}"),
    ("Google API key", "AIza", r"\bAIza[0-9A-Za-z_-]{35}"),
    ("Slack token", "xox", r"\bxox[abprs]-[0-9A-Za-z-]{10,}"),
    ("Kaggle token", "KGAT_", r"\bKGAT_[A-Za-z0-9]{20,}"),
)
# Keys without a prefix: 32 or 40 hexadecimal digits, where the line says whose they are.
_NAMED: Final = re.compile(
    r"(?i)(wandb|kaggle)[^\n]{0,60}?[\"'=\s]([0-9a-f]{40}|[0-9a-f]{32})(?![0-9a-f])",
)
_PLACEHOLDER: Final = re.compile(r"^(.)\1*$|(?i:x{6,}|your|\.\.\.)")


def secrets(line: str) -> Iterator[tuple[str, str, int, int]]:
    """Kind, masked text, start and end of each secret in a line."""
    for kind, prefix, form in _KINDS:
        if prefix in line:
            for match in re.finditer(form, line):
                if not _PLACEHOLDER.search(match[0][len(prefix) :]):
                    yield kind, f"{match[0][: len(prefix)]}…", match.start(), match.end()
    lower = line.lower()
    if "wandb" in lower or "kaggle" in lower:
        for match in _NAMED.finditer(line):
            owner = "Weights & Biases key" if match[1].lower() == "wandb" else "Kaggle key"
            yield owner, "…", match.start(2), match.end(2)


def masked(line: str) -> str:
    """The line with every secret in it masked."""
    for _, shown, start, end in sorted(secrets(line), key=lambda each: -each[2]):
        line = line[:start] + shown + line[end:]
    return line
