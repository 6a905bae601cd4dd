"""The code cells of a notebook (formats 3 and 4), of a percent script, or a plain script as its one cell.

What it does not know: Python. A file that is damaged is a fault, and what can be read of it is read all the same.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from resolver.inspection.strict_json import parse_json
from resolver.notebook.facts import CodeFault, Spot
from resolver.record import Record

MAX_BYTES: Final = 256 * 1024 * 1024
MAX_SOURCE: Final = 4 * 1024 * 1024
Form = Literal["ipynb", "percent", "script"]


class Cell(Record):
    """One piece of code: its number (from 1, over all cells; None in a plain script) and its source."""

    number: int | None
    source: str


class Cells(Record):
    """What was read: the form, the code cells in order, the number of cells of every kind, and the faults."""

    form: Form
    code: tuple[Cell, ...] = ()
    count: int = 0
    faults: tuple[CodeFault, ...] = ()


def read_cells(path: Path) -> Cells:
    """The code cells of a file; never raises."""
    form: Form = "ipynb" if path.suffix.lower() == ".ipynb" else "script"
    if path.suffix.lower() in (".r", ".rmd", ".jl"):
        return _fault(form, "it is no Python, and Python alone is read")
    try:
        if not path.is_file():
            return _fault(form, "it is absent" if not path.exists() else "it is no regular file")
        if path.stat().st_size > MAX_BYTES:
            return _fault(form, f"it is larger than {MAX_BYTES >> 20} MiB")
        data = path.read_bytes()
    except OSError as error:
        return _fault(form, f"it cannot be read: {error.strerror or error}")
    faults: tuple[CodeFault, ...] = ()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        faults = (CodeFault(f"line {line} holds bytes that are not UTF-8", Spot(line)),)
        text = data.decode("utf-8", "replace")
    read = _notebook(text) if form == "ipynb" else _script(text)
    return read.replaced(faults=(*faults, *read.faults))


def _fault(form: Form, why: str, line: int | None = None) -> Cells:
    return Cells(form, faults=(CodeFault(why, None if line is None else Spot(line)),))


def _script(text: str) -> Cells:
    lines = text.split("\n")
    heads = [number for number, line in enumerate(lines) if line.startswith("# %%")]
    if not heads:
        return Cells("script", (Cell(None, text),))
    starts = [0, *heads] if any(line.strip() for line in lines[: heads[0]]) else heads
    cells: list[Cell] = []
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(lines)], strict=True), start=1):
        if is_prose(lines[start]):
            continue
        # Lines keep the numbers of the file: what stands before is blank.
        cells.append(Cell(number, "\n" * start + "\n".join(lines[start:end])))
    return Cells("percent", tuple(cells), len(starts))


def is_prose(head: str) -> bool:
    """Whether the `# %%` of a percent script begins a cell that is no code."""
    return any(mark in head for mark in ("[markdown]", "[md]", "[raw]"))


def _notebook(text: str) -> Cells:
    read = parse_json(text.encode("utf-8"))
    if read.fault is not None:
        why = read.fault if read.line is None else f"{read.fault} in line {read.line}"
        return _fault("ipynb", f"it is {why}", read.line)
    document = read.value
    if not isinstance(document, dict):
        return _fault("ipynb", "it is no notebook: no JSON object")
    language = _language(document)
    if language not in ("", "python", "ipython"):
        return _fault("ipynb", f"it is in {language}, and Python alone is read")
    listed = list(_listed(document))
    if not listed and not isinstance(document.get("cells"), list):
        return _fault("ipynb", "it is no notebook: it has no list of cells")
    code: list[Cell] = []
    faults: list[CodeFault] = []
    for number, cell in enumerate(listed, start=1):
        if not isinstance(cell, dict):
            faults.append(CodeFault("the cell is no object", Spot(1, number)))
        elif cell.get("cell_type") == "code":
            source = _source(cell)
            if source is None or len(source) > MAX_SOURCE:
                why = "its source is neither text nor lines" if source is None else "its source is too long to be read"
                faults.append(CodeFault(why, Spot(1, number)))
            else:
                code.append(Cell(number, source))
    return Cells("ipynb", tuple(code), len(listed), tuple(faults))


def _language(document: dict[str, Any]) -> str:
    """The language that the notebook names, in lower case, without its version; "" where it names none."""
    metadata = document.get("metadata")
    about = metadata if isinstance(metadata, dict) else {}
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        told = about.get(key)
        if isinstance(told, dict) and isinstance(told.get(name), str):
            return str(told[name]).lower().rstrip("0123456789. ")[:40]
    return ""


def _listed(document: dict[str, Any]) -> Iterator[Any]:
    """The cells; format 3 keeps them in worksheets."""
    cells = document.get("cells")
    if isinstance(cells, list):
        yield from cells
    worksheets = document.get("worksheets")
    for sheet in worksheets if isinstance(worksheets, list) else ():
        inner = sheet.get("cells") if isinstance(sheet, dict) else None
        yield from inner if isinstance(inner, list) else ()


def _source(cell: dict[str, Any]) -> str | None:
    source = cell.get("source", cell.get("input", ""))  # "input" in format 3
    if isinstance(source, str):
        return source
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    return None
