"""Every rule that there is, for those who tell of rules: `explain`, `rules`, the docs, the choice of codes."""

from resolver.rules import submission
from resolver.rules.model_rules import MODEL_RULES
from resolver.rules.rule import Rule

RULES: tuple[Rule, ...] = tuple(sorted((*MODEL_RULES, *submission.RULES), key=lambda rule: rule.code))


def find_rule(code_or_name: str) -> Rule | None:
    """The rule of that code or name, in any case; None where there is none."""
    wanted = code_or_name.strip().lower()
    return next((rule for rule in RULES if wanted in (rule.code.lower(), rule.name)), None)
