"""A hash that is put aside and taken up again is the hash; bytes that are no state of it are refused."""

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.integrity.hashing import Digest
from resolver.integrity.midstate import MidstateError, library_version, portable_digest

pytestmark = pytest.mark.skipif(not library_version(), reason="this Python's libcrypto has no states to give")
ALGORITHMS = ("sha256", "git-sha1")


def fed(digest, data: bytes, pieces: list[int]):
    buffer = bytearray(data)
    for count in pieces:
        piece = buffer[:count]
        digest.take(piece, len(piece))
        del buffer[:count]
    digest.take(buffer, len(buffer))
    return digest


@given(st.sampled_from(ALGORITHMS), st.binary(max_size=700), st.lists(st.integers(0, 300), max_size=5), st.data())
def test_put_aside_and_taken_up_anywhere_it_is_the_same_hash(algorithm, data, pieces, drawn) -> None:
    cut = drawn.draw(st.integers(0, len(data)))
    first = fed(portable_digest(algorithm, len(data)), data[:cut], pieces)
    second = portable_digest(algorithm, len(data)).resumed(first.state(), cut)
    expected = Digest(algorithm, len(data))
    expected.take(bytearray(data), len(data))
    assert fed(second, data[cut:], pieces).text() == expected.text()


def test_the_text_may_be_asked_twice_and_the_hash_goes_on() -> None:
    digest = portable_digest("sha256", 2)
    digest.take(bytearray(b"a"), 1)
    assert digest.text() == digest.text() == hashlib.sha256(b"a").hexdigest()
    digest.take(bytearray(b"b"), 1)
    assert digest.text() == hashlib.sha256(b"ab").hexdigest()


@given(st.sampled_from(ALGORITHMS), st.binary(max_size=200), st.integers(-1, 300))
def test_bytes_that_are_no_state_are_refused(algorithm, state, offset) -> None:
    with pytest.raises(MidstateError):
        portable_digest(algorithm, 100).resumed(state, offset)


@given(st.sampled_from(ALGORITHMS), st.integers(0, 400), st.integers(0, 400), st.binary(min_size=4, max_size=4))
def test_a_state_with_another_fill_or_count_never_reaches_the_library(algorithm, cut, at, word) -> None:
    """The library trusts `num`: one beyond the block would write outside the struct."""
    digest = portable_digest(algorithm, 400)
    digest.take(bytearray(os.urandom(400)), cut)
    state = bytearray(digest.state())
    chain = 32 if algorithm == "sha256" else 20
    place = max(chain, min(at, len(state) - 4))  # anything but the chaining values, which cannot be judged
    state[place : place + 4] = word
    fields = {chain, chain + 4, len(state) - 4, len(state) - 8 if algorithm == "sha256" else len(state) - 4}
    if place in fields and bytes(state) != digest.state():
        with pytest.raises(MidstateError):
            portable_digest(algorithm, 400).resumed(bytes(state), cut)


def test_a_state_of_another_offset_is_refused() -> None:
    digest = portable_digest("sha256", 1000)
    digest.take(bytearray(640), 640)
    with pytest.raises(MidstateError, match="another number of bytes"):
        portable_digest("sha256", 1000).resumed(digest.state(), 64)


def test_without_the_symbols_there_is_no_such_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    from resolver.integrity import midstate

    monkeypatch.setattr(midstate, "_library", lambda: None)
    assert midstate.portable_digest("sha256", 1) is None
    assert midstate.library_version() == ""


def test_a_library_with_other_answers_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof compares with hashlib: a build whose structs lie otherwise fails it."""
    from resolver.integrity import midstate

    monkeypatch.setitem(midstate._CHAIN, "sha256", 7)
    assert midstate._library.__wrapped__() is None
