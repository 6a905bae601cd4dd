"""Damage that means nothing: bytes and JSON values changed anywhere, in any file of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from damage_tools import Harm, Scene, Touched

KEPT = 3  # levels of a tokenizer.json that are walked: its vocabulary is damaged by kinds of its own


def _any_file(scene: Scene) -> Path:
    return scene.dice.choice(sorted(each for each in scene.root.iterdir() if each.stat().st_size > 16))


def flip_any_bit(scene: Scene) -> Touched:
    file = _any_file(scene)
    data = bytearray(file.read_bytes())
    data[scene.dice.randrange(len(data))] ^= 1 << scene.dice.randrange(8)
    file.write_bytes(data)
    return file.name


def delete_any_bytes(scene: Scene) -> Touched:
    file = _any_file(scene)
    data = file.read_bytes()
    at = scene.dice.randrange(len(data))
    file.write_bytes(data[:at] + data[at + scene.dice.randrange(1, 9) :])
    return file.name


def insert_any_bytes(scene: Scene) -> Touched:
    file = _any_file(scene)
    data = file.read_bytes()
    at = scene.dice.randrange(len(data))
    file.write_bytes(data[:at] + scene.dice.randbytes(scene.dice.randrange(1, 9)) + data[at:])
    return file.name


def repeat_any_bytes(scene: Scene) -> Touched:
    file = _any_file(scene)
    data = file.read_bytes()
    at = scene.dice.randrange(len(data))
    file.write_bytes(data[:at] + data[max(0, at - 64) : at] + data[at:])
    return file.name


def zero_any_block(scene: Scene) -> Touched:
    """As a disk that lost a block leaves it."""
    file = _any_file(scene)
    data = file.read_bytes()
    at = scene.dice.randrange(len(data))
    length = min(512, len(data) - at)
    file.write_bytes(data[:at] + bytes(length) + data[at + length :])
    return file.name


def _any_value(scene: Scene, kinds: tuple[type, ...]) -> tuple[str, Any, Any, Any] | None:
    """A JSON file, what it holds, and a container in it with a key whose value is of such a type."""
    name = scene.dice.choice(sorted(each.name for each in scene.root.glob("*.json")))
    value = scene.json(name)
    found = [(holder, key) for holder, key in _walk(value, KEPT) if type(holder[key]) in kinds]
    return (name, value, *scene.dice.choice(found)) if found else None


def _walk(value: Any, depth: int) -> list[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    found = [(value, key) for key in keys]
    for key in keys if depth else ():
        found += _walk(value[key], depth - 1)
    return found


def change_any_number(scene: Scene) -> Touched:
    name, value, holder, key = _any_value(scene, (int, float)) or ("", None, None, None)
    if not name:
        return None
    holder[key] = scene.dice.choice((holder[key] + 1, holder[key] * 2, -holder[key], 0, 2**31, str(holder[key]), None))
    return scene.write_json(name, value), *_all(scene)


def change_any_text(scene: Scene) -> Touched:
    name, value, holder, key = _any_value(scene, (str,)) or ("", None, None, None)
    if not name:
        return None
    holder[key] = scene.dice.choice((holder[key] + "x", "", holder[key].upper(), 7, None, [holder[key]]))
    return scene.write_json(name, value), *_all(scene)


def turn_any_flag(scene: Scene) -> Touched:
    name, value, holder, key = _any_value(scene, (bool,)) or ("", None, None, None)
    if not name:
        return None
    holder[key] = not holder[key]
    return scene.write_json(name, value), *_all(scene)


def drop_any_key(scene: Scene) -> Touched:
    name, value, holder, key = _any_value(scene, (int, float, str, bool, dict, list, type(None))) or ("", 0, 0, 0)
    if not name:
        return None
    del holder[key]
    return scene.write_json(name, value), *_all(scene)


def rename_any_file(scene: Scene) -> Touched:
    file = scene.dice.choice(sorted(scene.root.iterdir()))
    new = file.with_name(scene.dice.choice((f"{file.name}.bak", file.name.title(), f"copy of {file.name}")))
    file.rename(new)
    return file.name, new.name, scene.root.name, *_all(scene)


def drop_any_file(scene: Scene) -> Touched:
    file = scene.dice.choice(sorted(scene.root.iterdir()))
    file.unlink()
    return file.name, scene.root.name, *_all(scene)


def _all(scene: Scene) -> tuple[str, ...]:
    """What a value in one file is judged against may lie in any other."""
    return tuple(each.name for each in scene.root.iterdir())


_KINDS = (
    flip_any_bit, delete_any_bytes, insert_any_bytes, repeat_any_bytes, zero_any_block, change_any_number,
    change_any_text, turn_any_flag, drop_any_key, rename_any_file, drop_any_file,
)  # fmt: skip
RANDOM: dict[str, Harm] = {f"random.{harm.__name__.replace('_', '-')}": harm for harm in _KINDS}
