"""Where in a notebook's text each cell's source stands, so that it alone can be written anew.

Outputs, ids, metadata and spacing are never re-encoded: what is between the spans stays as it is, byte for byte.
"""

import json
from collections.abc import Iterator
from typing import Final

from resolver.record import Record

BLANK: Final = " \t\r\n"
_DECODER: Final = json.JSONDecoder()


class SourceSpan(Record):
    """The place of one cell's source, in characters of the notebook's text, and how it is written there.

    Attributes:
        number: of the cell, from 1, over the cells of every type.
        kind: "code", "markdown" or "raw".
        start, end: of the value, from its first bracket or quote to behind its last.
        lines: whether it is a list of lines; otherwise it is one string.
        indent: what stands before each line of the list; None where the list stands on one line.
        closing: what stands before the list's last bracket.
        source: the decoded source.
    """

    number: int
    kind: str
    start: int
    end: int
    lines: bool
    indent: str | None
    closing: str
    source: str


class NotebookText(Record):
    """The spans of a notebook.

    Attributes:
        cells: one span a cell that has a source.
        first: where the first cell's brace stands; None in a notebook without cells.
        indent: what stands before that brace on its line.
        has_ids: whether the cells carry ids (nbformat 4.5).
    """

    cells: tuple[SourceSpan, ...]
    first: int | None
    indent: str
    has_ids: bool


def find_sources(text: str) -> NotebookText:
    """The sources of a notebook of format 4.

    Raises:
        ValueError: the text is no such notebook; where it stops being one.
    """
    try:
        return _find(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply to be read") from error


def _find(text: str) -> NotebookText:
    spans: list[SourceSpan] = []
    starts: list[int] = []
    ids = False
    old = False
    for key, start in members(text, after_blank(text, 0)):
        old = old or key == "worksheets"
        if key != "cells":
            continue
        for number, cell in enumerate(items(text, start), start=1):
            starts.append(cell)
            places = dict(members(text, cell))
            ids = ids or "id" in places
            if "source" in places:
                kind = _value(text, places["cell_type"])[0] if "cell_type" in places else "code"
                spans.append(_span(text, number, str(kind), places["source"]))
    if old and not starts:
        raise ValueError("it is of format 3 (worksheets), which is read and not rewritten; save it in format 4")
    first = starts[0] if starts else None
    return NotebookText(tuple(spans), first, "" if first is None else _indent(text, first), ids)


def _span(text: str, number: int, kind: str, start: int) -> SourceSpan:
    value, end = _value(text, start)
    if isinstance(value, str):
        return SourceSpan(number, kind, start, end, lines=False, indent=None, closing="", source=value)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"the source of cell {number} is neither text nor lines")
    inside = after_blank(text, start + 1)
    indent = _indent(text, inside) if value and "\n" in text[start:inside] else None
    closing = _indent(text, end - 1)
    return SourceSpan(number, kind, start, end, lines=True, indent=indent, closing=closing, source="".join(value))


def written(span: SourceSpan, source: str) -> str:
    """A source as the notebook writes that cell's: a list of lines with its indentation, or one string."""
    if not span.lines:
        return json.dumps(source, ensure_ascii=False)
    lines = [json.dumps(line, ensure_ascii=False) for line in source.splitlines(keepends=True)]
    if span.indent is None:
        return "[" + ", ".join(lines) + "]"
    return "[\n" + ",\n".join(span.indent + line for line in lines) + f"\n{span.closing}]"


def members(text: str, start: int) -> Iterator[tuple[str, int]]:
    """Key and the value's place of each member of the object at `start`; a ValueError where there is none."""
    if text[start : start + 1] != "{":
        raise ValueError(f"an object was expected at character {start}")
    at = after_blank(text, start + 1)
    while text[at : at + 1] != "}":
        key, at = _value(text, at)
        at = after_blank(text, at)
        if not isinstance(key, str) or text[at : at + 1] != ":":
            raise ValueError(f"a key was expected at character {at}")
        at = after_blank(text, at + 1)
        yield key, at
        at = _next(text, _value(text, at)[1], "}")


def items(text: str, start: int) -> Iterator[int]:
    """The place of each item of the list at `start`; a ValueError where there is none."""
    if text[start : start + 1] != "[":
        raise ValueError(f"a list was expected at character {start}")
    at = after_blank(text, start + 1)
    while text[at : at + 1] != "]":
        yield at
        at = _next(text, _value(text, at)[1], "]")


def _next(text: str, end: int, closing: str) -> int:
    """Behind the comma that follows, or at the closing bracket."""
    at = after_blank(text, end)
    if text[at : at + 1] == closing:
        return at
    if text[at : at + 1] != ",":
        raise ValueError(f"a comma was expected at character {at}")
    return after_blank(text, at + 1)


def _value(text: str, start: int) -> tuple[object, int]:
    value, end = _DECODER.raw_decode(text, start)
    return value, end


def after_blank(text: str, at: int) -> int:
    """The first character from `at` on that is no blank."""
    while at < len(text) and text[at] in BLANK:
        at += 1
    return at


def _indent(text: str, at: int) -> str:
    begin = text.rfind("\n", 0, at) + 1
    before = text[begin:at]
    return before if not before.strip() else ""
