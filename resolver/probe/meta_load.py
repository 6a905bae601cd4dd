"""Load a model with the real loader on the meta device, in the child: headers alone are read, no tensor has data.

The library is the judge of what an architecture expects: it knows renamed experts, tied weights and new families.
Never asked of pickled weights, which it would unpickle. Runs no code of the model's: `trust_remote_code` is False.
Source of the way: transformers' `from_pretrained(device_map="meta", output_loading_info=True)`, 5.23.
"""

import re
from typing import Any, Final

from resolver.finding import Json

LONGEST: Final = 1_000
LAYER: Final = r"\.(?:layers?|h|blocks?)\.\d+\."
MOST: Final = 10_000  # names that are sent back; the counts are whole
# What the purpose asks for, by the architectures' own name where nothing else is asked.
CLASSIFIER: Final = "AutoModelForSequenceClassification"
CAUSAL: Final = "AutoModelForCausalLM"
OTHER: Final = "AutoModel"
AUTO: Final = (
    (("ForCausalLM", "LMHeadModel"), CAUSAL),
    (("ForSequenceClassification",), CLASSIFIER),
    (("ForMaskedLM",), "AutoModelForMaskedLM"),
    (("ForConditionalGeneration",), "AutoModelForSeq2SeqLM"),
)


def answer(request: dict[str, Any]) -> Json:
    """See `load_on_meta`; the request holds its arguments by name."""
    return load_on_meta(**request)


def load_on_meta(root: str, purpose: str = "load", head: str = "classifier", labels: int = 3) -> dict[str, Json]:
    """What the real loader finds missing, superfluous or of another shape.

    Args:
        root: the directory that holds config.json and weights in safetensors.
        purpose: "load" builds the class that config.json names; "score" and "train" the classifier or causal model.
        head: "classifier" or "tokens", for those two.
        labels: classes of a classifier.

    Returns:
        "version" of transformers, "class" that was built, "missing" and "unexpected" (names), "inside" (unexpected
        ones of a layer that the model has), "mismatched" (name, stored shape, expected shape), "counts" of missing,
        unexpected and mismatched; or "said", what was raised; or "absent", why it could not be asked here.
    """
    try:
        import torch  # noqa: F401, PLC0415 - without it transformers builds no model; only the child imports it
        import transformers  # noqa: PLC0415 - as above
    except ImportError as error:
        return {"absent": f"{error.name or 'a package'} cannot be imported here: {error}"[:LONGEST]}
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        name, built, info = _load(transformers, root, purpose, head, labels)
    except Exception as error:  # noqa: BLE001 - whatever the library raises is the answer
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return {"version": transformers.__version__, "said": said[:LONGEST]}
    return {"version": transformers.__version__, "class": type(built).__name__, **_told(built, info, name)}


def _load(transformers: Any, root: str, purpose: str, head: str, labels: int) -> tuple[str, Any, dict[str, Any]]:
    local = {"local_files_only": True, "trust_remote_code": False}
    config = transformers.AutoConfig.from_pretrained(root, **local)
    named = (getattr(config, "architectures", None) or [None])[0]
    name = _class(transformers, config, named, purpose, head)
    options = {**local, "device_map": "meta", "output_loading_info": True, "ignore_mismatched_sizes": True}
    if name == CLASSIFIER:
        options["num_labels"] = labels
    built, info = getattr(transformers, name).from_pretrained(root, **options)
    # What was asked for by the purpose, or by nobody, may have another head; what config.json names may not.
    other = type(built).__name__ != named and (purpose != "load" or name == OTHER)
    return name if other else "", built, info


def _class(transformers: Any, config: Any, named: str | None, purpose: str, head: str) -> str:
    """The class that config.json names, where it is of this model_type; else the Auto class of its kind."""
    if purpose != "load":
        return CAUSAL if head == "tokens" else CLASSIFIER
    found = getattr(transformers, named, None) if named else None
    wanted = getattr(found, "config_class", None)
    if named is None or wanted is None:
        return OTHER
    if isinstance(config, wanted):
        return named
    return next((auto for kinds, auto in AUTO if named.endswith(kinds)), OTHER)


def _inside(built: Any, names: list[Any]) -> list[Any]:
    """Of these names, those of a layer that the model has: weights that it would have to use and does not."""
    layers = {name[: found.end()] for name in built.state_dict() if (found := re.search(LAYER, name))}
    return [name for name in names if (found := re.search(LAYER, name)) and name[: found.end()] in layers]


def _told(built: Any, info: dict[str, Any], other: str) -> dict[str, Json]:
    """The loading info as JSON; a head of another task is no surprise where another class than the named was built."""
    missing: list[Any] = sorted(info["missing_keys"])
    unexpected: list[Any] = sorted(info["unexpected_keys"])
    if other:
        prefix = f"{built.base_model_prefix}."
        inside = [name for name in unexpected if name.startswith(prefix)]
        # A checkpoint of the bare model carries no prefix: then nothing can be told from a head of another task.
        unexpected = inside
    inside = _inside(built, unexpected)
    mismatched: list[Any] = sorted(
        [name, list(map(int, stored)), list(map(int, expected))] for name, stored, expected in info["mismatched_keys"]
    )
    return {
        "missing": missing[:MOST],
        "unexpected": unexpected[:MOST],
        "inside": inside[:MOST],
        "mismatched": mismatched[:MOST],
        "counts": [len(missing), len(unexpected), len(mismatched)],
    }
