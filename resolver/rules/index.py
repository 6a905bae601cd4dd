"""W: does the index agree with the shards beside it, and do two sets of weights stand in each other's way?"""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Json, Place
from resolver.inspection.description import ModelDescription
from resolver.inspection.formats import NUMBERED, Format
from resolver.inspection.index import IndexFacts
from resolver.inspection.weights import Stored
from resolver.rules.foreign import foreign
from resolver.rules.rule import Evidence, Rule, rule
from resolver.rules.weights import is_model
from resolver.rules.words import few, quoted, size, some

REWRITE: Final = "write the index anew from the shards' headers, beside a copy of the model"
REFETCH: Final = "fetch the index again from where the shards came from, or save the model again"


def _fetch_index(model: ModelDescription) -> str:
    name = model.weights.index.file if model.weights.index else "model.safetensors.index.json"
    return f"hf download REPO_ID {name} --local-dir {quoted(model.root)} --force-download"


def _mended(model: ModelDescription) -> tuple[str, str]:
    """The fix and its command: from the headers where every shard is there, from the source where one is not."""
    index = model.weights.index
    if model.weights.missing or (index is not None and not index.file.endswith(".safetensors.index.json")):
        return REFETCH, _fetch_index(model)
    return REWRITE, f"resolver repair index {quoted(model.root)} --to {quoted(f'{model.root}-mended')}"


def _usable(model: ModelDescription) -> IndexFacts | None:
    index = model.weights.index
    return index if index is not None and index.fault is None else None


@rule(
    "W106",
    "index-invalid",
    severity="error",
    applies=is_model,
    consequence="the loader stops with a bare KeyError or a JSON error that names no file",
)
def index_invalid(evidence: Evidence) -> Iterator[Finding]:
    """The index of the shards cannot be used.

    transformers reads `weight_map` and `metadata` from it and asks neither whether it is there:

        KeyError: 'metadata'

    An index that was written by hand, cut short or merged badly stops the loader although all shards are whole. Fetch
    the index again from where the shards came from, or save the model again.
    """
    model, index = evidence.model, evidence.model.weights.index
    if index is None or index.fault is None or index.fault.bomb or foreign(model.files, index.file) is not None:
        return
    fault = index.fault
    yield index_invalid.finding(
        f"{index.file} {fault.message}" if fault.line is None else f"{index.file} is {fault.message}",
        path=model.files.path(index.file),
        place=Place(line=fault.line, pointer=fault.pointer),
        evidence={"fault": fault.message, "line": fault.line, "column": fault.column},
        fix=_mended(model)[0],
        command=_mended(model)[1],
    )


WANTED: Final = "transformers fills what is nowhere with random numbers, says so in a table on the console, and goes on"


@rule(
    "W107",
    "index-mismatch",
    severity="error",
    requires=("W106",),
    applies=is_model,
    consequence="transformers reads every shard and may find it elsewhere; what is nowhere becomes random, silently",
)
def index_mismatch(evidence: Evidence) -> Iterator[Finding]:
    """The index promises a tensor in a shard that does not hold it.

    transformers uses the index only for the list of shards: a tensor in another shard is found, one that is in none is
    initialised at random, and only a table on the console tells it (`| MISSING |`). Other loaders follow the index and
    fail. Whether the architecture wants the tensor is judged at the standard level.

    Rebuild the index, or fetch the shard of the right revision.
    """
    model = evidence.model
    index = _usable(model)
    if index is None:
        return
    headers = {shard: model.weights.header(_placed(index, shard)) for shard in index.shards}
    astray = [
        tensor
        for tensor, shard in index.weight_map.items()
        if (header := headers[shard]) is not None and tensor not in header.tensors
    ]
    if not astray:
        return
    nowhere = [tensor for tensor in astray if model.weights.tensor(tensor) is None]
    elsewhere, lost = len(astray) - len(nowhere), _lost(evidence, nowhere)
    told = f"{len(nowhere)} in no shard, {elsewhere} in another" if nowhere and elsewhere else (
        "in no shard that is here" if nowhere else "another shard holds it"
    )  # fmt: skip
    yield index_mismatch.finding(
        f"{some(astray)}: not in the shard that the index names ({told})",
        path=model.files.path(index.file),
        place=Place(pointer="/weight_map"),
        evidence={
            "count": len(astray),
            "nowhere": few(nowhere),
            "in_another_shard": elsewhere,
            "first": few(astray),
            **({"wanted_by_the_loader": len(lost)} if lost else {}),
        },
        fix=REFETCH if not nowhere else "fetch the shards and the index of one revision",
        command=_fetch_index(model) if not nowhere else None,
        consequence=WANTED if lost else None,
        severity="error" if lost else "warning",
    )


