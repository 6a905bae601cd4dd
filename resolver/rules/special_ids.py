"""T, continued: do the files agree on the ids of bos, eos and pad, and is there a pad token that is no end?"""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Json, Place
from resolver.inspection.description import ModelDescription
from resolver.inspection.tokenizer import TokenizerFacts
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.tokens import id_of, text_of, tokenizers

GENERATES: Final = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
CLASSIFIES: Final = "ForSequenceClassification"
# Families whose classifier takes the row's last token that is no padding; read from transformers 5.23.
POOLS_AT_PAD: Final = (
    "arcee biogpt bloom ctrl deepseek_v2 deepseek_v3 diffllama doge exaone4 falcon gemma gemma2 gemma3 gemma3_text glm "
    "glm4 gpt2 gpt_bigcode gpt_neo gpt_neox gpt_oss gptj helium hunyuan_v1_dense hunyuan_v1_moe jamba jetmoe llama "
    "minicpm3 minimax ministral ministral3 mistral mistral4 mixtral modernbert-decoder mpt nemotron olmo olmo2 olmo3 "
    "openai-gpt opt persimmon phi phi3 phimoe qwen2 qwen2_moe qwen3 qwen3_5 qwen3_moe qwen3_next seed_oss smollm3 "
    "stablelm starcoder2 t5gemma zamba zamba2"
)
ROLES: Final = ("bos", "eos", "pad")
# What differs: the model's own files name it first, the tokenizer names it second.
HURTS: Final = {
    "bos": "text is started with another token than the model knows as its start",
    "eos": "generation never stops at the end that the tokenizer writes and the model has learnt",
    "pad": "a classifier pools at padding, not at the end of the text: wrong scores without a word",
}


def _ids_judged(evidence: Evidence) -> str | None:
    if not any(True for _ in tokenizers(evidence)):
        return "the tokenizer was not read"
    config = evidence.model.config
    if not config.special_ids and not config.generation_ids:
        return Moot("neither config.json nor generation_config.json names an id of bos, eos or pad")
    known = (id_of(evidence, *each, f"{role}_token") for each in tokenizers(evidence) for role in ROLES)
    if all(number is None for number in known):
        return "no id of a special token is known: there is no tokenizer, or only another library reads it"
    return None


@rule(
    "T207",
    "special-id-differs",
    severity="warning",
    requires=("T202",),
    applies=_ids_judged,
    consequence="generation does not stop, or a classifier pools at the wrong token",
)
def special_id_differs(evidence: Evidence) -> Iterator[Finding]:
    """The model's files and its tokenizer mean different ids by bos, eos or pad.

    Nothing compares them. Generation ends at the ids of generation_config.json, or else of config.json; a classifier
    pools at the last token that is not config.json's pad; the tokenizer writes its own. A list that contains the
    other's id agrees with it, and an id that is overruled by another file is not spoken of.

    Example: a fine-tune on ChatML whose tokenizer ends with <|im_end|> and whose generation_config.json still names
    the base's <|endoftext|>: answers go on until the length is used up.

    To mend it, write the tokenizer's id into the file that is named.
    """
    for description, facts in tokenizers(evidence):
        for role in _roles(evidence):
            number = id_of(evidence, description, facts, f"{role}_token")
            written = _in_effect(evidence, role)
            if number is None or written is None or number in written[1] or _is_added(facts, role):
                continue
            yield _differs(evidence, facts, role, number, written)


def _roles(evidence: Evidence) -> tuple[str, ...]:
    """Without a head that generates, only padding has an effect."""
    named = evidence.model.config.architectures
    return ROLES if any(name.endswith(GENERATES) for name in named) else ("pad",)


def _is_added(facts: TokenizerFacts, role: str) -> bool:
    """Whether the token is in no vocabulary: its id is the library's invention, which T206 speaks of."""
    return any(special.role == f"{role}_token" and special.known is False for special in facts.specials)


def _in_effect(evidence: Evidence, role: str) -> tuple[str, tuple[int, ...]] | None:
    """The file and the ids that transformers goes by: to generate, or, of padding, to pool."""
    config = evidence.model.config
    folder = config.file.removesuffix("config.json")
    files = ((config.file, config.special_ids), (f"{folder}generation_config.json", config.generation_ids))
    for file, ids in files if role == "pad" else files[::-1]:
        numbers = tuple(number for number in ids.get(f"{role}_token_id", ()) if number >= 0)
        if numbers:
            return file, numbers
    return None


def _differs(
    evidence: Evidence, facts: TokenizerFacts, role: str, number: int, written: tuple[str, tuple[int, ...]]
) -> Finding:
    file, ids = written
    shown: Json = ids[0] if len(ids) == 1 else list(ids)
    text = text_of(facts, f"{role}_token")
    return special_id_differs.finding(
        f"{role}_token_id is {shown} in {file}, the tokenizer's {role} {text!r} is {number}",
        path=evidence.model.files.path(file),
        place=Place(pointer=f"/{role}_token_id"),
        evidence={file: shown, "tokenizer": number, "token": text},
        consequence=HURTS[role],
        fix=f"set {role}_token_id to {number} in {file}, or the tokenizer's {role}_token to the one that was trained",
    )


