"""Write what docs/ says of the rules and of the report, from the rules and the report themselves.

`docs/rules.md` is the index, `docs/rules/CODE.md` a page a rule, `docs/report-v1.schema.json` the shape of the JSON.
"""

import json
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from resolver.report.json_v1 import json_schema  # noqa: E402 - the path is set above
from resolver.rules.rule import Rule  # noqa: E402 - as above
from resolver.rules.rulebook import RULES  # noqa: E402 - as above

FAMILIES = {
    "F": "Files",
    "W": "Weights",
    "C": "Configuration",
    "T": "Tokenizer",
    "A": "Adapter",
    "L": "Licence",
    "S": "Safety",
    "H": "Hardware",
    "R": "Runtime",
    "I": "Integrity",
    "N": "Notebook",
    "P": "Submission",
}
HEAD = """\
# Rules

Every rule that is judged, in its own words; `make docs` writes this page and those that it leads to. `resolver explain
W102` prints the same page of a rule.

The severity is the gravest that a rule gives. The same fault in a file that no loader opens for the purpose at hand is
a warning. A model is unusable exactly when a finding is an error. The level is the cheapest that judges the rule.
"""


def pages() -> dict[str, str]:
    """Every generated file below docs/: its name there, and its text."""
    return {
        "rules.md": index(),
        **{f"rules/{rule.code}.md": page(rule) for rule in RULES},
        "report-v1.schema.json": json.dumps(json_schema(), indent=2) + "\n",
    }


def index(rules: tuple[Rule, ...] = RULES) -> str:
    """One table a family."""
    parts = [HEAD]
    for letter, family in FAMILIES.items():
        rows = [_row(rule) for rule in rules if rule.code.startswith(letter)]
        if rows:
            head = f"## {letter}: {family}\n\n| code | name | severity | level | what is wrong |\n|---|---|---|---|---|"
            parts.append("\n".join([head, *rows, ""]))
    return "\n".join(parts)


def _row(rule: Rule) -> str:
    title = rule.title.replace("|", "\\|")
    return f"| [{rule.code}](rules/{rule.code}.md) | {rule.name} | {rule.severity} | {rule.level} | {title} |"


def page(rule: Rule) -> str:
    """One rule: what `explain` prints, and where its cases are."""
    after = ", ".join(f"[{code}]({code}.md)" for code in rule.requires)
    facts = [f"- severity: {rule.severity}, or less where the text says so", f"- level: {rule.level}"]
    facts += [f"- judged after: {after}"] if after else []
    cases = f"[Models that break it, and models that nearly do](../../tests/cases/{rule.code}.md)"
    return "\n\n".join(
        [
            f"# {rule.code} {rule.name}",
            f"{rule.title}.",
            "\n".join(facts),
            rule.explanation,
            f"Otherwise: {rule.consequence}.",
            f"{cases} · [all rules](../rules.md)\n",
        ]
    )


def main() -> None:
    """Write all of them; a page of a rule that is gone goes too."""
    docs = PROJECT / "docs"
    (docs / "rules").mkdir(exist_ok=True)
    written = pages()
    for old in (docs / "rules").glob("*.md"):
        if f"rules/{old.name}" not in written:
            old.unlink()
    for name, text in written.items():
        (docs / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{docs}: {len(written)} files from {len(RULES)} rules\n")


if __name__ == "__main__":
    main()
