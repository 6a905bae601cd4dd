"""What lies in a model's directory, as the resolver reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor of a model's weights: the file that it is read from, its dtype as a header spells it, its shape."""

    file: Path
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies in a directory, as the resolver reads it.

    Attributes:
        tensors: by name; empty where the weights are pickles, or not all headers could be read.
        tokenizer: names of the tokenizer's files.
        terms: names of licence texts, use policies and notices.
        licence: what its card declares: `license`, `license_name`, `license_link`, where it does.
        head_rows: of the classifier's head that is stored, None where there is none.
    """

    tensors: Mapping[str, Stored]
    tokenizer: tuple[str, ...]
    terms: tuple[str, ...]
    licence: Mapping[str, str]
    head_rows: int | None


def contents(path: Path) -> Contents:
    """Read a directory; judges nothing and raises nothing."""
    from resolver.inspection.describe import describe
    from resolver.inspection.heads import find_head
    from resolver.inspection.roles import role_of

    found = describe(path)
    stored = found.weights.tensors if found.weights.tensors_known else {}
    shapes = {name: each.shape for name, each in stored.items()}
    head = find_head(shapes) if found.adapter is None else found.adapter.head
    roles = {name: role_of(name, found) for name in sorted(found.files.files)}
    return Contents(
        {name: Stored(found.files.path(each.file), each.dtype, each.shape) for name, each in stored.items()},
        tuple(name for name, role in roles.items() if role == "tokenizer" and _is_opened(name)),
        tuple(name for name, role in roles.items() if role == "licence"),
        {} if found.licence is None else _declared(found.licence),
        None if head is None else head.rows,
    )


def _is_opened(name: str) -> bool:
    """Whether a loader looks for a tokenizer's file there: at the top, or among the further templates."""
    return "/" not in name or name.startswith("additional_chat_templates/")


def _declared(licence: Any) -> dict[str, str]:
    said = {
        "license": licence.declared[0] if licence.declared else None,
        "license_name": licence.declared_name,
        "license_link": licence.declared_link,
    }
    return {key: value for key, value in said.items() if value}
