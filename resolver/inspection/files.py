"""What lies in a directory: names, sizes, links, and what the first bytes say. Opens nothing that is a loader's.

Does not know which of these files a loader wants; that is `weights`, `config`, `tokenizer` and `adapter`.
"""

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from resolver.inspection.links import Layout, Link
from resolver.inspection.sniff import HEAD_BYTES, Content, LfsPointer, content_of, headline_of, pointer_of
from resolver.record import Record, field

MAX_FILES: Final = 20_000
MAX_DEPTH: Final = 2  # sub-directories below the directory itself: where loaders look
WHOLE: Final = 64  # the same where every file counts, whoever opens it
LOCK_NAME: Final = "resolver.lock"  # ours; `inspection/lock.py` reads it
# What `resolver stage` writes beside a model and puts into no lock: people edit the one, pip has hashes of the other.
METADATA_FILE: Final = "dataset-metadata.json"
WHEELS: Final = "wheels"
NEST_DEPTH: Final = 3
MAX_VISITED: Final = 200  # directories looked into while a nested model is searched for
NOT_THE_MODEL: Final = frozenset({".git", ".cache", "__pycache__", ".ipynb_checkpoints"})
WEIGHTS: Final = (
    ".safetensors",
    ".bin",
    ".pt",
    ".pth",
    ".ckpt",
    ".gguf",
    ".h5",
    ".msgpack",
    ".onnx",
    ".keras",
    ".onnx_data",
)
MODEL_FILES: Final = frozenset(
    {"config.json", "adapter_config.json", "modules.json", "params.json", "model.safetensors.index.json"}
)


class FileFacts(Record):
    """One file.

    Attributes:
        name: path relative to the directory, with "/".
        size_bytes: size after following links; 0 where it cannot be known.
        content: what the first bytes say, whatever the name says; "unread" where they could not be read.
        errno: why it could not be read; None where it could, or where a link leads out of the directory (such a
            link is not followed).
        link: set where the directory entry is a symbolic link.
        pointer: set where `content` is "lfs-pointer".
        headline: of an HTML or JSON error page: its title or error, at most 200 characters.
        hole_at: byte offset of the first hole of a sparse file; None where there is none or none can be known.
    """

    name: str
    size_bytes: int
    content: Content
    errno: int | None = None
    link: Link | None = None
    pointer: LfsPointer | None = None
    headline: str | None = None
    hole_at: int | None = None


class Listing(Record):
    """All files of a directory, bounded in number and depth.

    Attributes:
        root: the directory.
        files: by relative name, in sorted order; sub-directories down to two levels.
        directories: relative names of the sub-directories seen.
        complete: False where a bound was met and not everything was listed.
        fault: why the directory could not be listed at all.
    """

    root: Path
    files: Mapping[str, FileFacts] = field(default_factory=dict)
    directories: tuple[str, ...] = ()
    complete: bool = True
    fault: str | None = None

    def get(self, name: str) -> FileFacts | None:
        """The file of that relative name, or None."""
        return self.files.get(name)

    def path(self, name: str) -> Path:
        """The absolute path of a relative name."""
        return self.root / name

    def at_top(self) -> Iterator[FileFacts]:
        """The files that lie directly in the directory."""
        return (each for name, each in self.files.items() if "/" not in name)


def is_of_bundle(name: str) -> bool:
    """Whether a file belongs to a staged directory and to none of its models, so that no lock has to know it."""
    return name in {LOCK_NAME, METADATA_FILE} or name.startswith(f"{WHEELS}/")


