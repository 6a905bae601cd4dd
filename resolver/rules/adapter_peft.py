"""A, continued: does the installed peft take this adapter, for this purpose, at the scale that it was trained with?"""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Place
from resolver.inspection.adapter import CONFIG_FILE, AdapterFacts
from resolver.inspection.description import ModelDescription
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import few, some

Version = tuple[int, ...]
TOLERANT: Final = (0, 14)  # from here on peft leaves out keys that it does not know, and says so
# Key of a LoRA configuration: the oldest peft that was seen to have it, of 0.4.0, 0.6.0, 0.8.2, 0.10.0, 0.11.1, 0.12.0,
# 0.13.2, 0.14.0 and later wheels; and the newest that was seen without it.
SINCE: Final[dict[str, tuple[Version, Version]]] = {
    "rank_pattern": ((0, 6, 0), (0, 4, 0)),
    "alpha_pattern": ((0, 6, 0), (0, 4, 0)),
    "megatron_config": ((0, 8, 2), (0, 6, 0)),
    "megatron_core": ((0, 8, 2), (0, 6, 0)),
    "use_rslora": ((0, 8, 2), (0, 6, 0)),
    "loftq_config": ((0, 8, 2), (0, 6, 0)),
    "use_dora": ((0, 10, 0), (0, 8, 2)),
    "layer_replication": ((0, 10, 0), (0, 8, 2)),
    "runtime_config": ((0, 12, 0), (0, 11, 1)),
    "lora_bias": ((0, 14, 0), (0, 13, 2)),
    "exclude_modules": ((0, 14, 0), (0, 13, 2)),
    "eva_config": ((0, 14, 0), (0, 13, 2)),
    "trainable_token_indices": ((0, 15, 2), (0, 14, 0)),
    "corda_config": ((0, 15, 2), (0, 14, 0)),
    "use_qalora": ((0, 16, 0), (0, 15, 2)),
    "qalora_group_size": ((0, 16, 0), (0, 15, 2)),
    "target_parameters": ((0, 17, 0), (0, 16, 0)),
    "peft_version": ((0, 18, 1), (0, 17, 0)),
    "arrow_config": ((0, 18, 1), (0, 17, 0)),
    "ensure_weight_tying": ((0, 18, 1), (0, 17, 0)),
    "alora_invocation_tokens": ((0, 18, 1), (0, 17, 0)),
    "lora_ga_config": ((0, 19, 1), (0, 18, 1)),
    "use_bdlora": ((0, 19, 1), (0, 18, 1)),
    "monteclora_config": ((0, 21, 2), (0, 19, 1)),
    "kasa_config": ((0, 21, 2), (0, 19, 1)),
    "velora_config": ((0, 21, 2), (0, 19, 1)),
}
# transformers' own loading of adapters asks for a peft (MIN_PEFT_VERSION of these wheels).
ASKED: Final[tuple[tuple[Version, Version], ...]] = (
    ((4, 41), (0, 5, 0)),
    ((5, 0), (0, 18, 0)),
    ((5, 16), (0, 19, 1)),
    ((5, 23), (0, 20, 0)),
)


def _each(evidence: Evidence) -> Iterator[tuple[ModelDescription, AdapterFacts]]:
    for description in evidence.adapters():
        if description.adapter is not None:
            yield description, description.adapter


def _any(evidence: Evidence) -> str | None:
    return None if evidence.adapters() else Moot("there is no adapter")


def _peft(evidence: Evidence) -> str | None:
    reason = _any(evidence)
    if reason is None and evidence.host.version("peft") is None:
        return "peft is not installed on the machine that is judged for: A411"
    return reason


@rule(
    "A406",
    "adapter-keys-unknown",
    severity="error",
    requires=("A401",),
    applies=_peft,
    consequence="peft stops before it has looked at a tensor",
)
def adapter_keys_unknown(evidence: Evidence) -> Iterator[Finding]:
    """adapter_config.json holds keys that the installed peft does not know.

    Every key becomes an argument of LoraConfig, so before 0.14 a newer one stops it:

        TypeError: LoraConfig.__init__() got an unexpected keyword argument 'layer_replication'

    From 0.14 on peft leaves them out and warns ("Unexpected keyword arguments [...] for class LoraConfig, these are
    ignored"), which is no error.

    Example: an adapter of today's peft in an image that still has 0.11.

    To mend it, attach a newer peft, or delete the keys where their values are null or false.
    """
    installed = evidence.host.version("peft") or ()
    if installed >= TOLERANT:
        return
    for description, adapter in _each(evidence):
        unknown = sorted(key for key in adapter.keys if key in SINCE and installed <= SINCE[key][1])
        if not unknown or adapter.peft_type != "LORA":
            continue
        since = ".".join(map(str, max(SINCE[key][0] for key in unknown)))
        yield adapter_keys_unknown.finding(
            f"peft {evidence.host.packages['peft']} does not know {some(tuple(unknown))}",
            path=description.files.path(CONFIG_FILE),
            evidence={"keys": few(unknown), "count": len(unknown), "peft": evidence.host.packages["peft"]},
            fix=f"install peft {since} or newer, or delete those keys that are null or false",
            command=f"pip install --no-index --find-links WHEELS 'peft>={since}'",
        )


