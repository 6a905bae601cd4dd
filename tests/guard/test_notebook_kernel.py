"""`%load_ext resolver` in a real kernel: the diagnosis stands under the traceback of the founding case."""

import os
from pathlib import Path
from typing import Any

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

PROJECT = Path(__file__).resolve().parent.parent.parent
FOUNDING = "/kaggle/input/llama-3/transformers/8b-chat-hf/1"
CELLS = (
    "%load_ext resolver",
    f'from transformers import AutoTokenizer\ntokenizer = AutoTokenizer.from_pretrained("{FOUNDING}")',
    "1 / 0",
    "from safetensors.torch import load_file\nload_file('broken.safetensors')",
    f'%unload_ext resolver\nAutoTokenizer.from_pretrained("{FOUNDING}")',
)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The notebook's cells after a kernel has run them all, each error let pass."""
    work = tmp_path_factory.mktemp("kernel")
    (work / "broken.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    kept = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(PROJECT)
    try:
        client = nbclient.NotebookClient(
            notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(work)}}
        )
        client.execute()
    finally:
        os.environ.pop("PYTHONPATH")
        if kept is not None:
            os.environ["PYTHONPATH"] = kept
    return list(notebook.cells)


def of_kind(cell: Any, kind: str) -> list[Any]:
    return [output for output in cell.outputs if output.output_type == kind]


def test_the_founding_cell_shows_the_diagnosis_under_its_traceback(cells: list[Any]) -> None:
    outputs = cells[1].outputs
    kinds = [output.output_type for output in outputs if output.output_type != "stream"]
    assert kinds == ["error", "display_data"], "the diagnosis stands under the traceback"
    error, shown = (output for output in outputs if output.output_type != "stream")
    assert error.ename == "ModelLoadError"
    for text in (error.evalue, shown.data["text/plain"], shown.data["text/html"]):
        assert "metaresearch/llama-3/transformers/8b-chat-hf/1 is not attached to this notebook" in text
        assert "https://www.kaggle.com/models/metaresearch/llama-3" in text
    assert "<script" not in shown.data["text/html"]


def test_an_error_of_ones_own_is_left_alone(cells: list[Any]) -> None:
    assert [output.output_type for output in cells[2].outputs] == ["error"]


def test_an_error_of_another_class_keeps_it_and_is_told(cells: list[Any]) -> None:
    (error,) = of_kind(cells[3], "error")
    assert error.ename == "SafetensorError"
    (shown,) = of_kind(cells[3], "display_data")
    assert "F002" in shown.data["text/html"]
    assert "Git LFS" in shown.data["text/plain"] or "pointer" in shown.data["text/plain"]


def test_unloaded_everything_is_as_before(cells: list[Any]) -> None:
    (error,) = of_kind(cells[4], "error")
    assert error.ename == "OSError"
    assert not of_kind(cells[4], "display_data")
