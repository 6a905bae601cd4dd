"""A notebook or script, read whole: every reference, network call, secret and request that its code says.

Nothing of it is executed or imported; a cell that cannot be read is a fault, and the others are read all the same.
"""

import ast
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from resolver.notebook.cells import Cell, read_cells
from resolver.notebook.facts import Code, CodeFault, LiteralSecret, Spot
from resolver.notebook.follow import file_runner, invoke, run_text
from resolver.notebook.python_text import PythonText, as_python
from resolver.notebook.reading import Reading, TooMuch, WrittenFile
from resolver.notebook.values import Arguments, Home, Text, Thing
from resolver.secrets import find_secrets

# Characters of a path in code: up to a quote, a blank, a bracket or what ends a word of a shell.
_MOUNTED: Final = re.compile(r"(?:/kaggle|\.\./?)/?input/[^\s\"'`\\)\]}>,;|*?{]+")


def read_code(path: Path) -> Code:
    """All that a notebook or a script says; never raises."""
    cells = read_cells(path)
    reading = Reading(invoke, file_runner(lambda written: _parsed(reading, written)))
    reading.scope.names["__name__"] = (Text("__main__"),)
    secrets: list[LiteralSecret] = []
    mentioned: dict[str, Spot] = {}
    try:
        for cell in cells.code:
            _read_cell(reading, cell, secrets, mentioned)
        _never_called(reading)
    except TooMuch:
        spot = Spot(1, reading.home.cell) if reading.home.lines else None
        reading.faults.append(CodeFault("it does too much to be followed to its end; what is read stands", spot))
    return Code(
        path=path,
        form=cells.form,
        uses=tuple(reading.uses.values()),
        network=tuple(reading.network.values()),
        dynamic=tuple(reading.dynamic.values()),
        secrets=tuple(secrets),
        asked=tuple(reading.asked.values()),
        faults=(*cells.faults, *reading.faults),
        mentioned=tuple(mentioned.items()),
        written=tuple(reading.written),
        named=tuple(reading.named),
        sets_offline=bool(reading.is_offline() and reading.offline_before_loading in (True, None)),
        cells=0 if cells.form == "script" else cells.count,
    )


def _read_cell(reading: Reading, cell: Cell, secrets: list[LiteralSecret], mentioned: dict[str, Spot]) -> None:
    lines = tuple(cell.source.split("\n"))
    reading.home = Home(cell.number, None, lines)
    text, tree = _understood(cell.source)
    if text.file is not None:
        reading.home = Home(cell.number, text.file, lines)
    secrets += _secrets(reading, cell.source)
    for found, spot in _mentioned(reading, cell.source):
        mentioned.setdefault(found, spot)
    if text.file is not None:
        _write_file(reading, text)
    elif isinstance(tree, CodeFault):
        reading.faults.append(tree.replaced(at=Spot(tree.at.line if tree.at else 1, cell.number)))
    elif text.foreign is None:
        _run(reading, text, tree)


def _run(reading: Reading, text: PythonText, tree: ast.Module) -> None:
    try:
        run_text(reading, text, tree, reading.scope)
    except RecursionError:
        why = "it is nested too deeply to be followed"
        reading.faults.append(CodeFault(why, Spot(1, reading.home.cell)))


def _understood(source: str) -> tuple[PythonText, ast.Module | CodeFault]:
    """The cell as Python and its tree; only what Python refuses can hold what is IPython's own."""
    tree = _tree(source)
    if isinstance(tree, ast.Module):
        return PythonText(source), tree
    text = as_python(source)
    return text, _tree(text.python)


def _tree(source: str) -> ast.Module | CodeFault:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape is the notebook's own matter
            return ast.parse(source)
    except SyntaxError as error:
        return CodeFault(f"it is no Python of this version: {error.msg}", Spot(error.lineno or 1))
    except (ValueError, RecursionError, MemoryError) as error:
        deep = isinstance(error, RecursionError | MemoryError)
        return CodeFault("it is nested too deeply to be read" if deep else f"it is no Python: {error}", Spot(1))


def _write_file(reading: Reading, text: PythonText) -> None:
    """`%%writefile`: the file is there from now on, and is read where it is imported or started."""
    path = reading.absolute(text.file or "")
    before = reading.files.get(path)
    if text.appends and before is not None:
        lines = (*before.home.lines, *reading.home.lines)
        joined = PythonText(f"{before.text.python}\n{text.python}")
        reading.files[path] = WrittenFile(joined, before.home.replaced(lines=lines))
    else:
        reading.files[path] = WrittenFile(text, reading.home)
    reading.modules.clear()
    reading.written.setdefault(path)


def _parsed(reading: Reading, written: WrittenFile) -> ast.Module | None:
    """The tree of a file that the notebook wrote; None, with a fault, where it is no Python."""
    tree = _tree(written.text.python)
    if isinstance(tree, ast.Module):
        return tree
    home = written.home
    spot = Spot(tree.at.line if tree.at else 1, home.cell, home.file)
    fault = CodeFault(tree.why, spot)
    if fault not in reading.faults:
        reading.faults.append(fault)
    return None


def _never_called(reading: Reading) -> None:
    """What nothing calls is read too, so that it can be told apart from what is missing."""
    for _ in range(4):  # functions within functions come to light one round after the other
        waiting = [each for number, each in reading.functions.items() if number not in reading.called]
        if not waiting:
            return
        for function in waiting:
            owner = reading.class_of(function)
            bound = None if owner is None else Thing("instance", dict(owner.members), owner.fields)
            with reading.at(reach="runs" if reading.is_called_by_library(function) else "never-called"):
                reading.invoke(function.replaced(bound=bound), Arguments(is_open=True))


def _secrets(reading: Reading, source: str) -> Iterator[LiteralSecret]:
    if not any(not each.placeholder for each in find_secrets(source, in_code=True)):
        return
    for number, line in enumerate(source.split("\n"), start=1):
        for found in find_secrets(line, in_code=True):
            if not found.placeholder:
                at = reading.line(number).replaced(column=found.start, end_column=found.end)
                yield LiteralSecret(found.kind, found.shown, at)


def _mentioned(reading: Reading, source: str) -> Iterator[tuple[str, Spot]]:
    if "input" not in source:
        return
    for number, line in enumerate(source.split("\n"), start=1):
        if "input" in line and not line.lstrip().startswith("#"):
            for found in _MOUNTED.finditer(line):
                yield found[0].rstrip("/."), reading.line(number)
