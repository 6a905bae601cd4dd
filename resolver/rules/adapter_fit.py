"""A, continued: do the adapter's matrices belong to this base, and to the ranks that its configuration states?

Judged from headers alone: names and shapes of the adapter's tensors beside those of the base.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from resolver.finding import Finding, Json, Place
from resolver.inspection.adapter import CONFIG_FILE, PICKLE_FILE, AdapterFacts
from resolver.inspection.description import ModelDescription
from resolver.inspection.safetensors import Tensor
from resolver.inspection.weights import Stored
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import few, some

PREFIX: Final = "base_model.model."
LORA: Final = ".lora_"
# Modules that an architecture has and a base's checkpoint need not store: W114 tells where they are random.
MADE: Final = ("pooler.", "pre_classifier", "classifier", "score", "classification_head.", "head.")
# What a checkpoint of the bare model leaves out of the names, and a checkpoint with a head has.
BODIES: Final = ("model.", "bert.", "roberta.", "deberta.", "transformer.", "distilbert.", "electra.", "encoder.")


class Pair(NamedTuple):
    """One low-rank pair: the module that it is laid over, and its two matrices; None for one that is not stored."""

    module: str
    down: tuple[int, ...] | None
    up: tuple[int, ...] | None


def pairs_of(tensors: Mapping[str, Tensor]) -> tuple[Pair, ...]:
    """The low-rank pairs of linear layers among an adapter's tensors, in the order of their names.

    Names of a live model (`lora_A.default.weight`) are read too; pairs of embeddings and of fused experts, which no
    header of the base shows in this form, are left out.
    """
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, tensor in tensors.items():
        for letter in "AB":
            module, mark, rest = name.partition(f"{LORA}{letter}.")
            if mark and rest in ("weight", "default.weight") and ".experts" not in module:
                found.setdefault(module.removeprefix(PREFIX), {})[letter] = tensor.shape
    return tuple(Pair(module, each.get("A"), each.get("B")) for module, each in sorted(found.items()))


class Fit(NamedTuple):
    """An adapter, its directory, and the base that it is to be laid over."""

    description: ModelDescription
    adapter: AdapterFacts
    base: ModelDescription


def _lora(evidence: Evidence) -> Iterator[tuple[ModelDescription, AdapterFacts]]:
    for description in evidence.adapters():
        adapter = description.adapter
        if adapter is not None and adapter.config_present and adapter.tensors is not None:
            yield description, adapter


def _tensors_known(evidence: Evidence) -> str | None:
    if not evidence.adapters():
        return Moot("there is no adapter")
    for description in evidence.adapters():
        if description.adapter is not None and description.adapter.weights_file == PICKLE_FILE:
            return f"{PICKLE_FILE} is a pickle: it is not opened, so its tensors are not known"
    if not any(pairs_of(adapter.tensors or {}) for _, adapter in _lora(evidence)):
        return Moot("the adapter holds no low-rank pairs")
    return None


def _base(evidence: Evidence) -> ModelDescription | None:
    """The base as read: the model that the adapter was named beside, or the one that the adapter itself names."""
    return evidence.model if evidence.adapter is not None else evidence.base


def _base_known(evidence: Evidence) -> str | None:
    reason = _tensors_known(evidence)
    if reason is not None:
        return reason
    base = _base(evidence)
    if base is None:
        return "the base was not found, so its modules are not known: A403"
    if base.config.quantization is not None:
        return "the base is quantised: its packed shapes say nothing of its modules"
    if not base.weights.tensors_known:
        return "the base's tensors are not known: pickles are not opened, and a broken header says nothing"
    return None


def _fits(evidence: Evidence) -> Iterator[Fit]:
    base = _base(evidence)
    for description, adapter in _lora(evidence):
        if base is not None:
            yield Fit(description, adapter, base)


def module_of(base: ModelDescription, module: str) -> Stored | None:
    """The base's weight that a module of an adapter means; a checkpoint may carry one prefix more, or one less."""
    tensors = base.weights.tensors
    names = [module, *(f"{body}{module}" for body in BODIES)]
    names += [module.removeprefix(body) for body in BODIES if module.startswith(body)]
    names += [name.replace("model.", "language_model.model.", 1) for name in names if name.startswith("model.")]
    return next((tensors[f"{name}.weight"] for name in names if f"{name}.weight" in tensors), None)


def _made(module: str) -> bool:
    return any(module.startswith(name) or f".{name}" in module for name in MADE)


