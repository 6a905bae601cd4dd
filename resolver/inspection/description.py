"""Everything that was read of one directory, as one frozen value. Rules judge it, `inspect` shows it."""

from pathlib import Path
from typing import TYPE_CHECKING

from resolver.inspection.adapter import AdapterFacts
from resolver.inspection.config import ConfigFacts
from resolver.inspection.files import Listing
from resolver.inspection.pickles import PickleFacts
from resolver.inspection.refs import CacheFacts
from resolver.inspection.weights import WeightsFacts
from resolver.record import Record

if TYPE_CHECKING:
    from resolver.inspection.evidence import RecordedFiles
    from resolver.inspection.licence import LicenceFacts
    from resolver.inspection.ties import TieFacts
    from resolver.inspection.tokenizer import TokenizerFacts


class ModelDescription(Record):
    """One directory as read.

    Attributes:
        asked: the directory that was named.
        root: the directory that was read; below `asked` where the model is nested.
        files: the listing of `root`.
        weights: which weights are there and which of them transformers would open.
        config: config.json and what is said beside it.
        pickles: every pickle, also inside archives, as its opcodes say.
        adapter: set where the directory holds an adapter (PEFT).
        tokenizer: None where it was not read (`resolver path` does not need it).
        licence: as `tokenizer`.
        leftovers: markers of an unfinished download, beside or inside the directory, absolute.
        ties: the language head beside the embeddings; None where config.json does not tie them, or it was not read.
        cache: the Hugging Face cache entry that the directory is a snapshot of; None where it is none.
        on_record: sizes and hashes that a downloader wrote down; None where nothing is, or where it was not read.
    """

    asked: Path
    root: Path
    files: Listing
    weights: WeightsFacts
    config: ConfigFacts
    pickles: tuple[PickleFacts, ...] = ()
    adapter: AdapterFacts | None = None
    tokenizer: "TokenizerFacts | None" = None
    licence: "LicenceFacts | None" = None
    leftovers: tuple[Path, ...] = ()
    cache: CacheFacts | None = None
    ties: "TieFacts | None" = None
    on_record: "RecordedFiles | None" = None

    @property
    def nested(self) -> bool:
        """Whether the model lies below the directory that was named."""
        return self.asked != self.root

    def opened(self) -> frozenset[str]:
        """Names of the files that a loader opens for this model: severity follows this role."""
        names = {*self.weights.opened, *self.config.opened}
        if self.adapter is not None:
            names |= set(self.adapter.opened)
        if self.tokenizer is not None:
            names |= set(self.tokenizer.opened)
        return frozenset(names)
