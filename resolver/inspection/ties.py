"""Whether a stored language head is the same matrix as the stored embeddings, by a look at three places of each."""

import os
from typing import Final

from resolver.inspection.files import Listing
from resolver.inspection.safetensors import Header
from resolver.inspection.weights import WeightsFacts
from resolver.record import Record

HEADS: Final = ("lm_head.weight", "embed_out.weight")
EMBEDDINGS: Final = (
    "embed_tokens.weight",
    "wte.weight",
    "embed_in.weight",
    "shared.weight",
    "word_embeddings.weight",
)
SAMPLE: Final = 16 * 1024


class TieFacts(Record):
    """A stored language head, and the embeddings that it might be tied to.

    Attributes:
        head: the head's name; None where none is stored.
        embeddings: the embeddings' name; None where none is stored.
        differ: whether a sampled byte, the dtype or the shape differs; None where that could not be read.
    """

    head: str | None = None
    embeddings: str | None = None
    differ: bool | None = None


def read_ties(files: Listing, weights: WeightsFacts) -> TieFacts:
    """Find both among the opened tensors and, where both are there, compare them; raises nothing."""
    head, embeddings = _named(weights, HEADS), _named(weights, EMBEDDINGS)
    if head is None or embeddings is None:
        return TieFacts(head, embeddings)
    one, other = _bytes_of(files, weights, head), _bytes_of(files, weights, embeddings)
    first, second = weights.tensors[head], weights.tensors[embeddings]
    if (first.dtype, first.shape) != (second.dtype, second.shape):
        return TieFacts(head, embeddings, differ=True)
    return TieFacts(head, embeddings, None if one is None or other is None else one != other)


def _named(weights: WeightsFacts, names: tuple[str, ...]) -> str | None:
    return next((name for name in weights.tensors if name.endswith(names)), None)


def _bytes_of(files: Listing, weights: WeightsFacts, name: str) -> bytes | None:
    """The beginning, the middle and the end of a tensor's data."""
    file = weights.tensors[name].file
    header = weights.header(file)
    if not isinstance(header, Header):
        return None
    _, _, begin, end = header.tensors[name]
    start, size = 8 + header.header_bytes + begin, end - begin
    places = {0, max(0, size // 2 - SAMPLE // 2), max(0, size - SAMPLE)}
    try:
        handle = os.open(files.path(file), os.O_RDONLY)
        try:
            return b"".join(os.pread(handle, min(SAMPLE, size - at), start + at) for at in sorted(places))
        finally:
            os.close(handle)
    except OSError:
        return None
