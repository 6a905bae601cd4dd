"""Patches what is imported, and what will be: in `sys.modules` at once, later ones behind their import.

What it does not know: what a wrapped call does (it is given `wrap`).
"""

import functools
import importlib.machinery
import sys
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any

from resolver.guarding.targets import TARGETS, Target

Wrap = Callable[[Target, str, Callable[..., Any]], Callable[..., Any]]


class Hooks:
    """All patches of one session, and how to undo them."""

    def __init__(self, wrap: Wrap) -> None:
        """Nothing is patched yet."""
        self._wrap = wrap
        self._undo: list[tuple[Any, str, Any, Any]] = []
        self._finder = _Finder(self._patch_module)

    def set(self) -> None:
        """Patch what is imported, and watch for the rest."""
        for name in dict.fromkeys(target.module for target in TARGETS):
            if name in sys.modules:
                self._patch_module(sys.modules[name])
        sys.meta_path.insert(0, self._finder)

    def remove(self) -> None:
        """Every attribute is the object that it was; what somebody else has put there meanwhile stays."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        for owner, name, original, new in reversed(self._undo):
            if vars(owner).get(name) is new:
                setattr(owner, name, original)
        self._undo.clear()
        self._sweep()

    def _sweep(self) -> None:
        """Names that were taken from a patched module meanwhile (a lazy module's cache, `from … import` in a cell)."""
        for holder in _holders(alias for target in TARGETS for alias in target.aliases):
            for name, value in list(vars(holder).items()):
                if _is_ours(value):
                    setattr(holder, name, vars(value)["__resolver_original__"])

    def _patch_module(self, module: ModuleType) -> None:
        for target in TARGETS:
            if target.module != module.__name__:
                continue
            if target.shape == "classmethod":
                self._patch_classes(module, target)
            elif target.shape == "init":
                self._patch_init(vars(module).get(target.name), target)
            else:
                self._patch_function(module, target)

    def _patch_classes(self, module: ModuleType, target: Target) -> None:
        for owner in list(vars(module).values()):
            if not isinstance(owner, type) or owner.__module__ != module.__name__:
                continue
            original = vars(owner).get("from_pretrained")
            if isinstance(original, classmethod):
                said = f"{owner.__name__}.from_pretrained"
                self._replace(owner, "from_pretrained", classmethod(self._wrap(target, said, original.__func__)))

    def _patch_init(self, owner: Any, target: Target) -> None:
        if isinstance(owner, type) and "__init__" in vars(owner) and not _is_ours(vars(owner)["__init__"]):
            self._replace(owner, "__init__", self._wrap(target, owner.__name__, vars(owner)["__init__"]))

    def _patch_function(self, module: ModuleType, target: Target) -> None:
        original = vars(module).get(target.name)
        if original is None or _is_ours(original):
            return
        said = f"{module.__name__.partition('.')[0]}.{target.name}"
        new: Any = self._wrap(target, said, original)
        if target.shape == "class":
            new = _standing_in_for(original, new)
        self._replace(module, target.name, new)
        # The notebook itself may have imported the name before; libraries that did so load nothing on their own.
        for holder in _holders(target.aliases):
            for name, value in list(vars(holder).items()):
                if value is original:
                    self._replace(holder, name, new)

    def _replace(self, owner: Any, name: str, new: Any) -> None:
        self._undo.append((owner, name, vars(owner)[name], new))
        setattr(owner, name, new)


class _Finder:
    """Stands first on sys.meta_path; finds nothing itself, but is told when a watched module has been loaded."""

    def __init__(self, loaded: Callable[[ModuleType], None]) -> None:
        self._loaded = loaded
        self._watched = frozenset(target.module for target in TARGETS)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in self._watched:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                self._tell_when_loaded(spec)
                return spec
        return None

    def _tell_when_loaded(self, spec: importlib.machinery.ModuleSpec) -> None:
        loader: Any = spec.loader
        execute = getattr(loader, "exec_module", None)
        if execute is None:
            return

        def exec_module(module: ModuleType) -> None:
            execute(module)
            # transformers puts a lazy module in its own place; what counts is what stands there now
            self._loaded(sys.modules.get(spec.name, module))

        try:
            loader.exec_module = exec_module
        except AttributeError:  # a loader without room for it: its module stays as it is
            return


def _holders(aliases: Iterable[str]) -> list[ModuleType]:
    """The modules that may hold a name of another: by their own names, and the notebook.

    The `__init__` of transformers can run twice and put another module in its place; the notebook holds the first.
    """
    names = frozenset(aliases)
    found = [sys.modules[name] for name in sorted(names) if name in sys.modules]
    notebook = sys.modules.get("__main__")
    if notebook is not None:
        found.append(notebook)
        for value in list(vars(notebook).values()):
            if isinstance(value, ModuleType) and value.__name__ in names and not any(value is each for each in found):
                found.append(value)
    return found


def _is_ours(value: Any) -> bool:
    try:
        return "__resolver_original__" in vars(value)
    except TypeError:
        return False


def _standing_in_for(original: Any, call: Callable[..., Any]) -> Any:
    """A class in the place of one that cannot be subclassed: calling it makes an instance of the original."""

    class Meta(type):
        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, original)

        def __call__(cls, *arguments: Any, **named: Any) -> Any:
            return call(*arguments, **named)

    return Meta(original.__name__, (), {"__doc__": original.__doc__, "__module__": original.__module__,
                                        "__resolver_original__": original})  # fmt: skip


def marked(wrapper: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper with the original's name, signature and documentation, and a mark that it is ours."""
    wrapped = functools.wraps(original)(wrapper)
    wrapped.__resolver_original__ = original  # type: ignore[attr-defined]
    return wrapped
