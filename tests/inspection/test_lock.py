"""A lock: what is written is read back, what is damaged is a reason, and no name in it leaves its directory."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.inspection.lock import Lock, LockedFile, LockedModel, LockedSource, LockFault, parse_lock, tree_digest
from resolver.inspection.safe_names import why_unsafe
from resolver.integrity.lock import canonical

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "200"))
DIGEST = hashlib.sha256(b"").hexdigest()


def locked(**changes: object) -> LockedModel:
    files = {
        "config.json": LockedFile(2, DIGEST, "config"),
        "model.safetensors": LockedFile(10, "ab" * 32, "weights", "cd" * 32, 1, {"BF16": 1}),
    }
    whole = dict(
        reference="org/name",
        path=None,
        source=LockedSource("hub", "org/name", "f" * 40),
        files=files,
        tree_sha256=tree_digest((name, each.sha256) for name, each in files.items()),
        config_sha256=DIGEST,
        licence=("llama3",),
        parameters=10,
        requires={"transformers": "4.40"},
    )
    return LockedModel(**{**whole, **changes})


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
names = st.text("abcXYZ0.-_/é ", min_size=1, max_size=20).filter(lambda name: why_unsafe(name) is None)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
files_ = st.dictionaries(names, st.builds(LockedFile, st.integers(0, 1 << 50), digests), max_size=4)


@given(texts, files_, st.one_of(st.none(), st.just("./a/b"), st.just("../x"), st.just(".")))
def test_what_is_written_is_read_back(reference: str, files: dict[str, LockedFile], path: str | None) -> None:
    tree = tree_digest((name, each.sha256) for name, each in files.items())
    lock = Lock((locked(reference=reference, files=files, tree_sha256=tree, path=path),), "1.0")
    assert parse_lock(canonical(lock)) == lock
    assert canonical(lock) == canonical(parse_lock(canonical(lock)))


def test_equal_models_give_equal_bytes_whatever_their_order() -> None:
    one, two = locked(reference="a/a"), locked(reference="b/b")
    assert canonical(Lock((one, two))) == canonical(Lock((two, one)))


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_lock_or_a_reason(data: bytes) -> None:
    assert isinstance(parse_lock(data), Lock | LockFault)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
def test_any_change_of_a_lock_is_read_or_refused(data: st.DataObject) -> None:
    """A value anywhere in it is replaced by any JSON."""
    document = json.loads(canonical(Lock((locked(),), "1.0")))
    anything = st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({})
    )
    here = document
    while True:
        keys = sorted(here) if isinstance(here, dict) else range(len(here))
        key = data.draw(st.sampled_from(list(keys)))
        if isinstance(here[key], dict | list) and here[key] and data.draw(st.booleans()):
            here = here[key]
            continue
        here[key] = data.draw(anything)
        break
    assert isinstance(parse_lock(json.dumps(document).encode()), Lock | LockFault)


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/passwd", "a/../../b", "a//b", "./a", "", "a\0b", "a\nb", "x" * 256, "d/" * 2048 + "x", "a\\b", "C:x",
     "\udc80", "nul", "aux.txt", "a.", "a/b /c"],
)  # fmt: skip
def test_a_name_that_could_be_another_file_is_refused(name: str) -> None:
    files = {name: LockedFile(1, DIGEST)}
    assert why_unsafe(name) is not None
    if name.isprintable():
        tree = tree_digest([(name, DIGEST)])
        assert isinstance(parse_lock(canonical(Lock((locked(files=files, tree_sha256=tree),)))), LockFault)


@pytest.mark.parametrize("name", ["a", "a/b.json", "onnx/model.onnx", ".gitattributes", "..a", "über.txt", "a b"])
def test_an_ordinary_name_is_taken(name: str) -> None:
    assert why_unsafe(name) is None


@pytest.mark.parametrize("path", ["/abs", "a/../../b", "./a/../b", "a\0b"])
def test_a_directory_that_is_not_plainly_relative_is_refused(path: str) -> None:
    assert isinstance(parse_lock(canonical(Lock((locked(path=path),)))), LockFault)


def test_an_edited_entry_is_seen_by_the_tree_digest() -> None:
    text = canonical(Lock((locked(),))).replace(b"ab" * 32, b"ac" * 32)
    read = parse_lock(text)
    assert isinstance(read, LockFault)
    assert "tree_sha256" in read.reason


def test_the_tree_digest_is_what_sha256sum_says(tmp_path: Path) -> None:
    """Anyone can have it again with coreutils."""
    for name in ("b", "a", "Z"):
        (tmp_path / name).write_text(name)
    told = subprocess.run(
        [shutil.which("sha256sum"), "Z", "a", "b"], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    digests_ = [(each.name, hashlib.sha256(each.read_bytes()).hexdigest()) for each in tmp_path.iterdir()]
    assert tree_digest(digests_) == hashlib.sha256(told).hexdigest()
