"""A notebook that nobody could run is a finding, never a crash; nothing of it runs; it is read in bounded time."""

import ast
import json
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notebook_factory import metadata_text, notebook_text, reference_cells

from resolver.environment import Environment
from resolver.host import Host
from resolver.notebook.follow import file_runner, invoke, run_text
from resolver.notebook.python_text import PythonText
from resolver.notebook.read import read_code
from resolver.notebook.reading import MAX_STEPS, Reading
from resolver.notebook_preflight import NotebookReport, check_notebook

PIECES = ["x", "=", "(", ")", "[", "]", "{", "}", ":", ",", ".", "\n", "\n    ", "def f", "class C", "for", "in", "if",
          "else", "import os", "'/kaggle/input/a'", "f'{x}/b'", "*", "**", "lambda", "from_pretrained", "AutoModel",
          "return", "while", "try", "except", "with", "!pip install x", "%%writefile a.py", "await", "x['k']", "+", "%",
          "is", "not", "None", "1", "global x", "del x", "match x", "case _", "@f", "yield", "_", "\\", "\x00", "é"]  # fmt: skip


def judged(path: Path) -> NotebookReport:
    nowhere = Environment(home=path.parent, cwd=path.parent, variables={"KAGGLE_CACHE_MOUNT_FOLDER": "/nowhere"})
    return check_notebook(path, nowhere, Host())


def cells_of(*sources: str) -> bytes:
    return notebook_text(sources).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    ("content", "severity", "why"),
    [
        (b"", "error", "not JSON"),
        (b'{"cells": [', "error", "not JSON"),
        (b"[1, 2]", "error", "no JSON object"),
        (b'{"metadata": {}}', "error", "no list of cells"),
        (b'{"cells": ' + b"[" * 200_000, "error", "nested too deeply"),
        (b'{"cells": [{"cell_type": "code", "source": 3}]}', "warning", "neither text nor lines"),
        (cells_of("print 'python 2'\n", "x = 1\n"), "warning", "no Python of this version"),
        (cells_of("x = 1\n", "def f(:\n"), "warning", "no Python of this version"),
        (cells_of("x = " + "(" * 5_000 + ")" * 5_000), "warning", ""),
        (cells_of("x = " + "-" * 20_000 + "1"), "warning", "nested too deeply"),
        (cells_of("x = 1\n").replace(b"# A notebook", b"# \xff\xfe"), "warning", "not UTF-8"),
        (cells_of("x = '\ud800'\n"), "warning", "not UTF-8"),
        (cells_of("x = 1\x00\n"), "warning", ""),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, content: bytes, severity: str, why: str) -> None:
    path = tmp_path / "n.ipynb"
    path.write_bytes(content)
    found = [each for each in judged(path).report.findings if each.code == "N015"]
    assert [each.severity for each in found] == [severity]
    assert why in found[0].message


def test_a_notebook_of_format_3_is_read(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "input": ["AutoModel.from_pretrained('org/a')\n"], "language": "python"}
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"worksheets": [{"cells": [cell]}], "nbformat": 3, "nbformat_minor": 0}))
    assert [each.code for each in judged(path).report.findings] == ["N002"]


def test_fifty_megabytes_of_outputs_are_no_hindrance(tmp_path: Path) -> None:
    document = json.loads(notebook_text(reference_cells("inference")))
    document["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["x" * 1_000_000] * 50}]
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(document))
    (tmp_path / "kernel-metadata.json").write_text(metadata_text("n.ipynb"))
    assert "N001" in [each.code for each in judged(path).report.findings]


