"""Who imports whom, read with ast: module-level and lazy imports alike, those for type checkers only left out."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

COMPUTED = "a name that is computed"


@dataclass(frozen=True, slots=True)
class Arrow:
    """One import: from a module of ours to any module, ours or not, at a line."""

    importer: str
    imported: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def modules_below(root: Path, *packages: str) -> Mapping[str, Path]:
    """Every module of those packages by its dotted name; a package's own name stands for its __init__.py."""
    found = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def arrows_of(modules: Mapping[str, Path]) -> tuple[Arrow, ...]:
    """Every import in those modules."""
    return tuple(arrow for name, path in modules.items() for arrow in _arrows(name, path, modules))


def _arrows(name: str, path: Path, modules: Mapping[str, Path]) -> Iterator[Arrow]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in walk_at_run_time(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Arrow(name, alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                below = f"{origin}.{alias.name}"
                yield Arrow(name, below if below in modules else origin, node.lineno)
        elif isinstance(node, ast.Call) and (text := _imported_by_name(node)):
            yield Arrow(name, text, node.lineno)


def walk_at_run_time(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those below `if TYPE_CHECKING:`."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for other in child.orelse:
                yield other
                yield from walk_at_run_time(other)
            continue
        yield child
        yield from walk_at_run_time(child)


def _imported_by_name(call: ast.Call) -> str | None:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name not in {"import_module", "__import__"} or not call.args:
        return None
    first = call.args[0]
    if isinstance(first, ast.JoinedStr):  # f"resolver.cli.{name}" leads somewhere below resolver.cli
        first = first.values[0]
        return str(first.value).rstrip(".") if isinstance(first, ast.Constant) else COMPUTED
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else COMPUTED


def circles(arrows: tuple[Arrow, ...], modules: Mapping[str, Path]) -> tuple[tuple[Arrow, ...], ...]:
    """One chain of arrows that comes back to its beginning for every set of modules that import one another."""
    edges: dict[str, list[Arrow]] = {name: [] for name in modules}
    for arrow in arrows:
        if arrow.imported in edges and arrow.imported != arrow.importer:
            edges[arrow.importer].append(arrow)
    found, seen = [], set()
    for start in modules:
        chain = _way_back(start, edges)
        members = frozenset(arrow.importer for arrow in chain)
        if chain and not members & seen:
            found.append(chain)
            seen |= members
    return tuple(found)


def _way_back(start: str, edges: Mapping[str, list[Arrow]]) -> tuple[Arrow, ...]:
    """The shortest chain from a module to itself; empty where there is none."""
    reached: dict[str, tuple[Arrow, ...]] = {start: ()}
    queue = [start]
    for name in queue:
        for arrow in edges[name]:
            if arrow.imported == start:
                return (*reached[name], arrow)
            if arrow.imported not in reached:
                reached[arrow.imported] = (*reached[name], arrow)
                queue.append(arrow.imported)
    return ()
