"""The order in which places are asked. Confidence decides first; this order decides between equals."""

from collections.abc import Iterator

from resolver.environment import Environment
from resolver.reference import Reference
from resolver.sources.explicit_path import ExplicitPath
from resolver.sources.hf_cache import HfCache
from resolver.sources.kaggle_mount import KaggleMount
from resolver.sources.kagglehub_cache import KagglehubCache
from resolver.sources.modelscope_cache import ModelscopeCache
from resolver.sources.package import Package
from resolver.sources.search_roots import SearchRoots
from resolver.sources.source import Candidate, Located, Source

SOURCES: tuple[Source, ...] = (
    ExplicitPath(),
    KaggleMount(),
    KagglehubCache(),
    HfCache(),
    ModelscopeCache(),
    SearchRoots(),
    Package(),
)


def look(reference: Reference, environment: Environment) -> Iterator[Located]:
    """Ask every place in order; the caller may stop as soon as it is satisfied."""
    for source in SOURCES:
        yield from source.locate(reference, environment)


def look_everywhere(environment: Environment) -> Iterator[Candidate]:
    """Everything on this machine that may be a model, each directory once."""
    seen: set[str] = set()
    for source in SOURCES:
        for candidate in source.models(environment):
            key = str(candidate.path.resolve())
            if key not in seen:
                seen.add(key)
                yield candidate
