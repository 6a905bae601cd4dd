"""Write docs/rules.md: every rule in one table, in the rules' own words, so that the page cannot say anything else."""

import argparse
import sys
from pathlib import Path

from resolver.rules.rule import Rule
from resolver.rules.rulebook import RULES

FAMILIES = {
    "F": "Files",
    "W": "Weights",
    "C": "Configuration",
    "T": "Tokenizer",
    "A": "Adapter",
    "L": "Licence",
    "S": "Safety",
    "R": "Runtime",
    "P": "Submission",
}
HEAD = """\
# Rules

Every rule that is judged, in its own words; `make docs` writes this page from them. `resolver explain W102` gives one
rule's full page: why it hurts, what the libraries say, how to put it right.

The severity is the gravest that a rule gives. The same fault in a file that no loader opens for the purpose at hand is
a warning. A model is unusable exactly when a finding is an error.
"""


def page(rules: tuple[Rule, ...] = RULES) -> str:
    """The whole page, one table a family."""
    parts = [HEAD]
    for letter, family in FAMILIES.items():
        rows = [_row(rule) for rule in rules if rule.code.startswith(letter)]
        if rows:
            parts.append(
                "\n".join(
                    [
                        f"## {letter}: {family}\n",
                        "| code | name | severity | what is wrong |",
                        "|---|---|---|---|",
                        *rows,
                        "",
                    ]
                )
            )
    return "\n".join(parts)


def _row(rule: Rule) -> str:
    title = rule.title.replace("|", "\\|")
    return f"| {rule.code} | {rule.name} | {rule.severity} | {title} |"


def main() -> None:
    """Write the page where it is asked for."""
    parser = argparse.ArgumentParser(description="Write the page of all rules.")
    parser.add_argument("target", type=Path, nargs="?", default=Path("docs/rules.md"))
    target = parser.parse_args().target
    target.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{target}: {len(RULES)} rules\n")


if __name__ == "__main__":
    main()
