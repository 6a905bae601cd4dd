"""The two hashes that a hub counts files by: sha256 of what lies in LFS or Xet, git's own sha1 of what is small.

Says what a file's hash is and never what it should be; that is on record elsewhere.
"""

from collections.abc import Iterable
from typing import Literal

from resolver.integrity.reading import Outcome, Progress, Reading, read_all
from resolver.record import Record

Algorithm = Literal["sha256", "git-sha1"]


class Digest:
    """One hash of one file, as its bytes come."""

    def __init__(self, algorithm: Algorithm, size_bytes: int) -> None:
        """Begin.

        Args:
            algorithm: "git-sha1" is sha1 over "blob ", the size, a zero byte and the content.
            size_bytes: the file's size, which git counts in.
        """
        import hashlib  # noqa: PLC0415 - the quick level hashes nothing

        if algorithm == "sha256":
            self._state = hashlib.sha256()
        else:
            self._state = hashlib.sha1(b"blob %d\0" % size_bytes, usedforsecurity=False)

    def take(self, buffer: bytearray, count: int) -> None:
        """As `Consumer.take`; other threads run meanwhile."""
        self._state.update(memoryview(buffer)[:count])

    def text(self) -> str:
        """In hex."""
        return self._state.hexdigest()


class Hashed(Record):
    """A file's hash; None, and the reason, where it could not be read to its end as it was listed."""

    text: str | None
    fault: str | None = None


def hash_files(
    files: Iterable[tuple[str, int, Algorithm]], progress: Progress | None = None, workers: int = 2
) -> tuple[Hashed, ...]:
    """Hash files, two at a time.

    Args:
        files: absolute path, size in bytes as listed, and the hash that is wanted.
        progress: see `reading.Progress`.
        workers: threads.

    Raises:
        KeyboardInterrupt: nothing goes on after it.
    """
    wanted = [(path, size, Digest(algorithm, size)) for path, size, algorithm in files]
    outcomes = read_all([Reading(path, size, (digest,)) for path, size, digest in wanted], progress, workers)
    return tuple(hashed(digest, outcome) for (_, _, digest), outcome in zip(wanted, outcomes, strict=True))


def hashed(digest: Digest, outcome: Outcome) -> Hashed:
    """The hash, unless the reading did not come to its end."""
    return Hashed(digest.text()) if outcome.fault is None else Hashed(None, outcome.fault)
