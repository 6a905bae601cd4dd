"""W, continued: has the architecture the parameters that the files hold, and the files those that it wants?

The real loader answers, on the meta device (`probe/meta_load.py`); these rules tell what its answer means here.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from resolver.finding import Finding, Json, Place
from resolver.inspection.adapter import AdapterFacts
from resolver.inspection.heads import LAST_LAYER, WRAPPERS
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.weights import is_model
from resolver.rules.words import few, some

if TYPE_CHECKING:
    from resolver.probe.loading import Loading

# Texts and not patterns: at the quick level nothing of this is looked for.
LAYER: Final = r"\.(?:layers?|h|blocks?)\.(\d+)\."
# What a classifier has between its body and its head; training makes it anew with the head.
BETWEEN: Final = (
    r"(?:^|\.)(?:pooler|pre_classifier|classifier|classification_head|score|head|logits_proj|sequence_summary)\."
    r"|^dense\."
)  # fmt: skip
POOLER: Final = r"(?:^|\.)pooler\."
PREFIX: Final = "base_model.model."
NUMBERS: Final = (
    "vocab_size", "hidden_size", "intermediate_size", "max_position_embeddings", "num_attention_heads",
    "num_key_value_heads",
)  # fmt: skip


def _not_loaded(evidence: Evidence) -> str | None:
    loading = _loading(evidence)
    return "it needs --level standard" if loading is None else loading.unknown or None


def _loading(evidence: Evidence) -> "Loading | None":
    return None if evidence.observed is None else evidence.observed.loading


def _asked(evidence: Evidence) -> str | None:
    reason = _not_loaded(evidence)
    loading = _loading(evidence)
    if reason is not None or loading is None:
        return reason
    return "the loader refuses the model: C318" if loading.refused else None


def _brought(adapters: Iterable[AdapterFacts | None]) -> frozenset[str]:
    """Parameters that an adapter stores whole, under the names that they have in the base."""
    names = (name for facts in adapters if facts is not None for name in facts.tensors or ())
    return frozenset(WRAPPERS.sub("", name).removeprefix(PREFIX) for name in names if ".lora_" not in name)


def _missing(evidence: Evidence) -> list[str]:
    """What is missing and is told by nobody else: no head (C307, or training makes it), nothing of W107 or W121."""
    loading = _loading(evidence)
    if loading is None:
        return []
    brought = _brought(each.adapter for each in evidence.adapters())
    purpose = evidence.intent.purpose
    is_new = purpose == "train" or (purpose == "score" and not _has_head(evidence))
    new = BETWEEN if is_new and evidence.intent.head == "classifier" else None
    told = _promised(evidence) | _untied(evidence)
    return [
        name
        for name in loading.missing
        if name not in brought and name not in told and (new is None or not re.search(new, name))
    ]


def _has_head(evidence: Evidence) -> bool:
    names = evidence.model.weights.tensors
    return any(LAST_LAYER.search(name) for name in names) or any(
        each.adapter is not None and each.adapter.head is not None for each in evidence.adapters()
    )


def _promised(evidence: Evidence) -> frozenset[str]:
    index = evidence.model.weights.index
    return frozenset() if index is None else frozenset(index.weight_map)


def _untied(evidence: Evidence) -> frozenset[str]:
    return frozenset({"lm_head.weight"}) if evidence.model.config.tie_word_embeddings is False else frozenset()


def _layers(names: Iterable[str]) -> list[int]:
    return sorted({int(found[1]) for name in names if (found := re.search(LAYER, name))})


@rule(
    "W114",
    "parameters-missing",
    severity="error",
    level="standard",
    requires=("W102", "W103", "W104"),
    applies=_asked,
    consequence="the loader fills them with random numbers, says so in a table on the console, and goes on",
)
def parameters_missing(evidence: Evidence) -> Iterator[Finding]:
    """Parameters that the architecture has are in no file.

    transformers initialises them at random, prints a load report whose rows say `| MISSING |`, and returns a model that
    computes nonsense: no exception, a valid submission, a score that is simply bad. Found with the real loader on the
    meta device, so tied weights and renamed experts are allowed for.

    Example: a config.json with one layer more than the weights, or weights from which a shard was lost together with
    its lines in the index.

    To mend it, put the config.json and the weights of one revision together.
    """
    loading, missing = _loading(evidence), _missing(evidence)
    if loading is None or not missing:
        return
    config = evidence.model.config
    stored = _layers(evidence.model.weights.tensors)
    beyond = [layer for layer in _layers(missing) if not stored or layer > stored[-1]]
    facts: dict[str, Json] = {"missing": few(missing), "count": len(missing), "class": loading.built}
    fix = "put config.json and weights of one revision together"
    if beyond and stored:
        facts |= {"num_hidden_layers": config.num_hidden_layers, "layers_stored": stored[-1] + 1}
        fix = f"num_hidden_layers is {config.num_hidden_layers}, the weights hold {stored[-1] + 1} layers: {fix}"
    only_pooler = loading.built.endswith("Model") and all(re.search(POOLER, name) for name in missing)
    yield parameters_missing.finding(
        f"{_number(len(missing))} of {loading.built} in no file: {some(tuple(missing))}",
        path=evidence.model.files.path(evidence.model.weights.chosen or ""),
        evidence={**facts, "loaded_with": f"transformers {loading.version}"},
        consequence="the pooler is random; who averages the tokens' states does not use it" if only_pooler else None,
        fix=fix,
        severity="warning" if only_pooler else "error",
    )


def _number(count: int) -> str:
    return f"{count} parameter{'' if count == 1 else 's'}"


@rule(
    "W115",
    "parameters-unexpected",
    severity="error",
    level="standard",
    requires=("W102", "W103", "W104"),
    applies=_asked,
    consequence="the loader leaves them out, and the model is another one than was trained",
)
def parameters_unexpected(evidence: Evidence) -> Iterator[Finding]:
    """The files hold tensors that the architecture has no place for.

    transformers leaves them out and lists them as `| UNEXPECTED |`. Often they are harmless (a head of another task is
    not even counted here): a warning. Whole layers that config.json does not build are an error, and so is what
    belongs into a layer that it builds: the model loads without them and computes something else, silently.

    Example: num_hidden_layers is 30, the weights hold 32 layers; or a Qwen2, whose attention has biases, under a
    config.json that says Llama.

    To mend it, take the config.json of these weights.
    """
    loading = _loading(evidence)
    if loading is None or not loading.unexpected:
        return
    config = evidence.model.config
    built = config.num_hidden_layers
    beyond = [layer for layer in _layers(loading.unexpected) if built is not None and layer >= built]
    facts: dict[str, Json] = {"unexpected": few(loading.unexpected), "count": loading.counts[1], "class": loading.built}
    if beyond:
        facts |= {"num_hidden_layers": built, "layers_stored": beyond[-1] + 1}
    yield parameters_unexpected.finding(
        f"{loading.counts[1]} stored tensor{'' if loading.counts[1] == 1 else 's'} that {loading.built} has no place "
        f"for: {some(loading.unexpected)}",
        path=evidence.model.files.path(config.file),
        place=Place(pointer="/num_hidden_layers") if beyond else None,
        evidence={**facts, "loaded_with": f"transformers {loading.version}"},
        fix=f"num_hidden_layers is {built}, the weights hold {beyond[-1] + 1} layers: take the config.json of these "
        "weights" if beyond else "see whether config.json belongs to these weights",
        severity="error" if beyond or loading.inside else "warning",
    )  # fmt: skip


@rule(
    "W116",
    "shape-mismatch",
    severity="error",
    level="standard",
    requires=("W102", "W103", "W104", "C308"),
    applies=_asked,
    consequence="the load ends in a RuntimeError; with ignore_mismatched_sizes=True these become random instead",
)
def shape_mismatch(evidence: Evidence) -> Iterator[Finding]:
    """A stored tensor has another shape than config.json implies.

    transformers 5 prints a report and says "You set `ignore_mismatched_sizes` to `False`, thus raising an error. For
    details look at the above report!"; 4.x "size mismatch for weight: copying a param with shape torch.Size([128, 64])
    from checkpoint, the shape in current model is torch.Size([256, 64])", from 4.50 on without the tensor's name.

    Example: the config.json of the 8B beside the weights of the 1B.

    To mend it, take the config.json of these weights; the finding names the field that does not fit, where it can.
    """
    loading = _loading(evidence)
    if loading is None or not loading.mismatched:
        return
    name, stored, expected = loading.mismatched[0]
    blamed = _blamed(evidence, stored, expected)
    count = loading.counts[2]
    others = f" (and {count - 1} more)" if count > 1 else ""
    facts: dict[str, Json] = {
        "count": count,
        "shapes": [
            f"{each}: stored {list(one)}, expected {list(other)}" for each, one, other in loading.mismatched[:8]
        ],
    }
    yield shape_mismatch.finding(
        f"{name} is stored as {list(stored)}, config.json implies {list(expected)}{others}",
        path=evidence.model.files.path(evidence.model.config.file),
        place=Place(pointer=f"/{blamed[0]}") if blamed else None,
        evidence={**facts, "loaded_with": f"transformers {loading.version}"},
        fix=f"{blamed[0]} is {blamed[1]} in config.json and {blamed[2]} in the weights: take the config.json of these "
        "weights" if blamed else "take the config.json of these weights",
    )  # fmt: skip


def _blamed(evidence: Evidence, stored: tuple[int, ...], expected: tuple[int, ...]) -> tuple[str, int, int] | None:
    """The field of config.json whose number is the first dimension that differs, its number, and the stored one."""
    config = evidence.model.config
    for one, other in zip(stored, expected, strict=False):
        if one != other:
            field = next((each for each in NUMBERS if getattr(config, each) == other), None)
            if field is not None:
                return field, other, one
            width = (config.hidden_size or 0) // (config.num_attention_heads or 1)
            if width and config.num_key_value_heads and config.num_key_value_heads * width == other:
                return "num_key_value_heads", config.num_key_value_heads, one // width
            return None
    return None


def _refused_there_too(evidence: Evidence) -> str | None:
    reason, loading = _not_loaded(evidence), _loading(evidence)
    target = evidence.host.packages.get("transformers")
    if reason is not None or loading is None or target is None:
        return reason
    if loading.version.split(".")[:2] != target.split(".")[:2]:
        does = "refuses" if loading.refused else "takes"
        return f"transformers {loading.version} {does} it here, and it is judged for {target}"
    return None


@rule(
    "C318",
    "loader-refuses",
    severity="error",
    level="standard",
    requires=("W101", "W102", "W103", "W104", "W106", "W117", "C302", "C303", "C304", "C305", "C309", "S604", "R801",
              "R802", "R806", "R808"),
    applies=_refused_there_too,
    consequence="from_pretrained raises the same",
)  # fmt: skip
def loader_refuses(evidence: Evidence) -> Iterator[Finding]:
    """The real loader refuses the model, for a reason that no other rule has named.

    The last net: whatever transformers raises while it builds the model on the meta device and matches the headers to
    it is told here in its own words, such as

        StrictDataclassClassValidationError: Class validation error for validator 'validate_architecture'

    Example: a hidden_size that is no multiple of num_attention_heads.

    To mend it, read what the library says; `resolver inspect` shows the numbers.
    """
    loading = _loading(evidence)
    if loading is not None and loading.refused:
        yield loader_refuses.finding(
            f"transformers {loading.version} refuses it: {loading.refused}",
            path=evidence.model.files.path(evidence.model.config.file),
            evidence={"said": loading.refused, "loaded_with": f"transformers {loading.version}"},
            fix="its family has no such class: --head tokens asks for the letters' logits of a causal model"
            if "for this kind of AutoModel" in loading.refused
            else "see what the library says of config.json",
        )


CAUSAL: Final = ("ForCausalLM", "LMHeadModel")


def _language_head(evidence: Evidence) -> str | None:
    reason = is_model(evidence)
    config = evidence.model.config
    if reason is not None:
        return reason
    if config.tie_word_embeddings is None:
        return Moot("config.json says nothing of tied embeddings")
    if not config.architectures or not config.architectures[0].endswith(CAUSAL):
        return Moot("the architecture has no language head")
    if evidence.intent.purpose != "load" and evidence.intent.head == "classifier":
        return Moot("a classifier does not use the language head")
    if not evidence.model.weights.tensors_known:
        return "the tensors are not known: pickles are not opened, and a broken header says nothing"
    return None


@rule(
    "W121",
    "tie-flag-contradicted",
    severity="error",
    requires=("W101", "W102", "W107"),
    applies=_language_head,
    consequence="the language head is another one than was trained",
)
def tie_flag_contradicted(evidence: Evidence) -> Iterator[Finding]:
    """config.json says of tied embeddings what the weights contradict.

    With `tie_word_embeddings` false and no lm_head stored, transformers builds a random one and prints a row
    `lm_head.weight | MISSING`: an error. With the flag true and a different lm_head stored, transformers 5 says that it
    "will NOT tie them" and uses the stored one, while 4.x and other engines tie and drop it: a warning. Whether it
    differs is seen in a sample of the bytes; a mere copy is no fault.

    Example: a head that was trained on its own and saved under a config that still says true.

    To mend it, set the flag to what the weights are.
    """
    model = evidence.model
    path, place = model.files.path(model.config.file), Place(pointer="/tie_word_embeddings")
    if model.config.tie_word_embeddings is False:
        if not _stores_head(evidence):
            yield tie_flag_contradicted.finding(
                "tie_word_embeddings is false, and no language head is stored",
                path=path,
                place=place,
                evidence={"tie_word_embeddings": False, "tensors": len(model.weights.tensors), "head": None},
                consequence="transformers fills the head with random numbers, and every logit is noise",
                fix='set "tie_word_embeddings": true if the head was tied, or fetch the weights whole',
            )
    elif model.ties is not None and model.ties.differ:
        yield tie_flag_contradicted.finding(
            f"tie_word_embeddings is true, and {model.ties.head} differs from {model.ties.embeddings}",
            path=path,
            place=place,
            evidence={"tie_word_embeddings": True, "head": model.ties.head, "embeddings": model.ties.embeddings},
            consequence="transformers 5 uses the stored head, 4.x and other engines tie it: two programs, two models",
            fix='set "tie_word_embeddings": false',
            severity="warning",
        )


def _stores_head(evidence: Evidence) -> bool:
    ends = ("lm_head.weight", "embed_out.weight", "output.weight", "lm_head.linear.weight", "output_layer.weight")
    brought = _brought(each.adapter for each in evidence.adapters())
    return any(name.endswith(ends) for name in (*evidence.model.weights.tensors, *brought))


RULES: tuple[Rule, ...] = (
    parameters_missing,
    parameters_unexpected,
    shape_mismatch,
    loader_refuses,
    tie_flag_contradicted,
)
