"""resolver.toml, or [tool.resolver] in pyproject.toml: what the user has decided, checked key by key.

Read with the standard library, since the quick text way may meet such a file too; every complaint names file and key.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resolver.environment import Environment
from resolver.errors import ConfigurationError
from resolver.own_policy import OwnPolicy, read_digests, read_policy
from resolver.record import Record, field

if TYPE_CHECKING:
    from resolver.accelerators import Profile

MAX_BYTES = 4 * 1024 * 1024
KEYS = ("roots", "aliases", "ignore", "accelerator", "accelerators", "locks", "digests", "policy")


class Settings(Record):
    """What the user has decided.

    Attributes:
        path: the file that said so; None where there is none.
        roots: further directories to search; relative ones start at the file.
        aliases: reference text -> reference text; a relative path starts at the file.
        ignores: rule code -> the reason why it is not judged.
        accelerator: the profile to judge for.
        accelerators: profiles of the user's own, by name.
        locks: locks of the user's own; a directory that agrees with one is surely what the lock says.
        digests: reference text -> tree digest, in hex: the same, of one model.
        policy: what may be loaded.
    """

    path: Path | None = None
    roots: tuple[Path, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    ignores: Mapping[str, str] = field(default_factory=dict)
    accelerator: str = "host"
    accelerators: Mapping[str, "Profile"] = field(default_factory=dict)
    locks: tuple[Path, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    policy: OwnPolicy = OwnPolicy()


def load_settings(environment: Environment, config: Path | None = None) -> Settings:
    """Read the settings.

    Args:
        environment: where to start; RESOLVER_CONFIG names a file, else resolver.toml or pyproject.toml in `cwd`.
        config: a file that was named; it has to exist.

    Raises:
        ConfigurationError: absent though named, not TOML, an unknown key, or a value of the wrong kind.
    """
    named = config or (environment.expand(text) if (text := environment.get("RESOLVER_CONFIG")) else None)
    if named is not None:
        return _settings(named, _table(named))
    ours, shared = environment.cwd / "resolver.toml", environment.cwd / "pyproject.toml"
    if os.path.lexists(ours):  # a link to nothing too: a policy that cannot be read is not passed over
        return _settings(ours, _table(ours))
    table = _table(shared) if shared.is_file() else None
    return Settings() if table is None else _settings(shared, table)


def _bytes(path: Path) -> bytes:
    """A settings file's bytes; a pipe or a device is never opened, it would wait or never end."""
    try:
        if path.exists() and not path.is_file():
            raise ConfigurationError(f"{path}: no regular file")
        with path.open("rb") as stream:
            text = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    if len(text) > MAX_BYTES:
        raise ConfigurationError(f"{path}: more than {MAX_BYTES:,} bytes are no settings")
    return text


def _table(path: Path) -> Mapping[str, Any] | None:
    text = _bytes(path)
    if path.name == "pyproject.toml" and not _may_be_ours(text):
        return None
    import tomllib  # noqa: PLC0415 - most runs have no such file

    try:
        document = tomllib.loads(text.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # A pyproject.toml that names our table: a policy that is lost is lost without a word.
        raise ConfigurationError(f"{path}: not TOML: {error}") from error
    if path.name == "pyproject.toml":
        tool = document.get("tool")
        found = tool.get("resolver") if isinstance(tool, dict) else None
        if found is not None and not isinstance(found, dict):
            raise ConfigurationError(f"{path}: tool.resolver has to be a table")
        return found
    return document


def _may_be_ours(text: bytes) -> bool:
    """Whether a pyproject.toml can hold our table, however it is spelt: `[ tool . resolver ]` and inline ones too.

    Reading one that does not would cost every run a millisecond.
    """
    if b"resolver" not in text:
        return False
    lines = [line.strip() for line in text.splitlines() if b"resolver" in line or b"tool" in line]
    if any(b"tool" in line and b"resolver" in line for line in lines):
        return True
    bare = any(line.partition(b"#")[0].replace(b" ", b"").strip(b"[]\t\"'") == b"tool" for line in lines)
    return bare and any(line.startswith((b"resolver", b'"resolver', b"'resolver")) for line in lines)


def _settings(path: Path, table: Mapping[str, Any] | None) -> Settings:
    table = table or {}
    for key in table:
        if key == "minimum_confidence":
            raise ConfigurationError(f"{path}: minimum_confidence stands in the table [policy]")
        if key not in KEYS:
            raise ConfigurationError(f"{path}: unknown key {key!r}; known are {', '.join(KEYS)}")
    return Settings(
        path=path,
        roots=tuple(path.parent / Path(text).expanduser() for text in _texts(path, "roots", table.get("roots", []))),
        aliases={name: _beside(path, text) for name, text in _pairs(path, "aliases", table).items()},
        ignores=_pairs(path, "ignore", table),
        accelerator=_text(path, "accelerator", table.get("accelerator", "host")),
        accelerators=_profiles(path, table["accelerators"]) if "accelerators" in table else {},
        locks=tuple(path.parent / Path(text).expanduser() for text in _texts(path, "locks", table.get("locks", []))),
        digests=read_digests(path, table["digests"]) if "digests" in table else {},
        policy=read_policy(path, table["policy"]) if "policy" in table else OwnPolicy(),
    )


def _profiles(path: Path, value: Any) -> "Mapping[str, Profile]":
    from resolver.own_accelerators import read_profiles  # noqa: PLC0415 - few settings have such a table

    return read_profiles(path, value)


def _beside(path: Path, text: str) -> str:
    return str(path.parent / text) if text.startswith(("./", "../")) else text


def _text(path: Path, key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"{path}: {key} has to be a text")
    return value


def _texts(path: Path, key: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ConfigurationError(f"{path}: {key} has to be a list of texts")
    return value


def _pairs(path: Path, key: str, table: Mapping[str, Any]) -> dict[str, str]:
    value = table.get(key, {})
    if not isinstance(value, dict) or not all(isinstance(each, str) and each for each in value.values()):
        hint = ' such as L502 = "our licence desk signed"' if key == "ignore" else ""
        raise ConfigurationError(f"{path}: {key} has to be a table of texts{hint}")
    return value
