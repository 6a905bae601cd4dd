"""Statements: assignments, branches, loops, functions and classes, in the order in which they would run.

Both branches of a test are read, the one that cannot be taken too; a loop over what is not known is read once.
"""

import ast
from collections.abc import Callable
from typing import Any, Final

from resolver.notebook import objects
from resolver.notebook.evaluate import Evaluator
from resolver.notebook.facts import Reach
from resolver.notebook.interpolation import with_names
from resolver.notebook.parameters import bind_parameters
from resolver.notebook.python_text import PythonText
from resolver.notebook.reading import Reading, WrittenFile
from resolver.notebook.shell_lines import run_shell
from resolver.notebook.values import (
    DEEP_ITEM,
    DEVICE,
    NONE,
    Arguments,
    Function,
    Imported,
    Scope,
    Text,
    Thing,
    Values,
    united,
    unknown,
)

_SWALLOWING: Final = frozenset(
    [
        "Exception",
        "BaseException",
        "OSError",
        "IOError",
        "EnvironmentError",
        "FileNotFoundError",
        "ConnectionError",
        "RequestException",
        "HTTPError",
        "URLError",
        "ValueError",
    ]
)
_KINDS: Final = {
    "staticmethod": "static",
    "classmethod": "class",
    "property": "property",
    "cached_property": "property",
}
_TPU: Final = ("torch_xla", "torch_tpu", "libtpu")


