"""A PEFT adapter's files: adapter_config.json and the tensors beside it. Never unpickles adapter_model.bin."""

from collections.abc import Mapping
from typing import Any, Final

from resolver.inspection.fault import Fault, fault_of
from resolver.inspection.files import Listing
from resolver.inspection.heads import HeadFacts, find_head
from resolver.inspection.listed import is_readable, read_listed
from resolver.inspection.safetensors import HeaderFault, Tensor, read_header
from resolver.inspection.strict_json import JsonFile
from resolver.record import Record, field

CONFIG_FILE: Final = "adapter_config.json"
SAFETENSORS_FILE: Final = "adapter_model.safetensors"
PICKLE_FILE: Final = "adapter_model.bin"
STATE_DICTS: Final = (".pth", ".pt", ".bin")
MAX_CONFIG_BYTES: Final = 16 * 1024 * 1024


class AdapterFacts(Record):
    """What an adapter's files say; an attribute is None or empty where they say nothing of the right type.

    Attributes:
        config_present: adapter_config.json is there, whatever is in it.
        weights_file: adapter_model.safetensors, else adapter_model.bin, else None: the one that peft opens.
        beside_model: a config.json lies in the same directory.
        base_model_name_or_path: as written.
        peft_type, task_type: as written.
        r, lora_alpha: rank, and numerator of the scale.
        target_modules: names, or one pattern.
        target_parameters: names of parameters, where modules have no layer of their own (fused experts).
        modules_to_save: whole modules that are stored beside the low-rank ones.
        keys: the keys of adapter_config.json.
        rank_pattern: module name or pattern -> rank, where it differs from `r`.
        replicates: layers are laid over one another anew (`layer_replication`), so that more are named than stored.
        fan_in_fan_out: weights are stored as (in, out), as Conv1D of GPT-2 has them.
        tensors: by name, from a safetensors header; None where it could not be read or the weights are a pickle.
        head: the stored classifier head; None where there is none, or `tensors` is None.
        weights_fault: why the header of adapter_model.safetensors could not be read.
        faults: what else could not be read.
        opened: the files that a loader opens.
    """

    config_present: bool = False
    weights_file: str | None = None
    beside_model: bool = False
    base_model_name_or_path: str | None = None
    peft_type: str | None = None
    task_type: str | None = None
    r: int | None = None
    lora_alpha: float | None = None
    target_modules: tuple[str, ...] = ()
    target_parameters: tuple[str, ...] = ()
    modules_to_save: tuple[str, ...] = ()
    keys: frozenset[str] = frozenset()
    rank_pattern: Mapping[str, int] = field(default_factory=dict)
    replicates: bool = False
    fan_in_fan_out: bool = False
    tensors: Mapping[str, Tensor] | None = None
    head: HeadFacts | None = None
    weights_fault: HeaderFault | None = None
    faults: tuple[Fault, ...] = ()
    opened: tuple[str, ...] = ()


def read_adapter(files: Listing) -> AdapterFacts | None:
    """Read the adapter of a directory; raises nothing.

    Returns:
        None where neither adapter_config.json nor adapter_model.safetensors nor adapter_model.bin is there, and no
        lone state dict of LoRA tensors (`llama_3_finetuned_model.pth`) either.
    """
    weights_file = next((name for name in (SAFETENSORS_FILE, PICKLE_FILE) if files.get(name)), None)
    present = files.get(CONFIG_FILE) is not None
    if weights_file is None and not present:
        return _bare_state_dict(files)
    read = read_listed(files, CONFIG_FILE, max_bytes=MAX_CONFIG_BYTES) if present else JsonFile(value={})
    fault = fault_of(CONFIG_FILE, read)
    header = read_header(files.path(SAFETENSORS_FILE)) if is_readable(files, SAFETENSORS_FILE) else None
    tensors = None if header is None or isinstance(header, HeaderFault) else header.tensors
    return AdapterFacts(
        config_present=present,
        weights_file=weights_file,
        beside_model=files.get("config.json") is not None,
        tensors=tensors,
        head=None if tensors is None else find_head({name: tensor.shape for name, tensor in tensors.items()}),
        weights_fault=header if isinstance(header, HeaderFault) else None,
        faults=(fault,) if fault else (),
        opened=tuple(name for name in (CONFIG_FILE, weights_file) if name and files.get(name)),
        **(_fields(read.value) if read.is_object else {}),
    )


def _bare_state_dict(files: Listing) -> AdapterFacts | None:
    """What a training script saved: one torch file with LoRA tensors, in a directory that is no model."""
    if files.get("config.json") is not None:
        return None
    lone = [each.name for each in files.at_top() if each.name.endswith(STATE_DICTS) and each.content != "unread"]
    if len(lone) != 1:
        return None
    from resolver.inspection.state_dict import read_state_dict  # noqa: PLC0415 - few directories hold one

    found = read_state_dict(files.path(lone[0])).tensors
    if not any(".lora_A" in name for name in found):
        return None
    tensors = {name: Tensor(each.dtype, each.shape, 0, 0) for name, each in found.items()}
    head = find_head({name: each.shape for name, each in tensors.items()})
    return AdapterFacts(weights_file=lone[0], tensors=tensors, head=head)


def _fields(config: Mapping[str, Any]) -> dict[str, Any]:
    alpha = config.get("lora_alpha")
    return {
        "base_model_name_or_path": _text(config.get("base_model_name_or_path")),
        "peft_type": _text(config.get("peft_type")),
        "task_type": _text(config.get("task_type")),
        "r": config["r"] if type(config.get("r")) is int else None,
        "lora_alpha": alpha if type(alpha) in (int, float) else None,
        "target_modules": _texts(config.get("target_modules")),
        "target_parameters": _texts(config.get("target_parameters")),
        "modules_to_save": _texts(config.get("modules_to_save")),
        "keys": frozenset(config),
        "rank_pattern": {key: each for key, each in _mapping(config.get("rank_pattern")).items() if type(each) is int},
        "replicates": bool(config.get("layer_replication")),
        "fan_in_fan_out": config.get("fan_in_fan_out") is True,
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
