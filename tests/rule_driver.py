"""Judge one directory with a few rules, the way the rule book does: `applies` first, then `requires`, then the rule.

A prerequisite that is not among the rules given counts as passed, so a family can be tried by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from resolver.finding import Finding
from resolver.host import Host
from resolver.inspection.describe import describe
from resolver.rules import (
    adapter,
    config,
    heads,
    ids,
    language_head,
    licence,
    parts,
    quantization,
    remote_code,
    rope,
    runtime,
    special_ids,
    template,
    tokenizer,
    tokenizer_fit,
    wording,
)
from resolver.rules.rule import Evidence, Intent, Rule

TRIED = {"torch": "2.13.0+cpu", "transformers": "5.23.0", "safetensors": "0.8.0", "peft": "0.21.2"}
REST_OF_C = (*rope.RULES, *quantization.RULES, *ids.RULES, *wording.RULES, *parts.RULES, *remote_code.RULES)
MEANING = (
    *config.RULES,
    *heads.RULES,
    *language_head.RULES,
    *REST_OF_C,
    *tokenizer.RULES,
    *tokenizer_fit.RULES,
    *special_ids.RULES,
    *template.RULES,
    *adapter.RULES,
    *licence.RULES,
    *runtime.RULES,
)


@dataclass
class Judged:
    findings: list[Finding] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def codes(self, severity: str | None = None) -> list[str]:
        return sorted({each.code for each in self.findings if severity in (None, each.severity)})

    def of(self, code: str) -> list[Finding]:
        return [each for each in self.findings if each.code == code]


def judge(
    path: Path,
    *,
    rules: Iterable[Rule] = MEANING,
    intent: Intent | None = None,
    packages: Mapping[str, str] | None = None,
    host: Host | None = None,
    adapter_at: Path | None = None,
) -> Judged:
    evidence = Evidence(
        model=describe(path),
        intent=intent or Intent(),
        host=host or Host(packages=TRIED if packages is None else packages),
        adapter=None if adapter_at is None else describe(adapter_at),
    )
    judged = Judged()
    given = {each.code for each in rules}
    stopped: set[str] = set()
    for each in rules:
        missing = [code for code in each.requires if code in given and code in stopped]
        reason = each.applies(evidence) or (f"{missing[0]} has to be mended first" if missing else None)
        if reason is not None:
            judged.skipped[each.code] = reason
            stopped.add(each.code)
            continue
        found = list(each.judge(evidence))
        judged.findings += found
        if any(finding.severity == "error" for finding in found):
            stopped.add(each.code)
    return judged
