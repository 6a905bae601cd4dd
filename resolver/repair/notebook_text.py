"""A notebook or a script with some literals replaced and lines put first; all else stays byte for byte.

What it does not know: which literals, and why (`notebook_fix` decides).
"""

import ast
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from resolver.notebook.cells import is_prose
from resolver.notebook.spans import NotebookText, SourceSpan, find_sources, written
from resolver.record import Record

FIRST_CELL_ID: Final = "offline-resolver"


class Replacement(Record):
    """New text for a piece of one line.

    Attributes:
        cell: from 1, over the cells of every type; None in a script.
        line: from 1, in the cell or the script.
        start, end: in characters of that line.
        text: what stands there afterwards.
    """

    cell: int | None
    line: int
    start: int
    end: int
    text: str


def rewrite_notebook(text: str, replacements: Iterable[Replacement], first: str | None = None) -> str:
    """A notebook's text with the replacements made and, where `first` is given, a code cell of it in front.

    Raises:
        ValueError: the text is no notebook of format 4, or a replacement lies outside its cell.
    """
    found = find_sources(text)
    by_cell: dict[int | None, list[Replacement]] = {}
    for each in replacements:
        by_cell.setdefault(each.cell, []).append(each)
    spans = {span.number: span for span in found.cells}
    strangers = sorted(str(number) for number in by_cell if number not in spans)
    if strangers:
        raise ValueError(f"there is no source in cell {', '.join(strangers)}")
    changed = text
    for span in sorted(spans.values(), key=lambda each: -each.start):
        if mine := by_cell.get(span.number):
            new = written(span, replaced(span.source, mine))
            changed = changed[: span.start] + new + changed[span.end :]
    return changed if first is None else _with_first_cell(changed, find_sources(changed), first)


def rewrite_script(text: str, replacements: Iterable[Replacement], first: str | None = None) -> str:
    """A script's text with the replacements made and, where `first` is given, those lines before its first statement.

    Raises:
        ValueError: a replacement lies outside its line.
    """
    changed = replaced(text, list(replacements))
    if first is None:
        return changed
    lines = changed.split("\n")  # as the compiler counts them: other separators end no line
    at = _first_statement(changed)
    new = [*first.rstrip("\n").split("\n"), ""]
    if at < len(lines) and lines[at].startswith("# %%"):
        new.insert(0, "# %%")  # a cell of its own: the first is no code
    end = "\r" if lines[0].endswith("\r") else ""
    return "\n".join((*lines[:at], *(line + end for line in new), *lines[at:]))


def replaced(source: str, replacements: Sequence[Replacement]) -> str:
    """A source with pieces of its lines replaced, the last first so that no place moves.

    Raises:
        ValueError: a replacement lies outside its line, or two overlap.
    """
    lines = source.split("\n")
    before: Replacement | None = None
    for each in sorted(replacements, key=lambda one: (-one.line, -one.start)):
        if not 1 <= each.line <= len(lines) or not 0 <= each.start <= each.end <= len(lines[each.line - 1]):
            raise ValueError(f"line {each.line} has no characters {each.start} to {each.end}")
        if before is not None and before.line == each.line and each.end > before.start:
            raise ValueError(f"two replacements overlap in line {each.line}")
        line = lines[each.line - 1]
        lines[each.line - 1] = line[: each.start] + each.text + line[each.end :]
        before = each
    return "\n".join(lines)


def _with_first_cell(text: str, found: NotebookText, source: str) -> str:
    if found.first is None:
        raise ValueError("the notebook has no cell")
    step = _step(found)
    cell: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        **({"id": FIRST_CELL_ID} if found.has_ids else {}),
        "metadata": {},
        "outputs": [],
        "source": list(source.rstrip("\n").splitlines(keepends=True)),
    }
    if step is None:
        return text[: found.first] + json.dumps(cell, ensure_ascii=False) + ", " + text[found.first :]
    lines = json.dumps(cell, ensure_ascii=False, indent=step).splitlines()
    return text[: found.first] + ("\n" + found.indent).join(lines) + ",\n" + found.indent + text[found.first :]


def _step(found: NotebookText) -> str | None:
    """One level of the notebook's indentation; None where it stands on one line."""
    multiline: SourceSpan | None = next((span for span in found.cells if span.indent), None)
    if not found.indent:
        return None
    if multiline is not None and multiline.indent is not None:
        return multiline.indent[len(multiline.closing) :] or " "
    return found.indent[: max(1, len(found.indent) // 2)]


def _first_statement(source: str) -> int:
    """The number of lines before the first statement that may be anything: behind the docstring and __future__."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _after_comments(source)
    last = 0
    for number, statement in enumerate(body):
        docstring = number == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        if not docstring and not future:
            break
        last = statement.end_lineno or statement.lineno
    return last or _after_comments(source)


def _after_comments(source: str) -> int:
    """Behind a shebang, an encoding and the other comments at the head; a `# %%` is the head of the first cell."""
    count = 0
    for line in source.split("\n"):
        if not line.startswith("#") or (line.startswith("# %%") and is_prose(line)):
            break
        count += 1
        if line.startswith("# %%"):
            break
    return count
