"""C, continued: does a model whose letters' logits are scored hold the language head that they come from?"""

import re
from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding
from resolver.inspection.heads import WRAPPERS
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.weights import is_model
from resolver.rules.words import quoted

# Families whose configuration unties the head where config.json says nothing; the others of transformers 5.23 tie it,
# or were not asked.
UNTIED: Final = frozenset(
    {
        "llama", "mistral", "mixtral", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "phi", "phi3", "gpt_neox", "gptj",
        "olmo", "olmo2", "stablelm", "deepseek_v2", "deepseek_v3",
    }
)  # fmt: skip
# The head of a decoder is one matrix, or what a quantiser makes of it.
MATRIX: Final = r"(?:^|\.)(?:lm_head|embed_out|output_layer|generator_lm_head)\.|^output\.(?:q?weight)"
# That of an encoder has a layer of its own before the matrix, which is stored though the matrix be tied.
LAYERS: Final = {
    "bert": "cls.predictions.transform.dense.weight",
    "roberta": "lm_head.dense.weight",
    "xlm-roberta": "lm_head.dense.weight",
    "camembert": "lm_head.dense.weight",
    "electra": "generator_predictions.dense.weight",
}


def _letters_asked(evidence: Evidence) -> str | None:
    if evidence.intent.purpose != "score" or evidence.intent.head != "tokens":
        return Moot("the letters' logits are not asked for")
    reason = is_model(evidence)
    if reason is not None:
        return reason
    if _wanted(evidence) is None:
        tied = evidence.model.config.tie_word_embeddings
        return Moot("the head is tied to the embeddings" if tied else "what this family ties by itself is not known")
    if not evidence.model.weights.tensors_known:
        return "the tensors are not known: pickles are not opened, and a broken header says nothing"
    if any(each.adapter is not None and each.adapter.tensors is None for each in evidence.adapters()):
        return "the tensors of the adapter are not known"
    return None


def _wanted(evidence: Evidence) -> str | None:
    """What has to be among the names, as a pattern; None where the head may be tied and nothing has to."""
    config = evidence.model.config
    family = config.model_type or ""
    if family in LAYERS:
        return rf"(?:^|\.){re.escape(LAYERS[family])}$"
    is_untied = config.tie_word_embeddings is False or (config.tie_word_embeddings is None and family in UNTIED)
    return MATRIX if is_untied else None


def _names(evidence: Evidence) -> Iterator[str]:
    yield from evidence.model.weights.tensors
    for each in evidence.adapters():
        if each.adapter is not None:
            yield from (WRAPPERS.sub("", name) for name in each.adapter.tensors or () if ".lora_" not in name)


@rule(
    "C320",
    "language-head-missing",
    severity="error",
    requires=("W101", "W102", "W107", "W121", "C302", "A402", "A408"),
    applies=_letters_asked,
    consequence="transformers puts a random head in its place and only prints a line: the letters' logits are noise",
)
def language_head_missing(evidence: Evidence) -> Iterator[Finding]:
    """The letters' logits are asked for, and neither the weights nor an adapter hold a language head.

    AutoModelForCausalLM builds it with random numbers, prints a row `lm_head.weight | MISSING` (4.x: "Some weights of
    LlamaForCausalLM were not initialized from the model checkpoint ... and are newly initialized: ['lm_head.weight']")
    and goes on. Every forecast is noise, and valid.

    A head that is tied to the embeddings (`tie_word_embeddings` true, as in Gemma and GPT-2) is not stored, and nothing
    is missing. An encoder's head has a layer of its own before that matrix, which has to be stored even then.

    Example: a classifier that was trained from a Llama, asked with `--head tokens`; an encoder for embeddings.

    To mend it, use the classifier's head, or the generative model that the checkpoint was made from.
    """
    wanted = _wanted(evidence)
    if wanted is None or any(re.search(wanted, name) for name in _names(evidence)):
        return
    model = evidence.model
    config = model.config
    yield language_head_missing.finding(
        f"there is no language head ({LAYERS.get(config.model_type or '', 'lm_head')})",
        path=model.root,
        evidence={
            "tensors": len(model.weights.tensors),
            "architectures": list(config.architectures),
            "tie_word_embeddings": config.tie_word_embeddings,
        },
        fix="score with its classifier head, or name the generative model that it was made from",
        command=f"resolver check {quoted(model.root)} --for score --head classifier",
    )


RULES: tuple[Rule, ...] = (language_head_missing,)
