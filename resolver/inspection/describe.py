"""A directory in, its description out: the order in which the readers are asked."""

from pathlib import Path

from resolver.inspection.adapter import read_adapter
from resolver.inspection.config import read_config
from resolver.inspection.description import ModelDescription
from resolver.inspection.files import LOCK_NAME, find_model_root, list_files
from resolver.inspection.leftovers import find_leftovers
from resolver.inspection.pickles import scan_pickles
from resolver.inspection.refs import read_cache
from resolver.inspection.weights import read_weights


def describe_bytes(asked: Path) -> ModelDescription:
    """What decides whether the bytes are usable anywhere: files, weights, configuration, pickles, adapter.

    Returns:
        A description without tokenizer and licence; a directory that cannot be read gives one whose listing says why.
    """
    root = find_model_root(asked)
    files = list_files(root)
    config = read_config(files)
    weights = read_weights(files, config.transformers_weights)
    return ModelDescription(
        asked=asked,
        root=root,
        files=files,
        weights=weights,
        config=config,
        pickles=scan_pickles(files),
        adapter=read_adapter(files),
        leftovers=find_leftovers(root, files),
        cache=read_cache(root),
    )


def complete(part: ModelDescription) -> ModelDescription:
    """The same description with tokenizer, licence and what is on record read as well; raises nothing."""
    from resolver.inspection.evidence import read_record  # noqa: PLC0415 - `path` reads none of the three
    from resolver.inspection.licence import read_licence  # noqa: PLC0415 - as above
    from resolver.inspection.tokenizer import read_tokenizer  # noqa: PLC0415 - as above

    if part.config.tie_word_embeddings:
        from resolver.inspection.ties import read_ties  # noqa: PLC0415 - few models say so

        part = part.replaced(ties=read_ties(part.files, part.weights))
    record = read_record(part.asked, part.root, part.files, part.cache)
    if LOCK_NAME in part.files.files or part.nested:
        from resolver.inspection.locked import under_lock  # noqa: PLC0415 - few directories hold a lock

        record = under_lock(record, part.asked, part.root)
    return part.replaced(
        tokenizer=read_tokenizer(part.files),
        licence=read_licence(part.files),
        on_record=record,
    )


def describe(asked: Path) -> ModelDescription:
    """All that the quick level knows about a directory; raises nothing."""
    return complete(describe_bytes(asked))
