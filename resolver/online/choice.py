"""Which files of a remote listing are fetched: what describes a model first, then the one format of its weights.

Judges names and the small files that are there by then; asks nobody. What is fetched is described and planned like any
other directory afterwards, so a file too many here costs bytes and no more.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from resolver.inspection.files import WEIGHTS, Listing, list_files
from resolver.inspection.formats import BIN, BIN_INDEX, SAFETENSORS, SAFETENSORS_INDEX
from resolver.inspection.index import escapes
from resolver.inspection.listed import MODULES_FILE, transformer_folder
from resolver.inspection.modules import read_modules
from resolver.inspection.safe_names import why_unsafe
from resolver.inspection.strict_json import read_json
from resolver.staging.plan import SourceFault

MAX_FILES: Final = 20_000
SMALL: Final = 256 * 1024 * 1024  # the largest tokenizer.json known has 35 MB
ADAPTERS: Final = ("adapter_model.safetensors", "adapter_model.bin")
NO_MODEL: Final = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".mp4", ".wav", ".mp3", ".pdf", ".zip", ".csv")
FOLDERS: Final = ("additional_chat_templates/",)


def refuse_unsafe(names: Iterable[str]) -> None:
    """Refuse a listing that holds a name which must not be used: it is not to be trusted in anything.

    Raises:
        SourceFault: names the first.
    """
    listed = list(names)
    if len(listed) > MAX_FILES:
        raise SourceFault(f"it lists {len(listed):,} files; no more than {MAX_FILES:,} are looked at")
    for name in listed:
        if (reason := why_unsafe(name)) is not None:
            raise SourceFault(f"it lists the name {name[:80]!r}: {reason}")


def describing(sizes: Mapping[str, int]) -> list[str]:
    """The small files at the top, which say what the model is: configuration, tokenizer, card, licence, code."""
    return sorted(name for name, size in sizes.items() if _is_top(name) and _is_small(name, size))


def _is_top(name: str) -> bool:
    return "/" not in name or name.startswith(FOLDERS)


def _is_small(name: str, size: int) -> bool:
    hidden = name.startswith(".")
    return size <= SMALL and not hidden and not name.lower().endswith((*WEIGHTS, *NO_MODEL))


def of_parts(sizes: Mapping[str, int], area: Path) -> list[str]:
    """The same of the folders that modules.json names, once that is there."""
    folders = tuple(_part_folders(area))
    inside = [name for name in sizes if folders and name.startswith(folders)]
    return sorted(name for name in inside if _is_small(name, sizes[name]))


def _part_folders(area: Path) -> list[str]:
    modules = read_modules(_listing(area))
    return [] if modules is None else [f"{part.path}/" for part in modules.parts if part.path]


def weights(sizes: Mapping[str, int], area: Path, fetch: Callable[[list[str]], None]) -> list[str]:
    """The files of weights, of the format that a loader takes first; an index is fetched to know its shards.

    Args:
        sizes: the listing.
        area: where the describing files are by now.
        fetch: fetches files by their names.

    Raises:
        SourceFault: an index names what is not in the listing.
    """
    found: list[str] = []
    for folder in dict.fromkeys(["", transformer_folder(_listing(area)), *_part_folders(area)]):
        named = read_json(area / folder / "config.json").value
        asked = named.get("transformers_weights") if isinstance(named, dict) else None
        own = [asked] if isinstance(asked, str) and not escapes(asked) else []
        order = [*own, SAFETENSORS, SAFETENSORS_INDEX, BIN, BIN_INDEX]
        chosen = next((folder + name for name in order if folder + name in sizes), None)
        if chosen is not None:
            found += _with_shards(chosen, folder, sizes, area, fetch)
    found += [next((name for name in ADAPTERS if name in sizes), "")]
    return sorted({name for name in found if name})


def _with_shards(
    chosen: str, folder: str, sizes: Mapping[str, int], area: Path, fetch: Callable[[list[str]], None]
) -> list[str]:
    if not chosen.endswith(".json"):
        return [chosen]
    if not (area / chosen).is_file():
        fetch([chosen])
    value: Any = read_json(area / chosen, max_bytes=64 * 1024 * 1024).value
    weight_map = value.get("weight_map") if isinstance(value, dict) else None
    shards = {each for each in weight_map.values() if isinstance(each, str)} if isinstance(weight_map, dict) else set()
    absent = sorted(shard for shard in shards if folder + shard not in sizes)
    if absent:
        raise SourceFault(f"{chosen} names {absent[0][:80]!r}, which is not in the listing")
    return [chosen, *(folder + shard for shard in shards)]


def _listing(area: Path) -> Listing:
    return list_files(area) if (area / MODULES_FILE).is_file() else Listing(area)
