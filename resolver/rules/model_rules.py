"""The rules that judge a model, in the order in which they are judged; the decisive ones are those of `path`."""

from resolver.rules import (
    adapter,
    completeness,
    config,
    heads,
    ids,
    integrity,
    licence,
    parts,
    quantization,
    remote_code,
    rope,
    runtime,
    special_ids,
    template,
    terms,
    tokenizer,
    tokenizer_fit,
    values,
    versions,
    wording,
)
from resolver.rules.decisive import DECISIVE_FAMILIES
from resolver.rules.rule import Rule

_FAMILIES = (
    *DECISIVE_FAMILIES,
    config.RULES,
    heads.RULES,
    rope.RULES,
    quantization.RULES,
    ids.RULES,
    wording.RULES,
    parts.RULES,
    remote_code.RULES,
    tokenizer.RULES,
    tokenizer_fit.RULES,
    special_ids.RULES,
    template.RULES,
    adapter.RULES,
    licence.RULES,
    terms.RULES,
    runtime.RULES,
    versions.RULES,
    integrity.RULES,
    completeness.RULES,
    values.RULES,
)
MODEL_RULES: tuple[Rule, ...] = tuple(dict.fromkeys(rule for family in _FAMILIES for rule in family))
