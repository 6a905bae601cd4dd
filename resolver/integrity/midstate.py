"""A hash that can be put aside in the middle of a file and taken up again by another process.

hashlib cannot: its states cannot be had. The functions that it calls can: SHA256_Update and SHA1_Update of libcrypto
work on plain structs, which are copied here as bytes. They are looked for in the very library that this Python's own
hashlib is linked with, and used only where they prove, on first use, that they give hashlib's answers, in one piece
and put aside and taken up at odd places. Everywhere else `portable_digest` is None, and a file is the smallest piece.
"""

import ctypes
import functools
import hashlib
import sys
from typing import Any, Final, Self

from resolver.integrity.hashing import Algorithm

ROOM: Final = 512  # several times the struct: another build's larger one fails the proof and does not crash
WORD: Final = 4
BLOCK: Final = 64
# Of both structs: chaining values, two words of bit count, a block, how full it is; sha256 adds its digest's length.
_CHAIN: Final = {"sha256": 8, "git-sha1": 5}
_NAMES: Final = {"sha256": "SHA256", "git-sha1": "SHA1"}


class MidstateError(ValueError):
    """Bytes are no state that a hash can be taken up from."""


class PortableDigest:
    """As `hashing.Digest`, with a state."""

    def __init__(self, library: ctypes.CDLL, algorithm: Algorithm, size_bytes: int) -> None:
        self._library, self._algorithm, self._size_bytes = library, algorithm, size_bytes
        self._context = ctypes.create_string_buffer(ROOM)
        self._update = getattr(library, f"{_NAMES[algorithm]}_Update")
        getattr(library, f"{_NAMES[algorithm]}_Init")(self._context)
        prefix = _prefix(algorithm, size_bytes)
        if prefix:
            self._update(self._context, prefix, ctypes.c_size_t(len(prefix)))

    def take(self, buffer: bytearray, count: int) -> None:
        """As `Consumer.take`; other threads run meanwhile."""
        if count:
            piece = (ctypes.c_char * count).from_buffer(buffer)  # a buffer that is too short is refused here
            self._update(self._context, piece, ctypes.c_size_t(count))

    def text(self) -> str:
        """In hex; the state stays as it is."""
        ended = ctypes.create_string_buffer(self._context.raw, ROOM)
        digest = ctypes.create_string_buffer(_CHAIN[self._algorithm] * WORD)
        getattr(self._library, f"{_NAMES[self._algorithm]}_Final")(digest, ended)
        return digest.raw.hex()

    def state(self) -> bytes:
        """The state, for `resumed` on a machine of the same kind with the same library."""
        return self._context.raw[: _state_bytes(self._algorithm)]

    def resumed(self, state: bytes, offset: int) -> Self:
        """The same digest, taken up again.

        Args:
            state: what `state` gave.
            offset: so many bytes of the file had been taken by then.

        Raises:
            MidstateError: it is no state of this algorithm after so many bytes. A wrong chaining value cannot be told
                from a right one: who keeps a state has to see to it that nobody else writes it.
        """
        chain, total = _CHAIN[self._algorithm] * WORD, len(_prefix(self._algorithm, self._size_bytes)) + offset
        if len(state) != _state_bytes(self._algorithm) or not 0 <= offset <= self._size_bytes:
            raise MidstateError("it has another length")
        words = [int.from_bytes(state[at : at + WORD], sys.byteorder) for at in range(0, len(state), WORD)]
        low, high, full = words[chain // WORD], words[chain // WORD + 1], words[chain // WORD + 2 + BLOCK // WORD]
        if (high << 32 | low) != total * 8 or full != total % BLOCK:
            raise MidstateError("it is that of another number of bytes")
        if self._algorithm == "sha256" and words[-1] != chain:
            raise MidstateError("it is that of another hash")
        ctypes.memmove(self._context, state, len(state))
        return self


def portable_digest(algorithm: Algorithm, size_bytes: int) -> PortableDigest | None:
    """A digest with a state; None where this Python's libcrypto has none to give."""
    library = _library()
    return None if library is None else PortableDigest(library, algorithm, size_bytes)


def library_version() -> str:
    """Which libcrypto the states are of; "" where there is none."""
    library = _library()
    if library is None:
        return ""
    return ctypes.string_at(library.OpenSSL_version(0)).decode("ascii", "replace")


@functools.cache
def _library() -> ctypes.CDLL | None:
    """The libcrypto of this Python's hashlib, once it has proven itself."""
    try:
        import _hashlib  # noqa: PLC0415 - a Python without OpenSSL has none

        library = ctypes.CDLL(_hashlib.__file__)  # its symbols and those of what it is linked with
        for name in _NAMES.values():
            _declare(library, name)
        library.OpenSSL_version.restype = ctypes.c_void_p
        library.OpenSSL_version.argtypes = (ctypes.c_int,)
        return library if _proven(library) else None
    except (ImportError, AttributeError, OSError, MidstateError):
        return None


def _declare(library: ctypes.CDLL, name: str) -> None:
    pointer: Any = ctypes.c_void_p
    for function, arguments in (("Init", (pointer,)), ("Update", (pointer, pointer, ctypes.c_size_t)),
                                ("Final", (pointer, pointer))):  # fmt: skip
        found = getattr(library, f"{name}_{function}")
        found.argtypes, found.restype = arguments, ctypes.c_int


def _proven(library: ctypes.CDLL) -> bool:
    """Whether the answers are hashlib's, whole and put together of pieces, and states are where we take them to be."""
    data = bytearray(hashlib.shake_128(b"offline-resolver").digest(1000))
    algorithms: tuple[Algorithm, ...] = ("sha256", "git-sha1")
    for algorithm in algorithms:
        known = hashlib.new(algorithm.removeprefix("git-"), _prefix(algorithm, len(data)) + data, usedforsecurity=False)
        for cut in (0, 1, 63, 64, 65, 129, 500, 1000):
            first, second = (PortableDigest(library, algorithm, len(data)) for _ in range(2))
            first.take(data, cut)
            second.resumed(first.state(), cut).take(data[cut:], len(data) - cut)
            if second.text() != known.hexdigest() or second.text() != known.hexdigest():
                return False
    return True


def _prefix(algorithm: Algorithm, size_bytes: int) -> bytes:
    return b"blob %d\0" % size_bytes if algorithm == "git-sha1" else b""


def _state_bytes(algorithm: Algorithm) -> int:
    words = _CHAIN[algorithm] + 2 + BLOCK // WORD + 1 + (algorithm == "sha256")
    return words * WORD
