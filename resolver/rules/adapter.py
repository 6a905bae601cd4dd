"""A: is the adapter whole, does it carry its head, and is the model it was trained on to be had?"""

from collections.abc import Iterator

from resolver.finding import Finding, Json, Place
from resolver.inspection.adapter import CONFIG_FILE, PICKLE_FILE, SAFETENSORS_FILE, AdapterFacts
from resolver.inspection.description import ModelDescription
from resolver.rules.foreign import foreign
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import quoted


def _each(evidence: Evidence) -> Iterator[tuple[ModelDescription, AdapterFacts]]:
    for description in evidence.adapters():
        if description.adapter is not None:
            yield description, description.adapter


def _any_adapter(evidence: Evidence) -> str | None:
    return None if evidence.adapters() else Moot("there is no adapter")


@rule(
    "A401",
    "adapter-config-missing",
    severity="error",
    consequence="peft cannot know what the tensors belong to and loads nothing",
)
def adapter_config_missing(evidence: Evidence) -> Iterator[Finding]:
    """Adapter weights lie there without a usable adapter_config.json.

    peft says "Can't find 'adapter_config.json' at 'X'", and for a broken one only "JSONDecodeError: Expecting property
    name enclosed in double quotes: line 1 column 2 (char 1)". Rank and target modules can be read from the tensors;
    lora_alpha cannot: it has to come from the training run.

    Example: a Kaggle dataset with adapter_model.safetensors alone, or with the state dict that a notebook saved
    (`llama_3_finetuned_model.pth`).

    To mend it, copy adapter_config.json from where the adapter was trained, or have `resolver repair adapter` write
    it. Beside a whole model, which is loaded without it, lone adapter weights are left alone.
    """
    if evidence.adapter is not None and evidence.adapter.adapter is None:
        yield adapter_config_missing.finding(
            f"what was named as the adapter holds none: no {CONFIG_FILE}, no adapter weights",
            path=evidence.adapter.root,
            fix="name the directory that training wrote, the one with adapter_config.json",
        )
    for description, adapter in _each(evidence):
        if adapter.config_present:
            yield from _broken_config(description, adapter)
        elif not (adapter.beside_model and description is evidence.model):
            yield adapter_config_missing.finding(
                f"{adapter.weights_file} has no {CONFIG_FILE} beside it",
                path=description.root,
                evidence=_readable_from(adapter),
                fix=f"copy {CONFIG_FILE} from where it was trained, or have it written; lora_alpha cannot be read from "
                "the tensors: it is what the training run was given",
                command=_repair(description, adapter),
            )


def _repair(description: ModelDescription, adapter: AdapterFacts) -> str:
    source = description.files.path(adapter.weights_file or SAFETENSORS_FILE)
    return f"resolver repair adapter {quoted(source)} --base BASE --alpha N --to {quoted(f'{description.root}-mended')}"


def _broken_config(description: ModelDescription, adapter: AdapterFacts) -> Iterator[Finding]:
    for fault in adapter.faults:
        if foreign(description.files, fault.file) is None:
            yield adapter_config_missing.finding(
                f"{fault.file}: {fault.message}",
                path=description.files.path(fault.file),
                place=Place(line=fault.line) if fault.line else None,
                evidence={"column": fault.column} if fault.column else {},
                fix="mend the file there, or copy it again from where the adapter was trained",
            )


def _readable_from(adapter: AdapterFacts) -> dict[str, Json]:
    tensors = adapter.tensors or {}
    ranks: list[Json] = [*sorted({tensor.shape[0] for name, tensor in tensors.items() if ".lora_A" in name})]
    modules: list[Json] = [
        *sorted({name.split(".lora_A")[0].rpartition(".")[2] for name in tensors if ".lora_A" in name})
    ]
    if not tensors:
        return {"tensors": None}
    head: dict[str, Json] = {} if adapter.head is None else {"labels": adapter.head.rows}
    return {"tensors": len(tensors), "r": ranks, "target_modules": modules, **head}


@rule(
    "A402",
    "adapter-weights-missing",
    severity="error",
    consequence="the base is loaded first, minutes later the adapter fails",
)
def adapter_weights_missing(evidence: Evidence) -> Iterator[Finding]:
    """adapter_config.json is there, and the adapter's weights are absent or broken.

    Without them peft takes the directory for a hub id and says that it is none ("Repo id must be …", or an attempt to
    connect); broken ones give "Error while deserializing header: incomplete metadata, file not fully covered", without
    a file name.

    Example: a copy that stopped after the small files.

    To mend it, copy adapter_model.safetensors again.
    """
    for description, adapter in _each(evidence):
        if not adapter.config_present:
            continue
        if adapter.weights_file is None:
            yield adapter_weights_missing.finding(
                f"{CONFIG_FILE} is there, {SAFETENSORS_FILE} is not",
                path=description.root,
                evidence={"files": len(description.files.files), "looked_for": [SAFETENSORS_FILE, PICKLE_FILE]},
                fix=f"copy {SAFETENSORS_FILE} from where the adapter was trained",
            )
        elif adapter.weights_fault is not None and foreign(description.files, adapter.weights_file) is None:
            fault = adapter.weights_fault
            expected: dict[str, Json] = {"expected_bytes": fault.expected_bytes} if fault.expected_bytes else {}
            yield adapter_weights_missing.finding(
                f"{adapter.weights_file}: {fault.message}",
                path=description.files.path(adapter.weights_file),
                evidence={**expected, "bytes": description.files.files[adapter.weights_file].size_bytes},
                fix="copy that file again",
            )