@rule(
    "A404",
    "adapter-base-mismatch",
    severity="error",
    requires=("A401", "A402", "A405"),
    applies=_base_known,
    consequence="peft stops with a size mismatch, after the base has been loaded",
)
def adapter_base_mismatch(evidence: Evidence) -> Iterator[Finding]:
    """The adapter's matrices do not fit the modules of this base.

    peft loads the base first and says then

        RuntimeError: Error(s) in loading state_dict for PeftModelForCausalLM: size mismatch for …lora_A.default.weight:
        copying a param with shape torch.Size([4, 4096]) from checkpoint, the shape in current model is
        torch.Size([4, 2048])

    Example: an adapter trained on Llama 3 8B beside Llama 3.2 1B.

    To mend it, attach the base that it was trained on; the finding says how wide that one is.
    """
    for fit in _fits(evidence):
        wrong = [each for each in pairs_of(fit.adapter.tensors or {}) if _misfit(fit, each) is not None]
        if not wrong:
            continue
        trained, here = _misfit(fit, wrong[0]) or ((), ())
        named = fit.adapter.base_model_name_or_path
        yield adapter_base_mismatch.finding(
            f"{wrong[0].module} of the adapter is for {list(trained)}, the base has {list(here)}"
            + (f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""),
            path=fit.description.files.path(fit.adapter.weights_file or CONFIG_FILE),
            evidence={
                "modules": few(each.module for each in wrong),
                "count": len(wrong),
                "trained_on": named,
                "base": str(fit.base.root),
            },
            fix=f"attach the base that it was trained on{f': {named}' if named else ''}",
        )


def _misfit(fit: Fit, pair: Pair) -> tuple[tuple[int, int], tuple[int, ...]] | None:
    """The (out, in) that a pair is for and the shape that the base has, where they differ."""
    stored = module_of(fit.base, pair.module)
    if stored is None or len(stored.shape) != 2:  # noqa: PLR2004 - a matrix
        return None
    wide = pair.down[-1] if pair.down and len(pair.down) == 2 else None  # noqa: PLR2004 - as above
    high = pair.up[0] if pair.up and len(pair.up) == 2 else None  # noqa: PLR2004 - as above
    out_in = stored.shape[::-1] if fit.adapter.fan_in_fan_out else stored.shape
    asked = (out_in[0] if high is None else high, out_in[1] if wide is None else wide)
    return None if asked == tuple(out_in) else (asked, tuple(out_in))


@rule(
    "A405",
    "adapter-rank-differs",
    severity="error",
    requires=("A401", "A402"),
    applies=_tensors_known,
    consequence="peft stops with a size mismatch, after the base has been loaded",
)
def adapter_rank_differs(evidence: Evidence) -> Iterator[Finding]:
    """adapter_config.json states another rank than the matrices have.

    peft builds matrices of rank `r` (or of `rank_pattern`, where a module's name fits) and then cannot fill them:

        RuntimeError: … size mismatch for …lora_A.default.weight: copying a param with shape torch.Size([4, 64]) from
        checkpoint, the shape in current model is torch.Size([16, 64]).

    `strict=False` does not help. Example: the configuration of another run beside the weights.

    To mend it, set `r` to the true rank, which the finding gives; mind that lora_alpha belongs to that run too.
    """
    for description, adapter in _lora(evidence):
        ranks: dict[tuple[int, int], list[str]] = {}
        for pair in pairs_of(adapter.tensors or {}):
            stated = _stated(adapter, pair.module)
            for stored in _ranks(pair):
                if stated is not None and stored != stated:
                    ranks.setdefault((stored, stated), []).append(pair.module)
                    break
        for (stored, stated), modules in ranks.items():
            yield adapter_rank_differs.finding(
                f"the matrices have rank {stored}, {CONFIG_FILE} states {stated}: {some(tuple(modules))}",
                path=description.files.path(CONFIG_FILE),
                place=Place(pointer="/r"),
                evidence={"stored": stored, "stated": stated, "modules": few(modules), "count": len(modules)},
                fix=f'set "r": {stored}, and see whether lora_alpha is of the same run',
            )


def _ranks(pair: Pair) -> tuple[int, ...]:
    """The rank by each matrix: rows of A, columns of B."""
    return (*(pair.down[:1] if pair.down else ()), *(pair.up[-1:] if pair.up else ()))


