"""Every path that real notebooks write: what is mounted there is found, and nothing else is."""

import csv

import pytest
from mounts import HOST, SHARED, environment, place

from resolver.catalog import fingerprint_of, hub_ids
from resolver.errors import AmbiguousModel, ModelNotFound
from resolver.reference import KaggleHandle, mounted_name
from resolver.resolve import resolve

TABLE = SHARED / "kaggle" / "paths.csv"
MOUNT = "/kaggle/input/"
# The folders do not say that the model is the instruct one, and base and instruct share every number.
ONLY_GUESSED = {
    "gemma-finetuning-all/gemma-2-27b": "google/gemma-2-27b-it",
}
UNRELATED = "openai-community/gpt2"


def rows():
    if not TABLE.exists():
        return [pytest.param(None, None, marks=pytest.mark.skip(reason="shared data is not here"))]
    with TABLE.open(encoding="utf-8") as stream:
        read = [(row["path"], row["hub_id"]) for row in csv.DictReader(stream)]
    pairs = [
        (path.removeprefix(MOUNT).rstrip("/"), hub_id)
        for path, hub_id in read
        if path.startswith(MOUNT) and hub_id and not hub_id.startswith("(") and "(" not in hub_id
    ]
    return sorted(set(pairs))


def other_forms(folders):
    """The same source in the other layouts that Kaggle has used."""
    handle, below = mounted_name(folders)
    if isinstance(handle, KaggleHandle):
        tail = (handle.model, handle.framework, handle.variation, *((str(handle.version),) if handle.version else ()))
        owner = handle.owner or "someone"
        return [(*tail, *below), ("m", owner, *tail, *below), ("models", owner, *tail, *below)]
    owner = handle.owner or "someone"
    return [(handle.slug, *below), ("datasets", owner, handle.slug, *below)]


def test_the_table_has_the_rows_that_this_proof_is_about():
    if not TABLE.exists():
        pytest.skip("shared data is not here")
    assert len(rows()) >= 55


@pytest.mark.parametrize(("path", "hub_id"), rows())
def test_mounted_model_is_found_from_the_id(tmp_path, path, hub_id):
    where = place(tmp_path / "input" / path, hub_id)
    here = environment(tmp_path)
    if path in ONLY_GUESSED:
        with pytest.raises(AmbiguousModel) as caught:
            resolve(hub_id, here, HOST)
        assert str(where) in str(caught.value)
        return
    resolution = resolve(hub_id, here, HOST)
    assert resolution.path == where
    assert resolution.confidence in {"exact", "matched"}


@pytest.mark.parametrize(("path", "hub_id"), rows())
def test_mounted_model_is_found_from_the_path_in_every_layout(tmp_path, path, hub_id):
    folders = tuple(path.split("/"))
    for number, mounted in enumerate(other_forms(folders)):
        where = place(tmp_path / str(number) / "input" / "/".join(mounted), hub_id)
        for asked in other_forms(folders):
            if "someone" in asked and "someone" not in mounted and mounted[0] in {"models", "m", "datasets"}:
                continue  # a made-up owner against the real one: another source
            resolution = resolve(MOUNT + "/".join(asked), environment(tmp_path / str(number)), HOST)
            assert resolution.path == where
            assert resolution.confidence == "exact"


@pytest.mark.parametrize(("path", "hub_id"), rows())
def test_mounted_model_is_found_from_the_handle(tmp_path, path, hub_id):
    handle, _ = mounted_name(tuple(path.split("/")))
    where = place(tmp_path / "input" / path, hub_id)
    owned = (
        handle
        if handle.owner or not isinstance(handle, KaggleHandle)
        else KaggleHandle("anyone", handle.model, handle.framework, handle.variation, handle.version)
    )
    resolution = resolve(str(owned), environment(tmp_path), HOST)
    assert resolution.path == where
    assert resolution.confidence == "exact"


@pytest.mark.parametrize(("path", "hub_id"), rows())
def test_unrelated_model_at_the_same_depth_is_never_the_answer(tmp_path, path, hub_id):
    folders = path.split("/")
    folders[-2 if len(folders) > 1 else 0] += "-other"
    place(tmp_path / "input" / "/".join(folders), UNRELATED)
    place(tmp_path / "input" / ("x" + "/x" * (len(folders) - 1)), UNRELATED)
    with pytest.raises(ModelNotFound):
        resolve(hub_id, environment(tmp_path), HOST)


@pytest.mark.parametrize(("path", "hub_id"), rows())
def test_other_architecture_in_the_very_place_is_never_the_answer_to_the_id(tmp_path, path, hub_id):
    place(tmp_path / "input" / path, UNRELATED)
    with pytest.raises(ModelNotFound):
        resolve(hub_id, environment(tmp_path), HOST)


def test_catalogued_ids_have_architectures_to_compare():
    if not TABLE.exists():
        pytest.skip("shared data is not here")
    assert [hub_id for _, hub_id in rows() if fingerprint_of(hub_id) is None] == []
    assert hub_ids(KaggleHandle("metaresearch", "llama-3", "transformers", "8b-chat-hf", 1))
