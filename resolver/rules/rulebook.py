"""Every rule that there is, for those who tell of rules: `explain`, `rules`, the docs, the choice of codes."""

from resolver.rules import notebook_code, notebook_sources, submission
from resolver.rules.model_rules import MODEL_RULES
from resolver.rules.rule import Rule

NOTEBOOK_RULES: tuple[Rule, ...] = (*notebook_sources.RULES, *notebook_code.RULES)
RULES: tuple[Rule, ...] = tuple(sorted((*MODEL_RULES, *NOTEBOOK_RULES, *submission.RULES), key=lambda rule: rule.code))


def find_rule(code_or_name: str) -> Rule | None:
    """The rule of that code or name, in any case; None where there is none."""
    wanted = code_or_name.strip().lower()
    return next((rule for rule in RULES if wanted in (rule.code.lower(), rule.name)), None)
