"""Symbolic links of a model's directory: where each hop points, and whether that is a place we follow it to.

The store of a layout is followed (a Hugging Face snapshot links into `blobs/`, and in caches of huggingface_hub 1.32
and later on from there into a store that all repositories share); any other place outside the directory is not.
"""

import os
from typing import Final, Literal

from resolver.record import Record

LinkKind = Literal["inside", "store", "outside", "broken"]
MAX_HOPS: Final = 16


class Link(Record):
    """A symbolic link: the text of its first hop, where that points, and the hop that broke (None: none did)."""

    target: str
    kind: LinkKind
    broken_hop: str | None = None


class Layout(Record):
    """A directory's real path, the stores that the layout around it defines, and the path by which it was named."""

    root: str
    stores: tuple[str, ...] = ()
    named: str = ""

    @classmethod
    def of(cls, root: str) -> "Layout":
        """The layout around a directory: `models--o--n/snapshots/<revision>[/…]` has stores, others have none."""
        real = os.path.realpath(root)
        repository = repository_of(real)
        if repository is None:
            return cls(real, named=root)
        return cls(real, (f"{repository}/blobs", f"{os.path.dirname(repository)}/blobs"), root)  # noqa: PTH120 - hot path

    def link(self, path: str) -> Link:
        """Follow one link, hop by hop."""
        target = ""
        kind: LinkKind = "inside"
        # "../" counts from where the directory really lies, not from a link by which it was named.
        place = self.root + path[len(self.named) :] if self.named and path.startswith(self.named) else path
        for hop in range(MAX_HOPS):
            try:
                text = os.readlink(place)  # noqa: PTH115 - hot loop
            except OSError:  # no link: the chain has ended, here or nowhere
                break
            target = target or text
            place = os.path.normpath(f"{os.path.dirname(place)}/{text}" if not text.startswith("/") else text)  # noqa: PTH120 - hot loop
            kind = self._further(kind, place, first=hop == 0)
        else:
            return Link(target, "broken", place)
        if not os.path.lexists(place) and not os.path.exists(path):  # noqa: PTH110 - hot loop
            return Link(target, "broken", place)
        # A directory on the way may itself be a link: what counts is where the file really lies.
        try:
            real = os.path.realpath(path)
        except OSError:  # a hop that may not be read, as /proc/<pid>/cwd of another user: not vouched for
            return Link(target, "outside")
        return Link(target, self._further(kind, real, first=False))

    def _further(self, kind: LinkKind, place: str, *, first: bool) -> LinkKind:
        if kind == "outside" and not first:
            return kind
        if _within(place, self.root):
            return kind
        return "store" if any(_within(place, store) for store in self.stores) else "outside"


def repository_of(real: str) -> str | None:
    """The `models--o--n` folder in whose `snapshots/<revision>` a real path lies; None where it lies in none."""
    parts = real.split("/")
    for at in range(len(parts) - 2, 0, -1):
        if parts[at] == "snapshots" and "--" in parts[at - 1]:
            return "/".join(parts[:at])
    return None


def _within(place: str, directory: str) -> bool:
    return place == directory or place.startswith(f"{directory}/")