def _lost(evidence: Evidence, nowhere: list[str]) -> list[str]:
    """Of the tensors that are in no shard, those that the real loader wants; at the quick level nobody knows."""
    loading = None if evidence.observed is None else evidence.observed.loading
    wanted = frozenset() if loading is None else frozenset(loading.missing)
    return [tensor for tensor in nowhere if tensor in wanted]


def _placed(index: IndexFacts, shard: str) -> str:
    folder, slash, _ = index.file.rpartition("/")
    return f"{folder}{slash}{shard}"


@rule(
    "W108",
    "tensor-unindexed",
    severity="warning",
    requires=("W106",),
    applies=is_model,
    consequence="transformers loads it all the same, engines that follow the index do not: two programs, two models",
)
def tensor_unindexed(evidence: Evidence) -> Iterator[Finding]:
    """A shard holds tensors that the index does not name there.

    transformers loads every tensor of every shard; engines that follow the index leave these out, or take another
    copy. So the same directory is two models. It comes from an index of another revision, or from shards that were
    written twice. A shard that no entry names at all is opened by nobody. Rebuild the index from the headers.
    """
    model = evidence.model
    index = _usable(model)
    if index is None:
        return
    found: list[str] = []
    for shard in index.shards:
        header = model.weights.header(_placed(index, shard))
        for tensor in header.tensors if header is not None else ():
            owner = index.weight_map.get(tensor)
            if owner is None or (owner != shard and _holds(model, index, owner, tensor)):
                found.append(f"{tensor} in {shard}")
    yield from _never_opened(model, index)
    if found:
        yield tensor_unindexed.finding(
            f"{some(found)}: not what the index says",
            path=model.files.path(index.file),
            place=Place(pointer="/weight_map"),
            evidence={"count": len(found), "tensors": few(found)},
            fix=_mended(model)[0],
            command=_mended(model)[1],
        )


def _never_opened(model: ModelDescription, index: IndexFacts) -> Iterator[Finding]:
    """A file that is numbered as the shards are, and that no entry of the index names."""
    named = {_placed(index, shard) for shard in index.shards}
    series = {(found["stem"], found["total"]) for name in named if (found := NUMBERED.match(name)) is not None}
    strays = [
        name
        for name in model.files.files
        if name not in named and (found := NUMBERED.match(name)) and (found["stem"], found["total"]) in series
    ]
    if strays:
        yield tensor_unindexed.finding(
            f"{some(strays)}: no entry of {index.file} names {'it' if len(strays) == 1 else 'them'}",
            path=model.files.path(index.file),
            place=Place(pointer="/weight_map"),
            evidence={"count": len(strays), "shards": few(strays)},
            consequence="no loader opens it; what the model lacks without it becomes random, silently",
            fix=_mended(model)[0],
            command=_mended(model)[1],
        )


def _holds(model: ModelDescription, index: IndexFacts, shard: str, tensor: str) -> bool:
    header = model.weights.header(_placed(index, shard))
    return header is not None and tensor in header.tensors


@rule(
    "W109",
    "weights-shadowed",
    severity="error",
    applies=is_model,
    consequence="model.safetensors wins, silently; whatever it lacks becomes random",
)
def weights_shadowed(evidence: Evidence) -> Iterator[Finding]:
    """`model.safetensors` stands beside an index with shards.

    The loader takes the single file, does not look at the index and says nothing. Where the two hold the same tensors
    that wastes a disk; where they do not (a head or a few layers saved beside the shards of the base) everything that
    the single file lacks is initialised at random.

    It is an error where names, dtypes or shapes differ between the two, a warning where they agree. Move one of the
    two away.
    """
    model, index = evidence.model, evidence.model.weights.shadowed
    single = model.weights.chosen
    if index is None or single is None or index.fault is not None:
        return
    here = [shard for shard in index.shards if model.files.get(_placed(index, shard)) is not None]
    mine, theirs = model.weights.tensors, _union(model, index, here)
    differ = [tensor for tensor in {**mine, **theirs} if _differs(mine.get(tensor), theirs.get(tensor))]
    grave = bool(differ) and bool(here) and model.weights.header(single) is not None
    yield weights_shadowed.finding(
        f"{single} stands beside {index.file} and wins" + (f"; {len(differ)} tensors differ" if grave else ""),
        path=model.files.path(single),
        evidence={
            "tensors_in_single_file": len(mine),
            "tensors_in_index": len(index.weight_map),
            "shards_here": len(here),
            "differing": few(differ),
            "count": len(differ),
        },
        consequence=None if grave else "the shards are never opened; disk and upload are doubled",
        fix="move away the one that is not the model; if that is the single file",
        command=f"mv {quoted(model.files.path(single))} {quoted(model.root.parent)}/",
        severity="error" if grave else "warning",
    )


def _union(model: ModelDescription, index: IndexFacts, here: list[str]) -> dict[str, Stored]:
    """What the shards hold; for a shard without a header what the index says, of unknown dtype and shape."""
    found = {tensor: Stored(shard, "", ()) for tensor, shard in index.weight_map.items()}
    for shard in here:
        header = model.weights.header(_placed(index, shard))
        for tensor, (dtype, shape, _, _) in header.tensors.items() if header is not None else ():
            found[tensor] = Stored(shard, dtype, shape)
    return found


