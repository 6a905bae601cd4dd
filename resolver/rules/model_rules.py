"""The rules that judge a model, in the order in which they are judged; the decisive ones are those of `path`."""

from resolver.rules import adapter, config, heads, licence, runtime, terms, tokenizer, versions
from resolver.rules.decisive import DECISIVE_FAMILIES
from resolver.rules.rule import Rule

_FAMILIES = (
    *DECISIVE_FAMILIES,
    config.RULES,
    heads.RULES,
    tokenizer.RULES,
    adapter.RULES,
    licence.RULES,
    terms.RULES,
    runtime.RULES,
    versions.RULES,
)
MODEL_RULES: tuple[Rule, ...] = tuple(dict.fromkeys(rule for family in _FAMILIES for rule in family))
