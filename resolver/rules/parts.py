"""C, continued: parts that the model names and that are absent; rows longer than its positions; labels in order."""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Json, Place, Severity
from resolver.inspection.listed import MODULES_FILE
from resolver.inspection.rope import number
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import few, quoted

# Of sentence-transformers: what a part's folder has to hold; each was seen to fail without. Normalize holds nothing.
NEEDS: Final = {
    "Pooling": ("config.json",),
    "Dense": ("config.json", "model.safetensors|pytorch_model.bin"),
    "LayerNorm": ("config.json", "model.safetensors|pytorch_model.bin"),
    "WeightedLayerPooling": ("config.json", "model.safetensors|pytorch_model.bin"),
}
SENSES: Final = ("vision_config", "audio_config")
PROCESSORS: Final = ("processor_config.json", "preprocessor_config.json", "video_preprocessor_config.json")


def _parts_named(evidence: Evidence) -> str | None:
    config = evidence.model.config
    if config.modules is None and not set(SENSES) & set(config.sections):
        return Moot("nothing names parts besides the model itself")
    return None


@rule(
    "C315",
    "submodule-missing",
    severity="error",
    requires=("C301",),
    applies=_parts_named,
    consequence="the part is built without its settings, or not at all: a TypeError or an OSError that names no file",
)
def submodule_missing(evidence: Evidence) -> Iterator[Finding]:
    """A part that the model is put together from is absent.

    modules.json of a sentence-transformers model names folders: pooling, dense layers. A copy that took the top files
    alone has none of them. Version 6 then says "Pooling.__init__() missing 1 required positional argument", older ones
    that a file was not found. transformers loads the model without a word and gives one vector a token instead of one
    a text: for scoring and training, which use transformers, it is a warning. A folder of Normalize is empty and may be
    absent. For a model that sees or hears, AutoProcessor needs its settings: a warning, for the model itself loads.

    Example: bge-large uploaded as a Kaggle dataset from the top folder's files.

    To mend it, copy the folders too; fetch the model again with all of its files.
    """
    model = evidence.model
    modules = model.config.modules
    severity: Severity = "error" if evidence.intent.purpose == "load" else "warning"
    elsewhere = "sentence-transformers stops at it; transformers, which is used here, does not open it"
    consequence = None if severity == "error" else elsewhere
    if modules is not None and modules.fault is not None:
        yield submodule_missing.finding(
            f"{MODULES_FILE} {_is(modules.fault)}",
            path=model.files.path(MODULES_FILE),
            consequence=consequence,
            fix="fetch it again",
            severity=severity,
        )
    absent = [*_absent(evidence)]
    if absent:
        yield submodule_missing.finding(
            f"{MODULES_FILE} names {'a part' if len(absent) == 1 else f'{len(absent)} parts'} whose files are absent",
            path=model.files.path(MODULES_FILE),
            evidence={"absent": few(absent)},
            consequence=consequence,
            fix=f"add {', '.join(absent[:4])} of this very model",
            severity=severity,
        )
    senses = [name for name in SENSES if name in model.config.sections]
    if senses and not any(model.files.get(name) for name in PROCESSORS):
        yield submodule_missing.finding(
            f"config.json has {' and '.join(senses)}, and there are no settings for a processor",
            path=model.root,
            evidence={"absent": [*PROCESSORS]},
            consequence="AutoProcessor does not load; the model and its tokenizer do",
            fix="add preprocessor_config.json of this very model, or use it for text alone",
            severity="warning",
        )


def _is(fault: str) -> str:
    return fault if fault.startswith("is ") else f"is {fault}"


def _absent(evidence: Evidence) -> Iterator[str]:
    files, modules = evidence.model.files, evidence.model.config.modules
    for part in modules.parts if modules is not None else ():
        for names in NEEDS.get(part.kind, ()) if part.path else ():
            paths = [f"{part.path}/{name}" for name in names.split("|")]
            if not any(files.get(path) for path in paths):
                yield paths[0]