def test_nothing_of_a_notebook_runs(tmp_path: Path) -> None:
    here = str(tmp_path / "made")
    bomb = f"open({here!r}, 'w').write('x')\n__import__('os').system('touch {here}')\n"
    writes = f"%%writefile evil.py\n{bomb}"
    path = tmp_path / "n.ipynb"
    path.write_bytes(cells_of(bomb, f"!touch {here}\n", writes, "import evil\n", "!python evil.py\n"))
    (tmp_path / "evil.py").write_text(bomb)
    (tmp_path / "transformers.py").write_text(bomb)
    judged(path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["evil.py", "n.ipynb", "transformers.py"]


@pytest.mark.parametrize(
    "source",
    [
        "x = 'a'\nfor i in range(8):\n    for j in range(8):\n        x = x + x\nAutoModel.from_pretrained(x)\n",
        "x = ['a'] * 10**9\ny = 'a' * 10**9\nz = 10**10**10\nw = 1 << 10**9\n",
        "def f(x):\n    return f(x + 'a') + f(x + 'b')\nAutoModel.from_pretrained(f('c'))\n",
        "def f():\n    g()\n    g()\ndef g():\n    f()\n    f()\nf()\n",
        "class A(A):\n    pass\nclass B:\n    def __init__(self):\n        self.b = B()\nB()\n",
        "x = '{:>9999999999}'.format('a')\ny = '%9999999999d' % 1\nz = f'{1:>9999999999}'\n",
        "d = {}\nd['d'] = d\nd.update(d)\ne = {**d}\nAutoModel.from_pretrained(d['d']['d']['d'])\n",
        "l = []\nfor i in range(8):\n    l.append(l)\n    l.extend(l)\nAutoModel.from_pretrained(l[0])\n",
        "\n".join(f"def f{i}():\n    f{i + 1}()\n    f{i + 1}()\n    f{i + 1}()" for i in range(40)) + "\nf0()\n",
        "".join(f"if a{i}:\n    x{i} = 'a'\nelse:\n    x{i} = 'b'\n" for i in range(30))
        + "AutoModel.from_pretrained(" + " + ".join(f"x{i}" for i in range(30)) + ")\n",
        "%%writefile a.py\nimport b\n",
        "x = [[[[y for a in range(8)] for b in range(8)] for c in range(8)] for d in range(8)]\n",
        "x = lambda f: f(f)\nx(x)\n",
    ],
)  # fmt: skip
def test_code_that_would_never_end_is_read_to_a_bound(tmp_path: Path, source: str) -> None:
    path = tmp_path / "n.ipynb"
    path.write_bytes(
        cells_of(source, "%%writefile b.py\nimport a\n", "import a\nAutoModel.from_pretrained('org/end')\n")
    )
    started = time.perf_counter()
    code = read_code(path)
    assert time.perf_counter() - started < 20  # seconds; a bound on work, not a measure
    assert len(repr(code)) < 5_000_000


def read_to_the_end(source: str) -> Reading:
    reading = Reading(invoke, file_runner(lambda _: None))
    run_text(reading, PythonText(source), ast.parse(source), reading.scope)
    return reading


EIGHT = "[0, 1, 2, 3, 4, 5, 6, 7]"
LOOPS = {
    "map": "".join(f"list(map(lambda x{n}: " for n in range(7)) + "AutoModel.from_pretrained(x6)" + f", {EIGHT}))" * 7,
    "comprehension": "y = " + "[" * 7 + "AutoModel.from_pretrained(x6)"
    + "".join(f" for x{n} in {EIGHT}]" for n in range(6, -1, -1)),
    "generators": "y = [AutoModel.from_pretrained(x6)" + "".join(f" for x{n} in {EIGHT}" for n in range(7)) + "]",
    "for": "".join(f"{'  ' * n}for x{n} in {EIGHT}:\n" for n in range(7)) + "  " * 7 + "AutoModel.from_pretrained(x6)",
}  # fmt: skip


@pytest.mark.parametrize("loops", LOOPS)
def test_loops_within_loops_are_read_once_where_their_turns_are_too_many(loops: str) -> None:
    """Eight to the power of seven turns: told as not known (N014), after a tenth of the steps that a reading may take."""
    reading = read_to_the_end(LOOPS[loops])
    assert reading.steps < MAX_STEPS / 8
    assert any("loops within loops" in each.why for each in reading.dynamic.values())


def test_loops_of_few_turns_are_followed_one_by_one() -> None:
    names = "for a in ['a', 'b', 'c']:\n for b in ['x', 'y']:\n  for c in ['1', '2', '3', '4']:\n   "
    reading = read_to_the_end(names + "AutoModel.from_pretrained(f'{a}/{b}{c}')\n")
    assert len({each.text for each in reading.uses.values()}) == 24
    assert not reading.dynamic


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join), max_size=5))
def test_no_code_makes_the_reader_raise(tmp_path: Path, sources: list[str]) -> None:
    path = tmp_path / "n.ipynb"
    path.write_bytes(cells_of(*sources))
    judged(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_to_a_notebook_makes_the_reader_raise(tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(cells_of(*reference_cells("inference")))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=6))
    path = tmp_path / "n.ipynb"
    path.write_bytes(bytes(whole))
    (tmp_path / "kernel-metadata.json").write_bytes(bytes(whole[: data.draw(st.integers(0, 300))]))
    judged(path)
