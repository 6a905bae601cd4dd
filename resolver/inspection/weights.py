"""Which weights lie in a directory, which of them transformers would open, and what their headers say.

The order in which they are tried is that of transformers 5.23 for a local directory: the file that config.json names,
`model.safetensors`, its index, `pytorch_model.bin`, its index. Nothing of a tensor's data is read.
"""

import errno
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from resolver.inspection.files import FileFacts, Listing
from resolver.inspection.formats import BIN, BIN_INDEX, SAFETENSORS, SAFETENSORS_INDEX, Format, formats_in, implied_by
from resolver.inspection.index import IndexFacts, escapes, read_index
from resolver.inspection.listed import transformer_folder
from resolver.inspection.safetensors import Header, HeaderFault, read_header
from resolver.record import Record, field

NO_FILE: Final = frozenset({errno.EINVAL, errno.ENXIO, errno.EISDIR})  # a pipe, a socket, a directory
MAX_HEADERS: Final = 4_096
ORDER: Final = (SAFETENSORS, SAFETENSORS_INDEX, BIN, BIN_INDEX)
# What these bytes are, family F says; a header is looked for in all others.
NO_HEADER: Final = frozenset(
    {"empty", "unread", "lfs-pointer", "html", "xml", "json", "zip", "gzip", "7z", "tar", "pickle", "gguf", "hdf5"}
)


class Stored(NamedTuple):
    """A tensor as it is stored, and the file that holds it."""

    file: str
    dtype: str
    shape: tuple[int, ...]


class WeightsFacts(Record):
    """What a directory holds of weights.

    Attributes:
        formats: the files of each format, sub-directories included.
        chosen: the file that a loader asks for first (a single file or an index); None where there is none.
        opened: names of all files that follow from it, those that are absent too.
        headers: of every safetensors file that is not an adapter's: its header, or why there is none. Files whose
            bytes are something else altogether are not in it.
        index: the index that is opened; None where none is.
        shadowed: an index of safetensors that stands beside `model.safetensors` and is not read.
        missing: shards that the opened index names, or that N-of-M names imply, and that are not in the listing.
        tensors: of the opened safetensors files; where two hold a name, the one that is read later.
        tensors_known: whether `tensors` is all there is: every opened file is there, is safetensors and has a header.
        total_bytes: bytes of the opened tensors; of the opened files where they are not safetensors.
    """

    formats: Mapping[Format, tuple[str, ...]] = field(default_factory=dict)
    chosen: str | None = None
    opened: tuple[str, ...] = ()
    headers: Mapping[str, Header | HeaderFault] = field(default_factory=dict)
    index: IndexFacts | None = None
    shadowed: IndexFacts | None = None
    missing: tuple[str, ...] = ()
    tensors: Mapping[str, Stored] = field(default_factory=dict)
    tensors_known: bool = False
    total_bytes: int = 0

    @property
    def shards(self) -> tuple[str, ...]:
        """The opened files that hold tensors: `opened` without the index."""
        return tuple(name for name in self.opened if not name.endswith(".json"))

    def header(self, name: str) -> Header | None:
        """A file's header where it has a valid one."""
        header = self.headers.get(name)
        return header if isinstance(header, Header) else None

    def tensor(self, name: str) -> Stored | None:
        """An opened tensor by its name."""
        return self.tensors.get(name)

    def rows_of(self, suffix: str) -> int | None:
        """Rows of the first opened tensor of that name or whose name ends with it after a dot.

        `rows_of("score.weight")` finds "score.weight" and "model.score.weight", never "underscore.weight".
        """
        tail = f".{suffix}"
        for name, stored in self.tensors.items():
            if (name == suffix or name.endswith(tail)) and stored.shape:
                return stored.shape[0]
        return None


