"""The path that was written: a directory that exists is the answer, whatever else its text could mean."""

import os
from collections.abc import Iterator
from pathlib import Path

from resolver.environment import Environment
from resolver.reference import HubId, KaggleHandle, LocalPath, Reference
from resolver.sources.source import Candidate, Located, Miss

SHOWN = 12


class ExplicitPath:
    """A path, and a relative one that reads as a hub id or a handle."""

    name = "path"

    def locate(self, reference: Reference, environment: Environment) -> Iterator[Located]:
        """The directory itself; a file is answered with the directory that holds it."""
        text = _as_path(reference)
        if text is None:
            return
        path = environment.expand(text)
        if path.is_dir():
            yield Candidate(self.name, path, "asked", (path.name,), f"{path} is a directory")
        elif path.is_file():
            yield Candidate(self.name, path.parent, "asked", (path.parent.name,), f"{path.name} is a file in it")
        elif isinstance(reference, LocalPath) or os.path.lexists(path):
            yield from self._explain(path)

    def models(self, environment: Environment) -> Iterator[Candidate]:  # noqa: ARG002 - the protocol's
        """None: a path is found when it is asked for."""
        yield from ()

    def _explain(self, path: Path) -> Iterator[Miss]:
        parent = deepest_parent(path)
        if path.is_symlink():
            yield Miss(self.name, str(path), f"a link to {os.readlink(path)}, which leads nowhere")  # noqa: PTH115 - text
            return
        if path.exists():
            yield Miss(self.name, str(path), "neither a directory nor a file")
            return
        reason = f"absent; the deepest directory that exists is {parent}"
        yield Miss(self.name, str(path), f"{reason}, which holds {_entries(parent)}")


def _as_path(reference: Reference) -> str | None:
    if isinstance(reference, LocalPath):
        return reference.text
    if isinstance(reference, HubId) and reference.revision is None:
        return reference.repo_id
    return str(reference) if isinstance(reference, KaggleHandle) else None


def deepest_parent(path: Path) -> Path:
    """The deepest directory on the way to `path` that exists."""
    return next((parent for parent in path.parents if parent.is_dir()), Path("/"))


def _entries(directory: Path) -> str:
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - names are all that is wanted
    except OSError as error:
        return f"nothing that can be read ({error.strerror})"
    if not names:
        return "nothing"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
