"""The places of the sources in a notebook's text, against nbformat's own writer and against json."""

import json

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from resolver.notebook.spans import find_sources, written


def notebook(*sources: str) -> str:
    cells = [new_markdown_cell("# Title\n\ntext"), *(new_code_cell(source) for source in sources)]
    for cell in cells[1:]:
        cell["outputs"] = [new_output("stream", text="a \u2028 line\n" * 3)]
    return str(nbformat.writes(new_notebook(cells=cells)))


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=40), max_size=4))
def test_sources_of_any_text_are_read_as_nbformat_reads_them(sources: list[str]) -> None:
    text = notebook(*sources)
    read = nbformat.reads(text, as_version=4)
    assert [each.source for each in find_sources(text).cells] == [cell.source for cell in read.cells]


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
def test_a_source_written_anew_changes_nothing_else(source: str) -> None:
    text = notebook("print(1)\nprint(2)", "x = 1")
    span = find_sources(text).cells[1]
    changed = text[: span.start] + written(span, source) + text[span.end :]
    before, after = json.loads(text), json.loads(changed)
    assert "".join(after["cells"][1].pop("source")) == source
    before["cells"][1].pop("source")
    assert before == after


def test_a_source_written_back_is_the_same_text() -> None:
    text = notebook("import os\nprint(os)\n", "x = 'ü'")
    for span in find_sources(text).cells:
        assert text[span.start : span.end] == written(span, span.source)


@pytest.mark.parametrize("indent", [None, 1, 2, 4, "\t"])
def test_a_source_written_back_keeps_each_writers_spacing(indent: int | str | None) -> None:
    text = json.dumps(json.loads(notebook("import os\nprint(os)")), indent=indent, ensure_ascii=False)
    for span in find_sources(text).cells:
        assert text[span.start : span.end] == written(span, span.source)


def test_the_first_cell_and_the_ids_are_known() -> None:
    text = notebook("x = 1")
    found = find_sources(text)
    assert found.first is not None
    assert text[found.first] == "{"
    assert (found.indent, found.has_ids) == ("  ", True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"cells": {}}',
        '{"cells": [1]}',
        '{"cells": [{"source": 5}]}',
        '{"cells": [{"source": [',
        '{"a" 1}',
    ],
)
def test_what_is_no_notebook_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        find_sources(text)


def test_deep_nesting_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="nested"):
        find_sources('{"metadata": ' + "[" * 200_000)


@given(st.integers(0, len(notebook("x = 1\ny = 2")) - 1), st.sampled_from('{}[]",:x'))
def test_a_damaged_notebook_never_raises_anything_else(at: int, instead: str) -> None:
    text = notebook("x = 1\ny = 2")
    for damaged in (text[:at], text[:at] + instead + text[at + 1 :]):
        try:
            find_sources(damaged)
        except ValueError:
            continue
