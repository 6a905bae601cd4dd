"""Which packages it takes to load a model, as far as its files tell. Knows no machine and no installed version."""

from resolver.inspection.description import ModelDescription
from resolver.inspection.model_types import NEWEST, OLDEST, known_since
from resolver.rules.quantization_methods import asked_of

ANY = ""


def requirements(model: ModelDescription) -> dict[str, str]:
    """Package to the least version that will do, "" for any; empty for a directory that is no model.

    The least transformers is the first of the probed versions that knows the model type; nothing older than the
    oldest of them was looked at, so a type that it knows has no least version here. What a quantisation needs is
    what the newest probed transformers asks for.
    """
    found = {**_loaders(model), **_of_tokenizer(model), **_of_quantization(model)}
    return dict(sorted(found.items()))


def _loaders(model: ModelDescription) -> dict[str, str]:
    if not model.config.present and model.adapter is None:
        return {}
    since = known_since(model.config.model_type) if model.config.model_type else None
    found = {"torch": ANY, "transformers": ANY if since in {None, OLDEST} else _dotted(since or ())}
    if any(name.endswith(".safetensors") for name in model.opened()):
        found["safetensors"] = ANY
    if model.adapter is not None:
        found["peft"] = ANY
    return found


def _of_tokenizer(model: ModelDescription) -> dict[str, str]:
    return dict.fromkeys(model.tokenizer.packages, ANY) if model.tokenizer is not None else {}


def _of_quantization(model: ModelDescription) -> dict[str, str]:
    declared = model.config.quantization
    if declared is None or not declared.method or not declared.pointer:  # what transformers does not read needs nothing
        return {}
    return {names.partition("|")[0]: _dotted(least) for names, least in asked_of(declared.method, NEWEST)}


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
