"""A machine that was recorded elsewhere: what `resolver doctor --format json` wrote there, as a `Host`.

Read with the standard library alone, key by key, like the settings: the file comes from another machine, and a verdict
on half of it would be a verdict on none.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from resolver.environment import is_autoload_off
from resolver.errors import ConfigurationError
from resolver.host import Accelerator, Host, capability_of, memory_of, normalised
from resolver.inspection.fault import kind_of
from resolver.inspection.strict_json import JsonFile, read_json

MAX_BYTES: Final = 16 * 1024 * 1024  # a thousand packages and as many model types take 100 kB
ORIGIN: Final = "resolver doctor --format json"
# Whatever else a `machine` block says is about its directories, and judged by nobody.
UNJUDGED: Final = frozenset({"on_kaggle", "places", "secrets_set", "settings"})
BYTE_ORDER_MARK: Final = "byte order mark"  # an editor's habit, and no damage


def read_machine(path: Path) -> Host:
    """The machine that a file records.

    Returns:
        A host whose `source` is the path.

    Raises:
        ConfigurationError: absent, no regular file, too large, no strict JSON, not what `doctor` writes, a key that is
            not known, or a value of the wrong kind; in one line that names the file and the key.
    """
    machine = _block(path)
    known = {"accelerators", "memory_bytes", "packages", "offline_set", "variables", *_OPTIONAL, *UNJUDGED}
    if unknown := next((key for key in machine if key not in known), None):
        raise ConfigurationError(f"{path}: machine/{unknown}: this version knows no such key")
    for key in ("packages", "accelerators"):
        if key not in machine:
            raise ConfigurationError(f"{path}: machine/{key} is missing; record the machine again: {ORIGIN}")
    return Host(
        source=str(path),
        packages=_packages(path, machine["packages"]),
        accelerators=_accelerators(path, machine["accelerators"]),
        offline_set=_value(path, "offline_set", machine.get("offline_set", False), _a_flag),
        autoload_off=is_autoload_off(_value(path, "variables", machine.get("variables", {}), _texts)),
        memory_bytes=_value(path, "memory_bytes", machine.get("memory_bytes"), _maybe(_a_count)),
        **{key: _value(path, key, machine[key], read) for key, read in _OPTIONAL.items() if key in machine},
    )


def _block(path: Path) -> Mapping[str, Any]:
    if path.exists() and not path.is_file():
        raise ConfigurationError(f"{path}: no regular file")
    read = read_json(path, max_bytes=MAX_BYTES)
    if fault := _fault(read):
        raise ConfigurationError(f"{path}: {fault}")
    document = read.value
    machine = document.get("machine") if isinstance(document, dict) else None
    if not isinstance(machine, dict):
        raise ConfigurationError(f"{path}: no recorded machine; {ORIGIN} writes one")
    if document.get("schema_version") != 1:
        raise ConfigurationError(f"{path}: schema_version is {document.get('schema_version')!r}, and 1 is known here")
    return machine


def _fault(read: JsonFile) -> str | None:
    if read.fault is not None:
        where = "" if read.line is None else f" at line {read.line}, column {read.column}"
        return f"{read.fault}{where}"
    odd = [each for each in read.irregular if each != BYTE_ORDER_MARK]
    return f"no strict JSON: {odd[0]}" if odd else None


def _packages(path: Path, value: Any) -> Mapping[str, str]:
    return {normalised(name): version for name, version in _value(path, "packages", value, _texts).items()}


def _accelerators(path: Path, value: Any) -> tuple[Accelerator, ...]:
    if not isinstance(value, list):
        raise _wrong(path, "accelerators", value, "a list")
    return tuple(_accelerator(path, f"accelerators/{place}", each) for place, each in enumerate(value))


def _accelerator(path: Path, key: str, value: Any) -> Accelerator:
    if not isinstance(value, dict):
        raise _wrong(path, key, value, "an object")
    name = _value(path, f"{key}/name", value.get("name"), _a_text)
    memory = _value(path, f"{key}/memory_bytes", value.get("memory_bytes"), _maybe(_a_count))
    capability = _value(path, f"{key}/capability", value.get("capability"), _maybe(_a_capability))
    if unknown := next((each for each in value if each not in ("name", "memory_bytes", "capability")), None):
        raise ConfigurationError(f"{path}: machine/{key}/{unknown}: this version knows no such key")
    return Accelerator(name, memory or memory_of(name), capability or capability_of(name))


Read = Callable[[Any], tuple[bool, Any, str]]


def _value(path: Path, key: str, value: Any, read: Read) -> Any:
    right, taken, wanted = read(value)
    if not right:
        raise _wrong(path, key, value, wanted)
    return taken


def _wrong(path: Path, key: str, value: Any, wanted: str) -> ConfigurationError:
    return ConfigurationError(f"{path}: machine/{key} is {kind_of(value)}, not {wanted}")


def _maybe(read: Read) -> Read:
    return lambda value: (True, None, "") if value is None else read(value)


def _a_flag(value: Any) -> tuple[bool, Any, str]:
    return isinstance(value, bool), value, "true or false"


def _a_count(value: Any) -> tuple[bool, Any, str]:
    return type(value) is int and 0 <= value < 2**63, value, "a number of bytes"


def _a_text(value: Any) -> tuple[bool, Any, str]:
    return isinstance(value, str) and bool(value), value, "a text"


def _a_capability(value: Any) -> tuple[bool, Any, str]:
    right = isinstance(value, list) and len(value) == 2 and all(type(each) is int for each in value)  # noqa: PLR2004
    return right, tuple(value) if right else None, "two whole numbers such as [7, 5]"


def _texts(value: Any) -> tuple[bool, Any, str]:
    right = isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    return right, value, "an object of texts"


def _names(value: Any) -> tuple[bool, Any, str]:
    right = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return right, frozenset(value) if right else None, "a list of texts"


_OPTIONAL: Final[Mapping[str, Read]] = {
    "python": _maybe(_a_text),
    "platform": _maybe(_a_text),
    "has_network": _maybe(_a_flag),
    "offline_masked": _a_flag,
    "unwritable": _texts,
    "model_types": _maybe(_names),
}
