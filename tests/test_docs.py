"""The pages below docs/ say what the code says."""

import importlib.util
from pathlib import Path

from command_runs import PROJECT

from resolver.rules.rulebook import RULES


def rules_page() -> str:
    spec = importlib.util.spec_from_file_location("write_rules_page", PROJECT / "scripts" / "write_rules_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.page()


def test_the_page_of_rules_is_what_the_rules_say() -> None:
    """`make docs` puts it right."""
    assert Path(PROJECT / "docs" / "rules.md").read_text("utf-8") == rules_page()


def test_every_rule_stands_on_the_page_once() -> None:
    page = rules_page()
    assert [page.count(f"| {rule.code} |") for rule in RULES] == [1] * len(RULES)
