"""What makes the bytes unusable anywhere: `path` and `resolve_model` refuse for errors of these and of nothing else."""

from resolver.rules import config, directory, files, index, safety, weights
from resolver.rules.rule import Rule

DECISIVE_FAMILIES = (files.RULES, directory.RULES, weights.RULES, index.RULES, safety.RULES)
_OF_CONFIG = ("C301", "C302", "C303")

DECISIVE_RULES: tuple[Rule, ...] = (
    *(rule for family in DECISIVE_FAMILIES for rule in family),
    *(rule for rule in config.RULES if rule.code in _OF_CONFIG),
)