def _task_asked(evidence: Evidence) -> str | None:
    reason = _any(evidence)
    if reason is None and evidence.intent.purpose != "score":
        return Moot(f"no task is asked for: the purpose is {evidence.intent.purpose}")
    return reason


@rule(
    "A407",
    "adapter-task-differs",
    severity="error",
    requires=("A401", "C307"),
    applies=_task_asked,
    consequence="peft wraps the classifier as a generator and stops",
)
def adapter_task_differs(evidence: Evidence) -> Iterator[Finding]:
    """The adapter was saved for another task than the one that is asked for.

    peft chooses its wrapper by `task_type`. CAUSAL_LM over a classifier ends, since transformers 4.57, in

        AttributeError: 'LlamaForSequenceClassification' object has no attribute 'prepare_inputs_for_generation'

    and such an adapter carries no head. The reverse, SEQ_CLS where letters' logits are asked for, loads, and scores
    with matrices that were trained for another output: a warning.

    Example: an adapter trained as a chat model, named for `arena score`.

    To mend it, set the task_type to what it was trained for, or ask for that.
    """
    classifier = evidence.intent.head == "classifier"
    for description, adapter in _each(evidence):
        wrong = "CAUSAL_LM" if classifier else "SEQ_CLS"
        if adapter.task_type != wrong:
            continue
        asked = "SEQ_CLS" if classifier else "CAUSAL_LM"
        yield adapter_task_differs.finding(
            f"task_type is {wrong}, and {'a classifier' if classifier else 'the logits of letters'} is asked for",
            path=description.files.path(CONFIG_FILE),
            place=Place(pointer="/task_type"),
            evidence={"task_type": wrong, "asked": asked, "head_stored": adapter.head is not None},
            consequence=None if classifier else "it loads, and scores with matrices trained for another output",
            fix=f'set "task_type": "{asked}" if it was trained as one, or score with --head '
            f"{'tokens' if classifier else 'classifier'}",
            severity="error" if classifier else "warning",
        )


@rule(
    "A410",
    "adapter-alpha-unknown",
    severity="warning",
    requires=("A401",),
    applies=_any,
    consequence="peft takes 8: unless that was it, every change is scaled wrongly, silently",
)
def adapter_alpha_unknown(evidence: Evidence) -> Iterator[Finding]:
    """adapter_config.json names no lora_alpha.

    The scale of a low-rank change is lora_alpha over the rank, and it is not stored in the tensors. Where the key is
    absent peft takes its own default, 8, and says nothing; a model at half the scale scores like a bad model.

    Example: a configuration that was written by hand for a bare state dict.

    To mend it, write the lora_alpha of the training run; it stands in the run's configuration, nowhere else.
    """
    for description, adapter in _each(evidence):
        if adapter.config_present and adapter.peft_type == "LORA" and "lora_alpha" not in adapter.keys:
            yield adapter_alpha_unknown.finding(
                f"{CONFIG_FILE} names no lora_alpha",
                path=description.files.path(CONFIG_FILE),
                place=Place(pointer="/lora_alpha"),
                evidence={"r": adapter.r, "lora_alpha": None},
                fix="write the lora_alpha of the training run",
            )


@rule(
    "A411",
    "adapter-needs-peft",
    severity="error",
    requires=("A401",),
    applies=_any,
    consequence="an ImportError, after the base has been looked for",
)
def adapter_needs_peft(evidence: Evidence) -> Iterator[Finding]:
    """An adapter is here, and peft is not installed, or too old for the installed transformers.

    transformers says "The version of PEFT you are using is not compatible, please use a version that is greater than
    0.20.0"; without peft, "No module named 'peft'".

    Example: Kaggle's TPU image, which has transformers and no peft.

    To mend it, attach the wheel.
    """
    if not any(adapter.config_present for _, adapter in _each(evidence)):
        return
    host = evidence.host
    installed, transformers = host.version("peft"), host.version("transformers") or ()
    wanted = max((peft for since, peft in ASKED if since <= transformers), default=(0, 5, 0))
    if installed is not None and installed >= wanted:
        return
    shown = ".".join(map(str, wanted))
    if installed is None:
        message = "peft is not installed, and adapters are loaded with it"
    else:
        message = f"peft {host.packages['peft']} is older than transformers {host.packages['transformers']} takes"
    yield adapter_needs_peft.finding(
        message,
        path=evidence.adapters()[0].root,
        evidence={"peft": host.packages.get("peft"), "wanted": f">={shown}"},
        fix=f"install peft {shown} or newer",
        command=f"pip install --no-index --find-links WHEELS 'peft>={shown}'",
    )


RULES: tuple[Rule, ...] = (
    adapter_keys_unknown,
    adapter_task_differs,
    adapter_alpha_unknown,
    adapter_needs_peft,
)
