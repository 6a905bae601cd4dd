"""The state of one reading: where it stands, what it has bound and what it has found.

What it does not know: Python's grammar (`evaluate`, `follow`) and what calls do (`calls`).
"""

import ast
import posixpath
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from resolver.notebook.facts import (
    WORKING,
    Asked,
    CodeFault,
    Condition,
    Dynamic,
    NetworkCall,
    Reach,
    Role,
    Spot,
    Use,
)
from resolver.notebook.python_text import PythonText
from resolver.notebook.values import (
    DEVICE,
    Arguments,
    Function,
    Home,
    Scope,
    Text,
    Thing,
    Unknown,
    Value,
    Values,
    united,
)
from resolver.record import Record
from resolver.secrets import mask

MAX_STEPS: Final = 300_000
MAX_DEPTH: Final = 8
MAX_TURNS: Final = 512  # of loops within loops, all together
MAX_SNIPPET: Final = 200
MODEL_ROLES: Final = ("model", "tokenizer", "adapter")
# From the one that a reader has to mind most to the one that it may skip.
_REACHES: Final[tuple[Reach, ...]] = ("runs", "caught", "fallback", "guarded", "never-called")


_T = TypeVar("_T")


class TooMuch(Exception):  # noqa: N818 - no error of anybody's: the reading stops there
    """The code is longer, when followed, than a reading may take."""


class How(Record):
    """How a call reads what it reads; see `Use`."""

    pinned: tuple[tuple[str, str], ...] = ()
    keywords: tuple[str, ...] = ()
    dtype: str | None = None


PLAIN: Final = How()


class WrittenFile(Record):
    """A file that the notebook writes itself (`%%writefile`), and the cell that does."""

    text: PythonText
    home: Home