def _pad_judged(evidence: Evidence) -> str | None:
    usable = [facts for _, facts in tokenizers(evidence) if facts.source is not None]
    if not usable:
        return Moot("there is no tokenizer file to judge: T201")
    if all(facts.auto_map or facts.self_contained for facts in usable):
        return "auto_map brings the tokenizer's own code, which decides how it pads: S603"
    return None


@rule(
    "T208",
    "pad-token-missing",
    severity="warning",
    requires=("T202",),
    applies=_pad_judged,
    consequence="rows of different lengths cannot be batched until the code sets one",
)
def pad_token_missing(evidence: Evidence) -> Iterator[Finding]:
    """The tokenizer has no pad token.

    The first batch of rows of different lengths stops: "Asking to pad but the tokenizer does not have a padding token.
    Please select a token to use as `pad_token`"; a classifier stops with "Cannot handle batch sizes > 1 if no padding
    token is defined." The usual way out, `tokenizer.pad_token = tokenizer.eos_token`, is T209.

    Example: Llama 3, 3.1 and 3.2 as published, and most base models.

    To mend it, set the pad token to one that the vocabulary holds for it or in reserve (Llama 3.1 and later:
    <|finetune_right_pad_id|>; Llama 3: <|reserved_special_token_0|>), in the tokenizer and as pad_token_id in
    config.json; then no row has to be added to the embeddings.
    """
    for description, facts in tokenizers(evidence):
        if facts.source is None or facts.auto_map or facts.self_contained or facts.pad_by_class:
            continue
        if text_of(facts, "pad_token") is None and not _pads(evidence, description):
            yield _no_pad(description, facts)


def _pads(evidence: Evidence, description: ModelDescription) -> bool:
    """Another tokenizer that is laid over this one brings the token."""
    return any(
        each is not description and text_of(facts, "pad_token") is not None for each, facts in tokenizers(evidence)
    )


def _no_pad(description: ModelDescription, facts: TokenizerFacts) -> Finding:
    settings = "tokenizer_config.json"
    spare = facts.spare_tokens[0] if facts.spare_tokens else None
    fix = (
        f'set "pad_token": "{spare}" in {settings} and its id as pad_token_id in config.json'
        if spare
        else f'set "pad_token" in {settings} to a token that the vocabulary holds and texts do not'
    )
    return pad_token_missing.finding(
        "the tokenizer has no pad token",
        path=description.files.path(settings) if description.files.get(settings) else description.root,
        evidence={"declared_class": facts.declared_class, "in_reserve": list(facts.spare_tokens[:3])},
        fix=fix,
    )


def _pools(evidence: Evidence) -> str | None:
    intent, config = evidence.intent, evidence.model.config
    scored = intent.purpose == "score" and intent.head == "classifier"
    if not scored and not any(name.endswith(CLASSIFIES) for name in config.architectures):
        return Moot("no sequence classifier is asked for or declared")
    if config.model_type not in POOLS_AT_PAD.split():
        return Moot(f"no classifier of type {config.model_type} is known to look for padding")
    return None


@rule(
    "T209",
    "pad-equals-eos",
    severity="warning",
    requires=("T202",),
    applies=_pools,
    consequence="the pooled token depends on the version of transformers: other scores for the same row",
)
def pad_equals_eos(evidence: Evidence) -> Iterator[Finding]:
    """A classifier pads with the token that ends its texts.

    It takes its scores at the last token that is no padding, and cannot tell an end from padding then: up to
    transformers 4.41 it takes the token before the first end in the row, since 4.57 the last token that is not the
    end. A row that holds the token inside (a chat with several turns) gives other logits in each, silently.

    Example: `tokenizer.pad_token = tokenizer.eos_token` while the head was trained.

    To mend it, pad with a token of its own, and train and score with the same one.
    """
    config = evidence.model.config
    for description, facts in tokenizers(evidence):
        ends = {*config.special_ids.get("eos_token_id", ())}
        end = id_of(evidence, description, facts, "eos_token")
        ends |= set() if end is None else {end}
        of_tokenizer = id_of(evidence, description, facts, "pad_token")
        pads = config.special_ids.get("pad_token_id", ()) or (() if of_tokenizer is None else (of_tokenizer,))
        shared = sorted(ends & set(pads))
        if shared:
            yield _shared(evidence, facts, shared[0])


def _shared(evidence: Evidence, facts: TokenizerFacts, number: int) -> Finding:
    spare = next((token for token in facts.spare_tokens if token != text_of(facts, "eos_token")), None)
    named = f", such as {spare}" if spare else ""
    return pad_equals_eos.finding(
        f"padding and the end of a text are the same token, id {number}",
        path=evidence.model.files.path(evidence.model.config.file),
        place=Place(pointer="/pad_token_id"),
        evidence={"id": number, "pad": text_of(facts, "pad_token"), "eos": text_of(facts, "eos_token")},
        fix=f"train and score with a pad token of its own{named}; a head keeps to the one that it was trained with",
    )


RULES: tuple[Rule, ...] = (special_id_differs, pad_token_missing, pad_equals_eos)
