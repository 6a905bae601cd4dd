"""Cells of notebooks and scripts: every form is read, and no damage to a file makes the reader raise."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolver.notebook.cells import read_cells


def code(source: object) -> dict[str, object]:
    return {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source}


def notebook(path: Path, cells: list[object], **rest: object) -> Path:
    path.write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}, **rest}))
    return path


def test_cells_are_counted_over_every_type_as_jupyter_does(tmp_path: Path) -> None:
    cells = [{"cell_type": "markdown", "source": ["# a"]}, code(["x = 1\n", "y = 2"]), code("z = 3")]
    read = read_cells(notebook(tmp_path / "n.ipynb", cells))
    assert [(cell.number, cell.source) for cell in read.code] == [(2, "x = 1\ny = 2"), (3, "z = 3")]
    assert (read.form, read.count, read.faults) == ("ipynb", 3, ())


def test_format_3_keeps_its_cells_in_worksheets_and_calls_the_source_input(tmp_path: Path) -> None:
    path = tmp_path / "old.ipynb"
    cell = {"cell_type": "code", "input": ["print 1"], "language": "python"}
    path.write_text(json.dumps({"nbformat": 3, "worksheets": [{"cells": [cell]}], "metadata": {}}))
    assert [cell.source for cell in read_cells(path).code] == ["print 1"]


def test_a_percent_script_keeps_the_lines_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "n.py"
    path.write_text("# %% [markdown]\n# words\n# %%\nx = 1\n# %%\ny = 2\n")
    read = read_cells(path)
    assert read.form == "percent"
    assert [cell.number for cell in read.code] == [2, 3]
    assert read.code[1].source.split("\n")[5] == "y = 2"


def test_a_plain_script_is_one_cell_without_a_number(tmp_path: Path) -> None:
    path = tmp_path / "s.py"
    path.write_text("x = 1\n")
    read = read_cells(path)
    assert (read.form, [cell.number for cell in read.code]) == ("script", [None])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "it is not JSON"),
        (b"[]", "no JSON object"),
        (b"{}", "no list of cells"),
        (b'{"cells": 3}', "no list of cells"),
        (b"[" * 200_000, "nested too deeply"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"", "it is not JSON"),
    ],
)
def test_a_damaged_notebook_is_a_fault_that_says_why(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "n.ipynb"
    path.write_bytes(content)
    assert any(why in fault.why for fault in read_cells(path).faults)


def test_a_damaged_cell_does_not_hide_the_others(tmp_path: Path) -> None:
    read = read_cells(notebook(tmp_path / "n.ipynb", ["no cell", code(7), code(["ok", 3]), code("x = 1")]))
    assert [cell.source for cell in read.code] == ["x = 1"]
    assert [fault.at.cell for fault in read.faults if fault.at] == [1, 2, 3]


def test_invalid_utf_8_is_told_by_its_line_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.py"
    path.write_bytes(b"x = 1\ny = '\xff'\n")
    read = read_cells(path)
    assert [fault.at.line for fault in read.faults if fault.at] == [2]
    assert read.code[0].source.startswith("x = 1")


def test_absent_files_and_directories_are_faults(tmp_path: Path) -> None:
    assert "absent" in read_cells(tmp_path / "none.ipynb").faults[0].why
    (tmp_path / "dir.ipynb").mkdir()
    assert "no regular file" in read_cells(tmp_path / "dir.ipynb").faults[0].why


def test_fifty_megabytes_of_outputs_do_not_hide_the_code(tmp_path: Path) -> None:
    cell = code("x = 1")
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["a" * 1_000_000] * 50}]
    read = read_cells(notebook(tmp_path / "big.ipynb", [cell, code("y = 2")]))
    assert [cell.source for cell in read.code] == ["x = 1", "y = 2"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))))
def test_no_bytes_make_the_reader_raise(tmp_path: Path, data: bytes) -> None:
    for name in ("n.ipynb", "n.py"):
        path = tmp_path / name
        path.write_bytes(data)
        read_cells(path)


@pytest.mark.parametrize(
    "metadata", [{"kernelspec": {"language": "R", "name": "ir"}}, {"language_info": {"name": "julia"}}]
)
def test_a_notebook_of_another_language_is_not_taken_for_python(tmp_path: Path, metadata: dict[str, object]) -> None:
    path = notebook(tmp_path / "n.ipynb", [code("df <- read_csv('x')")])
    path.write_text(json.dumps(json.loads(path.read_text()) | {"metadata": metadata}))
    read = read_cells(path)
    assert not read.code
    assert "Python alone is read" in read.faults[0].why


def test_the_language_of_a_python_notebook_is_no_fault(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", [code("x = 1")])
    info = {"kernelspec": {"language": "python"}, "language_info": {"name": "python", "version": "3.11.7"}}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"metadata": info}))
    assert read_cells(path).code
    (tmp_path / "s.R").write_text("x <- 1")
    assert "no Python" in read_cells(tmp_path / "s.R").faults[0].why
