"""Expressions: what each may be, everything that it calls being read on the way.

Nothing is executed: an expression is walked, and every value is one of `values`.
"""

import ast
import builtins
from collections.abc import Callable
from typing import Final

from resolver.notebook import calls, methods, objects, operators, surroundings
from resolver.notebook.facts import Condition
from resolver.notebook.reading import Reading, member
from resolver.notebook.site import Site, dotted
from resolver.notebook.values import (
    DEEP_ITEM,
    DEVICE,
    MAX_TEXT,
    NONE,
    Arguments,
    Constant,
    Exists,
    Function,
    Imported,
    Items,
    Scope,
    Text,
    Thing,
    Value,
    Values,
    joined,
    texts_of,
    truth,
    united,
    unknown,
    why_unknown,
)

_BUILTINS: Final = frozenset(dir(builtins))


class Evaluator:
    """Walks expressions in one scope."""

    def __init__(self, reading: Reading, scope: Scope) -> None:
        """`scope` is where names are looked up and bound."""
        self.reading = reading
        self.scope = scope

    def values(self, node: ast.expr | None) -> Values:
        """What an expression may be; None where nothing stands there."""
        self.reading.step()
        if node is None:
            return NONE
        handler = _HANDLERS.get(type(node))
        if handler is not None:
            found: Values = getattr(self, f"_{handler}")(node)
            return found
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.values(child)
        return unknown("an expression that is computed")

    def decided(self, node: ast.expr) -> tuple[bool | None, tuple[Condition, ...], tuple[Condition, ...]]:
        """Whether a test holds where the notebook runs, and what holds in its branches where that is open."""
        found = self.values(node)
        if any(each == Exists(DEVICE) for each in found):
            return None, ((DEVICE, True),), ((DEVICE, True),)
        if len(found) == 1 and isinstance(found[0], Exists):
            place, wanted = found[0].place, found[0].wanted
            return None, ((place, wanted),), ((place, not wanted),)
        return truth(found), (), ()

    # Leaves

    def _constant(self, node: ast.Constant) -> Values:
        if isinstance(node.value, str):
            spot = self.reading.spot(node, columns=True)
            text = Text(node.value[:MAX_TEXT], spot, conditions=self.reading.conditions)
            return (text.replaced(fallback=True) if self.reading.reach == "fallback" else text,)
        if node.value is None or isinstance(node.value, int | float):
            return (Constant(node.value),)
        return unknown("a constant of bytes")

    def _name(self, node: ast.Name) -> Values:
        found = self.scope.find(node.id)
        if found is not None:
            return found
        if node.id == "__file__":
            return (Text(f"{self.reading.directory}/script.py"),)
        if node.id in _BUILTINS:
            return (Imported(node.id),)
        return unknown(f"the name {node.id}, which nothing here sets")

    def _attribute(self, node: ast.Attribute) -> Values:
        return united(*(self._attribute_of(owner, node) for owner in self.values(node.value)))

    def _attribute_of(self, owner: Value, node: ast.Attribute) -> Values:
        if isinstance(owner, Imported):
            return self._of_package(owner, f"{owner.name}.{node.attr}")
        if isinstance(owner, Thing):
            found = member(owner, node.attr)
            if found is None and node.attr == "__dict__":
                return (owner,)
            return unknown(f"the attribute {node.attr}") if found is None else self._got(found)
        if isinstance(owner, Text):
            return methods.attribute(owner, node.attr) or unknown(f"the attribute {node.attr}")
        return unknown(why_unknown((owner,)) or f"the attribute {node.attr}")

    def _got(self, found: Values) -> Values:
        """An attribute's values; a property is called for its own."""
        return united(
            *(
                self.reading.invoke(each, Arguments())
                if isinstance(each, Function) and each.kind == "property" and each.bound is not None
                else (each,)
                for each in found
            )
        )

    def _of_package(self, owner: Imported, name: str) -> Values:
        if name == "sys.executable":
            return (Text("python"),)
        if name == "sys.argv" and self.reading.argv is not None:
            return (Items(tuple((Text(word),) for word in self.reading.argv)),)
        return (Imported(name, is_instance=owner.is_instance),)

    def _fstring(self, node: ast.JoinedStr) -> Values:
        parts: list[Values] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                given = self.values(part.value)
                parts.append(unknown("a text that is formatted with options") if part.format_spec else given)
            else:
                parts.append(self.values(part))
        made = joined(parts)
        if len(node.values) == 1 and isinstance(node.values[0], ast.Constant):
            return tuple(
                each.replaced(origin=self.reading.spot(node, columns=True)) if isinstance(each, Text) else each
                for each in made
            )
        return made

    # Operators

    def _binary(self, node: ast.BinOp) -> Values:
        return operators.binary(node.op, self.values(node.left), self.values(node.right))

    def _unary(self, node: ast.UnaryOp) -> Values:
        return operators.unary(node.op, self.values(node.operand))

    def _boolean(self, node: ast.BoolOp) -> Values:
        """`a or b`: the first that is true; all that may be where that is open."""
        is_or = isinstance(node.op, ast.Or)
        kept: list[Values] = []
        for part in node.values:
            values = self.values(part)
            known = truth(values)
            if known is is_or:
                return united(*kept, values)
            if known is None or part is node.values[-1]:
                kept.append(values)
        return united(*kept) if kept else (Constant(not is_or),)

    def _compare(self, node: ast.Compare) -> Values:
        left = self.values(node.left)
        rights = [self.values(each) for each in node.comparators]
        if left == (Exists(DEVICE),):  # device_count() > 1: whichever way, the code looks before it takes one
            return left
        if len(rights) != 1:
            return unknown("a test")
        known = operators.compared(self.reading, node.ops[0], left, rights[0])
        return unknown("a test") if known is None else (Constant(known),)

    def _either(self, node: ast.IfExp) -> Values:
        known, if_true, if_false = self.decided(node.test)
        taken: list[Values] = []
        for wanted, branch, holds in ((True, node.body, if_true), (False, node.orelse, if_false)):
            reach = "guarded" if known is not None and known is not wanted else "runs"
            with self.reading.at(reach=reach, conditions=(*self.reading.conditions, *holds)):
                values = self.values(branch)
            if reach == "runs":
                taken.append(values)
        return united(*taken)

    # Containers

    def _sequence(self, node: ast.List | ast.Tuple | ast.Set) -> Values:
        made: list[Values] = []
        for element in node.elts:
            if isinstance(element, ast.Starred):
                made += objects.known_items(self.values(element.value)) or (unknown("items that are unpacked"),)
            else:
                made.append(self.values(element))
        return (Items(tuple(made)),)

    def _table(self, node: ast.Dict) -> Values:
        made = Thing("table")
        for key, value in zip(node.keys, node.values, strict=True):
            values = self.values(value)
            if key is None:
                for each in values:
                    if isinstance(each, Thing):
                        made.members.update(each.members)
                continue
            for name in self.values(key):
                if isinstance(name, Text):
                    made.members[name.text] = values
                elif isinstance(name, Constant):
                    made.members[str(name.value)] = values
        return (made,)

    def _subscript(self, node: ast.Subscript) -> Values:
        owner = self.values(node.value)
        if isinstance(node.slice, ast.Slice):
            return self._sliced(owner, node.slice)
        key = self.values(node.slice)
        if len(owner) == 1 and isinstance(owner[0], Imported) and owner[0].name == "os.environ":
            names = texts_of(key)
            return surroundings.environment(self.reading, names[0], None) if len(names) == 1 else unknown("a variable")
        return objects.item(owner, key)

    def _sliced(self, owner: Values, node: ast.Slice) -> Values:
        bounds: list[int | None] = []
        for part in (node.lower, node.upper, node.step):
            values = self.values(part)
            bound = values[0].value if len(values) == 1 and isinstance(values[0], Constant) else operators.OPEN
            if bound is not None and not (isinstance(bound, int) and bound != 0) and bound != 0:
                return unknown("a part that is cut out")
            bounds.append(bound if isinstance(bound, int) else None)
        return operators.sliced(owner, bounds)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Values:
        made: list[Values] = []
        inner = Evaluator(self.reading, Scope(self.scope))
        complete = inner.each_of(node.generators, lambda: made.append(inner.values(node.elt)))
        return (Items(tuple(made)),) if complete else unknown("a list that is made while it runs")

    def _table_comprehension(self, node: ast.DictComp) -> Values:
        made = Thing("table")
        inner = Evaluator(self.reading, Scope(self.scope))

        def add() -> None:
            values = inner.values(node.value)
            for name in texts_of(inner.values(node.key)):
                made.members[name] = values

        inner.each_of(node.generators, add)
        return (made,)

    def each_of(self, generators: list[ast.comprehension], work: Callable[[], None]) -> bool:
        """Do a comprehension's work for each of its items; False where they are not known (once, then)."""
        if not generators:
            work()
            return True
        items = objects.known_items(self.values(generators[0].iter))
        complete = items is not None and len(items) <= objects.MAX_ITEMS
        known = items if items is not None and complete else (unknown("an item of a list"),)
        with self.reading.loop(known, DEEP_ITEM) as turns:
            return self._turns(turns, generators, work) and complete and turns is known

    def _turns(self, turns: tuple[Values, ...], generators: list[ast.comprehension], work: Callable[[], None]) -> bool:
        first, rest = generators[0], generators[1:]
        complete = True
        for values in turns:
            self.bind(first.target, values)
            tests = [self.decided(test) for test in first.ifs]
            if any(known is False for known, _, _ in tests):
                continue
            holds = tuple(condition for _, if_true, _ in tests for condition in if_true)
            with self.reading.at(conditions=(*self.reading.conditions, *holds)):
                complete = self.each_of(rest, work) and complete
        return complete

    def _lambda(self, node: ast.Lambda) -> Values:
        return (Function(node, self.scope, self.reading.home),)

    def _named(self, node: ast.NamedExpr) -> Values:
        values = self.values(node.value)
        self.bind(node.target, values)
        return values

    def _inner(self, node: ast.Await | ast.Starred) -> Values:
        return self.values(node.value)

    # Calls

    def _call(self, node: ast.Call) -> Values:
        function = node.func
        if isinstance(function, ast.Attribute):
            owners = self.values(function.value)
            arguments = self._arguments(node)
            site = Site(dotted(function), node)
            if changed := self._changed_list(function, owners, arguments):
                return changed
            return united(*(calls.call_method(self.reading, owner, function.attr, arguments, site) for owner in owners))
        targets = self.values(function)
        arguments = self._arguments(node)
        if isinstance(function, ast.Name) and function.id == "super":
            return (Imported("super", is_instance=True),)
        site = Site(dotted(function), node)
        return united(*(calls.call_value(self.reading, target, arguments, site) for target in targets))

    def _changed_list(self, function: ast.Attribute, owners: Values, arguments: Arguments) -> Values | None:
        """`names.append(x)` binds the list anew: a list of ours does not change."""
        if function.attr not in ("append", "extend") or not isinstance(function.value, ast.Name):
            return None
        if not owners or not all(isinstance(owner, Items) for owner in owners):
            return None
        changed = [
            made
            for owner in owners
            if isinstance(owner, Items) and (made := methods.of_items(owner, function.attr, arguments)) is not None
        ]
        if changed:
            self.scope.bind(function.value.id, united(*changed))
        return NONE

    def _arguments(self, node: ast.Call) -> Arguments:
        positional: list[Values] = []
        named: dict[str, Values] = {}
        is_open = False
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                items = objects.known_items(self.values(argument.value))
                is_open = is_open or items is None
                positional += items or ()
            else:
                positional.append(self.values(argument))
        for keyword in node.keywords:
            values = self.values(keyword.value)
            if keyword.arg is not None:
                named[keyword.arg] = values
                continue
            tables = [value for value in values if isinstance(value, Thing)]
            is_open = is_open or len(tables) != len(values)
            for each in tables:
                named.update(each.members)
        return Arguments(tuple(positional), named, is_open)

    # Binding

    def bind(self, target: ast.expr, values: Values) -> None:
        """Give a target of an assignment, a loop or a `with` its value."""
        if isinstance(target, ast.Name):
            self.scope.bind(target.id, values)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, unknown("items that are unpacked"))
        elif isinstance(target, ast.Tuple | ast.List):
            self._bind_each(target.elts, values)
        elif isinstance(target, ast.Attribute):
            for owner in self.values(target.value):
                if isinstance(owner, Thing):
                    owner.members[target.attr] = values
        elif isinstance(target, ast.Subscript):
            self._bind_item(target, values)

    def _bind_each(self, targets: list[ast.expr], values: Values) -> None:
        items = values[0].items if len(values) == 1 and isinstance(values[0], Items) else ()
        fits = len(items) == len(targets) and not any(isinstance(each, ast.Starred) for each in targets)
        for number, each in enumerate(targets):
            self.bind(each, items[number] if fits else unknown(why_unknown(values) or "values that are unpacked"))

    def _bind_item(self, target: ast.Subscript, values: Values) -> None:
        keys = texts_of(self.values(target.slice)) if not isinstance(target.slice, ast.Slice) else ()
        for owner in self.values(target.value):
            for key in keys:
                if isinstance(owner, Thing):
                    owner.members[key] = values
                elif isinstance(owner, Imported) and owner.name == "os.environ":
                    self.reading.environ[key] = values


_HANDLERS: Final[dict[type[ast.expr], str]] = {
    ast.Constant: "constant",
    ast.Name: "name",
    ast.Attribute: "attribute",
    ast.JoinedStr: "fstring",
    ast.BinOp: "binary",
    ast.UnaryOp: "unary",
    ast.BoolOp: "boolean",
    ast.Compare: "compare",
    ast.IfExp: "either",
    ast.List: "sequence",
    ast.Tuple: "sequence",
    ast.Set: "sequence",
    ast.Dict: "table",
    ast.Subscript: "subscript",
    ast.ListComp: "comprehension",
    ast.SetComp: "comprehension",
    ast.GeneratorExp: "comprehension",
    ast.DictComp: "table_comprehension",
    ast.Lambda: "lambda",
    ast.NamedExpr: "named",
    ast.Await: "inner",
    ast.Starred: "inner",
    ast.Call: "call",
}
