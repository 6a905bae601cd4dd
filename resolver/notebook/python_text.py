"""A cell's source as Python, with what only IPython understands taken out and handed up; every line keeps its number.

What it does not know: what a shell line does (`shell`).
"""

import re
from typing import Final

from resolver.record import Record

_SHELL_MAGICS: Final = ("pip", "conda", "mamba", "uv", "run", "cd", "sx", "system", "env", "set_env")
_LINE: Final = re.compile(r"^(\s*)(!{1,2}|%)(.*)$")
_ASSIGNED: Final = re.compile(r"^(\s*)([A-Za-z_][\w, ]*)=\s*(!|%)(?!=)(.*)$")
_SHELL_CELLS: Final = ("bash", "sh", "script", "system", "sx", "!")


class ShellLine(Record):
    """A line for the shell: its text without the mark, its line in the cell, and whether `%` marked it."""

    text: str
    line: int
    magic: bool = False


class PythonText(Record):
    """A cell as Python.

    Attributes:
        python: the source with every line that is not Python made `pass`.
        shell: the lines for the shell, in order.
        file: the name that `%%writefile` writes the cell to; None for a cell that runs.
        appends: `%%writefile -a`.
        foreign: the cell magic of another language ("html", "javascript"), which is not read.
    """

    python: str
    shell: tuple[ShellLine, ...] = ()
    file: str | None = None
    appends: bool = False
    foreign: str | None = None


def as_python(source: str) -> PythonText:
    """A cell's source without its magics and shell lines."""
    lines = source.split("\n")
    head = next((number for number, line in enumerate(lines) if line.strip() and not line.startswith("# %%")), None)
    if head is not None and lines[head].startswith("%%"):
        return _cell_magic(lines, head)
    return _body(lines)


def _cell_magic(lines: list[str], head: int) -> PythonText:
    name, _, rest = lines[head][2:].strip().partition(" ")
    below = [""] * (head + 1) + lines[head + 1 :]
    if name in ("writefile", "file"):
        words = rest.split()
        target = next((word for word in words if not word.startswith("-")), "")
        return PythonText("\n".join(below), file=target.strip("\"'"), appends="-a" in words or "--append" in words)
    if name in _SHELL_CELLS:
        joined = _joined(below, head + 1)
        return PythonText("", tuple(ShellLine(text, number) for number, text in joined if text.strip()))
    if name in ("time", "timeit", "capture", "prun", "python3", "python", "memit", "cython", "debug"):
        return _body(below)
    return PythonText("", foreign=name)


def _joined(lines: list[str], start: int) -> list[tuple[int, str]]:
    """Lines with those that a backslash continues, by the number of the first."""
    joined: list[tuple[int, str]] = []
    number = start
    while number < len(lines):
        text, last = _continued(lines, number, lines[number])
        joined.append((number + 1, text))
        number = last + 1
    return joined


def _continued(lines: list[str], number: int, text: str) -> tuple[str, int]:
    """A line's text with what a backslash continues it by, and the index of the last line that it takes."""
    while text.endswith("\\") and number + 1 < len(lines):
        number += 1
        text = f"{text[:-1]} {lines[number].strip()}"
    return text, number


def _body(lines: list[str]) -> PythonText:
    python: list[str] = []
    shell: list[ShellLine] = []
    inside, depth = "", 0  # the quotes of a text of several lines and the brackets that are open
    number = 0
    while number < len(lines):
        line = lines[number]
        if inside or depth > 0 or not (taken := _taken(line)):
            python.append(line)
            inside, depth = _still_open(line, inside, depth)
            number += 1
            continue
        indent, text, magic = taken
        text, last = _continued(lines, number, text)
        if text:
            shell.append(ShellLine(text, number + 1, magic))
        python += [f"{indent}pass", *([""] * (last - number))]
        number = last + 1
    return PythonText("\n".join(python), tuple(shell))


def _taken(line: str) -> tuple[str, str, bool] | None:
    """Indentation, text and whether `%` marked it, of a line that is IPython's own; the text is "" for no shell."""
    bare = line.lstrip()
    if bare[:1] in "!%" and (match := _LINE.match(line)):
        indent, mark, rest = match.groups()
        if mark != "%":
            return indent, rest.strip(), False
        word = rest.split(None, 1)[0] if rest.split() else ""
        return indent, rest.strip() if word in _SHELL_MAGICS else "", True
    if bare.startswith(("pip install ", "pip3 install ")):  # automagic
        return line[: len(line) - len(bare)], bare, True
    if ("!" in line or "%" in line) and (match := _ASSIGNED.match(line)):
        indent, names, mark, rest = match.groups()
        return f"{indent}{names.strip()} = __shell__; ", rest.strip(), mark == "%"
    if bare.startswith("?") or (bare.rstrip().endswith("?") and "#" not in bare and "=" not in bare):
        return line[: len(line) - len(bare)], "", True
    return None


def _still_open(line: str, inside: str, depth: int) -> tuple[str, int]:
    """The triple quotes and the number of brackets that are open behind a line, given those before it."""
    at = 0
    while at < len(line):
        if inside:
            end = line.find(inside, at)
            if end < 0:
                return inside, depth
            at, inside = end + 3, ""
        elif line.startswith(('"""', "'''"), at):
            inside, at = line[at : at + 3], at + 3
        elif line[at] in "\"'":
            end = _closed(line, at)
            at = end + 1
        elif line[at] == "#":
            break
        else:
            depth += (line[at] in "([{") - (line[at] in ")]}")
            at += 1
    return inside, depth


def _closed(line: str, at: int) -> int:
    quote, end = line[at], at + 1
    while end < len(line) and line[end] != quote:
        end += 2 if line[end] == "\\" else 1
    return end