def _differs(mine: Stored | None, theirs: Stored | None) -> bool:
    if mine is None or theirs is None:
        return True
    return bool(theirs.dtype) and (mine.dtype, mine.shape) != (theirs.dtype, theirs.shape)


@rule(
    "W110",
    "total-size-differs",
    severity="info",
    requires=("W102", "W103", "W104", "W106"),
    applies=is_model,
    consequence="no loader checks it; programs that plan memory believe it",
)
def total_size_differs(evidence: Evidence) -> Iterator[Finding]:
    """`metadata.total_size` of the index is not the size of the tensors.

    No loader reads it; programs that plan memory before they load do, and split the model by it. That files are
    larger than it by their headers is normal and not meant here. It comes from an index that was merged or quantised
    by hand, or from a writer that counted in elements. Fetch the index again or save the model again.
    """
    model = evidence.model
    index = _usable(model)
    if index is None or index.total_size is None or not model.weights.tensors_known:
        return
    actual = model.weights.total_bytes
    if int(index.total_size) != actual:
        yield total_size_differs.finding(
            f"total_size says {size(index.total_size)}, the tensors are {size(actual)}",
            path=model.files.path(index.file),
            place=Place(pointer="/metadata/total_size"),
            evidence={"total_size": index.total_size, "tensors_bytes": actual},
            fix=_mended(model)[0],
            command=_mended(model)[1],
        )


COPIES: Final[tuple[Format, ...]] = ("bin", "bin-index", "tensorflow", "flax", "meta-original", "mistral-original")


@rule(
    "W111",
    "weights-duplicated",
    severity="info",
    applies=is_model,
    consequence="disk, upload and attach time are spent on files that are never opened",
)
def weights_duplicated(evidence: Evidence) -> Iterator[Finding]:
    """The weights lie here in a second format that no loader opens.

    Hub repositories carry the same weights as safetensors, as pickles, for TensorFlow and Flax, and in the maker's
    original format under `original/`. transformers opens the first that it looks for. Delete the files that the
    finding lists before you upload; it says how many bytes that saves.
    """
    model, weights = evidence.model, evidence.model.weights
    if weights.chosen is None:
        return
    opened = set(weights.opened)
    copies = [name for kind in COPIES for name in weights.formats.get(kind, ()) if name not in opened]
    if weights.chosen.endswith((".safetensors", ".safetensors.index.json")):
        copies += [
            name
            for name in weights.formats.get("shards-without-index", ())
            if name.endswith(".bin") and name not in opened
        ]
    copies = [name for name in copies if model.files.files[name].pointer is None]
    saved = sum(model.files.files[name].size_bytes for name in copies)
    if saved:
        yield weights_duplicated.finding(
            f"{some(copies)}: {size(saved)} that no loader opens beside {weights.chosen}",
            path=model.files.path(copies[0]),
            evidence={"files": few(copies), "count": len(copies), "saved_bytes": saved},
            fix="delete them from the copy that you upload",
            command=f"rm {' '.join(quoted(model.files.path(name)) for name in copies[:8])}",
        )


@rule(
    "W112",
    "shards-without-index",
    severity="error",
    requires=("F005",),
    applies=is_model,
    consequence="transformers raises: Error no file named model.safetensors, or pytorch_model.bin, found in directory",
)
def shards_without_index(evidence: Evidence) -> Iterator[Finding]:
    """Shards are here, their index is not.

    `model-00001-of-00004.safetensors` and its kin are found only through `model.safetensors.index.json`. Without it
    transformers says that there are no weights at all:

        OSError: Error no file named model.safetensors, or pytorch_model.bin, found in directory /models/x.

    Fetch the index from where the shards came from; saving the model again writes it too.
    """
    model = evidence.model
    shards = model.weights.formats.get("shards-without-index", ())
    if model.weights.chosen is not None or not shards:
        return
    pickled = shards[0].endswith(".bin")
    name = "pytorch_model.bin.index.json" if pickled else "model.safetensors.index.json"
    told: dict[str, Json] = {"shards": few(shards), "count": len(shards), "index": name}
    yield shards_without_index.finding(
        f"{len(shards)} shards are here and {name} is not",
        path=model.files.path(shards[0]),
        evidence=told,
        fix=f"fetch {name}" if pickled else _mended(model)[0],
        command=f"hf download REPO_ID {name} --local-dir {quoted(model.root)}" if pickled else _mended(model)[1],
    )


RULES: tuple[Rule, ...] = (
    index_invalid,
    index_mismatch,
    tensor_unindexed,
    weights_shadowed,
    total_size_differs,
    weights_duplicated,
    shards_without_index,
)