class Follower:
    """Follows statements in one scope; `returns` is what a function's body gives."""

    def __init__(self, reading: Reading, scope: Scope) -> None:
        """`scope` is where the statements bind their names."""
        self.reading = reading
        self.scope = scope
        self.evaluator = Evaluator(reading, scope)
        self.returns: list[Values] = []
        self.fields: list[str] = []

    def run(self, body: list[ast.stmt]) -> bool:
        """Read statements in order; whether control never comes out behind them (return, raise, break)."""
        for number, statement in enumerate(body):
            self.reading.step()
            if isinstance(statement, ast.If):
                ended, holds = self._branch(statement)
                holds = tuple(each for each in holds if each[0] != DEVICE)  # what stands behind demands one
                if holds and not ended:  # `if not exists(place): return` - what follows knows that it is there
                    with self.reading.at(conditions=(*self.reading.conditions, *holds)):
                        return self.run(body[number + 1 :])
            else:
                ended = self._statement(statement)
            if ended:
                return True
        return False

    def _statement(self, node: ast.stmt) -> bool:
        handler = _HANDLERS.get(type(node))
        if handler is not None:
            return bool(getattr(self, f"_{handler}")(node))
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.evaluator.values(child)
        return isinstance(node, ast.Raise | ast.Break | ast.Continue)

    # Simple statements

    def _pass(self, node: ast.Pass) -> None:
        """`pass` stands where a line for the shell stood."""
        for line in self.reading.shell.get(node.lineno, ()):
            for text in with_names(self.evaluator, line.text):
                run_shell(self.reading, text, self.reading.line(line.line), magic=line.magic)

    def _expression(self, node: ast.Expr) -> None:
        self.evaluator.values(node.value)

    def _assign(self, node: ast.Assign) -> None:
        values = self.evaluator.values(node.value)
        for target in node.targets:
            self.evaluator.bind(target, values)

    def _annotated(self, node: ast.AnnAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.fields.append(node.target.id)
        if node.value is not None:
            self.evaluator.bind(node.target, self._default(node.value))

    def _default(self, node: ast.expr) -> Values:
        """A field's value: `field(default=…)` and `field(default_factory=…)` of dataclasses and pydantic too."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("field", "Field"):
            for keyword in node.keywords:
                if keyword.arg == "default":
                    return self.evaluator.values(keyword.value)
                if keyword.arg == "default_factory" and isinstance(keyword.value, ast.Lambda):
                    return self.evaluator.values(keyword.value.body)
            return self.evaluator.values(node.args[0]) if node.args else unknown("a field without a default")
        return self.evaluator.values(node)

    def _augmented(self, node: ast.AugAssign) -> None:
        current = ast.copy_location(ast.BinOp(left=node.target, op=node.op, right=node.value), node)
        self.evaluator.bind(node.target, self.evaluator.values(current))

    def _global(self, node: ast.Global) -> None:
        self.scope.outer.update(node.names)

    def _return(self, node: ast.Return) -> bool:
        self.returns.append(self.evaluator.values(node.value))
        return True

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.scope.names.pop(target.id, None)

    # Imports

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._note_import(node, alias.name)
            own = self.reading.module(alias.name)
            if own is not None:
                self.scope.bind(alias.asname or alias.name.partition(".")[0], (own,))
            elif alias.asname:
                self.scope.bind(alias.asname, (Imported(alias.name),))
            else:
                first = alias.name.partition(".")[0]
                self.scope.bind(first, (Imported(first),))

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        self._note_import(node, module)
        own = self.reading.module(module) if module else None
        for alias in node.names:
            if alias.name == "*":
                self.scope.names.update(own.members if own else {})
                continue
            found = own.members.get(alias.name) if own else None
            inner = self.reading.module(f"{module}.{alias.name}".strip("."))
            values: Values = (inner,) if inner else found or (Imported(f"{module}.{alias.name}".strip(".")),)
            self.scope.bind(alias.asname or alias.name, values)

    def _note_import(self, node: ast.stmt, module: str) -> None:
        if module.partition(".")[0] in _TPU:
            self.reading.asks("tpu", self.reading.spot(node))

    # Branches

    def _branch(self, node: ast.If) -> tuple[bool, tuple[Any, ...]]:
        """Whether both branches end, and what holds behind them where one does."""
        known, if_true, if_false = self.evaluator.decided(node.test)
        if known is not None:
            taken, other = (node.body, node.orelse) if known else (node.orelse, node.body)
            self._aside(other)
            return self.run(taken), ()
        before = dict(self.scope.names)
        body_ended = self._under(node.body, if_true)
        after_body, self.scope.names = self.scope.names, dict(before)
        else_ended = self._under(node.orelse, if_false)
        if body_ended and else_ended:
            return True, ()
        if body_ended:
            return False, if_false
        if else_ended:
            self.scope.names = after_body
            return False, if_true
        self.scope.names = self.reading.merged(before, after_body, self.scope.names)
        return False, ()

    def _under(self, body: list[ast.stmt], holds: tuple[Any, ...]) -> bool:
        with self.reading.at(conditions=(*self.reading.conditions, *holds)):
            return self.run(body)

    def _aside(self, body: list[ast.stmt], reach: Reach = "guarded") -> None:
        """Read what is not taken where the notebook runs; its names are forgotten."""
        before, returned = dict(self.scope.names), list(self.returns)
        with self.reading.at(reach=reach):
            self.run(body)
        self.scope.names, self.returns = before, returned

    def _match(self, node: ast.Match) -> None:
        self.evaluator.values(node.subject)
        before = dict(self.scope.names)
        branches = []
        for case in node.cases:
            self.scope.names = dict(before)
            self.run(case.body)
            branches.append(self.scope.names)
        self.scope.names = self.reading.merged(before, before, *branches)

    def _try(self, node: ast.Try) -> bool:
        before, returned, calls = dict(self.scope.names), list(self.returns), self.reading.raises_offline
        swallowed = any(_swallows(handler) for handler in node.handlers)
        with self.reading.at(reach="caught" if swallowed else self.reading.reach):
            ended = self.run(node.body)
        if swallowed and self.reading.raises_offline > calls:  # without a network the handler says what comes of it
            ended, self.returns = True, returned
            self._aside(node.orelse)
        ended = ended or self.run(node.orelse)
        after = self.scope.names
        branches = [] if ended else [after]
        for handler in node.handlers:
            self.scope.names = self.reading.merged(before, before, after)
            with self.reading.at(reach="fallback"):
                handler_ended = self.run(handler.body)
            if not handler_ended:
                branches.append(self.scope.names)
        self.scope.names = self.reading.merged(before, *branches) if branches else after
        return self.run(node.finalbody) or not branches

    # Loops and contexts

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        values = self.evaluator.values(node.iter)
        items = objects.known_items(values)
        if items is not None and len(items) > objects.MAX_ITEMS:
            items = (united(*items),)
        if items is None:
            items = (unknown("an item of a list that is made while it runs"),)
        with self.reading.loop(items, DEEP_ITEM) as turns:
            for each in turns:
                self.evaluator.bind(node.target, each)
                self.run(node.body)
        self.run(node.orelse)

    def _while(self, node: ast.While) -> None:
        if self.evaluator.decided(node.test)[0] is False:
            self._aside(node.body)
        else:
            self.run(node.body)
        self.run(node.orelse)

    def _with(self, node: ast.With | ast.AsyncWith) -> bool:
        guarded = self.reading.guarded
        for item in node.items:
            values = self.evaluator.values(item.context_expr)
            if item.optional_vars is not None:
                self.evaluator.bind(item.optional_vars, values)
            guarded = guarded or self._is_guard(item.context_expr)
        with self.reading.at(guarded=guarded):
            return self.run(node.body)

    def _is_guard(self, node: ast.expr) -> bool:
        called = node.func if isinstance(node, ast.Call) else node
        return any(
            isinstance(value, Imported) and value.name == "resolver.guard" for value in self.evaluator.values(called)
        )

    # Definitions

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.evaluator.values(decorator)
        names = [_last_name(each) for each in node.decorator_list]
        kind = next((_KINDS[name] for name in names if name in _KINDS), "")
        function = Function(node, self.scope, self.reading.home, kind=kind)
        if not {"setter", "deleter"} & set(names):  # the property keeps its name
            self.scope.bind(node.name, (function,))
        self.reading.functions.setdefault(id(node), function)

    def _class(self, node: ast.ClassDef) -> None:
        made = Thing("class")
        bases = [value for base in node.bases for value in self.evaluator.values(base)]
        own = [base for base in bases if isinstance(base, Thing)]
        inner = Follower(self.reading, Scope(self.scope))
        for base in own:
            inner.scope.names.update(base.members)
            inner.fields += base.fields
        inner.run(node.body)
        made.members = inner.scope.names
        is_data = any(_last_name(each) in ("dataclass", "define", "attrs") for each in node.decorator_list)
        made.fields = tuple(inner.fields) if is_data or any(base.fields for base in own) else ()
        if any(isinstance(base, Imported) and base.name.endswith(("BaseModel", "NamedTuple")) for base in bases):
            made.fields = tuple(inner.fields)
        methods = [id(each) for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
        foreign = any(not isinstance(base, Thing) for base in bases)
        self.reading.note_class(made, tuple(methods), own, is_foreign=foreign)
        self.scope.bind(node.name, (made,))


def _swallows(handler: ast.ExceptHandler) -> bool:
    """Whether a handler lets the code go on where the network or a file is missing."""
    if any(isinstance(each, ast.Raise) for each in ast.walk(handler)):
        return False
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(each is None or _last_name(each) in _SWALLOWING for each in kinds)


def _last_name(node: ast.expr) -> str:
    called = node.func if isinstance(node, ast.Call) else node
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def invoke(reading: Reading, function: Function, arguments: Arguments) -> Values:
    """Read a function's body with what it is given; what it returns."""
    node = function.node
    if id(node) in reading.active:
        return unknown("a function that calls itself")
    scope = Scope(function.scope)
    outside = Evaluator(reading, function.scope)
    reading.active.add(id(node))
    try:
        with reading.at(home=function.home, shell=reading.shells.get(function.home.place, {})):
            bind_parameters(outside, scope, function, arguments)
            if isinstance(node, ast.Lambda):
                return Evaluator(reading, scope).values(node.body)
            guarded = reading.guarded or any(_last_name(each) == "guard" for each in node.decorator_list)
            follower = Follower(reading, scope)
            with reading.at(guarded=guarded):
                follower.run(node.body)
    finally:
        reading.active.discard(id(node))
    return united(*follower.returns) if follower.returns else NONE


def run_text(reading: Reading, text: PythonText, tree: ast.Module, scope: Scope) -> None:
    """Read a cell's or a file's statements in a scope; `reading.home` says where they stand."""
    lines: dict[int, Any] = {}
    for line in text.shell:
        lines[line.line] = (*lines.get(line.line, ()), line)
    reading.shells[reading.home.place] = lines
    with reading.at(shell=lines):
        Follower(reading, scope).run(tree.body)
        if not tree.body:  # a cell for the shell alone
            for line in text.shell:
                run_shell(reading, line.text, reading.line(line.line), magic=line.magic)


def file_runner(parse: Callable[[WrittenFile], ast.Module | None]) -> Callable[[Reading, WrittenFile, str], Scope]:
    """What reads a file that the notebook wrote, as a module of that name; `parse` makes its tree."""

    def run_file(reading: Reading, written: WrittenFile, name: str) -> Scope:
        scope = Scope()
        scope.names["__name__"] = (Text(name),)
        tree = parse(written)
        if tree is not None:
            with reading.at(home=written.home):
                run_text(reading, written.text, tree, scope)
        return scope

    return run_file


_HANDLERS: Final[dict[type[ast.stmt], str]] = {
    ast.Pass: "pass",
    ast.Expr: "expression",
    ast.Assign: "assign",
    ast.AnnAssign: "annotated",
    ast.AugAssign: "augmented",
    ast.Global: "global",
    ast.Nonlocal: "global",
    ast.Return: "return",
    ast.Delete: "delete",
    ast.Import: "import",
    ast.ImportFrom: "import_from",
    ast.Match: "match",
    ast.Try: "try",
    ast.TryStar: "try",
    ast.For: "for",
    ast.AsyncFor: "for",
    ast.While: "while",
    ast.With: "with",
    ast.AsyncWith: "with",
    ast.FunctionDef: "function",
    ast.AsyncFunctionDef: "function",
    ast.ClassDef: "class",
}