# A table of positions: the row after the last one fails. Each type was run at its limit with transformers 5.23.
TABLE: Final = frozenset(
    {"bert", "distilbert", "albert", "electra", "deberta", "mobilebert", "ernie", "roformer", "nystromformer",
     "big_bird", "convbert", "squeezebert", "splinter", "layoutlm", "megatron-bert", "fnet", "canine", "xlm",
     "flaubert", "rembert", "mra", "yoso", "gpt2", "gptj", "gpt_neo", "codegen", "openai-gpt", "opt", "ctrl",
     "biogpt", "gpt_bigcode", "bart", "mbart", "pegasus", "blenderbot", "blenderbot-small", "marian", "plbart",
     "bert-generation"}
)  # fmt: skip
# As above, and the first rows are left to padding: RoBERTa with 514 rows takes 512 tokens.
OFFSET: Final = frozenset(
    {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "longformer", "data2vec-text",
     "roberta-prelayernorm", "luke", "ibert", "markuplm"}
)  # fmt: skip
ROTARY: Final = frozenset(
    {"llama", "mistral", "mixtral", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "gemma", "gemma2", "gemma3_text",
     "phi", "phi3", "stablelm", "starcoder2", "cohere", "olmo2", "gpt_neox", "persimmon", "eurobert", "modernbert",
     "modernbert-decoder", "nomic_bert", "gpt_oss", "llama4_text", "granite", "smollm3", "jina_embeddings_v3"}
)  # fmt: skip
ENDLESS: Final = frozenset({"bloom", "t5", "mt5", "umt5", "xlnet", "mamba", "mamba2", "rwkv", "xglm", "m2m_100"})


def _length_judged(evidence: Evidence) -> str | None:
    config = evidence.model.config
    if evidence.intent.max_length is None:
        return Moot("no length was asked for: --max-length")
    if _kind(evidence) == "endless":
        return Moot(f"positions of {config.model_type} have no end")
    if config.max_position_embeddings is None:
        return "config.json does not say how many positions there are"
    return None if _kind(evidence) else f"what {config.model_type} does beyond its positions is not known here"


def _kind(evidence: Evidence) -> str | None:
    """One of "table", "rotary" and "endless"; None where it is not known."""
    model_type = evidence.model.config.model_type
    if model_type == "deberta-v2":
        return "endless" if evidence.model.config.position_biased_input is False else "table"
    if model_type in TABLE or model_type in OFFSET:
        return "table"
    return "rotary" if model_type in ROTARY else "endless" if model_type in ENDLESS else None


def _stretched(evidence: Evidence, positions: int) -> int:
    """How far a scaling of rotary positions reaches: families differ in whether the config's number counts it in."""
    rope = evidence.model.config.rope
    scaling = {} if rope is None else rope.scaling or rope.parameters.get("", {})
    factor, original = number(scaling.get("factor")), number(scaling.get("original_max_position_embeddings"))
    return 0 if factor is None or factor < 1 else int(min((original or positions) * factor, 10**12))


def _longest(evidence: Evidence) -> int:
    config = evidence.model.config
    positions = config.max_position_embeddings or 0
    if config.model_type not in OFFSET:
        return max(positions, _stretched(evidence, positions))
    padding = config.special_ids.get("pad_token_id", (1,))[0]
    return positions - padding - 1 if padding >= 0 else positions


