"""A notebook is rewritten where it was asked to be, and nowhere else."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from resolver.repair.notebook_text import Replacement, replaced, rewrite_notebook, rewrite_script

SOURCE = 'MODEL = "org/name"\nprint(MODEL)\n'
PLACE = Replacement(cell=2, line=1, start=8, end=18, text="resolve('x')")


def notebook() -> str:
    cell = new_code_cell(SOURCE)
    cell["outputs"] = [
        new_output("stream", text="caf\u00e9 \u2028\n" * 2),
        new_output("display_data", {"image/png": "iVBO"}),
    ]
    return str(nbformat.writes(new_notebook(cells=[new_markdown_cell("# org/name"), cell])))


def test_a_literal_is_replaced_and_every_other_byte_stays() -> None:
    text = notebook()
    assert rewrite_notebook(text, [PLACE]) == text.replace('MODEL = \\"org/name\\"', "MODEL = resolve('x')")


def test_nothing_to_replace_is_the_same_text() -> None:
    text = notebook()
    assert rewrite_notebook(text, []) == text


@pytest.mark.parametrize("indent", [None, 1, 2, 4, "\t"])
def test_a_first_cell_is_a_valid_cell_in_the_notebooks_own_spacing(indent: int | str | None) -> None:
    document = json.loads(notebook())
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    changed = rewrite_notebook(text, [PLACE], "import os\nos.environ['A'] = '1'\n")
    nbformat.validate(nbformat.reads(changed, as_version=4))
    after = json.loads(changed)
    assert "".join(after["cells"][0]["source"]) == "import os\nos.environ['A'] = '1'"
    assert after["cells"][1] == document["cells"][0]
    assert after["cells"][2]["outputs"] == document["cells"][1]["outputs"]
    assert changed == json.dumps(after, indent=indent, ensure_ascii=False), "its spacing is the notebook's"


def test_an_old_notebook_without_ids_gets_a_cell_without_one() -> None:
    document = json.loads(notebook())
    document["nbformat_minor"] = 4
    for cell in document["cells"]:
        del cell["id"]
    changed = json.loads(rewrite_notebook(json.dumps(document, indent=1), [], "x = 1"))
    assert "id" not in changed["cells"][0]


def test_two_literals_of_a_line_keep_their_places() -> None:
    source = 'load("a/b", "c/d")'
    both = [Replacement(None, 1, 5, 10, "ONE"), Replacement(None, 1, 12, 17, "TWO")]
    assert replaced(source, both) == replaced(source, both[::-1]) == "load(ONE, TWO)"


@pytest.mark.parametrize(
    "wrong",
    [
        Replacement(None, 9, 0, 1, ""),
        Replacement(None, 1, 4, 99, ""),
        Replacement(None, 1, -1, 2, ""),
        Replacement(None, 0, 0, 0, ""),
    ],
)
def test_a_place_that_is_not_there_is_refused(wrong: Replacement) -> None:
    with pytest.raises(ValueError, match="has no characters"):
        replaced("x = 1", [wrong])


def test_overlapping_places_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        replaced("abcdef", [Replacement(None, 1, 0, 3, ""), Replacement(None, 1, 2, 4, "")])


def test_a_cell_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="cell 7"):
        rewrite_notebook(notebook(), [PLACE.replaced(cell=7)])


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("import os\n", "FIRST\n\nimport os\n"),
        ('"""Doc."""\nimport os\n', '"""Doc."""\nFIRST\n\nimport os\n'),
        ("#!/usr/bin/env python\n# a note\nx = 1\n", "#!/usr/bin/env python\n# a note\nFIRST\n\nx = 1\n"),
        ("from __future__ import annotations\nx = 1\n", "from __future__ import annotations\nFIRST\n\nx = 1\n"),
        ("# %% one\nx = 1\n# %% two\n", "# %% one\nFIRST\n\nx = 1\n# %% two\n"),
        ("# %%\n!pip list\n", "# %%\nFIRST\n\n!pip list\n"),
        ("# %% [markdown]\n# text\n# %%\nx = 1\n", "# %%\nFIRST\n\n# %% [markdown]\n# text\n# %%\nx = 1\n"),
        ("x = 1\r\ny = 2\r\n", "FIRST\r\n\r\nx = 1\r\ny = 2\r\n"),
    ],
)
def test_first_lines_of_a_script_stand_before_its_first_statement(script: str, expected: str) -> None:
    assert rewrite_script(script, [], "FIRST") == expected