def read_weights(files: Listing, named: str | None = None) -> WeightsFacts:
    """Read what a directory holds of weights; raises nothing.

    Args:
        files: the directory's listing.
        named: the file that config.json asks for (`transformers_weights`), if it does.
    """
    formats = formats_in(files.files)
    prefix = "" if any("/" not in name for names in formats.values() for name in names) else transformer_folder(files)
    headers = _headers(files)
    chosen = _chosen(files, prefix, named)
    index = read_index(files, chosen) if chosen is not None and chosen.endswith(".json") else None
    shards = _shards(chosen, index, prefix)
    missing = _missing(files, shards, formats)
    tensors = _tensors(shards, headers)
    present = [name for name in shards if files.get(name) is not None]
    known = bool(shards) and not missing and all(isinstance(headers.get(name), Header) for name in shards)
    return WeightsFacts(
        _with_mlx(formats, tensors, index),
        chosen,
        ((chosen,) if index is not None and chosen is not None else ()) + shards,
        headers,
        index,
        _shadowed(files, chosen, prefix),
        missing,
        tensors,
        known,
        sum(header.data_bytes if isinstance(header := headers.get(name), Header) else files.files[name].size_bytes
            for name in present),
    )  # fmt: skip


def _headers(files: Listing) -> dict[str, Header | HeaderFault]:
    names = [
        name
        for name, facts in files.files.items()
        if name.endswith(".safetensors")
        and facts.content not in NO_HEADER
        and not name.rpartition("/")[2].startswith("adapter_model.")
    ]
    root = str(files.root)
    return {name: read_header(f"{root}/{name}") for name in names[:MAX_HEADERS]}


def _is_file(facts: FileFacts | None) -> bool:
    if facts is None or facts.errno in NO_FILE:
        return False
    return facts.link is None or facts.link.kind != "broken"


def _chosen(files: Listing, prefix: str, named: str | None) -> str | None:
    if named is not None and not escapes(named):
        return prefix + named
    candidates = [prefix + name for name in ORDER]
    for name in candidates:
        if _is_file(files.get(name)):
            return name
    # A broken link is no file to the loader, but it says what was meant to be opened.
    return next((name for name in candidates if files.get(name) is not None), None)


def _shards(chosen: str | None, index: IndexFacts | None, prefix: str) -> tuple[str, ...]:
    if chosen is None:
        return ()
    if index is None:
        return (chosen,)
    return tuple(prefix + shard for shard in index.shards if shard not in index.escaping)


def _missing(files: Listing, shards: tuple[str, ...], formats: Mapping[Format, tuple[str, ...]]) -> tuple[str, ...]:
    loose = () if shards else formats.get("shards-without-index", ())
    sets = {implied_by(name) for name in (*shards, *loose)}
    implied = {name for each in sets for name in each}
    return tuple(sorted(name for name in {*shards, *implied} if files.get(name) is None))


def _tensors(shards: tuple[str, ...], headers: Mapping[str, Header | HeaderFault]) -> dict[str, Stored]:
    found: dict[str, Stored] = {}
    for file in shards:
        header = headers.get(file)
        if isinstance(header, Header):
            for name, (dtype, shape, _, _) in header.tensors.items():
                found[name] = Stored(file, dtype, shape)
    return found


def _shadowed(files: Listing, chosen: str | None, prefix: str) -> IndexFacts | None:
    if chosen != prefix + SAFETENSORS or files.get(prefix + SAFETENSORS_INDEX) is None:
        return None
    index = read_index(files, prefix + SAFETENSORS_INDEX)
    return index if set(index.shards) - {SAFETENSORS} else None


def _with_mlx(
    formats: dict[Format, tuple[str, ...]], tensors: Mapping[str, Stored], index: IndexFacts | None
) -> dict[Format, tuple[str, ...]]:
    """MLX stores quantised weights as `weight`, `scales`, `biases`: transformers has no such parameters."""
    names: Iterable[str] = tensors or (index.weight_map if index is not None else ())
    known = frozenset(names)
    for name in known:
        stem = name.removesuffix(".scales")
        if stem != name and f"{stem}.biases" in known and f"{stem}.weight" in known:
            packed = tensors.get(f"{stem}.weight")
            if packed is None or packed.dtype == "U32":
                chosen = formats.get("safetensors-index") or formats.get("safetensors") or ()
                return {**formats, "mlx": (*formats.get("mlx", ()), *chosen)}
    return formats
