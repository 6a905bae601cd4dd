"""The judge and the judged: what our rules of the bytes say of a directory, and what the real libraries do with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from resolver.host import Host
from resolver.inspection.describe import describe
from resolver.rules import directory, files, index, safety, weights
from resolver.rules.rule import Evidence, Intent, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from resolver.finding import Finding

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
BYTES: tuple[Rule, ...] = (
    *files.RULES, *directory.RULES, *weights.RULES, *index.RULES, *safety.RULES
)  # fmt: skip


def judge(root: Path, rules: Iterable[Rule] = BYTES, intent: Intent | None = None) -> list[Finding]:
    """All findings of the rules on a directory, a rule being left out where one that it requires gave an error."""
    evidence = Evidence(model=describe(root), intent=intent or Intent(), host=Host())
    found: list[Finding] = []
    failed: set[str] = set()
    for rule in rules:
        if failed.isdisjoint(rule.requires) and rule.applies(evidence) is None:
            mine = list(rule(evidence))
            found += mine
            failed |= {rule.code for finding in mine if finding.severity == "error"}
    return found


def codes(root: Path, severity: str | None = None) -> list[str]:
    """The codes of the findings, each once, in order."""
    return sorted({each.code for each in judge(root) if severity in {None, each.severity}})


def one(root: Path, code: str) -> Finding:
    """The only finding of that code."""
    (found,) = [each for each in judge(root) if each.code == code]
    return found


def load(root: Path, auto: str = "AutoModelForCausalLM", **options: Any) -> tuple[Any, dict[str, Any]]:
    """What transformers makes of a directory: the model, and what was missing, unexpected or did not fit."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model, info = getattr(transformers, auto).from_pretrained(root, output_loading_info=True, **options)
    return model, info


def refusal(root: Path, auto: str = "AutoModelForCausalLM", **options: Any) -> str | None:
    """Why transformers does not load a directory, class and text; None where it does."""
    try:
        load(root, auto, **options)
    except Exception as error:  # noqa: BLE001 - whatever it raises is the answer
        return f"{type(error).__name__}: {error}"
    return None


def logits(root: Path) -> Any:
    """What the model answers to a fixed row."""
    import torch

    model, _ = load(root)
    with torch.no_grad():
        return model(torch.tensor([[1, 5, 6, 7]])).logits
