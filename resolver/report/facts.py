"""What `inspect` and `list` say of a description: parameters, dtypes, sizes, licence. Counting only, no judging."""

from resolver.inspection.description import ModelDescription
from resolver.inspection.fault import Fault
from resolver.record import Record


class StoredDtype(Record):
    """One dtype of the opened weights: how many elements, in how many bytes."""

    elements: int
    bytes: int


def dtypes(description: ModelDescription) -> dict[str, StoredDtype]:
    """Stored elements and bytes by dtype, of the files that a loader opens; empty where no header could be read."""
    found: dict[str, StoredDtype] = {}
    weights = description.weights
    for shard in weights.shards:
        header = weights.header(shard)
        if header is None:
            continue
        elements = header.elements_by_dtype
        for dtype, size in header.bytes_by_dtype.items():
            before = found.get(dtype, StoredDtype(0, 0))
            found[dtype] = StoredDtype(before.elements + elements[dtype], before.bytes + size)
    return dict(sorted(found.items(), key=lambda pair: -pair[1].bytes)) or adapter_dtypes(description)


def adapter_dtypes(description: ModelDescription) -> dict[str, StoredDtype]:
    """The same of an adapter's tensors."""
    tensors = (description.adapter.tensors or {}) if description.adapter else {}
    found: dict[str, StoredDtype] = {}
    for tensor in tensors.values():
        count = 1
        for length in tensor.shape:
            count *= length
        before = found.get(tensor.dtype, StoredDtype(0, 0))
        found[tensor.dtype] = StoredDtype(before.elements + count, before.bytes + tensor.end - tensor.start)
    return found


def parameters(description: ModelDescription) -> int | None:
    """Stored elements of all opened tensors; None where not every opened file is there and could be read.

    Packed weights (4 bits in bytes) count as they are stored; `inspect` says so beside the number.
    """
    if description.weights.tensors_known or (description.adapter is not None and description.adapter.tensors):
        return sum(each.elements for each in dtypes(description).values())
    return None


def size_bytes(description: ModelDescription) -> int:
    """Bytes of all files that were listed."""
    return sum(facts.size_bytes for facts in description.files.files.values())


def architecture(description: ModelDescription) -> str | None:
    """The architecture as written, else the model type, else the kind of adapter."""
    config, adapter = description.config, description.adapter
    if config.architectures:
        return ", ".join(config.architectures)
    return config.model_type or (f"{adapter.peft_type or 'PEFT'} adapter" if adapter is not None else None)


def licence(description: ModelDescription) -> str | None:
    """What the card declares, else the first line of a licence file; None where nothing says anything."""
    facts = description.licence
    if facts is None:
        return None
    if facts.declared:
        name = facts.declared_name if facts.declared == ("other",) else None
        return name or ", ".join(facts.declared)
    return next((each.heading or each.name for each in facts.files if each.kind == "licence"), None)


def faults(description: ModelDescription) -> tuple[Fault, ...]:
    """Everything that could not be read, whatever file it is in."""
    found = [*description.config.faults]
    if description.weights.index is not None and description.weights.index.fault is not None:
        found.append(description.weights.index.fault)
    if description.tokenizer is not None:
        found += description.tokenizer.faults
    if description.adapter is not None:
        found += description.adapter.faults
    return tuple(found)
