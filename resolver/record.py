"""Frozen, slotted values at a tenth of the import cost of `dataclasses`.

`dataclasses` compiles half a dozen methods for every class and imports `inspect`: for the seventy values of this
package that alone is more than the whole budget of `resolver path`. Here the methods are written once, and a class
costs what any class costs. To a type checker a `Record` is a frozen dataclass (PEP 681), and it reads as one.

Not supported, because nothing here needs it: inheritance between records, mutable fields, `__post_init__`.
"""

import sys
from collections.abc import Callable
from typing import Any, Self, dataclass_transform

_MISSING: Any = object()


class _Factory:
    """A default that is made anew for each value."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def field(*, default_factory: Callable[[], Any]) -> Any:
    """A field whose default is made by calling `default_factory`."""
    return _Factory(default_factory)


def _annotated(namespace: dict[str, Any]) -> tuple[str, ...]:
    """The names that a class body annotates, in order; since Python 3.14 they are made on demand (PEP 749)."""
    if sys.version_info >= (3, 14):
        import annotationlib  # noqa: PLC0415 - only there

        make = annotationlib.get_annotate_from_class_namespace(namespace)
        return tuple(annotationlib.call_annotate_function(make, annotationlib.Format.FORWARDREF)) if make else ()
    return tuple(namespace.get("__annotations__", ()))


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class RecordType(type):
    """Makes slots of a class's annotations and keeps its defaults aside."""

    _fields: tuple[str, ...]
    _defaults: dict[str, Any]

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> "RecordType":
        """Build the class once, with its slots."""
        fields = _annotated(namespace)
        defaults = {each: namespace.pop(each) for each in fields if each in namespace}
        namespace["__slots__"] = fields
        namespace["__match_args__"] = fields
        made = super().__new__(mcs, name, bases, namespace)
        made._fields = fields
        made._defaults = defaults
        return made


class Record(metaclass=RecordType):
    """A frozen value: compared, hashed and shown by its fields, in the order in which they are written."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Set each field from its position, its name, or its default.

        Raises:
            TypeError: a field is missing, unknown or given twice.
        """
        cls = type(self)
        fields = cls._fields
        if len(args) > len(fields):
            raise TypeError(f"{cls.__name__} takes {len(fields)} fields, {len(args)} were given")
        for name, value in zip(fields, args, strict=False):
            object.__setattr__(self, name, value)
        for name in fields[len(args) :]:
            value = kwargs.pop(name, _MISSING)
            if value is _MISSING:
                value = cls._defaults.get(name, _MISSING)
                if value is _MISSING:
                    raise TypeError(f"{cls.__name__} needs {name}")
                if isinstance(value, _Factory):
                    value = value.make()
            object.__setattr__(self, name, value)
        if kwargs:
            raise TypeError(f"{cls.__name__} has no field {', '.join(kwargs)} to set")

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: a record does not change."""
        raise AttributeError(f"{type(self).__name__}.{name} cannot be set: a record is frozen")

    def __delattr__(self, name: str) -> None:
        """Refuse: a record does not change."""
        raise AttributeError(f"{type(self).__name__}.{name} cannot be deleted: a record is frozen")

    def __eq__(self, other: object) -> bool:
        """Whether both are of one class and all fields are equal."""
        if type(self) is not type(other):
            return NotImplemented
        return _values(self) == _values(other)

    def __hash__(self) -> int:
        """The hash of the fields; TypeError where one is a mapping."""
        return hash((type(self), _values(self)))

    def __repr__(self) -> str:
        """`Name(field=value, …)`."""
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in type(self)._fields)
        return f"{type(self).__name__}({shown})"

    def __getstate__(self) -> tuple[Any, ...]:
        """The fields, for copy and pickle."""
        return _values(self)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Set the fields again."""
        for name, value in zip(type(self)._fields, state, strict=True):
            object.__setattr__(self, name, value)

    def replaced(self, **changes: Any) -> Self:
        """The same value with some fields changed.

        Raises:
            TypeError: a field that the class does not have.
        """
        return type(self)(**{**as_dict(self), **changes})


def _values(record: Record) -> tuple[Any, ...]:
    return tuple(getattr(record, name) for name in type(record)._fields)


def as_dict(record: Record) -> dict[str, Any]:
    """Field names to values, one level deep, in the order in which they are written."""
    return {name: getattr(record, name) for name in type(record)._fields}
