"""A model's own code, as `auto_map` names it: which files it needs and which packages they import.

The files are parsed, never imported or run. What counts as needed follows transformers 5.23,
`dynamic_module_utils.get_imports`: imports inside `try` do not count, nor do those below `if is_…_available()`.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from resolver.inspection.files import Listing
from resolver.inspection.index import escapes
from resolver.inspection.listed import is_readable
from resolver.record import Record, field

if TYPE_CHECKING:
    import ast

MAX_FILES: Final = 64
MAX_BYTES: Final = 320 * 1024  # of all files together: at worst 0.8 s and 210 MB; most models' code has a third of it
MAX_ENTRIES: Final = 64


class Entry(NamedTuple):
    """One value of an auto_map.

    Attributes:
        role: "AutoConfig", "AutoTokenizer" …
        repository: "owner/repo" where the code lives elsewhere, "" where it lies beside the config.
        file: the file that holds the class, relative.
        name: the class.
    """

    role: str
    repository: str
    file: str
    name: str


class CodeFacts(Record):
    """What a model's own code needs.

    Attributes:
        entries: the classes that are named, file by file.
        files: the files that were read, those that they import from beside them included.
        absent: files that are needed and not in the listing, and what needs each.
        faults: files that are no Python, and why.
        unread: files that are too large or could not be read, and why; nothing is known of them.
        packages: top-level names that are imported, and the first file that does it.
        classes: top-level names that each file defines or imports.
        complete: everything that is needed was read.
    """

    entries: tuple[Entry, ...] = ()
    files: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    complete: bool = True


def entries_of(auto_map: Mapping[str, str]) -> tuple[Entry, ...]:
    """The classes that an auto_map names.

    >>> entries_of({"AutoConfig": "me/other--configuration_own.OwnConfig"})
    (Entry(role='AutoConfig', repository='me/other', file='configuration_own.py', name='OwnConfig'),)
    """
    found: list[Entry] = []
    for role, texts in auto_map.items():
        for text in texts.split(","):
            repository, _, reference = text.strip().rpartition("--")
            module, _, name = reference.rpartition(".")
            if module and name and len(found) < MAX_ENTRIES:
                found.append(Entry(role, repository, module.replace(".", "/") + ".py", name))
    return tuple(found)


def read_code(files: Listing, auto_map: Mapping[str, str]) -> CodeFacts:
    """Read the files that an auto_map names and those that they import from beside them; raises nothing."""
    entries = entries_of(auto_map)
    waiting = [(each.file, "auto_map") for each in entries if not each.repository and not escapes(each.file)]
    seen: dict[str, str] = {}
    absent: dict[str, str] = {}
    faults: dict[str, str] = {}
    unread: dict[str, str] = {}
    packages: dict[str, str] = {}
    classes: dict[str, frozenset[str]] = {}
    budget = MAX_BYTES
    while waiting and len(seen) < MAX_FILES:
        name, asked_by = waiting.pop(0)
        if name in seen:
            continue
        seen[name] = asked_by
        if files.get(name) is None:
            absent[name] = asked_by
            continue
        text = _text(files, name, budget)
        if isinstance(text, str):
            unread[name] = text
            continue
        budget -= len(text)
        found = _parsed(text)
        if isinstance(found, str):
            faults[name] = found
            continue
        classes[name] = frozenset(found.defined)
        for package in sorted(found.packages):
            packages.setdefault(package, name)
        waiting += [(each, name) for each in _beside(found, name, files) if not escapes(each)]
    present = tuple(name for name in seen if name not in absent)
    complete = not waiting and not faults and not unread
    return CodeFacts(entries, present, absent, faults, unread, packages, classes, complete=complete)


def _text(files: Listing, name: str, budget: int) -> bytes | str:
    """A file's bytes, or why they are not known."""
    if not is_readable(files, name):
        return "cannot be read"
    try:
        with files.path(name).open("rb") as stream:
            data = stream.read(budget + 1)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return data if len(data) <= budget else f"goes beyond the {MAX_BYTES:,} bytes of code that are looked into"


class _Found(NamedTuple):
    """What one file says: packages it needs, files beside it as (level, module, names), names it has at the end."""

    packages: set[str]
    beside: list[tuple[int, str, tuple[str, ...]]]
    defined: set[str]


def _parsed(data: bytes) -> "_Found | str":
    """What a file's syntax tree says, or why there is none."""
    import ast  # noqa: PLC0415 - only for a model with code of its own
    import warnings  # noqa: PLC0415 - as above

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a docstring is no fault of the model
            return _look(ast.parse(data.decode("utf-8")))
    except SyntaxError as error:
        return f"is no Python: {error.msg}, line {error.lineno}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"is no Python: {type(error).__name__}"


def _look(tree: "ast.Module") -> _Found:
    """One walk over the statements, which alone can import or define anything."""
    import ast  # noqa: PLC0415 - as above

    found = _Found(set(), [], set())
    waiting: list[tuple[ast.AST, bool]] = [(tree, True)]
    while waiting:
        node, counts = waiting.pop()
        if isinstance(node, ast.Import):
            found.packages.update(alias.name.partition(".")[0] for alias in node.names if counts)
            found.defined.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            if node.level:
                found.beside.append((node.level, node.module or "", names))
            elif counts and node.module:
                found.packages.add(node.module.partition(".")[0])
            found.defined.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.defined.add(node.name)
        elif isinstance(node, ast.Assign):
            found.defined.update(target.id for target in node.targets if isinstance(target, ast.Name))
        inside = counts and not isinstance(node, ast.Try) and not (isinstance(node, ast.If) and _asks(node.test))
        for part in ("body", "orelse", "handlers", "finalbody", "cases"):
            below = getattr(node, part, None)
            if isinstance(below, list):
                waiting += [(each, inside) for each in below]
    return found


def _asks(test: "ast.expr") -> bool:
    """Whether a condition asks if something is installed."""
    import ast  # noqa: PLC0415 - as above

    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("available")
        for node in ast.walk(test)
    )


def _beside(found: _Found, name: str, files: Listing) -> Iterator[str]:
    """Files of this model that a file imports: `from .other import x`, inside `try` as well, as transformers does."""
    folder = name.rpartition("/")[0]
    for level, module, names in found.beside:
        parts = folder.split("/") if folder else []
        parts = parts[: len(parts) - (level - 1)]
        for each in (module.replace(".", "/"),) if module else names:
            file = "/".join([*parts, each]) + ".py"
            if files.get(file) is not None or files.get(f"{file.removesuffix('.py')}/__init__.py") is None:
                yield file
