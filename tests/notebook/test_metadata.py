"""kernel-metadata.json in the forms that the command line writes and that people leave behind."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.notebook.metadata import NAME, find_metadata, read_metadata

# Written in the shape of the command line's own files: `pull` writes booleans, `init` writes them as text.
PULLED = {
    "id": "someone/inference",
    "id_no": 1234,
    "title": "Inference",
    "code_file": "inference.ipynb",
    "language": "python",
    "kernel_type": "notebook",
    "is_private": True,
    "enable_gpu": True,
    "enable_tpu": False,
    "enable_internet": False,
    "keywords": [],
    "dataset_sources": ["kishanvavdara/lmsys-model", "someone/wheels/versions/3"],
    "kernel_sources": ["someone/train"],
    "competition_sources": ["lmsys-chatbot-arena"],
    "model_sources": ["metaresearch/llama-3/Transformers/8b-chat-hf/1", "google/gemma-2/PyTorch/2b-it"],
    "docker_image": "gcr.io/kaggle-gpu-images/python@sha256:0",
    "machine_shape": "NvidiaTeslaT4",
}


def read(tmp_path: Path, document: object) -> object:
    (tmp_path / NAME).write_text(json.dumps(document, indent=2))
    return read_metadata(tmp_path / NAME)


def test_all_fields_of_a_pulled_file_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, PULLED)
    assert found.faults == ()
    assert (found.internet, found.gpu, found.tpu, found.machine_shape) == (False, True, False, "NvidiaTeslaT4")
    assert (found.id, found.code_file, found.kernel_type, found.language) == (
        "someone/inference", "inference.ipynb", "notebook", "python",
    )  # fmt: skip
    assert found.docker == PULLED["docker_image"]
    told = [(each.kind, str(each.handle or each.dataset or each.slug), each.version) for each in found.sources]
    assert told == [
        ("model", "metaresearch/llama-3/transformers/8b-chat-hf/1", 1),
        ("model", "google/gemma-2/pytorch/2b-it", None),
        ("dataset", str(found.sources[2].dataset), None),
        ("dataset", str(found.sources[3].dataset), 3),
        ("kernel", str(found.sources[4].dataset), None),
        ("competition", "lmsys-chatbot-arena", None),
    ]
    assert (found.sources[2].dataset.owner, found.sources[2].dataset.slug) == ("kishanvavdara", "lmsys-model")


def test_each_source_has_its_pointer_and_line(tmp_path: Path) -> None:
    found = read(tmp_path, PULLED)
    lines = (tmp_path / NAME).read_text().splitlines()
    for source in found.sources:
        assert source.text in lines[dict(found.lines)[source.pointer] - 1]


def test_booleans_as_text_are_booleans(tmp_path: Path) -> None:
    found = read(tmp_path, {"enable_internet": "false", "enable_gpu": "True"})
    assert (found.internet, found.gpu, found.tpu, found.faults) == (False, True, None, ())


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"model_sources": ["llama-3"]}, "is no owner/model/framework/variation"),
        ({"model_sources": "a/b/transformers/c"}, "model_sources is no list"),
        ({"dataset_sources": ["slug"]}, "is no owner/slug"),
        ({"dataset_sources": [7]}, "is no owner/slug"),
        ({"competition_sources": ["a/b"]}, "is no slug of a competition"),
        ({"enable_internet": "maybe"}, "enable_internet is neither true nor false"),
        ({"enable_gpu": 1}, "enable_gpu is neither"),
        ({"id": "INSERT_KERNEL_SLUG_HERE"}, "id is still to be filled in"),
        ({"code_file": 5}, "code_file is no text"),
        ([], "it is no JSON object"),
    ],
)
def test_what_cannot_be_used_is_a_fault_and_the_rest_is_read(tmp_path: Path, document: object, why: str) -> None:
    if isinstance(document, dict):
        document = {"competition_sources": ["lmsys-chatbot-arena"], **document}
    found = read(tmp_path, document)
    (fault,) = found.faults
    assert why in fault.why
    if isinstance(document, dict) and "competition_sources" not in why and document["competition_sources"][0] != "a/b":
        assert [each.slug for each in found.sources] == ["lmsys-chatbot-arena"]


@given(st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from([*PULLED]) | st.text(max_size=5), inner, max_size=5),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_any_bytes_give_metadata_and_never_an_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / NAME
    path.write_bytes(data)
    assert read_metadata(path).path == path


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    assert [each.why for each in read_metadata(tmp_path / NAME).faults] == ["absent"]


def test_it_is_found_beside_the_code_that_it_names(tmp_path: Path) -> None:
    assert find_metadata(tmp_path / "inference.ipynb") is None
    read(tmp_path, PULLED)
    assert find_metadata(tmp_path / "inference.ipynb") == tmp_path / NAME
    assert find_metadata(tmp_path / "another.ipynb") is None
    read(tmp_path, {"code_file": "INSERT_CODE_FILE_PATH_HERE"})
    assert find_metadata(tmp_path / "another.ipynb") == tmp_path / NAME
