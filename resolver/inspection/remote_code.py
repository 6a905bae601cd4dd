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
MAX_BYTES: Final = 2 * 1024 * 1024  # the largest modelling file of transformers has 0.3 MB
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
        faults: files that are no Python, or too large or not to be read, and why.
        packages: top-level names that are imported, and the first file that does it.
        classes: top-level names that each file defines or imports.
        complete: everything that is needed was read.
    """

    entries: tuple[Entry, ...] = ()
    files: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
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
    packages: dict[str, str] = {}
    classes: dict[str, frozenset[str]] = {}
    while waiting and len(seen) < MAX_FILES:
        name, asked_by = waiting.pop(0)
        if name in seen:
            continue
        seen[name] = asked_by
        if files.get(name) is None:
            absent[name] = asked_by
            continue
        tree = _parsed(files, name)
        if isinstance(tree, str):
            faults[name] = tree
            continue
        classes[name] = frozenset(_defined(tree))
        for package in _packages(tree):
            packages.setdefault(package, name)
        waiting += [(each, name) for each in _beside(tree, name, files) if not escapes(each)]
    present = tuple(name for name in seen if name not in absent)
    return CodeFacts(entries, present, absent, faults, packages, classes, complete=not waiting and not faults)


def _parsed(files: Listing, name: str) -> "ast.Module | str":
    """The syntax tree, or why there is none."""
    import ast  # noqa: PLC0415 - only for a model with code of its own

    if not is_readable(files, name):
        return "cannot be read"
    try:
        with files.path(name).open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if len(data) > MAX_BYTES:
        return f"is larger than {MAX_BYTES:,} bytes"
    import warnings  # noqa: PLC0415 - as above

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a docstring is no fault of the model
            return ast.parse(data.decode("utf-8"))
    except SyntaxError as error:
        return f"is no Python: {error.msg}, line {error.lineno}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"is no Python: {type(error).__name__}"


def _nodes(tree: "ast.AST") -> "Iterator[ast.AST]":
    """Every node that counts: nothing inside `try`, nothing below a test whether something is available."""
    import ast  # noqa: PLC0415 - as above

    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Try) or (isinstance(node, ast.If) and _asks(node.test)):
            continue
        yield node
        waiting += ast.iter_child_nodes(node)


def _asks(test: "ast.expr") -> bool:
    import ast  # noqa: PLC0415 - as above

    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("available")
        for node in ast.walk(test)
    )


def _packages(tree: "ast.Module") -> list[str]:
    import ast  # noqa: PLC0415 - as above

    found: set[str] = set()
    for node in _nodes(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return sorted(found)


def _beside(tree: "ast.Module", name: str, files: Listing) -> list[str]:
    """Files of this model that a file imports: `from .other import x`, inside `try` as well, as transformers does."""
    import ast  # noqa: PLC0415 - as above

    folder = name.rpartition("/")[0]
    found: list[str] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        parts = folder.split("/") if folder else []
        parts = parts[: len(parts) - (node.level - 1)]
        if node.module:
            found.append("/".join([*parts, *node.module.split(".")]) + ".py")
        else:
            found += ["/".join([*parts, alias.name]) + ".py" for alias in node.names]
    return [each for each in found if not _is_package(files, each)]


def _is_package(files: Listing, name: str) -> bool:
    return files.get(name) is None and files.get(f"{name.removesuffix('.py')}/__init__.py") is not None


def _defined(tree: "ast.Module") -> Iterator[str]:
    import ast  # noqa: PLC0415 - as above

    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
