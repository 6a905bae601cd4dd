"""The guard itself: counts who holds it open, watches the outermost call, puts exact finds in the place of names."""

import contextlib
import functools
import inspect
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar, cast

from resolver.environment import Environment
from resolver.errors import ModelLoadError, ResolverError
from resolver.guarding.diagnosis import ATTRIBUTE, Diagnosis, attach, try_to_diagnose
from resolver.guarding.hooks import Hooks, marked
from resolver.guarding.offline import OfflineSwitch
from resolver.guarding.targets import PINS, Target

_F = TypeVar("_F", bound=Callable[..., Any])
OWN_CACHE: Final = "hf cache"
FRESH_WORDS: Final = {"revision": (None, "main"), "subfolder": (None, ""), "variant": (None,), "cache_dir": (None,)}


class _Session:
    """One a process: how many guards are open, what they patched, what they have said."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.open = 0
        self.offline = 0
        self.installed: list[bool] = []
        self.hooks: Hooks | None = None
        self.switch: OfflineSwitch | None = None
        self.found: dict[str, Any] = {}
        self.gate: Any = None
        self.depth = threading.local()


_SESSION: Final = _Session()


class Guard(contextlib.ContextDecorator):
    """What `guard` gives: to be entered, more than once if need be, or to stand over a function."""

    def __init__(self, *, offline: bool) -> None:
        """Not entered yet."""
        self._offline = offline

    def __enter__(self) -> None:
        """Open it."""
        _enter(offline=self._offline)

    def __exit__(self, *_: object) -> None:
        """Close it."""
        _leave(offline=self._offline)

    def __call__(self, function: _F) -> _F:
        """The function with the guard around each call: around its body too where that runs later."""
        given: Any = function

        async def coroutine(*arguments: Any, **named: Any) -> Any:
            with self:
                return await given(*arguments, **named)

        async def generator_of_a_coroutine(*arguments: Any, **named: Any) -> Any:
            with self:
                async for each in given(*arguments, **named):
                    yield each

        def generator(*arguments: Any, **named: Any) -> Any:
            with self:
                return (yield from given(*arguments, **named))

        call: Any = None
        if inspect.iscoroutinefunction(given):
            call = coroutine
        elif inspect.isasyncgenfunction(given):
            call = generator_of_a_coroutine
        elif inspect.isgeneratorfunction(given):
            call = generator
        if call is None:
            return super().__call__(function)
        return cast("_F", functools.wraps(given)(call))


def guard(*, offline: bool = True) -> Guard:
    """Inside, what cannot load a model says what is really wrong, and a name that is here is loaded from here.

    A context manager and a decorator (of a coroutine and of a generator too); guards nest, and hold for all threads of
    the process. What a call raises:
    an OSError of a library, or whatever it raises where there is no such directory, becomes a `ModelLoadError` (an
    OSError) that is of the library's class too; anything else stays itself and has the diagnosis as a note. Only the
    outermost call is changed, so that libraries go on catching their own errors.

    A hub id, a handle or a mount path that is no directory and resolves with confidence "exact" is loaded from where
    it lies, and that is said once on stderr. Nothing is put in its place where the call names a revision, subfolder,
    variant or cache_dir.

    What `[policy]` of the settings forbids is refused before the library sees it, also out of the library's own cache.
    The settings are read when the guard opens.

    Args:
        offline: throw the libraries' own offline switch while the guard is open; False leaves the network alone.

    Raises:
        ConfigurationError: the settings cannot be used: a policy that cannot be read is not passed over.

    >>> with guard():
    ...     pass
    """
    return Guard(offline=offline)


def install(*, offline: bool = True) -> None:
    """As `guard`, until `uninstall()`; a second call changes nothing."""
    with _SESSION.lock:
        if not _SESSION.installed:
            _enter(offline=offline)
            _SESSION.installed.append(offline)


def uninstall() -> None:
    """Undo `install()`; does nothing where it was not called."""
    with _SESSION.lock:
        if _SESSION.installed:
            _leave(offline=_SESSION.installed.pop())


def _enter(*, offline: bool) -> None:
    with _SESSION.lock:
        if _SESSION.open == 0:
            from resolver.guarding.gate import Gate  # noqa: PLC0415 - nothing is read before a guard opens

            _SESSION.gate = Gate.of_settings()
        _SESSION.open += 1
        if _SESSION.open == 1:
            _SESSION.hooks = Hooks(_wrapped)
            _SESSION.hooks.set()
        if offline:
            _SESSION.offline += 1
            if _SESSION.offline == 1:
                _SESSION.switch = OfflineSwitch()
                _SESSION.switch.throw()


def _leave(*, offline: bool) -> None:
    with _SESSION.lock:
        if offline:
            _SESSION.offline -= 1
            if _SESSION.offline == 0 and _SESSION.switch is not None:
                _SESSION.switch.put_back()
                _SESSION.switch = None
        _SESSION.open -= 1
        if _SESSION.open == 0 and _SESSION.hooks is not None:
            _SESSION.hooks.remove()
            _SESSION.hooks = _SESSION.gate = None
            _SESSION.found.clear()


def _wrapped(target: Target, said: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(*arguments: Any, **named: Any) -> Any:
        if _SESSION.open == 0:
            return original(*arguments, **named)
        name = _name(target, said, arguments)
        asked = _asked(target, arguments, named)
        outermost = not getattr(_SESSION.depth, "inside", False)
        local = None if asked is None else _local(target, asked, named)
        if asked is not None:
            _hold(name, target, asked, local, named, outermost=outermost)
        if local is not None and target.reads == "snapshot":
            return local
        if local is not None:
            arguments, named = _with(target, arguments, named, local)
        if not outermost:
            return original(*arguments, **named)
        with _told(name, asked, local, is_file=target.reads == "file"):
            return original(*arguments, **named)

    return marked(call, original)


def _hold(name: str, target: Target, asked: str, local: str | None, named: dict[str, Any], *, outermost: bool) -> None:
    """Hold a call to the policy. A file that is opened within a call was vetted with its directory."""
    gate = _SESSION.gate
    if gate is None or (target.reads == "file" and not outermost):
        return
    if outermost:
        gate.forget()
    gate.hold(name, target, asked, local, named, offline=_SESSION.switch is not None)


@contextlib.contextmanager
def _told(name: str, asked: str | None, local: str | None, *, is_file: bool) -> Iterator[None]:
    """The outermost call: what it raises is told."""
    _SESSION.depth.inside = True
    try:
        yield
    except Exception as error:
        if asked is None or isinstance(error, ResolverError):
            raise
        found = try_to_diagnose(name, asked, error, judged=local, is_file=is_file)
        # That there is no directory, the versions say with several classes (4.57: HFValidationError, a ValueError).
        absent = isinstance(found, Diagnosis) and found.not_found is not None
        told = _load_error(error, asked, found) if absent or isinstance(error, OSError) else None
        if told is None:
            _note(error, found)
            raise
        raise told from error
    finally:
        _SESSION.depth.inside = False


def _note(error: Exception, found: Diagnosis | str) -> None:
    if isinstance(found, str):
        error.add_note(found)
    else:
        attach(error, found)


def _load_error(error: Exception, asked: str, found: Diagnosis | str) -> ModelLoadError | None:
    """A ModelLoadError that is of the library's own class too: who catches LocalEntryNotFoundError goes on doing so.

    None where there is no diagnosis, or where the two classes do not go together.
    """
    if isinstance(found, str):
        return None
    try:
        kind = _kind(type(error))  # type: ignore[arg-type] # a class can be hashed
        raised = kind.__new__(kind, asked, found.text)
    except TypeError:
        if not isinstance(error, OSError):
            return None
        raised = ModelLoadError.__new__(ModelLoadError, asked, found.text)
    vars(raised).update(vars(error))
    ModelLoadError.__init__(raised, asked, found.text)
    if isinstance(error, OSError):
        raised.errno, raised.filename = error.errno, error.filename
    setattr(raised, ATTRIBUTE, found)
    return raised


@functools.cache
def _kind(library: type[Exception]) -> type[ModelLoadError]:
    if issubclass(ModelLoadError, library):
        return ModelLoadError
    return type("ModelLoadError", (ModelLoadError, library), {"__module__": ModelLoadError.__module__})


def _name(target: Target, said: str, arguments: tuple[Any, ...]) -> str:
    """As the code names it: with the class that it was called on."""
    if target.shape == "classmethod" and arguments and isinstance(arguments[0], type):
        return f"{arguments[0].__name__}.{said.rpartition('.')[2]}"
    return said


def _asked(target: Target, arguments: tuple[Any, ...], named: dict[str, Any]) -> str | None:
    value = next((named[each] for each in target.keywords if each in named), None)
    if value is None and len(arguments) > target.position:
        value = arguments[target.position]
    if not isinstance(value, str | os.PathLike):
        return None
    text = os.fspath(value)
    return text if isinstance(text, str) and text else None


def _with(target: Target, arguments: tuple[Any, ...], named: dict[str, Any], local: str) -> Any:
    """The arguments with the directory in the place of what was asked for."""
    for each in target.keywords:
        if each in named:
            return arguments, {**named, each: local}
    at = target.position
    return (*arguments[:at], local, *arguments[at + 1 :]), named


def _local(target: Target, asked: str, named: dict[str, Any]) -> str | None:
    """The directory that is exactly what was asked for; None where the library is left alone."""
    if target.reads == "file" or target.name == "hf_hub_download" or os.path.exists(asked):  # noqa: PTH110 - any text
        return None
    if asked not in _SESSION.found:
        _SESSION.found[asked] = _resolved(asked)
    found = _SESSION.found[asked]
    if found is None or not _is_meant(found, named):
        return None
    if asked not in _said():
        _said().add(asked)
        sys.stderr.write(f"resolver: {asked} is loaded from {found.path} (exact, {found.source})\n")
    return str(found.path)


def _said() -> set[str]:
    said: set[str] = _SESSION.found.setdefault("", set())
    return said


def _resolved(asked: str) -> Any:
    try:
        from resolver.host import this_host  # noqa: PLC0415 - only where a name is no directory
        from resolver.policy import policy_of  # noqa: PLC0415
        from resolver.resolve import resolve  # noqa: PLC0415
        from resolver.settings import load_settings  # noqa: PLC0415

        here = Environment.this()
        settings = load_settings(here, None)
        environment = here.extended(settings.roots, settings.aliases)
        policy = policy_of(settings).replaced(minimum_confidence="exact")
        found = resolve(asked, environment, this_host(environment), policy)
    except Exception:  # noqa: BLE001 - it is not here, or not surely: the library says what it says
        return None
    # What lies in the library's own cache it finds itself, with its own idea of the revision.
    return None if found.source == OWN_CACHE or found.confidence != "exact" else found


def _is_meant(found: Any, named: dict[str, Any]) -> bool:
    """Whether the call names nothing that the directory is not proven to be."""
    for pin in PINS:
        value = named.get(pin)
        proven = pin == "revision" and value is not None and value == found.revision
        if value not in FRESH_WORDS[pin] and not proven:
            return False
    return True