def _stated(adapter: AdapterFacts, module: str) -> int | None:
    """The rank that peft would build: rank_pattern first, each key matched at the end of the module's name."""
    for pattern, rank in adapter.rank_pattern.items():
        try:
            if re.match(rf"(?:.*\.)?({pattern})$", module):
                return rank
        except re.error:
            return None
    return adapter.r


@rule(
    "A409",
    "adapter-names-no-module",
    severity="error",
    requires=("A401", "A402"),
    applies=_base_known,
    consequence="peft lays nothing over these modules and goes on: the answers are the base's",
)
def adapter_names_no_module(evidence: Evidence) -> Iterator[Finding]:
    """The adapter's tensors name modules that the base does not have.

    peft matches by name. What matches nothing is left out, and only a warning tells it:

        UserWarning: Found missing adapter keys while loading the checkpoint: ['base_model.model.model.layers.0…']

    The model then answers as if it had no adapter, or half of one. The same happens to matrices whose module
    `target_modules` does not name, and to one matrix of a pair where the other was lost: it stays as it was born.

    Example: a state dict whose prefix was cut (`base_model.layers…` for `base_model.model.model.layers…`), an adapter
    of a deeper model, a configuration of another run.

    To mend it, rename the keys to the base's, with the prefix `base_model.model.`, or attach the right base.
    """
    for fit in _fits(evidence):
        yield from _halves(fit)
        yield from _untargeted(fit)
        if fit.adapter.replicates:
            continue
        pairs = pairs_of(fit.adapter.tensors or {})
        lost = [each.module for each in pairs if module_of(fit.base, each.module) is None and not _made(each.module)]
        if not lost:
            continue
        known = next((name for name in fit.base.weights.tensors if name.endswith("proj.weight")), None)
        facts: dict[str, Json] = {"modules": few(lost), "count": len(lost), "pairs": len(pairs)}
        yield adapter_names_no_module.finding(
            f"{'none' if len(lost) == len(pairs) else f'{len(lost)}'} of {len(pairs)} modules of the adapter "
            f"{'is' if len(lost) == len(pairs) else 'are not'} in the base: {some(tuple(lost))}",
            path=fit.description.files.path(fit.adapter.weights_file or CONFIG_FILE),
            evidence={**facts, **({"base_has": known} if known else {})},
            fix=f"rename them to the base's names after {PREFIX!r}, or attach the base that it was trained on",
        )


def _halves(fit: Fit) -> Iterator[Finding]:
    description, adapter, _ = fit
    # Fused experts too, whose pairs are compared with no shape of the base.
    down, up = (
        {name.partition(mark)[0].removeprefix(PREFIX) for name in adapter.tensors or () if mark in name}
        for mark in (f"{LORA}A.", f"{LORA}B.")
    )
    halves = sorted(down ^ up)
    if halves:
        yield adapter_names_no_module.finding(
            f"one matrix of the pair is absent: {some(tuple(halves))}",
            path=description.files.path(adapter.weights_file or CONFIG_FILE),
            evidence={"modules": few(halves), "count": len(halves)},
            consequence="peft leaves the other as it was born: these modules are the base's, or changed at random",
            fix="copy the adapter's weights again",
        )


def _untargeted(fit: Fit) -> Iterator[Finding]:
    description, adapter, base = fit
    here = [each.module for each in pairs_of(adapter.tensors or {}) if module_of(base, each.module) is not None]
    missed = [module for module in here if not _targeted(adapter, module)]
    if missed:
        yield adapter_names_no_module.finding(
            f"target_modules does not name {some(tuple(missed))}, whose matrices are stored",
            path=description.files.path(CONFIG_FILE),
            place=Place(pointer="/target_modules"),
            evidence={"modules": few(missed), "count": len(missed), "target_modules": few(adapter.target_modules)},
            fix="take the adapter_config.json of these weights",
        )


def _targeted(adapter: AdapterFacts, module: str) -> bool:
    """As peft decides: a name, the end of a name, a pattern for the whole of it, or every linear layer."""
    targets = adapter.target_modules
    if not targets or "all-linear" in targets:
        return True
    if any(module == each or module.endswith(f".{each}") for each in targets):
        return True
    if any(f"{module}.weight".endswith(each) for each in adapter.target_parameters):
        return True
    try:
        return any(re.fullmatch(each, module) for each in targets)
    except re.error:
        return True


RULES: tuple[Rule, ...] = (adapter_rank_differs, adapter_base_mismatch, adapter_names_no_module)
