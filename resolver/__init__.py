"""Say which model you mean; get the local directory that holds it, proof that it will load, or what is missing.

    from resolver import resolve_model
    path = resolve_model("meta-llama/Meta-Llama-3-8B-Instruct")
    AutoModel.from_pretrained(path)

Without the network, in milliseconds. Importing this loads no third-party package, and nothing of ours either until
one of its names is used.
"""

from typing import TYPE_CHECKING, Any

from resolver import version

if TYPE_CHECKING:
    from resolver.api import check_model, describe_model, resolve_model
    from resolver.errors import (
        AmbiguousModel,
        MalformedReference,
        ModelLoadError,
        ModelNotFound,
        ModelRejected,
        ResolverError,
    )
    from resolver.finding import Finding, Report
    from resolver.guarding import guard, install, uninstall
    from resolver.resolve import Resolution

__version__ = version.VERSION

_HOMES = {
    "resolve_model": "resolver.api",
    "check_model": "resolver.api",
    "describe_model": "resolver.api",
    "Resolution": "resolver.resolve",
    "Report": "resolver.finding",
    "Finding": "resolver.finding",
    "ResolverError": "resolver.errors",
    "MalformedReference": "resolver.errors",
    "ModelNotFound": "resolver.errors",
    "AmbiguousModel": "resolver.errors",
    "ModelRejected": "resolver.errors",
    "ModelLoadError": "resolver.errors",
    "guard": "resolver.guarding",
    "install": "resolver.guarding",
    "uninstall": "resolver.guarding",
    "load_ipython_extension": "resolver.ipython",
    "unload_ipython_extension": "resolver.ipython",
}

__all__ = [
    "AmbiguousModel",
    "Finding",
    "MalformedReference",
    "ModelLoadError",
    "ModelNotFound",
    "ModelRejected",
    "Report",
    "Resolution",
    "ResolverError",
    "__version__",
    "check_model",
    "describe_model",
    "guard",
    "install",
    "resolve_model",
    "uninstall",
]


def __getattr__(name: str) -> Any:
    """Load a public name's home when it is first used (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
