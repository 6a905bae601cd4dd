"""What a rule is: its one definition holds code, name, severity, level, prerequisites, explanation and judgement.

A rule judges and nothing else. It reads no file and no variable: all that it may know is in `Evidence`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from resolver.environment import Environment
from resolver.finding import Finding, Fix, Json, Level, Place, Purpose, Severity
from resolver.host import Host
from resolver.inspection.description import ModelDescription
from resolver.policy import ANYTHING, Policy
from resolver.record import Record

if TYPE_CHECKING:
    from resolver.probe.observed import Observed
    from resolver.standing import Approval


class Intent(Record):
    """What the model is wanted for.

    Attributes:
        purpose: load it, score with it, or train it.
        labels: classes that a classifier head has to have.
        head: "classifier" for a head with one row a class, "tokens" for the letters' logits of a causal model.
        adapter_asked: an adapter was named beside the base, so its own base need not resolve.
        base_resolved: for a directory that is an adapter: where its base was found, None where it was not looked
            for, "" where it was looked for and not found.
        max_length: tokens a row that are asked for; None where nothing was said.
        batch_size: rows a batch that are asked for; None where nothing was said.
        dtype: the dtype to run in ("float16", "bfloat16", "float32"); None for what the files say.
        quantize: the weights that the loader makes smaller while it reads them ("int8", "int4", "fp8"); None for not.
        policy: what may be loaded at all.
    """

    purpose: Purpose = "load"
    labels: int = 3
    head: str = "classifier"
    adapter_asked: bool = False
    base_resolved: str | None = None
    max_length: int | None = None
    batch_size: int | None = None
    dtype: str | None = None
    quantize: str | None = None
    policy: Policy = ANYTHING


class Evidence(Record):
    """All that a rule may know.

    `model` is the directory that is judged. `adapter` is the adapter that was named beside it, if any; rules of
    family A look at `adapters()`, which is that one or, where the directory itself is an adapter, the model.

    Attributes:
        model, intent, host, adapter: see above.
        base: where the directory that is judged is itself an adapter, its base as read; None where it was not found.
        environment: variables and places; None where nobody has a machine in mind.
        observed: what the levels above quick have added; None at quick.
        approvals: for each of `loaded()`, whether the policy's approved models have it; () where it names none.
    """

    model: ModelDescription
    intent: Intent
    host: Host
    adapter: ModelDescription | None = None
    base: ModelDescription | None = None
    environment: Environment | None = None
    observed: "Observed | None" = None
    approvals: "tuple[Approval | None, ...]" = ()

    def loaded(self) -> tuple[ModelDescription, ...]:
        """As `described`, and the base of a directory that is itself an adapter: it is loaded with it."""
        return (*self.described(), *(() if self.base is None else (self.base,)))

    def described(self) -> tuple[ModelDescription, ...]:
        """The directories that the loader will read: the model and, where one was named, its adapter."""
        return (self.model,) if self.adapter is None else (self.model, self.adapter)

    def adapters(self) -> tuple[ModelDescription, ...]:
        """The descriptions that are adapters."""
        return tuple(each for each in self.described() if each.adapter is not None)


class Moot(str):
    """A reason why a rule has nothing to judge here, as opposed to one why it could not be judged.

    A report lists both; a terminal tells the second alone.
    """

    __slots__ = ()


# Any, because a submission's rules (family P) have evidence of their own; each rule annotates what it takes.
Judgement = Callable[[Any], Iterable[Finding]]
Condition = Callable[[Any], str | None]


class Rule(Record):
    """A judgement that we can make, its permanent code, and its own explanation.

    Attributes:
        code: permanent, e.g. "W102"; never re-used.
        name: permanent, e.g. "shard-missing".
        severity: the gravest that it can give; a finding may say less (see `finding`).
        level: the cheapest level that runs it.
        requires: codes that must have run without an error, or had nothing to judge; otherwise this rule is skipped,
            saying so.
        consequence: what happens if nothing is done; a finding may say it more exactly.
        applies: returns the reason why the rule cannot be judged here, or None where it can.
        judge: the judgement itself.
    """

    code: str
    name: str
    severity: Severity
    level: Level
    consequence: str
    judge: Judgement
    requires: tuple[str, ...] = ()
    applies: Condition = lambda _: None

    @property
    def title(self) -> str:
        """One line: what is wrong. The first line of the judgement's docstring."""
        return self._lines()[0].rstrip(".")

    @property
    def explanation(self) -> str:
        """The rest of the docstring: why it hurts, what the libraries say, how to put it right."""
        return "\n".join(self._lines()[1:]).strip()

    def _lines(self) -> list[str]:
        import inspect  # noqa: PLC0415 - only `explain` and the docs read a docstring; the quick way does not

        return (inspect.getdoc(self.judge) or self.name).splitlines()

    def finding(
        self,
        message: str,
        *,
        path: object = None,
        place: Place | None = None,
        evidence: Mapping[str, Json] | None = None,
        consequence: str | None = None,
        fix: str = "",
        command: str | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this rule; `severity` only where the rule's own prose allows another one."""
        return Finding(
            code=self.code,
            name=self.name,
            severity=severity or self.severity,
            message=message,
            path=None if path is None else str(path),
            place=place,
            evidence=evidence or {},
            consequence=self.consequence if consequence is None else consequence,
            fix=Fix(fix, command),
        )

    def __call__(self, evidence: Evidence) -> Iterable[Finding]:
        """Judge."""
        return self.judge(evidence)


def rule(
    code: str,
    name: str,
    *,
    severity: Severity,
    consequence: str,
    level: Level = "quick",
    requires: tuple[str, ...] = (),
    applies: Condition = lambda _: None,
) -> Callable[[Judgement], Rule]:
    """Make a rule of a generator function; the function's name is the rule's name with underscores."""

    def define(judge: Judgement) -> Rule:
        return Rule(code, name, severity, level, consequence, judge, requires, applies)

    return define
