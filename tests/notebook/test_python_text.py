"""What only IPython understands is taken out of a cell, handed up, and no line moves."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.notebook.python_text import as_python


@pytest.mark.parametrize(
    ("source", "shell"),
    [
        ("!pip install -q x\ny = 1", ["pip install -q x"]),
        ("%pip install x", ["pip install x"]),
        ("!!ls /kaggle/input", ["ls /kaggle/input"]),
        ("if a:\n    !pip install x\nelse:\n    b = 1", ["pip install x"]),
        ("files = !ls ../input\nprint(files)", ["ls ../input"]),
        ("!pip install a \\\n    b\nx = 1", ["pip install a  b"]),
        ("pip install x", ["pip install x"]),
        ("%%bash\nls\npip install y", ["ls", "pip install y"]),
        ("%matplotlib inline\nx = 1", []),
        ("df.head?\nx = 1", []),
        ("?df", []),
        ("%%time\n!ls\nx = 1", ["ls"]),
        ('text = """\n!pip install not_a_command\n"""', []),
        ("x = 5 % 3\ny = a != b", []),
    ],
)
def test_shell_lines_are_taken_out_and_the_rest_is_python(source: str, shell: list[str]) -> None:
    text = as_python(source)
    assert [line.text for line in text.shell] == shell
    ast.parse(text.python)
    assert not text.python or text.python.count("\n") == source.count("\n")


def test_writefile_names_its_file_and_keeps_the_lines() -> None:
    text = as_python("%%writefile -a src/infer.py\nimport sys\nx = 1")
    assert (text.file, text.appends, text.python.split("\n")[2]) == ("src/infer.py", True, "x = 1")


def test_a_cell_of_another_language_is_not_read_as_python() -> None:
    text = as_python("%%html\n<b>no</b>")
    assert (text.python, text.foreign, text.shell) == ("", "html", ())


@given(st.text(alphabet="!%?=\"'\\\n abx#{}", max_size=120))
def test_no_source_makes_it_raise(source: str) -> None:
    as_python(source)