@rule(
    "C316",
    "length-beyond-positions",
    severity="error",
    requires=("C302",),
    applies=_length_judged,
    consequence="the first row that is longer ends the run: an index error, on a GPU a device-side assert",
)
def length_beyond_positions(evidence: Evidence) -> Iterator[Finding]:
    """Rows are asked for that are longer than the positions that the model has.

    BERT, RoBERTa and GPT-2 keep a table of positions and have no row beyond it: "The expanded size of the tensor (513)
    must match the existing size (512)", "index out of range in self". RoBERTa leaves its first two rows to padding: 514
    positions take 512 tokens. Rotary positions (Llama, Qwen, ModernBERT) go on, into angles that were never trained:
    a warning. T5, BLOOM and DeBERTa v3 count distances and have no end.

    Example: --max-length 1024 for bert-base.

    To mend it, ask for the length that is named, or take a model with longer positions.
    """
    asked, longest = evidence.intent.max_length, _longest(evidence)
    if asked is None or asked <= longest:
        return
    config, rotary = evidence.model.config, _kind(evidence) == "rotary"
    yield length_beyond_positions.finding(
        f"{asked:,} tokens a row are asked for, {config.model_type} takes {longest:,}",
        path=evidence.model.files.path(config.file),
        place=Place(pointer="/max_position_embeddings"),
        evidence={"asked": asked, "longest": longest, "max_position_embeddings": config.max_position_embeddings},
        consequence="it runs; beyond that the angles were never trained, and answers get worse" if rotary else None,
        fix=f"ask for {longest:,} tokens at most",
        command=f"resolver check {quoted(evidence.model.root)} --max-length {longest}",
        severity="warning" if rotary else "error",
    )


FILLERS: Final = frozenset({"winner", "wins", "win", "model", "response", "answer", "label", "is", "better", "the"})
TIES: Final = frozenset({"tie", "draw", "equal", "tied"})
ORDERS: Final = {2: ("a", "b"), 3: ("a", "b", "tie")}


def _labels_asked(evidence: Evidence) -> str | None:
    if evidence.intent.purpose != "score":
        return Moot(f"no columns are written: the purpose is {evidence.intent.purpose}")
    if evidence.intent.head != "classifier":
        return Moot("the letters' logits are scored, not a classifier head")
    if not evidence.model.config.label_names:
        return Moot("config.json names no labels (id2label)")
    return None


@rule(
    "C317",
    "label-order-differs",
    severity="warning",
    requires=("C302",),
    applies=_labels_asked,
    consequence="two columns of the submission are swapped: valid, and worse than a constant",
)
def label_order_differs(evidence: Evidence) -> Iterator[Finding]:
    """The names of the classes stand in another order than the contest's columns: A, B, tie.

    Nothing compares them. Scores are written by position, so a model that was trained with the tie first puts the
    tie's probability under winner_model_a, and no check of the submission can see it. Names that say nothing (LABEL_0)
    are not judged.

    Example: "id2label": {"0": "tie", "1": "winner_model_a", "2": "winner_model_b"}.

    To mend it, reorder the rows of the head and id2label together, or map the columns when they are written.
    """
    names = evidence.model.config.label_names
    wanted = ORDERS.get(len(names))
    meant = [_meaning(names[key]) for key in sorted(names)]
    if wanted is None or sorted(filter(None, meant)) != sorted(wanted) or tuple(meant) == wanted:
        return
    columns: list[Json] = [meant.index(each) for each in wanted]
    yield label_order_differs.finding(
        f"the head gives {', '.join(str(each) for each in meant)}; the contest's order is {', '.join(wanted)}",
        path=evidence.model.files.path(evidence.model.config.file),
        place=Place(pointer="/id2label"),
        evidence={"id2label": few(names[key] for key in sorted(names)), "columns": columns},
        fix=f"take the model's columns in the order {columns}, or reorder the rows of its head and id2label together",
    )


def _meaning(name: str) -> str | None:
    """Which of "a", "b" and "tie" a name says, if it says one.

    >>> _meaning("winner_model_a"), _meaning("Response B"), _meaning("winner_tie"), _meaning("LABEL_0")
    ('a', 'b', 'tie', None)
    """
    words = "".join(letter if letter.isalnum() else " " for letter in name.lower()[:80]).split()
    said = [word for word in words if word not in FILLERS]
    if said and all(word in TIES for word in said):
        return "tie"
    return said[0] if len(said) == 1 and said[0] in ("a", "b") else None


RULES: tuple[Rule, ...] = (submodule_missing, length_beyond_positions, label_order_differs)