def _base_looked_for(evidence: Evidence) -> str | None:
    if not evidence.adapters():
        return Moot("there is no adapter")
    unread = next((fault.file for _, facts in _each(evidence) for fault in facts.faults), None)
    if unread is not None:
        return f"{unread} could not be read"
    if evidence.adapter is None and evidence.model.config.present:
        return "config.json beside the adapter makes transformers take this directory as the base: A412"
    if evidence.intent.base_resolved is None and any(facts.base_model_name_or_path for _, facts in _each(evidence)):
        return "the base model was not looked for"
    return None


@rule(
    "A403",
    "adapter-base-unresolved",
    severity="error",
    requires=("A401",),
    applies=_base_looked_for,
    consequence="transformers goes to the network for the base, and fails there without naming it",
)
def adapter_base_unresolved(evidence: Evidence) -> Iterator[Finding]:
    """The model that the adapter was trained on is nowhere on this machine.

    adapter_config.json names it as `base_model_name_or_path`: a hub id, or a path of the machine that trained it.
    transformers replaces the adapter's directory by that name and says "We couldn't connect to
    'https://huggingface.co' to load the files", or "Repo id must be in the form …", never which model it wanted.

    Example: "base_model_name_or_path": "/kaggle/input/llama-3/transformers/8b-chat-hf/1" in a notebook without it.

    To mend it, attach that model, or name the base beside the adapter; then this is only worth knowing.
    """
    given = evidence.intent.adapter_asked or evidence.adapter is not None
    for description, adapter in _each(evidence):
        base = adapter.base_model_name_or_path
        if evidence.intent.base_resolved or (given and base is None):
            continue
        named = f"the base model {base!r} is not on this machine" if base else f"{CONFIG_FILE} names no base model"
        yield adapter_base_unresolved.finding(
            named,
            path=description.files.path(CONFIG_FILE),
            place=Place(pointer="/base_model_name_or_path"),
            severity="info" if given else "error",
            evidence={"base_model_name_or_path": base, "peft_type": adapter.peft_type, "task_type": adapter.task_type},
            consequence="none here: the base that was named is used" if given else None,
            fix="attach that model, or name the base that it is to be laid over",
            command=f"resolver check BASE --adapter {quoted(description.root)}" if not given else None,
        )


def _tensors_read(evidence: Evidence) -> str | None:
    for description, adapter in _each(evidence):
        if adapter.weights_file == PICKLE_FILE:
            return f"{PICKLE_FILE} is a pickle: it is not opened, so its tensors are not known"
        if adapter.weights_file is not None and adapter.tensors is None:
            said = foreign(description.files, adapter.weights_file)
            return said or f"the header of {adapter.weights_file} could not be read: A402"
    return None


@rule(
    "A408",
    "adapter-head-missing",
    severity="error",
    requires=("A402",),
    applies=_tensors_read,
    consequence="peft stops with a KeyError; older ones keep a random head: log loss above 1.1",
)
def adapter_head_missing(evidence: Evidence) -> Iterator[Finding]:
    """An adapter for classification stores no classifier head.

    peft 0.21 says "KeyError: 'base_model.model.score.weight'". Older versions go on with the random head that
    transformers has just built, and the scores mean nothing.

    Example: an adapter with "task_type": "SEQ_CLS" whose `score.weight` was filtered out when it was saved.

    To mend it, train with `modules_to_save=["score"]` (BERT: "classifier") and save with `save_pretrained`.
    """
    for description, adapter in _each(evidence):
        if adapter.task_type != "SEQ_CLS" or adapter.tensors is None or adapter.head is not None:
            continue
        yield adapter_head_missing.finding(
            "the SEQ_CLS adapter stores no head (score, classifier)",
            path=description.files.path(adapter.weights_file or SAFETENSORS_FILE),
            evidence={"tensors": len(adapter.tensors), "modules_to_save": list(adapter.modules_to_save)},
            fix="train it with its head in modules_to_save and save it again",
        )


def _beside(evidence: Evidence) -> str | None:
    return _any_adapter(evidence) if evidence.model.adapter is None else None


@rule(
    "A412",
    "adapter-beside-model",
    severity="warning",
    applies=_beside,
    consequence="the model that is loaded is not the one that config.json and its weights are",
)
def adapter_beside_model(evidence: Evidence) -> Iterator[Finding]:
    """An adapter_config.json lies beside config.json, and transformers loads that adapter without a word.

    `from_pretrained` looks for adapter_config.json in every directory when peft is installed, and lays the adapter
    over the model. Without peft the same directory gives the bare model: other scores on another machine.

    Example: a merged model saved into the directory in which its adapter already was: the change is applied twice.

    To mend it, move the adapter to a directory of its own and name it where it is wanted.
    """
    adapter = evidence.model.adapter
    if adapter is None or not (adapter.config_present and adapter.beside_model):
        return
    yield adapter_beside_model.finding(
        f"{CONFIG_FILE} lies beside config.json",
        path=evidence.model.files.path(CONFIG_FILE),
        evidence={
            "base_model_name_or_path": adapter.base_model_name_or_path,
            "tensors": None if adapter.tensors is None else len(adapter.tensors),
            "task_type": adapter.task_type,
        },
        fix="move the adapter's files to a directory of their own",
    )


RULES: tuple[Rule, ...] = (
    adapter_config_missing,
    adapter_weights_missing,
    adapter_base_unresolved,
    adapter_head_missing,
    adapter_beside_model,
)