class Reading:
    """One reading of a notebook, cell after cell."""

    def __init__(
        self,
        invoke: "Callable[[Reading, Function, Arguments], Values]",
        run_file: "Callable[[Reading, WrittenFile, str], Scope]",
    ) -> None:
        """`invoke` reads a function's body and `run_file` a file's: what reads statements stands above this."""
        self._invoke = invoke
        self._run_file = run_file
        self.scope = Scope()
        self.environ: dict[str, Values] = {"KAGGLE_KERNEL_RUN_TYPE": (Text("Batch"),)}
        self.files: dict[str, WrittenFile] = {}
        self.modules: dict[str, Thing] = {}
        self.directory = WORKING
        self.argv: tuple[str, ...] | None = None
        self.home = Home(None, None, ())
        self.shell: dict[int, tuple[Any, ...]] = {}
        self.reach: Reach = "runs"
        self.conditions: tuple[Condition, ...] = ()
        self.raises_offline = 0  # how many calls have been read that raise where there is no network
        self.guarded = False  # inside this product's guard(): a hub id is resolved
        self.steps = 0
        self.depth = 0
        self.turns = 1  # how often the loops around have what stands here read
        self.shells: dict[tuple[int | None, str | None], dict[int, tuple[Any, ...]]] = {}
        self.active: set[int] = set()  # functions that are being read now
        self.functions: dict[int, Function] = {}
        self.called: set[int] = set()
        self._classes: dict[int, tuple[Thing, bool]] = {}  # a method's node -> its class, and whether it has a base
        self._bases: dict[int, list[Thing]] = {}
        self._instances: set[int] = set()
        self.uses: dict[Any, Use] = {}
        self.network: dict[Any, NetworkCall] = {}
        self.dynamic: dict[Any, Dynamic] = {}
        self.asked: dict[Any, Asked] = {}
        self.faults: list[CodeFault] = []
        self.written: dict[str | None, None] = {}
        self.named: dict[tuple[Spot, str], None] = {}  # literals in the names of written files, and the names
        self.unpacked: set[str] = set()  # directories that hold what an archive held
        self.offline_before_loading: bool | None = None

    # Where it stands

    def step(self) -> None:
        """Count one piece of work.

        Raises:
            TooMuch: there were more than a reading may take.
        """
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooMuch

    @contextmanager
    def at(self, **changes: Any) -> Iterator[None]:
        """Some of home, shell, reach, conditions, guarded, argv, turns and scope changed, and put back afterwards."""
        if "reach" in changes:
            changes["reach"] = max(self.reach, changes["reach"], key=_REACHES.index)
        before = {name: getattr(self, name) for name in changes}
        for name, value in changes.items():
            setattr(self, name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(self, name, value)

    @contextmanager
    def loop(self, items: tuple[_T, ...], in_place: _T) -> Iterator[tuple[_T, ...]]:
        """The turns of a loop: its items, or one in their place where the loops around it take too many already."""
        follows = self.turns * len(items) <= MAX_TURNS
        with self.at(turns=self.turns * max(len(items), 1) if follows else self.turns):
            yield items if follows else (in_place,)

    def spot(self, node: ast.AST, *, columns: bool = False) -> Spot:
        """Where a node stands; with `columns` where its literal starts and ends, if that is on one line."""
        line: int = getattr(node, "lineno", 1)
        if not columns or getattr(node, "end_lineno", line) != line:
            return self.line(line)
        source = self.home.lines[line - 1] if line <= len(self.home.lines) else ""
        start, end = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", 0)
        if not source.isascii():  # the compiler counts bytes of UTF-8
            data = source.encode("utf-8", "replace")
            start, end = (len(data[:each].decode("utf-8", "replace")) for each in (start, end))
        return self.line(line).replaced(column=start, end_column=end)

    def line(self, line: int) -> Spot:
        """A line of the code that is read now."""
        home = self.home
        source = home.lines[line - 1].strip() if 0 < line <= len(home.lines) else ""
        return Spot(line, home.cell, home.file, mask(source, in_code=True)[:MAX_SNIPPET])

    def absolute(self, path: str) -> str:
        """A path as it is where the notebook runs: from the working directory, without "..", "~" or "./"."""
        return posixpath.normpath(posixpath.join(self.directory, path.replace("~", "/root", 1)))

    # What it has found

    def use(
        self,
        value: Text,
        role: Role,
        call: str,
        at: Spot,
        how: How = PLAIN,
        *,
        resolves: bool = False,
    ) -> None:
        """A reference reaches a reader; `resolves` where that is this product's own call.

        What such a call or a download gave was recorded there, and is not recorded again.
        """
        if value.resolved:
            return
        resolved = resolves or (self.guarded and role in MODEL_ROLES)
        if role in MODEL_ROLES and not resolved and self._may_be_unpacked(value.text, call):
            self.is_dynamic(call, f"an archive that was unpacked here, which may hold {mask(value.text)}", role, at)
            return
        reach = max(self.reach, "fallback", key=_REACHES.index) if value.fallback else self.reach
        use = Use(
            text=mask(value.text),
            role=role,
            call=call,
            at=at,
            origin=value.origin or at,
            reach=reach,
            pinned=how.pinned,
            keywords=how.keywords,
            dtype=how.dtype,
            resolved=resolved,
            conditions=_places((*value.conditions, *self.conditions)),
            directory=self.directory,
            parts=value.parts,
        )
        if role in MODEL_ROLES and self.reach == "runs" and self.offline_before_loading is None:
            self.offline_before_loading = self.is_offline()
        self._keep(self.uses, (use.text, role, call, at, use.origin, use.resolved), use)

    def needs_network(self, what: str, at: Spot, offline_form: str) -> None:
        """A call needs the network."""
        what, offline_form = mask(what), mask(offline_form)
        found = NetworkCall(what, at, self.reach, offline_form, _places(self.conditions))
        self._keep(self.network, (what, at), found)

    def is_dynamic(self, call: str, why: str, role: Role, at: Spot) -> None:
        """A reader's argument cannot be known."""
        self._keep(self.dynamic, (call, at), Dynamic(call, why, role, at, self.reach))

    def asks(self, what: str, at: Spot, conditions: tuple[Condition, ...] = ()) -> None:
        """The code asks something of the accelerator, which a value names that was taken under these conditions."""
        looks_first = any(place == DEVICE for place, _ in (*self.conditions, *conditions))
        found = Asked(what, at, self.reach, looks_first)
        self._keep(self.asked, (what, at.cell, at.file, looks_first), found)

    def writes(self, values: Values | None) -> None:
        """A path is written."""
        for value in values or ():
            if isinstance(value, Text):
                self.written.setdefault(self.absolute(value.text))
                self.named.update(dict.fromkeys((part, mask(value.text)) for part in value.parts))
            elif isinstance(value, Unknown):
                self.written.setdefault(None)

    def unpacks(self, values: Values) -> None:
        """An archive is unpacked into a directory: what lies there then is not known."""
        self.unpacked.update(self.absolute(value.text) for value in values if isinstance(value, Text))

    def may_hold(self, name: str) -> bool:
        """Whether a file of that name may lie in the working directory: of the notebook's making, or a source's."""
        path, here = self.absolute(name), self.directory
        if None in self.written or here in self.unpacked or here.startswith("/kaggle/input"):
            return True
        return any(each is not None and each in (path, here) for each in self.written)

    def _may_be_unpacked(self, text: str, call: str) -> bool:
        """Whether a name without a "/" may be a directory that an archive held, and no name on the hub."""
        is_plain = bool(text) and not set(text) & set("/~") and not call.endswith(".from_preset")
        return is_plain and self.directory in self.unpacked

    def _keep(self, kept: dict[Any, Any], key: Any, found: Any) -> None:
        before = kept.get(key)
        if before is None or _REACHES.index(found.reach) < _REACHES.index(before.reach):
            kept[key] = found

    def is_offline(self) -> bool:
        """Whether the libraries' offline switch is thrown by now."""
        names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
        return any(
            isinstance(value, Text) and value.text.lower() in ("1", "true", "on", "yes")
            for name in names
            for value in self.environ.get(name, ())
        )

    # What it runs

    def invoke(self, function: Function, arguments: Arguments) -> Values:
        """What a function of the notebook returns, all that it does being read with it."""
        self.called.add(id(function.node))
        if self.depth >= MAX_DEPTH:
            return (Unknown("calls nested too deeply to be followed"),)
        self.depth += 1
        try:
            return self._invoke(self, function, arguments)
        finally:
            self.depth -= 1

    def module(self, name: str) -> Thing | None:
        """A module that the notebook wrote itself, by its dotted name; None where there is none."""
        path = self.absolute(name.replace(".", "/"))
        written = self.files.get(f"{path}.py") or self.files.get(f"{path}/__init__.py")
        if written is None:
            return None
        if name not in self.modules:
            self.modules[name] = Thing("module")  # a module that imports itself finds this one
            self.modules[name].members = self._run_file(self, written, name).names
        return self.modules[name]

    def script(self, path: str, arguments: tuple[str, ...]) -> bool:
        """Read a script that is started; False where the notebook did not write it."""
        written = self.files.get(self.absolute(path))
        if written is None or self.depth >= MAX_DEPTH:
            return written is not None
        self.depth += 1
        try:
            with self.at(argv=(path, *arguments)):
                self._run_file(self, written, "__main__")
        finally:
            self.depth -= 1
        return True

    def hand_over(self, values: Values) -> None:
        """A function of the notebook is given to a library, which will call it with what cannot be known."""
        for value in values:
            if isinstance(value, Function) and id(value.node) not in self.called:
                self.invoke(value, Arguments(is_open=True))

    # Classes

    def note_class(self, made: Thing, methods: tuple[int, ...], bases: list[Thing], *, is_foreign: bool) -> None:
        """A class is defined; `is_foreign` where a library's is among its bases, which may call its methods."""
        self._bases[id(made)] = bases
        for method in methods:
            self._classes[method] = (made, is_foreign)

    def note_instance(self, cls: Thing) -> None:
        """An instance of a class is made."""
        if id(cls) not in self._instances:
            self._instances.add(id(cls))
            for base in self._bases.get(id(cls), ()):
                self.note_instance(base)

    def class_of(self, function: Function) -> Thing | None:
        """The class that a method stands in."""
        return self._classes.get(id(function.node), (None, False))[0]

    def is_called_by_library(self, function: Function) -> bool:
        """Whether a function that the notebook does not call is a method that a library or Python itself calls."""
        cls, is_foreign = self._classes.get(id(function.node), (None, False))
        if cls is None or id(cls) not in self._instances:
            return False
        return is_foreign or getattr(function.node, "name", "").startswith("__")

    def merged(self, before: dict[str, Values], *branches: dict[str, Values]) -> dict[str, Values]:
        """The names after branches of which one is taken."""
        names = dict.fromkeys(name for branch in branches for name in branch)
        return {name: _either([branch.get(name) or before.get(name, ()) for branch in branches]) for name in names}


def _places(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """The conditions that speak of places, each once."""
    return tuple(dict.fromkeys(each for each in conditions if each[0] != DEVICE))


def _either(values: list[Values]) -> Values:
    """The alternatives of several branches; most names are the same in all of them."""
    return values[0] if all(each is values[0] for each in values) else united(*values)


def member(value: Value, name: str) -> Values | None:
    """A thing's member, a function bound to the instance or class that it is called on; None where there is none."""
    if not isinstance(value, Thing) or name not in value.members:
        return None
    return tuple(
        each.replaced(bound=value) if isinstance(each, Function) and _binds(each, value) else each
        for each in value.members[name]
    )


def _binds(function: Function, owner: Thing) -> bool:
    if function.bound is not None or function.kind == "static":
        return False
    return owner.kind.startswith("instance") or (function.kind == "class" and owner.kind == "class")
