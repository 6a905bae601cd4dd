"""How many rows the token embeddings have: the bound that no token's id may reach."""

from typing import Final, NamedTuple

from resolver.rules.rule import Evidence

# What the families of transformers call their input embeddings.
NAMES: Final = (
    "embed_tokens.weight",
    "word_embeddings.weight",
    "wte.weight",
    "embed_in.weight",
    "tok_embeddings.weight",
    "tokens_embed.weight",
    "word_embedding.weight",
    "shared.weight",
)


class Rows(NamedTuple):
    """A number of rows and where it is written: a tensor's name, or "config.json vocab_size"."""

    number: int
    written: str


def embedding_rows(evidence: Evidence) -> Rows | None:
    """The rows of the embeddings that will be used, or None where they cannot be known.

    An adapter that stores resized embeddings brings its own; then the tensor counts; then vocab_size, from which
    transformers builds the embeddings, but not where only the model's own code knows its type (auto_map).
    """
    for description in evidence.adapters():
        tensors = description.adapter.tensors if description.adapter else None
        for name, tensor in (tensors or {}).items():
            if name.endswith(NAMES) and tensor.shape:
                return Rows(tensor.shape[0], name)
    for name in NAMES:
        rows = evidence.model.weights.rows_of(name)
        if rows is not None:
            return Rows(rows, name)
    config = evidence.model.config
    if config.vocab_size is None or (config.auto_map and not _known(config.model_type)):
        return None
    return Rows(config.vocab_size, "config.json vocab_size")


def _known(model_type: str | None) -> bool:
    from resolver.inspection.model_types import known_since  # noqa: PLC0415 - only for a model with code of its own

    return model_type is not None and known_since(model_type) is not None