def list_files(root: Path, depth: int = MAX_DEPTH) -> Listing:
    """List a directory and look at the first bytes of every file in it. Raises nothing, follows no link out of it.

    Args:
        root: the directory.
        depth: how many levels of sub-directories are listed.

    Returns:
        Files by relative name; what `.git` and caches hold is left out. Not complete where a bound was met, or, for a
        depth of `WHOLE`, where directories lie deeper still.
    """
    base = os.fspath(root)
    layout = Layout.of(base)
    found: dict[str, FileFacts] = {}
    directories: list[str] = []
    queue = [""]
    complete = True
    for where in queue:
        if not complete:  # no more of a tree that is no model's
            break
        try:
            entries = sorted(os.scandir(f"{base}/{where}"), key=_by_name)
        except OSError as error:
            if where == "":
                return Listing(root, fault=error.strerror or str(error))
            found[where] = FileFacts(where, 0, "unread", errno=error.errno)
            continue
        for entry in entries:
            name = f"{where}/{entry.name}" if where else entry.name
            if len(found) >= MAX_FILES or len(queue) > MAX_FILES:
                complete = False
                break
            if not entry.is_dir(follow_symlinks=False):
                found[name] = _look(entry, name, layout)
            elif entry.name not in NOT_THE_MODEL:
                directories.append(name)
                if name.count("/") < depth:
                    queue.append(name)
                else:
                    complete = complete and depth != WHOLE
    return Listing(root, dict(sorted(found.items())), tuple(directories), complete)


def _by_name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _look(entry: os.DirEntry[str], name: str, layout: Layout) -> FileFacts:
    link = layout.link(entry.path) if entry.is_symlink() else None
    if link is not None and link.kind == "broken":
        return FileFacts(name, 0, "unread", link=link)
    if link is not None and link.kind == "outside":
        return FileFacts(name, _size(entry.path), "unread", link=link)
    try:
        # Not blocking: a pipe that lies here under a model's name must not hold us.
        handle = os.open(entry.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        return FileFacts(name, _size(entry.path), "unread", errno=error.errno, link=link)
    try:
        return _read_head(handle, name, link)
    except OSError as error:
        return FileFacts(name, 0, "unread", errno=error.errno, link=link)
    finally:
        os.close(handle)


def _read_head(handle: int, name: str, link: Link | None) -> FileFacts:
    status = os.fstat(handle)
    size = status.st_size
    if not stat.S_ISREG(status.st_mode):
        reason = errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.EINVAL
        return FileFacts(name, 0, "unread", errno=reason, link=link)
    if size == 0:
        return FileFacts(name, 0, "empty", link=link)
    head = os.pread(handle, HEAD_BYTES, 0)
    content = content_of(head)
    return FileFacts(
        name,
        size,
        content,
        link=link,
        pointer=pointer_of(head) if content == "lfs-pointer" else None,
        headline=headline_of(head, content, size),
        hole_at=_hole(handle, size) if name.endswith(WEIGHTS) else None,
    )


def _hole(handle: int, size: int) -> int | None:
    try:
        at = os.lseek(handle, 0, os.SEEK_HOLE)
    except OSError:
        return None
    return at if at < size else None


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - hot loop
    except OSError:
        return 0


def find_model_root(asked: Path) -> Path:
    """The directory that holds the model: `asked` itself, or the only directory below it that does.

    Kaggle datasets and models often carry the model one or more folders further down. Links are not followed, at
    most three levels are looked into, and where several directories hold a model, or none, `asked` stays.
    """
    level = [os.fspath(asked)]
    holding: list[str] = []
    visited = 0
    for depth in range(NEST_DEPTH + 1):
        below: list[str] = []
        for place in level:
            visited += 1
            if visited > MAX_VISITED:
                return asked
            holds, children = _holds_model(place)
            if holds:
                holding.append(place)
            else:
                below += children
        if len(holding) > 1 or (depth == 0 and holding):
            return asked
        level = below
    return Path(holding[0]) if holding else asked


def _holds_model(place: str) -> tuple[bool, list[str]]:
    children: list[str] = []
    holds = False
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in NOT_THE_MODEL:
                        children.append(entry.path)
                elif entry.name in MODEL_FILES or entry.name.endswith(WEIGHTS):
                    holds = True
    except OSError:
        return False, []
    return holds, children
