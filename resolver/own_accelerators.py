"""The tables `[accelerators.NAME]` of resolver.toml, read key by key: the user's own machines."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from resolver.accelerators import Profile, Throughput
from resolver.errors import ConfigurationError
from resolver.host import HOST, Accelerator, capability_of

GB: Final = 10**9
LARGEST: Final = 10**9
KEYS: Final = (
    "device", "devices", "memory_gb", "capability", "host_memory_gb", "disk_gb", "time_limit_h", "image", "throughput",
)  # fmt: skip
THROUGHPUT_KEYS: Final = ("tokens_per_second", "rows", "tokens_per_row")


def read_profiles(path: Path, value: Any) -> Mapping[str, Profile]:
    """The profiles of a settings file, by name.

    Raises:
        ConfigurationError: not a table, an unknown key, or a value of the wrong kind; names file and key.
    """
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path}: accelerators has to be a table of tables")
    return {name: _profile(_Table(path, f"accelerators.{name}", table, KEYS), name) for name, table in value.items()}


class _Table:
    """One table and the words with which it complains."""

    def __init__(self, path: Path, key: str, value: Any, known: tuple[str, ...]) -> None:
        self._path, self._key = path, key
        if not isinstance(value, dict):
            raise self.wrong("", "has to be a table")
        self.value: dict[str, Any] = value
        if unknown := next((each for each in value if each not in known), None):
            raise self.wrong(f".{unknown}", f"is not known; known are {', '.join(known)}")

    def wrong(self, key: str, what: str) -> ConfigurationError:
        """A complaint."""
        return ConfigurationError(f"{self._path}: {self._key}{key} {what}")

    def text(self, key: str, example: str) -> str | None:
        """A text, or None where the key is absent."""
        value = self.value.get(key)
        if value is not None and not (isinstance(value, str) and value):
            raise self.wrong(f".{key}", f'has to be a text such as "{example}"')
        return value

    def number(self, key: str) -> float | None:
        """A number above 0, or None where the key is absent."""
        value = self.value.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LARGEST:
            raise self.wrong(f".{key}", "has to be a number above 0")
        return float(value)

    def count(self, key: str) -> int | None:
        """A whole number from 1 on, or None where the key is absent."""
        value = self.number(key)
        if value is not None and not value.is_integer():
            raise self.wrong(f".{key}", "has to be a whole number")
        return None if value is None else int(value)

    def nested(self, key: str, known: tuple[str, ...]) -> "_Table | None":
        """A table within, or None where the key is absent."""
        return _Table(self._path, f"{self._key}.{key}", self.value[key], known) if key in self.value else None


def _profile(table: _Table, name: str) -> Profile:
    if name == HOST:
        raise table.wrong("", "cannot be: host is this machine")
    image = table.text("image", "GPU")
    if image not in (None, "GPU", "TPU"):
        raise table.wrong(".image", 'is "GPU" or "TPU": which of Kaggle\'s images it runs')
    hours = table.number("time_limit_h")
    return Profile(
        name=name,
        devices=_devices(table, name),
        memory_bytes=_bytes(table.number("host_memory_gb")),
        disk_bytes=_bytes(table.number("disk_gb")),
        time_limit_s=None if hours is None else math.floor(hours * 3600),
        image=image,
        throughput=_throughput(table.nested("throughput", THROUGHPUT_KEYS)),
    )


def _devices(table: _Table, name: str) -> tuple[Accelerator, ...]:
    device = table.text("device", "NVIDIA A100-SXM4-40GB")
    memory = _bytes(table.number("memory_gb"))
    capability = _capability(table)
    count = table.count("devices")
    if device is None and memory is None and capability is None and count is None:
        return ()
    told = device or name
    return (Accelerator(told, memory, capability or capability_of(told)),) * (count or 1)


def _capability(table: _Table) -> tuple[int, int] | None:
    text = table.text("capability", "8.0")
    if text is None:
        return None
    major, _, minor = text.partition(".")
    if not (major.isascii() and major.isdigit() and minor.isascii() and minor.isdigit() and len(text) < len("100.100")):
        raise table.wrong(".capability", 'has to be a text such as "8.0"')
    return int(major), int(minor)


def _throughput(table: _Table | None) -> Throughput | None:
    if table is None:
        return None
    speed, rows, length = table.number("tokens_per_second"), table.count("rows"), table.number("tokens_per_row")
    if speed is None or rows is None or length is None:
        raise table.wrong("", f"needs all of {', '.join(THROUGHPUT_KEYS)}")
    return Throughput(speed, rows, length)


def _bytes(gigabytes: float | None) -> int | None:
    return None if gigabytes is None else math.floor(gigabytes * GB)
