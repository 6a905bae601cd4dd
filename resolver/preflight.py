"""Describe fully, judge, report: what stands behind `check`, for a model and for an adapter named beside it."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from resolver.environment import Environment
from resolver.errors import ModelNotFound, ModelRejected
from resolver.finding import Identity, Level, Purpose, Report, Verdict
from resolver.host import HERE, Host
from resolver.inspection.describe import complete
from resolver.inspection.description import ModelDescription
from resolver.inspection.model_types import installed_model_types, known_since
from resolver.policy import ANYTHING, Policy
from resolver.record import Record, field
from resolver.resolve import Chosen, Resolution, accepted, choose, named
from resolver.rules import policy as policy_rules
from resolver.rules.judge import judge
from resolver.rules.model_rules import MODEL_RULES
from resolver.rules.rule import Evidence, Intent, Rule
from resolver.vetting import under_policy

DTYPES: Final = ("float16", "bfloat16", "float32")
QUANTIZE: Final = ("int8", "int4", "fp8")
Progress = Callable[[int, int], None]


class Question(Record):
    """What `check` is asked besides the model.

    Attributes:
        purpose, labels, head: see `Intent`.
        level: how much is read.
        adapter: a reference to an adapter that is laid over the model; None for none.
        select: code prefixes that are judged; empty for all.
        ignored: code -> reason.
        policy: what may be loaded at all; its rules are judged whatever is selected or ignored.
        max_length, batch_size, dtype, quantize: see `Intent`.
    """

    purpose: Purpose = "load"
    level: Level = "quick"
    adapter: str | None = None
    labels: int = 3
    head: str = "classifier"
    max_length: int | None = None
    batch_size: int | None = None
    dtype: str | None = None
    quantize: str | None = None
    select: tuple[str, ...] = ()
    ignored: Mapping[str, str] = field(default_factory=dict)
    policy: Policy = ANYTHING


def check(
    text: str,
    environment: Environment,
    host: Host,
    question: Question | None = None,
    progress: Progress | None = None,
) -> Report:
    """The preflight of one model.

    `progress` is told the bytes read so far and the bytes that there are, while the deep level reads them.

    Returns:
        A report; its verdict is "not-found" where no directory answers to the model or to the adapter.

    Raises:
        MalformedReference: the text, or the adapter's, is no reference.
    """
    asked = question or Question()
    started = time.perf_counter()
    try:
        model, adapter = _both(text, environment, host, asked)
    except ModelNotFound as error:
        return _not_found(text, error, asked, host, started)
    report, _ = examine(model, environment, host, asked, adapter, progress=progress)
    return report.replaced(elapsed_ms=(time.perf_counter() - started) * 1000)


def vet(text: str, environment: Environment, host: Host, asked: Question) -> Resolution:
    """As `resolve`, and the whole preflight with it, in one look.

    Raises:
        MalformedReference, ModelNotFound, AmbiguousModel: as `resolve`, of the adapter too.
        ModelRejected: an error for this purpose, with the report.
    """
    started = time.perf_counter()
    model, adapter = _both(text, environment, host, asked)
    found = accepted(model, environment, host, (time.perf_counter() - started) * 1000)
    report, _ = examine(model, environment, host, asked, adapter)
    if report.verdict != "usable":
        raise ModelRejected(report)
    return found.replaced(report=report)


def _both(text: str, environment: Environment, host: Host, asked: Question) -> tuple[Chosen, Chosen | None]:
    model = choose(text, environment, host, asked.policy)
    if asked.adapter is None:
        return model, None
    return model, choose(asked.adapter, environment, host, asked.policy)


def examine(
    model: Chosen,
    environment: Environment,
    host: Host,
    asked: Question,
    adapter: Chosen | None = None,
    *,
    progress: Progress | None = None,
) -> tuple[Report, ModelDescription]:
    """Judge what was chosen; returns the report, and all that was read for it so that nobody reads it again."""
    started = time.perf_counter()
    description = complete(model.description)
    overlay = None if adapter is None else complete(adapter.description)
    evidence = _evidence(description, overlay, environment, host, asked)
    rules = _selected(asked.select, asked.policy)
    if asked.level != "quick":
        from resolver.probe.observe import observe  # noqa: PLC0415 - the quick level starts no child

        loads = any(rule.level != "deep" for rule in rules)
        evidence = evidence.replaced(observed=observe(evidence, environment, asked.level, progress, loads=loads))
    ignored = {code: reason for code, reason in asked.ignored.items() if code not in policy_rules.CODES}
    judged = judge(evidence, rules, ignored, asked.level)
    unusable = any(finding.severity == "error" for finding in judged.findings)
    verdict: Verdict = "unusable" if unusable else "usable"
    report = Report(
        level=asked.level,
        purpose=asked.purpose,
        accelerator=host.accelerator,
        judged_with=host.judged_with(),
        versions_from=host.source,
        model=model.identity,
        adapter=None if adapter is None else adapter.identity,
        verdict=verdict,
        findings=named(judged.findings, model.identity, environment),
        run=judged.run,
        skipped=judged.skipped,
        trail=(*model.trail, *(adapter.trail if adapter else ())),
        elapsed_ms=(time.perf_counter() - started) * 1000,
    )
    return report, description


def _evidence(
    model: ModelDescription, adapter: ModelDescription | None, environment: Environment, host: Host, asked: Question
) -> Evidence:
    base, found = _base(adapter or model, environment, host, asked.policy)
    evidence = Evidence(
        model=model,
        intent=Intent(
            purpose=asked.purpose,
            labels=asked.labels,
            head=asked.head,
            adapter_asked=adapter is not None,
            base_resolved=found,
            max_length=asked.max_length,
            batch_size=asked.batch_size,
            dtype=asked.dtype,
            quantize=asked.quantize,
            policy=asked.policy,
        ),
        host=_with_model_types(host, model, environment),
        adapter=adapter,
        base=base if adapter is None else None,
        environment=environment,
    )
    return under_policy(evidence)


def _with_model_types(host: Host, description: ModelDescription, environment: Environment) -> Host:
    """The host with the types that its own transformers lists, where the pinned table does not know this one."""
    model_type = description.config.model_type
    if model_type is None or host.model_types is not None or known_since(model_type) is not None:
        return host
    if host.source != HERE:  # this machine's transformers says nothing of another one's
        return host
    package = next(
        (place / "transformers" for place in environment.search_path if (place / "transformers").is_dir()), None
    )
    return host if package is None else host.replaced(model_types=installed_model_types(package))


def _base(
    description: ModelDescription, environment: Environment, host: Host, policy: Policy
) -> tuple[ModelDescription | None, str | None]:
    """The base that an adapter names, as the choice has read it, and where: "" for nowhere, None if unnamed."""
    named = description.adapter.base_model_name_or_path if description.adapter else None
    if not named:
        return None, None
    try:
        base = choose(named, environment, host, policy).description
    except (ModelNotFound, ValueError):
        return None, ""
    return base, str(base.root)


def _selected(prefixes: Iterable[str], policy: Policy) -> tuple[Rule, ...]:
    wanted = tuple(prefix.upper() for prefix in prefixes)
    if not wanted:
        return MODEL_RULES
    binding = policy_rules.CODES if policy.restricts else frozenset()
    return tuple(rule for rule in MODEL_RULES if rule.code.startswith(wanted) or rule.code in binding)


def _not_found(text: str, error: ModelNotFound, asked: Question, host: Host, started: float) -> Report:
    return Report(
        level=asked.level,
        purpose=asked.purpose,
        accelerator=host.accelerator,
        judged_with=host.judged_with(),
        versions_from=host.source,
        model=Identity(reference=text),
        verdict="not-found",
        trail=error.trail,
        not_found=error.diagnosis,
        elapsed_ms=(time.perf_counter() - started) * 1000,
    )
