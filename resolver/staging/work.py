"""The work that a plan comes to: which files are copied, which are put together anew, and what each is called."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from resolver.inspection.files import METADATA_FILE
from resolver.integrity.reading import Progress
from resolver.record import Record, field
from resolver.staging.bundle import README
from resolver.staging.copying import Copy, How
from resolver.staging.plan import PlannedFile, PlannedModel, SourceFault, refuse_collisions
from resolver.staging.shards import Resharding, Shard, reshard

MAX_CARD_BYTES: Final = 16 * 1024 * 1024


class NewShard(Record):
    """A file of weights that is put together anew: its name in the bundle, what it is, where its tensors lie."""

    name: str
    shard: Shard
    plan: Resharding
    root: Path

    def key(self) -> str:
        """Tells whether a finished file was made of these very sources."""
        return self.plan.key(self.shard)


class Work(Record):
    """All that has to be done.

    Attributes:
        models: what is staged.
        copies: files that are taken over as they are.
        shards: files of weights that are put together anew.
        texts: small files that are known by now.
        read: sources that are read in another way than by copying them whole, by name.
        card: the card of a model that is the bundle itself: our text goes into it.
    """

    models: tuple[PlannedModel, ...]
    copies: tuple[Copy, ...]
    shards: tuple[NewShard, ...] = ()
    texts: Mapping[str, bytes] = field(default_factory=dict)
    read: Mapping[str, PlannedFile] = field(default_factory=dict)
    card: PlannedFile | None = None

    def sizes(self) -> dict[str, int]:
        """Name of each file that is known by now -> its size."""
        return {
            **{each.name: each.file.stamp.size_bytes for each in self.copies},
            **{each.name: each.shard.size_bytes for each in self.shards},
            **{name: len(text) for name, text in self.texts.items()},
        }

    def of_model(self, planned: PlannedModel) -> dict[str, int]:
        """As `sizes`, of one model."""
        return {name: size for name, size in self.sizes().items() if name.startswith(planned.folder)}


def work_of(models: Sequence[PlannedModel], shard_bytes: int | None, *, link: bool) -> Work:
    """Decide what is done with each planned file.

    Args:
        models: what is staged.
        shard_bytes: the size of new files of weights; None to leave them as they are.
        link: give files a second name where they are taken over as they are.

    Raises:
        SourceFault: weights that cannot be divided, or names that collide.
    """
    copies: list[Copy] = []
    shards: list[NewShard] = []
    texts: dict[str, bytes] = {}
    read: dict[str, PlannedFile] = {}
    card: PlannedFile | None = None
    for planned in models:
        model = planned.model
        divided = None if shard_bytes is None else reshard(model.description, shard_bytes)
        how: How = "move" if model.ours else "link" if link else "copy"
        for file in planned.files:
            name = planned.folder + file.name
            if divided is not None and file.name in divided.instead_of:
                read[name] = file
            elif name == README:
                card = read[name] = file
            else:
                copies.append(Copy(name, file, how))
        if divided is not None:
            root = model.description.root
            shards += [NewShard(planned.folder + each.name, each, divided, root) for each in divided.shards]
            texts |= {} if divided.index is None else {planned.folder + divided.index[0]: divided.index[1]}
    refuse_collisions([*(each.name for each in copies), *(each.name for each in shards), *texts, README, METADATA_FILE])
    return Work(tuple(models), tuple(copies), tuple(shards), texts, read, card)


def read_card(work: Work) -> bytes:
    """The card that our text goes into; nothing where there is none.

    Raises:
        SourceFault: it cannot be read, or is larger than any text.
    """
    if work.card is None:
        return b""
    try:
        with work.card.source.open("rb") as stream:
            data = stream.read(MAX_CARD_BYTES + 1)
    except OSError as error:
        raise SourceFault(f"{work.card.source}: {error.strerror}") from error
    if len(data) > MAX_CARD_BYTES:
        raise SourceFault(f"{work.card.source}: more than {MAX_CARD_BYTES:,} bytes are no card")
    return data


class Meter:
    """Adds up the phases of one piece of work for whoever watches it."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress = total, progress
        self._before = 0

    def phase(self, size: int) -> Progress:
        """The progress of the next phase, which comes to so many bytes."""
        before = self._before
        self._before += size

        def told(done: int, _: int) -> None:
            if self._progress is not None:
                self._progress(before + done, self._total)

        return told
