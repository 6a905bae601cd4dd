"""Whether a directory may be used at all: its bytes are usable somewhere, and the policy allows it.

What stands behind `path`, `resolve_model` and the guard; the whole rule book is `preflight`'s.
"""

from resolver.finding import Finding, Severity
from resolver.host import Host
from resolver.inspection.description import ModelDescription
from resolver.policy import Policy
from resolver.rules.decisive import DECISIVE_RULES
from resolver.rules.judge import judge
from resolver.rules.rule import Evidence, Intent, Rule
from resolver.standing import approval_of


class Vetting:
    """Judges directories one after the other for one machine and one policy."""

    def __init__(self, host: Host, policy: Policy) -> None:
        """`policy` is asked only where it restricts anything."""
        self._host, self._policy = host, policy
        self._policy_rules = _policy_rules() if policy.restricts else ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the rules that judge, sorted."""
        return tuple(sorted(rule.code for rule in (*self._policy_rules, *DECISIVE_RULES)))

    def errors(self, description: ModelDescription) -> tuple[Finding, ...]:
        """Why a directory is unusable anywhere, or forbidden; what is forbidden stands first."""
        return (
            *self.forbidden(description),
            *_of_severity(Evidence(description, Intent(), self._host), DECISIVE_RULES),
        )

    def forbidden(self, description: ModelDescription, *, strict: bool = False) -> tuple[Finding, ...]:
        """Why the policy forbids it; () where it does not. `strict` takes the policy's warnings for errors too."""
        if not self._policy_rules:
            return ()
        evidence = under_policy(Evidence(description, Intent(policy=self._policy), self._host))
        return _of_severity(evidence, self._policy_rules, ("error", "warning") if strict else ("error",))


def under_policy(evidence: Evidence) -> Evidence:
    """The evidence with all that its policy asks to be known: approvals, and a licence that was not read yet."""
    policy = evidence.intent.policy
    if not policy.restricts:
        return evidence
    base = None if evidence.base is None else _with_licence(evidence.base, policy)
    read = evidence.replaced(model=_with_licence(evidence.model, policy), base=base)
    approvals = tuple(approval_of(each.root, policy) for each in read.loaded()) if policy.approved is not None else ()
    return read.replaced(approvals=approvals)


def _with_licence(description: ModelDescription, policy: Policy) -> ModelDescription:
    if policy.licences is None or description.licence is not None:
        return description
    from resolver.inspection.licence import read_licence  # noqa: PLC0415 - `path` reads none without such a policy

    return description.replaced(licence=read_licence(description.files))


def _policy_rules() -> tuple[Rule, ...]:
    from resolver.rules.policy import RULES  # noqa: PLC0415 - few settings have a policy

    return RULES


def _of_severity(
    evidence: Evidence, rules: tuple[Rule, ...], severities: tuple[Severity, ...] = ("error",)
) -> tuple[Finding, ...]:
    return tuple(each for each in judge(evidence, rules).findings if each.severity in severities)
