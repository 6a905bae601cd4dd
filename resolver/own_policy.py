"""The tables `[policy]` and `[digests]` of resolver.toml, read key by key: what may be loaded, and what is vouched for.

A key that is not known, or a value of the wrong kind, is refused: a policy is never half obeyed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from resolver.errors import ConfigurationError
from resolver.finding import CONFIDENCES, Confidence
from resolver.record import Record

KEYS: Final = ("minimum_confidence", "licences", "approved", "pickle")
DIGEST: Final = "sha256:"
HEX: Final = frozenset("0123456789abcdef")
HEX_DIGITS: Final = 64


class OwnPolicy(Record):
    """What a settings file says under `[policy]`.

    Attributes:
        minimum_confidence: the least certain match that resolves.
        licences: identifiers of licences, lower case; None where any will do.
        approved_locks: locks whose models alone may be loaded; None, with `approved_digests`, where any may.
        approved_digests: tree digests, in hex, that may be loaded besides.
        no_pickle: whether a model is refused whose loader would open a pickle.
    """

    minimum_confidence: Confidence = "matched"
    licences: tuple[str, ...] | None = None
    approved_locks: tuple[Path, ...] | None = None
    approved_digests: tuple[str, ...] | None = None
    no_pickle: bool = False


def read_policy(path: Path, value: Any) -> OwnPolicy:
    """The table `[policy]` of a settings file.

    Raises:
        ConfigurationError: not a table, an unknown key, or a value of the wrong kind; names file and key.
    """
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path}: policy has to be a table")
    if (unknown := next((key for key in value if key not in KEYS), None)) is not None:
        raise ConfigurationError(f"{path}: policy.{unknown} is not known; known are {', '.join(KEYS)}")
    licences = _texts(path, "licences", value) if "licences" in value else None
    approved = _texts(path, "approved", value) if "approved" in value else None
    return OwnPolicy(
        minimum_confidence=_one_of(path, "minimum_confidence", value, CONFIDENCES[:3], "matched"),
        licences=None if licences is None else tuple(each.strip().lower() for each in licences),
        approved_locks=None if approved is None else _locks(path, approved),
        approved_digests=None if approved is None else _digests(path, approved),
        no_pickle=_one_of(path, "pickle", value, ("allowed", "never"), "allowed") == "never",
    )


def read_digests(path: Path, value: Any) -> Mapping[str, str]:
    """The table `[digests]` of a settings file: reference text -> 64 hex digits.

    Raises:
        ConfigurationError: not a table of digests; names file and key.
    """
    if not isinstance(value, dict):
        raise ConfigurationError(f'{path}: digests has to be a table such as "org/name" = "{DIGEST}…"')
    return {name: _digest(path, f"digests.{name}", text) for name, text in value.items()}


def _locks(path: Path, approved: list[str]) -> tuple[Path, ...]:
    return tuple(path.parent / Path(text).expanduser() for text in approved if not text.startswith(DIGEST))


def _digests(path: Path, approved: list[str]) -> tuple[str, ...]:
    return tuple(_digest(path, "policy.approved", text) for text in approved if text.startswith(DIGEST))


def _digest(path: Path, key: str, text: Any) -> str:
    hexadecimal = text.removeprefix(DIGEST) if isinstance(text, str) else ""
    if text != f"{DIGEST}{hexadecimal}" or len(hexadecimal) != HEX_DIGITS or not HEX.issuperset(hexadecimal):
        raise ConfigurationError(f"{path}: {key} has to be {DIGEST} and the 64 hex digits of a lock's tree_sha256")
    return hexadecimal


def _texts(path: Path, key: str, table: Mapping[str, Any]) -> list[str]:
    value = table[key]
    if not isinstance(value, list) or not all(isinstance(each, str) and each.strip() for each in value):
        raise ConfigurationError(f"{path}: policy.{key} has to be a list of texts")
    return value


def _one_of(path: Path, key: str, table: Mapping[str, Any], known: tuple[Any, ...], default: Any) -> Any:
    value = table.get(key, default)
    if not isinstance(value, str) or value not in known:
        raise ConfigurationError(f"{path}: policy.{key} is one of {', '.join(known)}")
    return value
