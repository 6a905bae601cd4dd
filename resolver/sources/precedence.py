"""The order in which places are asked. Confidence decides first; this order decides between equals."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from resolver.environment import Environment
from resolver.reference import Reference
from resolver.sources.source import Candidate, Located, Source

# Each place's module and class. A module is loaded when its turn comes: most searches end at the first or second.
ORDER = (
    ("explicit_path", "ExplicitPath"),
    ("kaggle_mount", "KaggleMount"),
    ("kagglehub_cache", "KagglehubCache"),
    ("hf_cache", "HfCache"),
    ("modelscope_cache", "ModelscopeCache"),
    ("search_roots", "SearchRoots"),
    ("package", "Package"),
)
WALKING = ("KaggleMount", "SearchRoots")  # they walk below the same folder


def sources() -> Iterator[Source]:
    """Every kind of place, in order; those of one search walk below a folder once."""
    walks: dict[Any, Any] = {}
    for module, name in ORDER:
        kind = getattr(import_module(f"resolver.sources.{module}"), name)
        source: Source = kind(walks) if name in WALKING else kind()
        yield source


def look(reference: Reference, environment: Environment) -> Iterator[Located]:
    """Ask every place in order; the caller may stop as soon as it is satisfied."""
    for source in sources():
        yield from source.locate(reference, environment)


def look_everywhere(environment: Environment) -> Iterator[Candidate]:
    """Everything on this machine that may be a model, each directory once."""
    seen: set[str] = set()
    for source in sources():
        for candidate in source.models(environment):
            key = str(candidate.path.resolve())
            if key not in seen:
                seen.add(key)
                yield candidate
